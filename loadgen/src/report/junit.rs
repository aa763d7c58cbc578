//! The verdict as JUnit's XML, which every continuous integration shows: a suite a step, a case a figure. What disagrees
//! has failed; what was not decided, or is only reported, was skipped, and says why.

use std::time::Duration;

use hockeystick_core::judge::JudgedStep;
use hockeystick_core::verdict::{Comparison, Verdict};
use miette::{IntoDiagnostic, Report, WrapErr};
use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::findings::Findings;
use crate::table::{interval, number, percent};

/// The XML.
///
/// # Errors
/// When it cannot be written, which would be a fault of this program.
pub fn render(findings: &Findings<'_>) -> Result<String, Report> {
    let mut report = Junit::new("loadgen check");
    for step in &findings.judgement.steps {
        let name = format!("step {}: {}/s", step.index + 1, number(step.offered_per_s));
        let mut suite = TestSuite::new(name);
        let measured_s = findings.results.steps.get(step.index).map_or(0.0, |step| step.measured_s);
        suite.set_time(Duration::try_from_secs_f64(measured_s).unwrap_or_default());
        suite.add_test_cases(step.comparisons.iter().map(|comparison| case(step, comparison)));
        let said = step.doubts.iter().map(|doubt| format!("doubt: {}", doubt.message));
        let said: Vec<String> = said.chain(step.finding.iter().map(|finding| format!("found: {finding}"))).collect();
        if !said.is_empty() {
            suite.set_system_out(said.join("\n"));
        }
        report.add_test_suite(suite);
    }
    let mut summary = TestSuite::new("conclusion");
    let mut case = TestCase::new("all steps", status(findings.judgement.verdict, &findings.judgement.conclusion()));
    case.set_classname("loadgen.check").set_system_out(findings.sentences().join("\n"));
    summary.add_test_case(case);
    report.add_test_suite(summary);
    report.to_string().into_diagnostic().wrap_err("cannot write the JUnit report")
}

fn case(step: &JudgedStep, comparison: &Comparison) -> TestCase {
    let Comparison { metric, predicted, measured, error, tolerance, verdict } = comparison;
    let unit = metric.unit();
    let within =
        tolerance.map_or_else(|| "no tolerance is set".to_owned(), |share| format!("within {:.0} %", share * 100.0));
    let figures = format!(
        "predicted {} {unit}, measured {} {unit}, error {} (90 % interval {} to {}), {within}",
        number(predicted.value),
        interval(*measured),
        percent(error.value),
        percent(error.low),
        percent(error.high)
    );
    let status = match step.doubts.first() {
        Some(doubt) => skipped(&format!("in doubt: {}; {figures}", doubt.message)),
        None => status(*verdict, &figures),
    };
    let mut case = TestCase::new(metric.name(), status);
    case.set_classname(format!("loadgen.check.step{}", step.index + 1)).set_system_out(figures);
    case
}

fn status(verdict: Verdict, message: &str) -> TestCaseStatus {
    match verdict {
        Verdict::Agrees => TestCaseStatus::success(),
        Verdict::Disagrees => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failed.set_type("disagrees").set_message(message);
            failed
        }
        Verdict::Inconclusive => skipped(&format!("inconclusive: {message}")),
        Verdict::Reported => skipped(&format!("reported only: {message}")),
    }
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut skipped = TestCaseStatus::skipped();
    skipped.set_message(message);
    skipped
}
