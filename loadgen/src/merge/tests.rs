//! What merging keeps, and what it refuses.

use super::*;
use hockeystick_core::measurement::{BusyTime, Distribution, Neighbours, Part, Slice};
use hockeystick_core::schedule::{Arrival, Schedule};
use hockeystick_core::workload::{Arrivals, Class};
use proptest::prelude::*;

use crate::run::Failure;
use crate::run::record::{Recorder, SLICES, Sample, Window};
use crate::slices::SliceTimes;

const WINDOW: Window = Window { from_ns: 1_000_000_000, to_ns: 3_000_000_000 };

/// What a shard writes of a step in which it saw these samples; the others' files say the same of all.
fn step(samples: &[Sample], disturbed: &[bool; SLICES]) -> Step {
    let mut recorder = Recorder::new(WINDOW);
    for sample in samples {
        recorder.begin(sample.class, sample.due_ns);
        recorder.record(sample);
    }
    let figures = recorder.finish(None, disturbed);
    let part = |times: &SliceTimes| Part {
        lag: times.lag.distribution(),
        response: times.response.distribution(),
        in_flight: samples.len() as f64,
    };
    let arrival = |sample: &Sample| Arrival { at: sample.due_ns, class: sample.class };
    let mut arrivals: Vec<_> = samples.iter().map(arrival).collect();
    arrivals.sort_by_key(|arrival| arrival.at);
    Step {
        rate_per_s: 50.0,
        warm_up_s: 1.0,
        measured_s: 2.0,
        window_from: Some("2026-03-01T10:00:01.000Z".to_owned()),
        in_flight: samples.len() as f64,
        generator_cpus: 0.25,
        schedule: Some(Schedule::new(arrivals).text()),
        parts: recorder.slices().iter().map(part).collect(),
        ..figures.step()
    }
}

fn file(number: u32, of: u32, steps: Vec<Step>) -> File {
    let results = Results {
        schema: SCHEMA,
        generator: Generator { name: "loadgen 1".to_owned(), processors: 2, users: 8 },
        started: "2026-03-01T09:59:58Z".to_owned(),
        host: "http://10.0.0.1".to_owned(),
        seed: 7,
        arrivals: Arrivals::Poisson,
        plan: Some("cafe".to_owned()),
        shard: Some(Shard { number, of, machine: format!("machine {}", number.div_ceil(2)), start_at: None }),
        merged: Vec::new(),
        missed: Vec::new(),
        ended: Ended::Complete,
        steps,
    };
    File { name: format!("{number}.json"), results }
}

/// Three shards of one step with one request each.
fn three() -> Vec<File> {
    (1..=3).map(|number| file(number, 3, vec![step(&[sample(1_500, 1, 20, true)], &[false; SLICES])])).collect()
}

fn sample(due_ms: u64, lag_ms: u64, service_ms: u64, answered: bool) -> Sample {
    let (due_ns, sent_ns) = (due_ms * 1_000_000, (due_ms + lag_ms) * 1_000_000);
    let class = if due_ms.is_multiple_of(3) { Class::Write } else { Class::Read };
    let result = if answered { Ok(()) } else { Err(Failure::Status) };
    Sample { class, due_ns, sent_ns, done_ns: sent_ns + service_ms * 1_000_000, exhausted: lag_ms > 8, result }
}

prop_compose! {
    fn samples()(all in proptest::collection::vec(
        ((900..3_200_u64, 0..10_u64, 0..400_u64, proptest::bool::weighted(0.9)), 0..3_usize), 1..200
    )) -> Vec<(Sample, usize)> {
        all.into_iter().map(|((due, lag, service, answered), shard)| (sample(due, lag, service, answered), shard)).collect()
    }
}

fn close(a: &Distribution, b: &Distribution) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
    let exact = |it: &Distribution| (it.count, it.min_us, it.p50_us, it.p95_us, it.p99_us, it.max_us, it.hdr.clone());
    exact(a) == exact(b) && near(a.mean_us, b.mean_us) && near(a.sd_us, b.sd_us)
}

