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

    /// Where there is room beside a component.
    pub fn place_beside(&self, component: usize) -> Option<[f32; 2]> {
        let at = self.components.get(component)?.at;
        Some(self.free_near([at, at]))
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

    /// Puts everything in order: columns by the number of calls from the users, and in each column whoever is called
    /// from above stands above.
    pub fn tidy(&mut self) {
        let columns = self.columns();
        let last = columns.iter().copied().max().unwrap_or(0);
        let mut heights: Vec<f32> = self.components.iter().map(|it| it.at[1]).collect();
        let mut order: Vec<Vec<usize>> = vec![Vec::new(); last + 1];
        for (index, column) in columns.iter().enumerate() {
            order[*column].push(index);
        }
        // A few sweeps of the barycentre method (Sugiyama, Tagawa & Toda, 1981) leave few arrows crossed.
        for _ in 0..4 {
            for column in &mut order {
                let centre = |index: usize| {
                    let ends = self.links.iter().filter_map(|link| match (link.from == index, link.to == index) {
                        (true, _) => Some(link.to),
                        (_, true) => Some(link.from),
                        _ => None,
                    });
                    let (sum, count) = ends.fold((0.0, 0), |(sum, count), end| (sum + heights[end], count + 1));
                    if count == 0 { heights[index] } else { sum / count as f32 }
                };
                // By insertion: a column holds a handful, and a page would have to download the library's sort.
                let mut sorted: Vec<(f32, usize)> = Vec::with_capacity(column.len());
                for &index in column.iter() {
                    let key = centre(index);
                    sorted.insert(sorted.partition_point(|(other, _)| *other <= key), (key, index));
                }
                *column = sorted.into_iter().map(|(_, index)| index).collect();
                let total: f32 = column.iter().map(|index| self.height(*index)).sum();
                let mut top = 235.0 - total / 2.0;
                for &index in column.iter() {
                    let height = self.height(index);
                    heights[index] = top + height / 2.0;
                    top += height;
                }
            }
        }
        let step = 640.0 / (last as f32).max(1.0);
        for (index, component) in self.components.iter_mut().enumerate() {
            component.at = [80.0 + step * columns[index] as f32, heights[index]];
        }
    }

    /// What a component takes of its column, with a gap: those that show their workers are higher.
    fn height(&self, index: usize) -> f32 {
        match self.kind(index) {
            Some(Kind::AppServer) => 186.0,
            Some(Kind::Database) => 150.0,
            _ => 130.0,
        }
    }

    /// The column of each component: calls that lie between it and the users, the most where there are several ways. What
    /// acts on its own stands with what it looks after.
    fn columns(&self) -> Vec<usize> {
        let kind = |index: usize| self.kind(index);
        let rows = |index: usize| kind(index).is_some_and(Kind::keeps_rows);
        let on_its_own = |index: usize| kind(index).is_some_and(|kind| kind.about().origin && kind != Kind::Clients);
        let mut columns = vec![0; self.components.len()];
        // No way is longer than there are components.
        for _ in 0..self.components.len() {
            for link in &self.links {
                let replicates = rows(link.from) && rows(link.to) && kind(link.from) != Some(Kind::Shards);
                if !on_its_own(link.from) && !replicates {
                    columns[link.to] = columns[link.to].max(columns[link.from] + 1).min(self.components.len());
                }
            }
        }
        for index in (0..columns.len()).filter(|index| on_its_own(*index)) {
            let watched = self.links.iter().filter(|link| link.from == index).map(|link| columns[link.to]);
            columns[index] = watched.min().unwrap_or(0);
        }
        columns
    }
}
