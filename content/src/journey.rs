//! The journey: every stage there will be, whether or not its lesson is written.

use serde::Deserialize;

use crate::builtin;
use crate::fields::Fields;
use crate::problem::{FileErrors, Problems};
use crate::stage::parse;

/// A stage of the journey.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    /// Its folder and address: `01-single-server`.
    pub(crate) slug: String,
    /// Its title on the map.
    pub(crate) title: String,
    /// Daily users, as a reader sees them: `1 to 1,000`.
    pub(crate) users: String,
    /// Daily users at its end.
    pub(crate) daily_users: f64,
    /// What broke.
    pub(crate) broke: String,
}

impl Stop {
    /// Its number on the journey: `09`.
    pub(crate) fn number(&self) -> &str {
        self.slug.split('-').next().unwrap_or_default()
    }

    /// Whether its lesson is written.
    pub(crate) fn has_lesson(&self) -> bool {
        builtin::text(&self.slug, "lesson.md").is_some()
    }
}

/// Every stage in order.
pub(crate) fn stops() -> Result<Vec<Stop>, FileErrors> {
    let (text, file) = (include_str!("../journey.toml"), "content/journey.toml");
    let mut problems = Problems::default();
    let stops = parse(text, &mut problems).and_then(|document| {
        let top = Fields::new(document.get_ref(), 0..0, "");
        top.only(&["stage"], &mut problems);
        top.required::<Vec<Stop>>("stage", "[[stage]] tables", &mut problems)
    });
    stops.map_err(|_| problems.into_errors(file, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journey_has_its_21_stages_in_order_and_users_never_fall() {
        let stops = stops().unwrap();
        let numbers: Vec<String> = stops.iter().map(|stop| stop.number().to_owned()).collect();
        let expected: Vec<String> = (1..=21).map(|number| format!("{number:02}")).collect();
        assert_eq!(numbers, expected);
        assert!(stops.windows(2).all(|pair| pair[0].daily_users <= pair[1].daily_users));
    }

    #[test]
    fn every_stage_that_is_built_in_is_on_the_journey() {
        let stops = stops().unwrap();
        for slug in builtin::slugs() {
            assert!(stops.iter().any(|stop| stop.slug == *slug), "{slug}");
        }
    }
}