proptest! {
    // Each case makes some two hundred histograms.
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn merged_shards_are_what_one_machine_would_have_measured(samples in samples(), disturbed in any::<[bool; 3]>()) {
        // Each shard was disturbed in a slice of its own; one machine would have been in all of them.
        let mut all = [false; SLICES];
        let files = (0..3).map(|shard| {
            let mut own = [false; SLICES];
            own[5 * shard] = disturbed[shard];
            all[5 * shard] = disturbed[shard];
            let share: Vec<Sample> = samples.iter().filter(|(_, of)| *of == shard).map(|(sample, _)| *sample).collect();
            file(shard as u32 + 1, 3, vec![step(&share, &own)])
        });
        // In whatever order.
        let files: Vec<File> = files.collect::<Vec<_>>().into_iter().rev().collect();
        let whole = step(&samples.iter().map(|(sample, _)| *sample).collect::<Vec<_>>(), &all);
        let merged = merge(files).unwrap().steps.remove(0);
        prop_assert!(close(&merged.response, &whole.response) && close(&merged.lag, &whole.lag));
        prop_assert!(close(&merged.service, &whole.service));
        let counts = |step: &Step| (step.due, step.sent, step.completed, step.failed.clone(), step.users_exhausted);
        prop_assert_eq!(counts(&merged), counts(&whole));
        prop_assert_eq!(merged.classes.keys().collect::<Vec<_>>(), whole.classes.keys().collect::<Vec<_>>());
        for (class, result) in &merged.classes {
            let of = &whole.classes[class];
            prop_assert_eq!((result.due, result.answered, result.failed), (of.due, of.answered, of.failed));
            prop_assert!(close(&result.response, &of.response) && close(&result.service, &of.service));
        }
        let rounded = |slice: &Slice| Slice { mean_us: slice.mean_us.round(), ..*slice };
        for (one, two) in merged.slices.iter().zip(&whole.slices) {
            prop_assert_eq!(rounded(one), rounded(two));
        }
        prop_assert!((merged.in_flight - whole.in_flight).abs() < 1e-9);
        prop_assert_eq!(merged.generator_cpus, 0.75);
        let arrivals = |step: &Step| {
            let mut all = Schedule::read(step.schedule.as_ref().unwrap()).unwrap().arrivals().to_vec();
            all.sort_by_key(|arrival| (arrival.at, arrival.class));
            all
        };
        prop_assert_eq!(arrivals(&merged), arrivals(&whole));
    }
}

