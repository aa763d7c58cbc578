//! Directives and inline marks, read and refused.

use std::fmt::Write;

use hockeystick_core::stage::{FaultKind, Stage, Target};

use super::{Block, Lesson, Source, read};
use crate::figure::Folder;
use crate::problem::FileErrors;
use crate::{catalogue, stage};

fn parse(text: &str) -> Result<Lesson, FileErrors> {
    let sizes = catalogue::read(include_str!("../../tests/fixtures/hardware.toml"), "hardware.toml").unwrap();
    let good = stage::read(include_str!("../../tests/fixtures/good.toml"), "stage.toml", &sizes).unwrap();
    let stage = |file: &str| -> Option<Stage> { (file == "stage.toml").then(|| good.clone()) };
    read(&Source { text, file: "lesson.md", folder: Folder { stage: &stage, files: &["stage.toml"] } })
}

fn prose(lesson: &Lesson) -> String {
    let texts = lesson.blocks.iter().filter_map(|block| match block {
        Block::Prose(html) => Some(html.as_str()),
        _ => None,
    });
    texts.collect()
}

const FIGURE: &str = r#"
```figure
id = "one"
set = { "users.rate" = "2/s", "app.demand.read" = "300 ms" }
seed = 7
speed = 0.5
autoplay = true
panels = ["hockey-stick", "percentiles"]
controls = [{ path = "users.rate", label = "Load", min = "1/s", max = "120/s", scale = "log" }]
breaks = [{ label = "Slow", on = "app#1", kind = "slow", speed = 0.5, for = "5 s" }]
palette = ["dns"]
caption = "Drag the load."
```
"#;

#[test]
fn a_figure_is_what_its_block_says() {
    let lesson = parse(FIGURE).unwrap();
    let figure = &lesson.first_figure().unwrap().figure;
    assert_eq!(figure.stage.workload.rate.per_s(), 2.0);
    assert_eq!(figure.stage.knob("app.demand.read").unwrap().value, 0.3);
    assert_eq!((figure.seed, figure.speed, figure.autoplay), (7, 0.5, true));
    assert!(figure.controls[0].logarithmic);
    assert_eq!(figure.breaks[0].on, Target::Component(2, Some(0)));
    assert_eq!(figure.breaks[0].kind, FaultKind::Slow { speed: 0.5 });
}

#[test]
fn what_a_page_carries_reads_back_as_the_same_figure() {
    let lesson = parse(FIGURE).unwrap();
    let block = lesson.first_figure().unwrap();
    let figure: hockeystick_core::figure::Figure = hockeystick_core::pack::from_text(&block.encoded()).unwrap();
    assert_eq!(figure.stage, block.figure.stage);
    assert_eq!(figure.controls, block.figure.controls);
}

#[test]
fn marks_in_a_sentence_become_knobs_terms_and_things() {
    let text = format!(
        "{FIGURE}\nSend [2](knob:users.rate) [requests](thing:request): a [queue](term:queue \"a line\") of \
         [300 ms](knob:one/app.demand.read) each.\n"
    );
    let lesson = parse(&text).unwrap();
    insta::assert_snapshot!(prose(&lesson));
    assert_eq!(lesson.terms[0].meaning, "a line");
}

#[test]
fn a_knob_turns_the_next_figure_of_its_section_or_else_the_last() {
    let second = FIGURE.replace("\"one\"", "\"two\"");
    let text = format!(
        "[2](knob:users.rate)\n{FIGURE}\n[2](knob:users.rate)\n\n## Next\n\n\
         [2](knob:users.rate)\n{second}\n[2](knob:users.rate)\n"
    );
    let html = prose(&parse(&text).unwrap());
    let figures: Vec<&str> = html.split("data-figure=\"").skip(1).map(|rest| &rest[..3]).collect();
    assert_eq!(figures, ["one", "one", "two", "two"]);
}

#[test]
fn a_prediction_names_its_figure_and_what_to_turn() {
    let predict = "```predict\nfigure = \"one\"\nquestion = \"Q?\"\nchoices = [\"a\", \"b\"]\nanswer = 2\n\
                   set = { \"app.workers\" = \"4\" }\nexplain = \"E\"\n```\n";
    let lesson = parse(&format!("{predict}{FIGURE}")).unwrap();
    let Block::Predict(predict) = &lesson.blocks[0] else { panic!("{:?}", lesson.blocks) };
    assert_eq!((predict.answer, predict.set.as_slice()), (1, [("app.workers".to_owned(), 4.0)].as_slice()));
}

#[test]
fn mistakes_name_their_line() {
    let mistakes = [
        FIGURE.replace("seed = 7", "sede = 7"),
        FIGURE.replace("speed = 0.5\nauto", "speed = -1\nauto"),
        FIGURE.replace("id = \"one\"", ""),
        FIGURE.replace("\"app.demand.read\" = \"300 ms\"", "\"app.demand.reed\" = \"300 ms\""),
        FIGURE.replace("\"300 ms\"", "\"300\""),
        FIGURE.replace("max = \"120/s\"", "max = \"0.5/s\""),
        FIGURE.replace("app#1", "ap#1"),
        FIGURE.replace("\"dns\"", "\"dsn\""),
        FIGURE.replace("\"hockey-stick\"", "\"hockeystick\""),
        FIGURE.replace("seed = 7", "seed = "),
        FIGURE.replace("seed = 7", "from = \"other.toml\""),
        format!("{FIGURE}{FIGURE}"),
        format!("{FIGURE}\n\nText [9](knob:users.rat) text.\n"),
        format!("{FIGURE}\n\nText [nine](knob:users.rate) text.\n"),
        format!("{FIGURE}\n\nText [9](knob:two/users.rate) text.\n"),
        format!("{FIGURE}\n\nText [9](knob:users.rate) text.\n"),
        "A [thing](thing:sever).\n".to_owned(),
        "A [term](term:term).\n".to_owned(),
        "# A title\n".to_owned(),
        "Raw <b>HTML</b>.\n".to_owned(),
        "An ![image](x.png).\n".to_owned(),
        "A [link](javascript:alert).\n".to_owned(),
        "```challenge\nfigure = \"none\"\n```\n".to_owned(),
        format!("- item\n\n  {}", FIGURE.trim().replace('\n', "\n  ")),
    ];
    let mut report = String::new();
    for text in mistakes {
        let errors = parse(&text).map(|lesson| panic!("{text}\n{lesson:?}")).unwrap_err();
        writeln!(report, "{}", errors.lines()).unwrap();
    }
    insta::assert_snapshot!(report);
}
