//! The engine and the tight loop as native programs.

use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::SECOND_NS;
use hockeystick_probe::tight::Tight;
use hockeystick_probe::workloads::{workload_a, workload_b};

use crate::{Case, Contestant, Which};

/// The stage of a case.
pub(crate) fn stage(case: &Case) -> Stage {
    match case.which {
        Which::A => workload_a(),
        Which::B => workload_b(),
        Which::Stage21 => {
            let stage = hockeystick_content::builtin::stage("21-ten-million").expect("a stage of the journey");
            stage.expect("a test holds that it breaks no rule")
        }
    }
}

/// The engine, and where there is one the tight loop.
pub(crate) fn contestants(case: &Case) -> Vec<Box<dyn Contestant>> {
    let run = Simulation::new(&stage(case), 1).expect("it breaks no rule");
    let mut contestants: Vec<Box<dyn Contestant>> = vec![Box::new(run)];
    match case.which {
        Which::A => contestants.push(Box::new(Tight::a(1))),
        Which::B => contestants.push(Box::new(Tight::b(1))),
        Which::Stage21 => {}
    }
    contestants
}

fn ns(seconds: f64) -> u64 {
    (seconds * SECOND_NS as f64) as u64
}

impl Contestant for Simulation {
    fn advance(&mut self, until_s: f64) -> u64 {
        self.run_until(ns(until_s));
        self.events()
    }
}

impl Contestant for Tight {
    fn advance(&mut self, until_s: f64) -> u64 {
        self.run_until(ns(until_s));
        self.events()
    }
}
