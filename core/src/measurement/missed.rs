//! Steps that a run went on without, and which step of the plan each step of a file is.

use serde::{Deserialize, Serialize};

use super::Results;

/// A step of the plan that was not measured, though the run went on past it: its time had come and gone. Of merged results,
/// a step that some shard did not finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missed {
    /// Its number in the plan, counted from 1.
    pub step: usize,
    /// Why, in words.
    pub reason: String,
}

impl Results {
    /// How many steps of the plan were measured or missed: the next one's index.
    pub const fn reached(&self) -> usize {
        self.steps.len().saturating_add(self.missed.len())
    }

    /// The number in the plan of each step of the file, counted from 1.
    pub fn planned(&self) -> impl Iterator<Item = usize> {
        (1..=self.reached()).filter(|number| self.missed.binary_search_by_key(number, |missed| missed.step).is_err())
    }

    /// What a reader of the figures must know: that the run did not come to its end, and which steps are not there.
    pub fn remarks(&self) -> Vec<String> {
        let ended = self.ended.early().map(|how| format!("the run {how}; only the steps that were finished are here"));
        ended.into_iter().chain(self.missed_remarks()).collect()
    }

    /// What a reader of the figures must know of the steps that are not there: everything else speaks of the file's own
    /// numbers.
    pub fn missed_remarks(&self) -> Vec<String> {
        if self.missed.is_empty() {
            return Vec::new();
        }
        let here: Vec<String> = self.planned().map(|number| number.to_string()).collect();
        let first = match here.as_slice() {
            [] => "no step of the plan is here".to_owned(),
            [only] => format!("of the plan's steps only {only} is here"),
            [all @ .., last] => {
                format!("of the plan only steps {} and {last} are here, numbered 1 to {}", all.join(", "), here.len())
            }
        };
        let each =
            self.missed.iter().map(|missed| format!("step {} of the plan is not: {}", missed.step, missed.reason));
        std::iter::once(first).chain(each).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{Ended, Generator, SCHEMA, Step};
    use crate::workload::Arrivals;

    fn results(steps: usize, missed: &[usize]) -> Results {
        let step = Step { measured_s: 1.0, ..Step::default() };
        Results {
            schema: SCHEMA,
            generator: Generator { name: String::new(), processors: 1, users: 1 },
            started: String::new(),
            host: String::new(),
            seed: 1,
            arrivals: Arrivals::Poisson,
            plan: None,
            shard: None,
            merged: Vec::new(),
            ended: Ended::Complete,
            missed: missed.iter().map(|step| Missed { step: *step, reason: "late".to_owned() }).collect(),
            steps: vec![step; steps],
        }
    }

    #[test]
    fn steps_keep_their_numbers_of_the_plan() {
        let planned = |steps, missed: &[usize]| results(steps, missed).planned().collect::<Vec<_>>();
        assert_eq!(planned(3, &[]), [1, 2, 3]);
        assert_eq!(planned(3, &[1, 3]), [2, 4, 5]);
        assert_eq!(planned(0, &[1, 2]), []);
        let remarks = results(3, &[1, 3]).missed_remarks();
        assert_eq!(remarks[0], "of the plan only steps 2, 4 and 5 are here, numbered 1 to 3");
        assert_eq!(remarks[1..], ["step 1 of the plan is not: late", "step 3 of the plan is not: late"]);
        assert!(results(3, &[]).missed_remarks().is_empty() && results(3, &[]).remarks().is_empty());
        let stopped = Results { ended: Ended::Stopped("the server does not keep up".to_owned()), ..results(3, &[1]) };
        let remarks = stopped.remarks();
        assert_eq!(
            remarks[0],
            "the run was stopped: the server does not keep up; only the steps that were finished are here"
        );
        assert!(remarks.len() > 1, "{remarks:?}");
    }

    #[test]
    fn steps_that_cannot_have_been_missed_are_refused() {
        assert!(results(1, &[1, 2]).check().is_ok());
        for missed in [&[0][..], &[3], &[2, 2], &[2, 1]] {
            let error = results(1, missed).check().unwrap_err();
            assert!(error.path.starts_with("missed["), "{missed:?}: {error}");
        }
    }
}
