//! What of a crowd is to be seen.
//!
//! Two thousand requests on a few arrows lie on one another. Of the shapes of one kind whose centres are in the same pixel
//! only the first is drawn: the others would cover what it covers. Nothing is left out of any count.

use super::layout::Point;

/// The pixels of a board, and whether a shape has its centre there.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    across: usize,
    taken: Vec<bool>,
}

impl Crowd {
    /// Makes room for a board of this size.
    pub(crate) fn fit(&mut self, width: f64, height: f64) {
        self.across = width as usize + 1;
        self.taken.clear();
        self.taken.resize(self.across * (height as usize + 1), false);
    }

    /// Leaves the first of the shapes of one kind in each pixel.
    pub(crate) fn thin(&mut self, points: &mut Vec<Point>) {
        let Self { across, taken } = self;
        let pixel = |point: &Point| point.y as usize * *across + (point.x as usize).min(*across - 1);
        points.retain(|point| !taken.get_mut(pixel(point)).is_some_and(|taken| std::mem::replace(taken, true)));
        for point in points {
            if let Some(taken) = taken.get_mut(pixel(point)) {
                *taken = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_shape_of_a_kind_is_left_in_each_pixel_and_the_next_kind_begins_anew() {
        let mut crowd = Crowd::default();
        crowd.fit(30.0, 20.0);
        let at = |x, y| Point { x, y };
        let all = vec![at(3.2, 4.9), at(3.9, 4.1), at(4.0, 4.1), at(3.2, 5.0), at(30.0, 20.0), at(500.0, 500.0)];
        for _ in 0..2 {
            let mut points = all.clone();
            crowd.thin(&mut points);
            assert_eq!(points, [all[0], all[2], all[3], all[4], all[5]]);
        }
    }
}
