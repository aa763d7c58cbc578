//! A run that can be gone back in: what was done to it is kept, and done again at the same instant.
//!
//! Nothing of the run itself is kept. It is deterministic, so going back is running it again from the start, with what was
//! done to it in between, to the bit.

use super::Simulation;
use crate::stage::{FaultKind, Problem, Stage, Target};
use crate::units::{Duration, Nanos};

/// What somebody does to a run.
#[expect(missing_docs, reason = "a variant says what its fields are")]
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Other settings apply.
    Update(Box<Stage>),
    /// Something breaks, for a while or for good.
    Break { on: Target, kind: FaultKind, lasts: Option<Duration> },
    /// Everything that is broken is repaired.
    Mend,
}

#[derive(Clone, Debug)]
struct Done {
    at: Nanos,
    /// Events of the run before it, where the run stood in the midst of an instant; else all up to `at` came before.
    events: Option<u64>,
    deed: Deed,
}

/// A simulation with all that was done to it.
#[derive(Debug)]
pub struct Recording {
    first: Stage,
    seed: u64,
    simulation: Simulation,
    /// In order.
    done: Vec<Done>,
    /// How many of those the run has had.
    had: usize,
    /// Whether all that happens up to the clock's time has happened.
    whole: bool,
}

impl Recording {
    /// A run at time zero.
    ///
    /// # Errors
    /// Every rule that the stage breaks.
    pub fn new(stage: &Stage, seed: u64) -> Result<Self, Vec<Problem>> {
        let simulation = Simulation::new(stage, seed)?;
        Ok(Self { first: stage.clone(), seed, simulation, done: Vec::new(), had: 0, whole: false })
    }

    /// The run as it is now.
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// The run as it is now, to be looked at and watched. What is done to it here is not kept: see [`Self::act`].
    pub fn simulation_mut(&mut self) -> &mut Simulation {
        &mut self.simulation
    }

    /// Does something now. False, and nothing is done, when the run cannot [take it over](Simulation::update).
    ///
    /// In the past, faults that come later stay: the same accident under other settings is what one goes back for.
    /// Settings that were changed later do not, or they would undo what is done now.
    pub fn act(&mut self, deed: Deed) -> bool {
        let events = (!self.whole).then(|| self.simulation.events());
        if !self.apply(&deed) {
            return false;
        }
        if matches!(deed, Deed::Update(_)) {
            let mut place = 0;
            self.done.retain(|done| {
                place += 1;
                place <= self.had || !matches!(done.deed, Deed::Update(_))
            });
        }
        self.done.insert(self.had, Done { at: self.simulation.now(), events, deed });
        self.had += 1;
        self.done[self.had..].iter_mut().for_each(|later| later.events = None);
        true
    }

    /// Goes on to `until` and does on the way what was done then, but stops after about `most_events`. True when it got
    /// there.
    pub fn run_chunk(&mut self, until: Nanos, most_events: u64) -> bool {
        let last = self.simulation.events() + most_events;
        while let Some(&Done { at, events, .. }) = self.done.get(self.had).filter(|next| next.at <= until) {
            let had = self.simulation.events();
            let left = last.saturating_sub(had);
            let to_go = events.map_or(left, |events| events.saturating_sub(had).min(left));
            if to_go > 0 {
                self.whole = self.simulation.run_chunk(at, to_go);
            }
            let is_there = match events {
                Some(events) => self.simulation.events() >= events,
                None => self.whole && self.simulation.now() == at,
            };
            if !is_there {
                return false;
            }
            self.have_next();
        }
        let left = last.saturating_sub(self.simulation.events());
        if left > 0 {
            self.whole = self.simulation.run_chunk(until, left);
        }
        left > 0 && self.whole
    }

    /// Goes on to the next move, or to what was done next; see [`Simulation::step`].
    pub fn step(&mut self, horizon: Nanos) {
        let now = self.simulation.now();
        let next = self.done.get(self.had).filter(|next| next.at - now <= horizon);
        let Some(&Done { at, events, .. }) = next else {
            self.whole = !self.simulation.step(horizon);
            return;
        };
        let is_there = |run: &Self| events.is_some_and(|events| run.simulation.events() >= events);
        if !is_there(self) {
            self.whole = !self.simulation.step(at - now);
        }
        if self.whole || is_there(self) {
            self.have_next();
        }
    }

    /// Back to time zero; [`Self::run_chunk`] then does again what was done.
    ///
    /// # Errors
    /// None for a stage that has run before.
    pub fn rewind(&mut self) -> Result<(), Vec<Problem>> {
        self.simulation = Simulation::new(&self.first, self.seed)?;
        (self.had, self.whole) = (0, false);
        Ok(())
    }

    /// Does again what was done next.
    fn have_next(&mut self) {
        let deed = self.done[self.had].deed.clone();
        let events = (!self.whole).then(|| self.simulation.events());
        self.apply(&deed);
        self.done[self.had].events = events;
        self.had += 1;
    }

    fn apply(&mut self, deed: &Deed) -> bool {
        match deed {
            Deed::Update(stage) => return self.simulation.update(stage),
            Deed::Break { on, kind, lasts } => self.simulation.inject(on.clone(), *kind, *lasts),
            Deed::Mend => self.simulation.mend(),
        }
        true
    }
}
