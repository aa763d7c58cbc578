//! Thresholds: what a deployment must keep while it is measured, such as `p95 < 200 ms`. No [`Objective`], though written
//! alike: it is never asked of a model, so it may be of one class, any percentile, and for a time.
//!
//! [`Objective`]: hockeystick_core::objective::Objective

use std::fmt;
use std::str::FromStr;

use hockeystick_core::objective::{read_share, split};
use hockeystick_core::units::Duration;
use hockeystick_core::workload::Class;

/// A limit on a figure, and how long it may be passed before the run stops.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// Only requests of this class; all where there is none.
    pub class: Option<Class>,
    /// What is limited.
    pub figure: Figure,
    /// The limit: microseconds, or a share.
    pub limit: f64,
    /// Seconds in a row that must pass the limit.
    pub seconds: u32,
    /// As the plan says it.
    text: String,
}

/// A figure that a threshold limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Mean response time.
    Mean,
    /// The response time that this share of requests keeps.
    Quantile(f64),
    /// Share of requests that fail.
    Errors,
}

/// Seconds in a row, where a threshold does not say.
const SECONDS: u32 = 3;

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Threshold {
    type Err = String;

    /// Reads `[CLASS] FIGURE < LIMIT [for S s]`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (figure, limit) = split(text).ok_or("there is no `<` in it")?;
        let (limit, seconds) = match limit.split_once(" for ") {
            None => (limit, SECONDS),
            Some((limit, time)) => (limit, read_seconds(time)?),
        };
        let (class, figure) = match figure.split_once(char::is_whitespace) {
            None => (None, figure),
            Some((class, figure)) => {
                let class = Class::from_name(class).ok_or_else(|| format!("`{class}` is no class of request"))?;
                (Some(class), figure.trim())
            }
        };
        let figure = read_figure(figure)?;
        let limit = match figure {
            Figure::Errors => {
                read_share(limit).ok_or_else(|| format!("`{}` is no share, such as 1 %", limit.trim()))?
            }
            _ => limit.trim().parse::<Duration>().map_err(|error| error.to_string())?.as_secs_f64() * 1e6,
        };
        if limit <= 0.0 {
            return Err("nothing stays below that limit".to_owned());
        }
        Ok(Self { class, figure, limit, seconds, text: text.trim().to_owned() })
    }
}

fn read_figure(text: &str) -> Result<Figure, String> {
    match text {
        "errors" => return Ok(Figure::Errors),
        "mean" => return Ok(Figure::Mean),
        _ => {}
    }
    let percent = text.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok());
    match percent.filter(|percent| *percent > 0.0 && *percent < 100.0) {
        Some(percent) => Ok(Figure::Quantile(percent / 100.0)),
        None => Err(format!("`{text}` is no figure: mean, errors, or a percentile such as p95 or p99.9")),
    }
}

fn read_seconds(text: &str) -> Result<u32, String> {
    let seconds = text.trim().parse::<Duration>().map_err(|error| error.to_string())?.as_secs_f64();
    if (1.0..=3600.0).contains(&seconds) {
        Ok(seconds.round() as u32)
    } else {
        Err(format!("{seconds} s is out of range: 1 s to 1 h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_threshold_is_read_with_its_parts() {
        let threshold: Threshold = "read p99.9 < 1.5 s for 10 s".parse().unwrap();
        assert_eq!((threshold.class, threshold.seconds), (Some(Class::Read), 10));
        assert!((threshold.limit - 1.5e6).abs() < 1e-3);
        assert!(matches!(threshold.figure, Figure::Quantile(q) if (q - 0.999).abs() < 1e-12));
        assert_eq!(threshold.to_string(), "read p99.9 < 1.5 s for 10 s");
        for text in ["errors<1%", "errors <= 1 %"] {
            let errors: Threshold = text.parse().unwrap();
            assert!((errors.limit - 0.01).abs() < 1e-12 && errors.seconds == 3);
        }
        for text in [
            "errors < 0",
            "p95 < 0 s",
            "p95 > 1 s",
            "p95 < fast",
            "p0 < 1 s",
            "errors < 2",
            "browse p95 < 1 s",
            "mean < 1 s for 0 s",
            "",
        ] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(read |p[0-9.]{0,5}|errors|mean| <|[0-9.]{1,4}|%| for | s){0,8}|.*") {
            if let Ok(threshold) = text.parse::<Threshold>() {
                prop_assert!(threshold.limit.is_finite() && threshold.seconds >= 1);
            }
        }
    }
}
