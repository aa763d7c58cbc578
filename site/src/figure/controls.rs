//! What is under the board: the figures now, the controls, the legend.

use std::rc::Rc;

use hockeystick_core::engine::moves::Cause;
use hockeystick_core::figure::{Break, Control, title};
use hockeystick_core::stage::Target;
use hockeystick_core::workload::Class;
use wasm_bindgen::JsCast;
use web_sys::Event;

use super::Figure;
use super::dom::{El, button, el, field, refuse, svg, svg_path, value_of};
use super::follow::follow_button;
use super::handle::{FigureHandle, Percentiles};
use super::knob::knob;
use super::live::Live;
use super::scrub::Scale;
use super::share::share;
use super::theme::class_name;
use super::view::Strip;
use crate::charts::number::{moment, percent, response, significant};

/// Speeds on offer, in simulated seconds a second.
const SPEEDS: [f64; 16] =
    [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

/// Throughput, response times and failures, as they are now.
pub(crate) fn strip(figure: Figure) -> El {
    let strip = figure.view.strip;
    let known =
        move |show: fn(&Strip) -> String| move || strip.with(|it| if it.known { show(it) } else { "–".to_owned() });
    let ms = move |pick: fn(&Percentiles) -> f64| {
        move || strip.with(|it| it.response.as_ref().map_or_else(|| "–".to_owned(), |all| response(pick(all))))
    };
    el("dl", "strip-now")
        .child(cell("Arriving", known(|it| format!("{}/s", significant(it.arrived_per_s, 3)))))
        .child(cell("Answered", known(|it| format!("{}/s", significant(it.completed_per_s, 3)))))
        .child(failed(strip, known(|it| percent(it.failed_share))))
        .child(cell("p50", ms(|it| it.p50_ms)))
        .child(cell("p95", ms(|it| it.p95_ms)))
        .child(cell("p99", ms(|it| it.p99_ms)))
}

fn cell(name: &str, value: impl Fn() -> String + 'static) -> El {
    el("div", "").child(el("dt", "").text(name)).child(el("dd", "").live_text(value))
}

/// The share that fails; its label names the causes, so that a failure is told without taking more room.
fn failed(strip: Live<Strip>, share: impl Fn() -> String + 'static) -> El {
    let causes = move || {
        strip.with(|it| {
            let named = Cause::ALL.into_iter().zip(it.failed_per_s).filter(|(_, per_s)| *per_s > 0.0);
            let words = named.map(|(cause, _)| cause.name()).collect::<Vec<_>>().join(", ");
            if words.is_empty() { "Failed".to_owned() } else { title(&words) }
        })
    };
    let counts = move || {
        strip.with(|it| {
            let named = Cause::ALL.into_iter().zip(it.failed_per_s);
            let each = named.map(|(cause, per_s)| format!("{}: {}/s", cause.name(), significant(per_s, 2)));
            each.collect::<Vec<_>>().join(", ")
        })
    };
    el("div", "failing")
        .live_class("some", move || strip.with(|it| it.failed_share > 0.0))
        .live_attr("title", counts)
        .child(el("dt", "").live_text(causes))
        .child(el("dd", "").live_text(share))
}

/// Play, step, speed, knobs, breaks.
pub(crate) fn controls(figure: Figure) -> El {
    let (knobs, breaks) = figure.authored(|it| (it.controls.clone(), it.breaks.clone()));
    let run = el("div", "run")
        .child(play(figure))
        .child(step(figure))
        .child(follow_button(figure))
        .child(reset(figure))
        .child(speed(figure));
    let mut controls = el("div", "controls").child(run);
    if !knobs.is_empty() {
        let knobs = knobs.into_iter().filter_map(|it| control(figure, it));
        controls = controls.child(el("div", "knobs").children(knobs));
    }
    if !breaks.is_empty() {
        let breaks = breaks.into_iter().map(|it| break_button(figure, it));
        controls = controls.child(el("div", "breaks").children(breaks).child(mend(figure, "Repair")));
    }
    controls
}

fn play(figure: Figure) -> El {
    let running = move || figure.view.run.with(|run| run.running);
    let drawing = move || if running() { "M2 1h3v10H2zM7 1h3v10H7z" } else { "M2.500 .8l8.500 5.200-8.500 5.200z" };
    button("button main play", "")
        .child(svg("", "0 0 12 12", "").child(svg_path().live_attr("d", move || drawing().to_owned())))
        .child(el("span", "").live_text(move || if running() { "Pause" } else { "Play" }.to_owned()))
        .on_click(move || figure.drive(|handle| if handle.is_running() { handle.pause() } else { handle.play() }))
}

fn step(figure: Figure) -> El {
    button("button", "Step")
        .attr("title", "Go on to the next thing that happens")
        .on_click(move || figure.drive(FigureHandle::step))
}

fn reset(figure: Figure) -> El {
    button("button icon-only", "")
        .attr("aria-label", "Reset")
        .attr("title", "Reset: every knob as it was, time zero")
        .child(svg("", "0 0 16 16", r#"<path d="M3 8a5 5 0 1 0 1.600-3.700M3 1.800v3h3"/>"#))
        .on_click(move || figure.reset())
}

fn speed(figure: Figure) -> El {
    let run = figure.view.run;
    let last = SPEEDS.len() - 1;
    let nearest = move || {
        let speed = run.with(|run| run.speed);
        let distance = |it: &f64| libm::log(it / speed).abs();
        SPEEDS.iter().enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map_or(7, |(index, _)| index)
    };
    let slide = move |event: Event| {
        if let Some(speed) = value_of(&event).parse::<usize>().ok().and_then(|index| SPEEDS.get(index)) {
            figure.drive(|handle| handle.set_speed(*speed));
        }
    };
    let words = move || run.with(|run| speed_words(run.speed));
    let slider = el("input", "slider")
        .attr("type", "range")
        .attr("min", "0")
        .attr("max", &last.to_string())
        .attr("aria-label", "Speed")
        .live_value(move || nearest().to_string())
        .live_style("--fill", move || format!("{}%", nearest() * 100 / last))
        .live_attr("aria-valuetext", words)
        .on("input", slide);
    el("div", "speed")
        .child(el("span", "knob-name").text("Speed"))
        .child(slider)
        .child(el("output", "").live_text(words))
        .child(el("span", "kept").live_text(move || kept_words(figure.view.kept.get())))
}

/// Why it is slower than was asked for.
fn kept_words(kept: f64) -> String {
    if kept > 0.0 { format!("as fast as it can: {}", speed_words(kept)) } else { String::new() }
}

/// `1/4 ×` where it is such a part, else a number.
fn speed_words(speed: f64) -> String {
    let parts = 1.0 / speed;
    if parts > 1.5 && (parts - parts.round()).abs() < 0.001 * parts {
        format!("1/{}\u{a0}×", significant(parts, 3))
    } else {
        format!("{}\u{a0}×", significant(speed, 3))
    }
}

fn control(figure: Figure, control: Control) -> Option<El> {
    let reading = figure.reading(&control.path)?;
    let path = control.path.clone();
    // The reader may have taken away what it turns.
    let is_there = move || {
        figure.view.stage_version.track();
        if figure.reading(&path).is_some() { "" } else { "none" }.to_owned()
    };
    let row = if reading.choices.is_empty() {
        let scale = Scale::slider(control.min, control.max, control.logarithmic, reading.unit);
        knob(figure, control.path, &control.label, scale)
    } else {
        choice(figure, control, reading.choices)
    };
    Some(row.live_style("display", is_there))
}

/// A button for each named choice from the control's first to its last, so that all of them can be seen at once.
fn choice(figure: Figure, control: Control, names: &'static [&'static str]) -> El {
    let Control { path, label, min, max, .. } = control;
    let path: Rc<str> = path.into();
    let chosen = {
        let path = Rc::clone(&path);
        move || {
            figure.view.stage_version.track();
            figure.get(&path)
        }
    };
    let offered = names.iter().enumerate().map(|(index, name)| (index as f64, name));
    let buttons = offered.filter(|(index, _)| (min..=max).contains(index)).map(|(index, name)| {
        let (path, chosen) = (Rc::clone(&path), chosen.clone());
        button("button", &title(name))
            .live_attr("aria-pressed", move || (chosen() == Some(index)).to_string())
            .on_click(move || figure.choose_value(&path, index))
    });
    let row = el("div", "choice").attr("role", "group").attr("aria-label", &label).children(buttons);
    el("div", "choice-row").child(el("span", "knob-name").text(&label)).child(row)
}

fn break_button(figure: Figure, what: Break) -> El {
    // What the author named may stand elsewhere on the reader's board, or be gone.
    let here = move |on: &Target| figure.authored(|it| figure.stage(|stage| stage.counterpart(&it.stage, on)));
    let on = what.on.clone();
    button("button break", &what.label)
        .live_off(move || {
            figure.view.stage_version.track();
            here(&on).is_none()
        })
        .on_click(move || {
            if let Some(on) = here(&what.on) {
                figure.break_it(Break { on, ..what.clone() });
            }
        })
}

/// Repairs everything; shown while something is broken, and until the focus goes on.
pub(crate) fn mend(figure: Figure, words: &str) -> El {
    let broken = move || figure.view.faults.get() > 0;
    button("button mend", words).live_class("shown", broken).live_off(move || !broken()).on_click(move || {
        if broken() {
            figure.drive(FigureHandle::mend);
        }
    })
}

/// Which shape is what, how many requests a dot is, and the seed.
pub(crate) fn legend(figure: Figure) -> El {
    let mix = figure.stage(|stage| stage.workload.mix);
    let classes = Class::ALL.into_iter().filter(|class| *mix.get(*class) > 0.0);
    let dot = move || match figure.view.one_in.get() {
        1 => "1 dot = 1 request".to_owned(),
        n => format!("1 dot = {} requests", significant(f64::from(n), 3)),
    };
    let hollow = svg("shape hollow", "0 0 12 12", r#"<circle cx="6" cy="6" r="3.800"/>"#);
    let cross = r#"<circle cx="6" cy="6" r="4.800"/><path d="M3.900 3.900l4.200 4.200M8.100 3.900l-4.200 4.200"/>"#;
    el("div", "legend")
        .children(classes.map(|class| el("span", "key").child(shape(class)).text(class_name(class))))
        .child(el("span", "key").child(hollow).text("answer"))
        .child(el("span", "key").child(svg("shape failed", "0 0 12 12", cross)).text("failed"))
        .child(el("span", "grow"))
        .child(el("span", "one-in").live_text(dot))
        .child(el("span", "time").live_text(move || figure.view.strip.with(|it| moment(it.at_s))))
        .child(seed(figure))
        .child(say(figure))
        .child(share(figure))
}

/// Says the figures of now to whoever does not see them.
fn say(figure: Figure) -> El {
    button("button quiet", "Say the figures").on_click(move || {
        let strip = figure.view.strip.get_untracked();
        let ms = |pick: fn(&Percentiles) -> f64| strip.response.as_ref().map(|all| response(pick(all)));
        let mut words = format!(
            "At {}: {} requests a second arrive, {} are answered, {} fail.",
            moment(strip.at_s),
            significant(strip.arrived_per_s, 3),
            significant(strip.completed_per_s, 3),
            percent(strip.failed_share)
        );
        if let (Some(half), Some(most)) = (ms(|it| it.p50_ms), ms(|it| it.p95_ms)) {
            words += &format!(" Half are answered within {half}, 95 of 100 within {most}.");
        }
        if let Some(busiest) = figure.view.busiest.get_untracked() {
            let (name, what, share) = (title(&figure.name(busiest.thing)), busiest.what, busiest.percent);
            words += &format!(" Busiest: {name}, {what}, {share} %.");
        }
        if figure.view.faults.get_untracked() > 0 {
            words += " Something is broken.";
        }
        figure.view.said.set(words);
    })
}

fn seed(figure: Figure) -> El {
    let run = figure.view.run;
    let reseed = move |event: Event| match value_of(&event).trim().parse() {
        Ok(seed) => figure.drive(|handle| handle.set_seed(seed)),
        Err(_) => {
            if let Some(input) = event.target() {
                refuse(&input.unchecked_into(), "A seed is a whole number.");
            }
        }
    };
    let input = field("number", "Seed")
        .attr("inputmode", "numeric")
        .live_value(move || run.with(|run| run.seed.to_string()))
        .on("change", reseed);
    el("label", "seed").text("seed ").child(input)
}

/// A class's shape, as the canvas draws it.
pub(crate) fn shape(class: Class) -> El {
    let path = match class {
        Class::Static => "M6 1.900a4.100 4.100 0 1 0 .01 0z",
        Class::Read => "M6 .7l5.300 5.300-5.300 5.300-5.300-5.300z",
        Class::Write => "M2.100 2.100h7.800v7.800h-7.800z",
        Class::Job => "M6 .8l4.900 8.800h-9.800z",
    };
    svg(&format!("shape {}", class.name()), "0 0 12 12", &format!(r#"<path d="{path}"/>"#))
}
