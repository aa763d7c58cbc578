//! What of a crowd is to be seen.
//!
//! Two thousand requests on a few arrows lie on one another. Of the shapes of one kind whose centres are in the same pixel
//! only the first is drawn: the others would cover what it covers. A large crowd is a band without gaps, which stays one
//! when a shape is left for each few pixels of its length. Nothing is left out of any count.

use super::layout::Point;

/// Shapes of one kind that are a large crowd.
const LARGE: usize = 100;
/// Side of the square in which one of them is left. A dot is three times as wide: of the band's edge a fifth of a pixel is
/// gone between two of them.
const LARGE_PX: f64 = 2.5;

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

    /// Leaves the first of the shapes of one kind in each pixel, of a large crowd in each square.
    pub(crate) fn thin(&mut self, points: &mut Vec<Point>) {
        let Self { across, taken } = self;
        let side_px = if points.len() < LARGE { 1.0 } else { LARGE_PX };
        let at = |px: f64| (px / side_px) as usize;
        let pixel = |point: &Point| at(point.y) * *across + at(point.x).min(*across - 1);
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

    #[test]
    fn a_large_crowd_stays_a_band_without_gaps_and_without_those_that_make_it_no_wider() {
        let mut crowd = Crowd::default();
        crowd.fit(300.0, 20.0);
        for count in [150, 400, 4000] {
            let mut points: Vec<Point> =
                (0..count).map(|n| Point { x: 290.0 * f64::from(n) / f64::from(count), y: 9.5 }).collect();
            crowd.thin(&mut points);
            assert!(points.len() <= 150, "{count}: {}", points.len());
            let gap = points.windows(2).map(|pair| pair[1].x - pair[0].x).fold(0.0, f64::max);
            // A dot is eight pixels wide.
            assert!(gap < 5.5, "{count}: {gap} px");
        }
    }
}
