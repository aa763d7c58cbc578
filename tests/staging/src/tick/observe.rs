//! The middleware around every endpoint: counts by class, bounds what is in flight, ends what takes too long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::problem::Problem;
use crate::plan::RequestClass;

/// How much Tick takes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission {
    pub(crate) in_flight_max: u32,
    pub(crate) request_timeout: Duration,
}

/// Counts the request out however it ends. A client that hangs up drops the handler's future, and this with it.
struct Entered<'a> {
    app: &'a App,
    class: RequestClass,
    answered: bool,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.app.metrics.leave();
        if !self.answered {
            self.app.metrics.abandoned(self.class);
        }
    }
}

pub(crate) async fn observe(
    State((app, class)): State<(Arc<App>, RequestClass)>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    // A monitor must get its answer above all when Tick is full.
    let limit = if class == RequestClass::Probe { u32::MAX } else { app.admission.in_flight_max };
    if !app.metrics.enter(limit) {
        let problem = Problem::overloaded("too many requests are in flight").into_response();
        app.metrics.answered(class, problem.status(), started.elapsed());
        return problem;
    }
    let mut entered = Entered { app: &app, class, answered: false };
    let response = match tokio::time::timeout(app.admission.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::overloaded("the request took too long").into_response(),
    };
    entered.answered = true;
    app.metrics.answered(class, response.status(), started.elapsed());
    response
}
