//! The manual pages and completions that the binary writes.

use std::process::Command;

fn loadgen(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_subcommand_has_a_manual_page_with_its_examples() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("man1");
    loadgen(&["man", into.to_str().unwrap()]);
    let page = |name: &str| std::fs::read_to_string(into.join(name)).unwrap();
    for command in ["predict", "plan", "run", "merge", "calibrate", "check", "report", "schema", "completions", "man"] {
        let text = page(&format!("loadgen-{command}.1"));
        assert!(text.contains(".SH SYNOPSIS") && text.contains(".SH EXAMPLES\n.nf\n"), "{command}: {text}");
    }
    assert!(page("loadgen.1").contains(".SH EXIT CODES\n.nf\n"));
}

#[test]
fn shells_learn_the_subcommands_and_their_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = loadgen(&["completions", shell]);
        assert!(script.contains("calibrate") && script.contains("objective"), "{shell}");
    }
}
