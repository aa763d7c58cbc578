//! A run of given arrivals, request by request.

use super::Simulation;
use crate::engine::moves::What;
use crate::engine::random::Stream;
use crate::schedule::Schedule;
use crate::stage::{Problem, Stage};
use crate::units::{Nanos, SECOND_NS};

/// How long the last requests may take. A stage that needs longer does not keep up, and nothing is learnt from waiting.
const PATIENCE_NS: Nanos = 60 * SECOND_NS;

/// The response time of each request of `schedule`; none for one that failed, or found no end within a minute.
///
/// The stage's own rate and mix are not used. The start of the schedule is moved by a random part of a second: a
/// measurement does not know where it began within the period of a processor's quota.
///
/// # Errors
/// Every rule that the stage breaks.
pub fn replay(stage: &Stage, schedule: &Schedule, seed: u64) -> Result<Vec<Option<Nanos>>, Vec<Problem>> {
    let delay = Nanos::from(Stream::new(seed, "schedule", "start").draw(0).below(SECOND_NS as u32));
    let schedule = schedule.delayed(delay);
    let arrivals = schedule.arrivals();
    let mut responses = vec![None; arrivals.len()];
    let Some(last) = arrivals.last().map(|arrival| arrival.at) else { return Ok(responses) };
    let mut stage = stage.clone();
    stage.workload.schedule = Some(schedule.clone());
    let mut simulation = Simulation::new(&stage, seed)?;
    simulation.watch(1);
    let mut moves = Vec::new();
    while simulation.now() <= last + PATIENCE_NS {
        simulation.run_until(simulation.now() + SECOND_NS);
        simulation.take_moves(&mut moves);
        for done in moves.drain(..).filter(|step| matches!(step.what, What::Done { .. })) {
            let request = done.request as usize;
            responses[request] = Some(done.at - arrivals[request].at);
        }
        if simulation.now() > last && simulation.counts().in_flight() == 0 {
            break;
        }
    }
    Ok(responses)
}
