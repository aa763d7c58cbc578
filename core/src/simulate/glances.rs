//! What the cards of a board show of their components, read from a run again and again.

use super::Simulation;
use crate::component::Metric;
use crate::component::glance::{Glance, Reader, pick};

/// Reads every component's [glances](crate::component::About::glance).
#[derive(Clone, Debug, Default)]
pub struct Glances(Vec<Reader>);

impl Glances {
    /// The figures as they are now: component after component, each kind's in its own order; not a number where there is
    /// none. What was counted before the last call counts `kept` times as much as what was counted since.
    pub fn read(&mut self, run: &Simulation, kept: f64) -> Vec<f32> {
        let components = &run.stage.components;
        let mut metrics: Vec<Vec<Vec<Metric>>> = vec![Vec::new(); components.len()];
        for (node, info) in run.nodes().enumerate() {
            metrics[info.component].push(run.metrics(node));
        }
        let now_s = run.now() as f64 / 1e9;
        let mut figures = Vec::new();
        for (component, copies) in components.iter().zip(&metrics) {
            for glance in component.settings.kind().about().glance {
                if self.0.len() == figures.len() {
                    self.0.push(Reader::default());
                }
                let reader = &mut self.0[figures.len()];
                figures.push(Self::figure(reader, glance, copies, now_s, kept));
            }
        }
        figures
    }

    fn figure(reader: &mut Reader, glance: &Glance, copies: &[Vec<Metric>], now_s: f64, kept: f64) -> f32 {
        let readings: Vec<_> = copies.iter().filter_map(|metrics| pick(metrics, glance.metric)).collect();
        reader.read(glance, &readings, now_s, kept).map_or(f32::NAN, |figure| figure as f32)
    }
}
