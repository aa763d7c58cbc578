//! Response time over load: the hockey stick.

use super::network::Network;
use super::solve::{Solver, amplify};
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

/// What a request asks hangs on the rate only through hit ratios and look-ups, and slowly: the network is built anew when
/// the rate has changed by more than this factor.
const REBUILT: f64 = 1.3;

/// Mean response time over load, faults left out. Cheap: some microseconds a point, a few milliseconds where caches are worked out.
pub fn response_curve(stage: &Stage, rates_per_s: &[f64]) -> Vec<CurvePoint> {
    let mut built = Network::bare(stage, rates_per_s.first().copied().unwrap_or(0.0));
    let mut built_at = rates_per_s.first().copied().unwrap_or(0.0);
    let point = |rate_per_s: &f64| {
        let near = *rate_per_s < built_at * REBUILT && *rate_per_s * REBUILT > built_at;
        if !near {
            built = Network::bare(stage, *rate_per_s);
            built_at = *rate_per_s;
        }
        built.rate_per_s = *rate_per_s * (1.0 - built.down);
        amplify(&mut built);
        let solver = Solver::new(&built);
        let load = solver.loads.iter().copied().fold(0.0, f64::max);
        CurvePoint { rate_per_s: *rate_per_s, mean_ms: solver.mean_ms(), load }
    };
    rates_per_s.iter().map(point).collect()
}
