//! Where on the board a new component finds room.

use super::{Spot, Stage};
use crate::component::Kind;

/// Room that a component takes with the arrows around it, in board units.
const ROOM: (f32, f32) = (140.0, 112.0);

impl Stage {
    /// Where the centre of a new component of this kind goes when it is put at a spot: between the ends of a link that it
    /// stands in the way of, else beside what it is connected with, where there is room.
    pub fn place_for(&self, kind: Kind, spot: Spot) -> [f32; 2] {
        let at = |index: usize| self.components.get(index).map_or([400.0, 200.0], |it| it.at);
        let middle = |a: [f32; 2], b: [f32; 2]| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
        let wiring = self.wiring(kind, spot).unwrap_or_default();
        match spot {
            Spot::Link(index) => {
                let ends = self.links.get(index).map_or((0, 0), |link| (link.from, link.to));
                let middle = middle(at(ends.0), at(ends.1));
                let in_the_way = wiring.links.iter().any(|link| link.from == ends.0)
                    && wiring.links.iter().any(|link| link.to == ends.1);
                if in_the_way && wiring.gone.contains(&index) { middle } else { self.free_near([middle, at(ends.1)]) }
            }
            Spot::Component(index) => match wiring.gone.first().and_then(|link| self.links.get(*link)) {
                Some(link) => middle(at(link.from), at(link.to)),
                None => self.free_near([[at(index)[0] + ROOM.0, at(index)[1]], at(index)]),
            },
            Spot::Board => {
                let lowest = self.components.iter().map(|it| it.at[1]).fold(100.0, f32::max);
                self.free_near([[400.0, lowest], [400.0, lowest]])
            }
        }
    }

    /// The nearest place with room around one of these points: above and below first.
    fn free_near(&self, points: [[f32; 2]; 2]) -> [f32; 2] {
        let is_free = |at: &[f32; 2]| {
            (60.0..=740.0).contains(&at[0])
                && self
                    .components
                    .iter()
                    .all(|it| (it.at[0] - at[0]).abs() >= ROOM.0 || (it.at[1] - at[1]).abs() >= ROOM.1)
        };
        let rings = (0..12).map(|ring| 60.0 * ring as f32);
        let around = rings.flat_map(|far| {
            let sides =
                [(0.0, far), (0.0, -far), (far, 0.0), (-far, 0.0), (far, far), (-far, far), (far, -far), (-far, -far)];
            sides.into_iter().flat_map(|(dx, dy)| points.map(|[x, y]| [x + dx, y + dy])).collect::<Vec<_>>()
        });
        around.into_iter().find(is_free).unwrap_or(points[0])
    }
}
