//! Results files from anywhere: a clear error with its place, or a file that makes sense.

use crate::common::RESULTS;
use std::path::Path;

use hockeystick_content::results;
use hockeystick_core::measurement::Merged;
use hockeystick_loadgen::store;
use proptest::prelude::*;

#[test]
fn each_mistake_names_its_place() {
    for (from, to, says) in [
        ("\"schema\": 5", "\"schema\": 7", "versions 1 to 5"),
        ("\"measured_s\": 1.0", "\"measured_s\": 0.0", "steps[0].measured_s"),
        ("\"measured_s\": 1.0", "\"measured_s\": -1.0", "steps[0].measured_s"),
        ("\"measured_s\": 1.0", "\"measured_s\": NaN", "line"),
        ("\"measured_s\": 1.0", "\"measured_s\": 1e999", "steps[0].measured_s"),
        ("\"rate_per_s\": 40.0", "\"rate_per_s\": 1e300", "steps[0].rate_per_s"),
        ("\"rate_per_s\": 40.0", "\"rate_per_s\": \"fast\"", "steps[0].rate_per_s"),
        ("\"held_out\"", "\"hold_out\"", "hold_out"),
        ("\"stations\": {}", "\"stations\": {}, \"busy_by_slice\": { \"app\": [1.0] }", "steps[0].busy_by_slice.app"),
        ("\"read\": {", "\"browse\": {", "browse"),
        ("\"due\": ", "\"due\": 0, \"du\": ", "du"),
    ] {
        let text = RESULTS.replacen(from, to, 1);
        assert_ne!(text, *RESULTS, "{from}");
        let error = results::read(text.as_bytes()).unwrap_err();
        assert!(error.contains(says), "{to}: {error}");
    }
}

#[test]
fn a_file_that_was_cut_off_is_an_error_wherever_it_was_cut() {
    let text = RESULTS.trim_end();
    for end in (0..text.len()).step_by(97) {
        assert!(results::read(&text.as_bytes()[..end]).is_err(), "cut at {end}");
    }
    assert!(results::read(text.as_bytes()).is_ok());
}

#[test]
fn what_was_measured_or_is_no_results_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.json");
    assert_eq!(store::put_aside(&out).unwrap(), None, "nothing is there");
    for name in ["results.json.1", "results.json.2"] {
        std::fs::write(&out, RESULTS.as_bytes()).unwrap();
        assert_eq!(store::put_aside(&out).unwrap(), Some(folder.path().join(name)));
        assert!(!out.exists());
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), *RESULTS);
    }
    for kept in ["schema = 1\n", &RESULTS[..RESULTS.len() / 2]] {
        std::fs::write(&out, kept).unwrap();
        let error = store::put_aside(&out).unwrap_err().to_string();
        assert!(error.contains("is no results file") && error.contains("left as it is"), "{error}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), kept);
    }
    std::fs::write(&out, "").unwrap();
    assert_eq!(store::put_aside(&out).unwrap(), None, "an empty file holds nothing");
}

#[cfg(unix)]
#[test]
fn what_a_symbolic_link_names_is_written_and_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (link, file) = (folder.path().join("results.json"), folder.path().join("on-the-large-disk.json"));
    std::os::unix::fs::symlink("on-the-large-disk.json", &link).unwrap();
    store::write(&link, RESULTS.as_bytes()).unwrap();
    assert!(link.is_symlink() && std::fs::read_to_string(&file).unwrap() == *RESULTS);
    store::write(&link, RESULTS.as_bytes()).unwrap();
    assert_eq!(store::put_aside(&link).unwrap().unwrap().file_name().unwrap(), "on-the-large-disk.json.1");
    assert!(link.is_symlink() && !file.exists());
    store::write(&link, b"new").unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"new");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(results::read(&bytes).is_err());
    }

    #[test]
    fn a_number_that_is_changed_is_refused_or_harmless(at in 0..4_000_usize, digits in "-?[0-9]{1,30}(\\.[0-9]{1,5})?") {
        let text = RESULTS.as_str();
        let numbers: Vec<_> = text.match_indices(": ").map(|(i, _)| i + 2).filter(|i| text.as_bytes()[*i].is_ascii_digit()).collect();
        let from = numbers[at % numbers.len()];
        let length = text[from..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap();
        let changed = format!("{}{digits}{}", &text[..from], &text[from + length..]);
        if let Ok(results) = results::read(changed.as_bytes()) {
            for step in &results.steps {
                prop_assert!(step.offered_per_s().is_finite() && step.throughput_per_s() >= 0.0);
            }
        }
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("not/here");
    let error = store::write(&missing.join("FITTED.toml"), b"x").unwrap_err().to_string();
    assert!(error.contains(&format!("there is no folder {}; make it", missing.display())), "{error}");
}

#[test]
fn nothing_takes_the_place_of_a_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.json");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content/measurements/demo");
    std::fs::copy(demo.join("RESULTS.json"), &out).unwrap();
    let measured = std::fs::read(&out).unwrap();
    let mut results = store::read_results(&out).unwrap();
    for error in [
        store::write_beside_results(&out, b"# A report").unwrap_err(),
        store::write_merged(&out, &results).unwrap_err(),
    ] {
        assert!(error.to_string().ends_with("which would be lost; give another --out"), "{error}");
        assert_eq!(std::fs::read(&out).unwrap(), measured);
    }
    // What a merge has written can be made again.
    let (generator, ended) = (results.generator.clone(), results.ended.clone());
    results.merged = vec![Merged { machine: "one".to_owned(), generator, ended }];
    store::write_results(&out, &results).unwrap();
    store::write_merged(&out, &results).unwrap();
    let report = folder.path().join("report.md");
    store::write_beside_results(&report, b"# A report").unwrap();
    store::write_beside_results(&report, b"# Another").unwrap();
}
