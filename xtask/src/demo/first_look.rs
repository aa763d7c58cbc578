//! What a request of each class costs, from the results of the first look.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::STATION;
use super::plan::CLASSES;

/// Seconds of processor time of one request, by class. The results have one step for each.
pub(super) fn demands_s(results: &str) -> Result<[f64; 4]> {
    let results: Value = serde_json::from_str(results).context("loadgen wrote no JSON")?;
    let mut demands_s = [0.0; 4];
    for (index, (class, ..)) in CLASSES.iter().enumerate() {
        let class = class.as_str();
        let number = |field: &str| number(&results, &format!("/steps/{index}/{field}"));
        let processors =
            number(&format!("stations/{STATION}/busy_s"))? / number(&format!("stations/{STATION}/elapsed_s"))?;
        let per_s = number(&format!("classes/{class}/answered"))? / number("measured_s")?;
        if !(processors > 0.0 && per_s > 0.0) {
            bail!("the first look saw no work done for requests of class {class}");
        }
        demands_s[index] = processors / per_s;
    }
    Ok(demands_s)
}

/// What is at a JSON pointer (RFC 6901).
fn number(results: &Value, pointer: &str) -> Result<f64> {
    let value = results.pointer(pointer).and_then(Value::as_f64);
    value.with_context(|| format!("loadgen's results have no number at {pointer}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn results() -> Value {
        let steps = CLASSES.map(|(class, ..)| {
            json!({
                "measured_s": 2.0,
                "stations": { STATION: { "busy_s": 0.3, "elapsed_s": 3.0 } },
                "classes": { class.as_str(): { "answered": 100 } },
            })
        });
        json!({ "steps": steps })
    }

    #[test]
    fn a_request_costs_the_processors_that_were_busy_over_the_answers_a_second() {
        for demand_s in demands_s(&results().to_string()).unwrap() {
            assert!((demand_s - 0.002).abs() < 1e-12, "{demand_s}");
        }
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        let mut results = results();
        results["steps"][2]["classes"] = json!({});
        let error = demands_s(&results.to_string()).unwrap_err().to_string();
        assert_eq!(error, "loadgen's results have no number at /steps/2/classes/write/answered");
        results["steps"][0]["stations"][STATION]["busy_s"] = json!(0.0);
        let error = demands_s(&results.to_string()).unwrap_err().to_string();
        assert_eq!(error, "the first look saw no work done for requests of class static");
    }
}
