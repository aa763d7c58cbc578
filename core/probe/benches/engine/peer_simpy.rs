//! The same workloads in SimPy, where Python has it.

use std::process::Command;

use hockeystick_probe::workloads::{A, A_EVENTS, B_HIT_EVENTS, B_MISS_EVENTS, B_SLICES, WORKLOAD_B};

use crate::{Case, Figure, ROUNDS, Which};

const SCRIPT: &str = include_str!("peer_simpy.py");

/// SimPy's best round.
pub(crate) fn measure(case: &Case) -> Result<Figure, String> {
    // Some two hundred times as slow: less simulated time says as much.
    let round_s = case.round_s / 200.0;
    let given = match case.which {
        Which::B => {
            let b = WORKLOAD_B;
            format!(
                r#"{{"rate_per_s":{},"hits":{},"apps":[{},{}],"replicas":[{},{}],"demand_ms":{:?},"slices":{B_SLICES},
                "events":[{B_HIT_EVENTS},{B_MISS_EVENTS}],"round_s":{round_s},"rounds":{ROUNDS}}}"#,
                b.rate_per_s, b.hits, b.apps.0, b.apps.1, b.replicas.0, b.replicas.1, b.demand_ms
            )
        }
        _ => format!(
            r#"{{"rate_per_s":{},"demand_ms":[{}],"events":[{A_EVENTS}],"round_s":{round_s},"rounds":{ROUNDS}}}"#,
            A.0, A.1
        ),
    };
    let output = Command::new("python3").args(["-c", SCRIPT, &given]).output();
    let output = output.map_err(|_| "skipped: no python3".to_owned())?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        let missing = error.contains("No module named 'simpy'");
        return Err(if missing {
            "skipped: Python has no SimPy (pip install simpy)".into()
        } else {
            error.into_owned()
        });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().flat_map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(millions), Some(real_time)) => Ok(Figure { millions, real_time, memory: None }),
        _ => Err(format!("no figures: {text}")),
    }
}