#[test]
fn what_is_not_all_shards_of_one_run_is_refused() {
    let refused = |change: &dyn Fn(&mut Vec<File>)| {
        let mut files = three();
        change(&mut files);
        merge(files).unwrap_err().to_string()
    };
    for (change, says) in [
        (
            &(|files: &mut Vec<File>| drop(files.remove(1))) as &dyn Fn(&mut Vec<File>),
            "of 3 shards these are missing: 2;",
        ),
        (&|files| files.truncate(1), "these are missing: 2, 3;"),
        (&|files| files.push(files[0].clone()), "1.json and 1.json are both shard 1"),
        (&Vec::clear, "no file"),
        (&|files| files[2].results.plan = Some("beef".to_owned()), "3.json are not of one run: the plan"),
        (&|files| files[2].results.plan = None, "the plan"),
        (
            &|files| files[1].results.host = "http://10.0.0.2".to_owned(),
            "the host (http://10.0.0.1 and http://10.0.0.2)",
        ),
        (&|files| files[1].results.seed = 8, "the seed"),
        (&|files| files[1].results.generator.name = "loadgen 2".to_owned(), "the program"),
        (
            &|files| files[1].results.steps[0].window_from = None,
            "step 1 was measured (from 2026-03-01T10:00:01.000Z and from unknown)",
        ),
        (&|files| files[1].results.steps[0].rate_per_s = 9.0, "the load of step 1"),
        (&|files| files[0].results.steps[0].parts.clear(), "divided"),
        (&|files| files[1].results.steps[0].parts.clear(), "divided"),
        (&|files| files[2].results.steps[0].slices.clear(), "divided"),
        (&|files| files[1].results.steps.clear(), "no step was finished by all shards"),
        (&|files| files[1].results.shard.as_mut().unwrap().start_at = Some("soon".to_owned()), "--start-at differs"),
        (&|files| files[1].results.shard = None, "2.json holds no shard"),
        (&|files| files[1].results.shard.as_mut().unwrap().of = 4, "one of 3 shards and 2.json one of 4"),
        (
            &|files| files[1].results.steps[0].parts[3].lag.hdr = "?".to_owned(),
            "2.json: of the step that was measured from 2026-03-01T10:00:01.000Z on, `parts[3].lag.hdr`",
        ),
    ] {
        let error = refused(change);
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn two_files_of_one_shard_are_refused_and_told_apart() {
    let began = |mut file: File, at: &str| {
        file.results.shard.as_mut().unwrap().start_at = Some(at.to_owned());
        file
    };
    let noon = || began(three().remove(0), "2026-03-01T12:00:00Z");
    let refused = |change: &dyn Fn(&mut File)| {
        let mut other = noon();
        other.name = "elsewhere/1.json".to_owned();
        change(&mut other);
        merge(vec![noon(), other]).unwrap_err().to_string()
    };
    let measured_too =
        |file: &mut File| file.results.steps = vec![step(&[sample(1_500, 1, 21, true)], &[false; SLICES])];
    let error = refused(&measured_too);
    for says in [
        "1.json and elsewhere/1.json are both shard 1 of the run that began at 2026-03-01T12:00:00Z",
        "step 1",
        "sent twice",
    ] {
        assert!(error.contains(says), "{says}: {error}");
    }
    assert!(refused(&|_| ()).contains("of the same process"));
    assert!(refused(&|file| file.results.steps.clear()).contains("one after the other"));
    assert!(refused(&|file| *file = began(file.clone(), "2026-03-01T13:00:00Z")).ends_with("; give one file of each"));
}

#[test]
fn steps_that_some_shard_did_not_finish_are_left_out_and_the_file_says_why() {
    let mut files = three();
    let again = files[0].results.steps[0].clone();
    files[0].results.steps.push(again.clone());
    files[2].results.steps.push(again);
    files[1].results.ended = Ended::Running;
    let merged = merge(files.clone()).unwrap();
    assert_eq!((merged.steps.len(), merged.ended), (1, Ended::Interrupted));
    files[2].results.ended = Ended::Stopped("too slow".to_owned());
    assert_eq!(merge(files).unwrap().ended, Ended::Stopped("shard 3: too slow".to_owned()));
}

#[test]
fn a_step_is_matched_by_its_number_in_the_plan_and_one_that_lacks_a_shard_is_named() {
    let step = |second: u32| Step {
        window_from: Some(format!("2026-03-01T10:00:0{second}.000Z")),
        ..three()[0].results.steps[0].clone()
    };
    let missed = |step| Missed { step, reason: "it was started late".to_owned() };
    let mut files = three();
    for (file, (steps, missed)) in files.iter_mut().zip([
        (vec![step(1), step(2), step(3), step(4)], vec![]),
        (vec![step(1), step(3), step(4)], vec![missed(2)]),
        (vec![step(2), step(3)], vec![missed(1)]),
    ]) {
        (file.results.steps, file.results.missed) = (steps, missed);
    }
    files[2].results.ended = Ended::Running;
    let merged = merge(files).unwrap();
    assert_eq!(merged.planned().collect::<Vec<_>>(), [3]);
    assert_eq!(merged.steps[0].window_from, step(3).window_from);
    let reasons: Vec<&str> = merged.missed.iter().map(|missed| &*missed.reason).collect();
    assert_eq!(reasons[..2], ["shard 3 missed it: it was started late", "shard 2 missed it: it was started late"]);
    assert_eq!(reasons[2], "shard 3 was cut off: its machine is gone, or it still runs");
}

#[test]
fn what_belongs_to_a_machine_counts_once_for_each() {
    let mut files = three();
    let machines = [1.0, 1.5, 2.0].map(|busy_s| BusyTime { busy_s, elapsed_s: 2.0 });
    for (file, busy) in files.iter_mut().zip(machines) {
        let step = &mut file.results.steps[0];
        step.stations.insert("app cpu".to_owned(), busy);
        step.busy_by_slice.insert("app cpu".to_owned(), vec![busy.processors(); step.slices.len()]);
        step.neighbours = Some(Neighbours { processors: 2, used: 0.1, stolen: 0.0 });
    }
    // Shards 1 and 2 ran on one machine.
    let merged = merge(files).unwrap();
    assert_eq!(merged.generator.processors, 4);
    assert_eq!(merged.generator.users, 24);
    assert_eq!(merged.steps[0].stations["app cpu"].processors(), 0.5 + 1.0);
    assert_eq!(merged.steps[0].busy_by_slice["app cpu"], vec![1.5; merged.steps[0].slices.len()]);
    assert_eq!(merged.steps[0].neighbours.unwrap().processors, 4);
    assert_eq!(
        merged.merged.iter().map(|shard| &*shard.machine).collect::<Vec<_>>(),
        ["machine 1", "machine 1", "machine 2"]
    );
}
