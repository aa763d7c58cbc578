//! Response time over load: the hockey stick.

use super::network::Network;
use super::solve::Solver;
use crate::stage::Stage;

/// What theory says at one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Requests a second that users send.
    pub rate_per_s: f64,
    /// Mean response time in milliseconds; none where theory has no answer. Past saturation it is that
    /// of the requests that full doors let in.
    pub mean_ms: Option<f64>,
    /// Load of the busiest station: one is saturation.
    pub load: f64,
}

/// Mean response time over load, faults left out. Cheap: some microseconds a point.
pub fn response_curve(stage: &Stage, rates_per_s: &[f64]) -> Vec<CurvePoint> {
    let point = |rate_per_s: &f64| {
        let network = Network::at(stage, *rate_per_s);
        let solver = Solver::new(&network);
        let load = solver.loads.iter().copied().fold(0.0, f64::max);
        CurvePoint { rate_per_s: *rate_per_s, mean_ms: solver.mean_ms(), load }
    };
    rates_per_s.iter().map(point).collect()
}
