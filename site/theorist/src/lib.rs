//! The worker that knows queueing theory: the curves of a page, once a reader has changed what they are of.
//!
//! Until then the page's HTML says them. So theory, a good part of the model's code, is loaded by those who play.

use hockeystick_core::theory::{MeanCurve, solve};
use hockeystick_protocol::{Answer, Finding, Order, Port, Question};
use wasm_bindgen::prelude::*;

/// Starts to listen. Called once, in the worker.
#[wasm_bindgen]
pub fn start_worker() {
    let port = Port::of_this_worker();
    let answers = port.clone();
    port.listen(move |order| {
        if let Order::Ask { job, question } = order {
            answers.answer(&Answer::Found { job, finding: Box::new(find(&question)) });
        }
    });
}

fn find(question: &Question) -> Result<Finding, String> {
    match question {
        Question::Solve { stage } => Ok(Finding::Outcome(Box::new(solve(stage)))),
        Question::Means { stage, reach_per_s, before_per_s } => {
            Ok(Finding::Means(MeanCurve::of(stage, *reach_per_s, *before_per_s)))
        }
        Question::Run { .. } => Err("Theory runs nothing.".to_owned()),
    }
}
