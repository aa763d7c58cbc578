//! What is under the board: the figures now, the controls, the legend.

use hockeystick_core::engine::moves::Cause;
use hockeystick_core::figure::{Break, Control};
use hockeystick_core::settings::Unit;
use hockeystick_core::workload::Class;
use leptos::ev::Event;
use leptos::prelude::*;

use super::Figure;
use super::knob::{Scale, knob};
use super::theme::class_name;
use super::view::{Strip, title};
use crate::charts::number::{moment, percent, response, significant};

/// Speeds on offer, in simulated seconds a second.
const SPEEDS: [f64; 16] =
    [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

/// Throughput, response times and failures, as they are now.
pub(crate) fn strip(figure: Figure) -> impl IntoView {
    let strip = figure.view.strip;
    let known =
        move |show: fn(&Strip) -> String| move || strip.with(|it| if it.known { show(it) } else { "–".to_owned() });
    let ms = |pick: fn(&super::handle::Percentiles) -> f64| {
        move || strip.with(|it| it.response.as_ref().map_or_else(|| "–".to_owned(), |all| response(pick(all))))
    };
    let failing = move || strip.with(|it| it.failed_share > 0.0);
    // The label names the causes, so that a failure is told without taking more room.
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
    view! {
        <dl class="strip-now">
            <div><dt>"Arriving"</dt><dd>{known(|it| format!("{}/s", significant(it.arrived_per_s, 3)))}</dd></div>
            <div><dt>"Answered"</dt><dd>{known(|it| format!("{}/s", significant(it.completed_per_s, 3)))}</dd></div>
            <div class="failing" class:some=failing title=counts>
                <dt>{causes}</dt>
                <dd>{known(|it| percent(it.failed_share))}</dd>
            </div>
            <div><dt>"p50"</dt><dd>{ms(|it| it.p50_ms)}</dd></div>
            <div><dt>"p95"</dt><dd>{ms(|it| it.p95_ms)}</dd></div>
            <div><dt>"p99"</dt><dd>{ms(|it| it.p99_ms)}</dd></div>
        </dl>
    }
}

/// Play, step, speed, knobs, breaks.
pub(crate) fn controls(figure: Figure) -> impl IntoView {
    let authored = figure.authored(|it| (it.controls.clone(), it.breaks.clone()));
    view! {
        <div class="controls">
            <div class="run">{play(figure)} {step(figure)} {reset(figure)} {speed(figure)}</div>
            {(!authored.0.is_empty()).then(|| view! {
                <div class="knobs">{authored.0.into_iter().map(|it| control(figure, it)).collect_view()}</div>
            })}
            {(!authored.1.is_empty()).then(|| view! {
                <div class="breaks">{authored.1.into_iter().map(|it| break_button(figure, it)).collect_view()}{mend(figure)}</div>
            })}
        </div>
    }
}

fn play(figure: Figure) -> impl IntoView {
    let running = move || figure.view.run.with(|run| run.running);
    let toggle = move |_| figure.drive(|handle| if handle.is_running() { handle.pause() } else { handle.play() });
    view! {
        <button class="button main play" type="button" on:click=toggle>
            <svg viewBox="0 0 12 12" aria-hidden="true">
                <path d=move || if running() { "M2 1h3v10H2zM7 1h3v10H7z" } else { "M2.500 .8l8.500 5.200-8.500 5.200z" }></path>
            </svg>
            <span>{move || if running() { "Pause" } else { "Play" }}</span>
        </button>
    }
}

fn step(figure: Figure) -> impl IntoView {
    view! {
        <button class="button" type="button" title="Go on to the next thing that happens" on:click=move |_| figure.drive(|it| it.step())>
            "Step"
        </button>
    }
}

fn reset(figure: Figure) -> impl IntoView {
    view! {
        <button
            class="button icon-only"
            type="button"
            aria-label="Reset"
            title="Reset: every knob as it was, time zero"
            on:click=move |_| figure.reset()
        >
            <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 8a5 5 0 1 0 1.600-3.700M3 1.800v3h3"></path></svg>
        </button>
    }
}

fn speed(figure: Figure) -> impl IntoView {
    let run = figure.view.run;
    let nearest = move || {
        let speed = run.with(|run| run.speed);
        let distance = |it: &f64| (it / speed).ln().abs();
        SPEEDS.iter().enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map_or(7, |(index, _)| index)
    };
    let slide = move |event: Event| {
        if let Some(speed) = event_target_value(&event).parse::<usize>().ok().and_then(|index| SPEEDS.get(index)) {
            figure.drive(|handle| handle.set_speed(*speed));
        }
    };
    let words = move || run.with(|run| speed_words(run.speed));
    view! {
        <label class="speed">
            <span class="knob-name">"Speed"</span>
            <input
                class="slider"
                type="range"
                min="0"
                max=(SPEEDS.len() - 1).to_string()
                step="1"
                prop:value=move || nearest().to_string()
                style:--fill=move || format!("{}%", nearest() * 100 / (SPEEDS.len() - 1))
                aria-valuetext=words
                on:input=slide
            />
            <output>{words}</output>
        </label>
    }
}

fn speed_words(speed: f64) -> String {
    if speed < 0.999 {
        format!("1/{} ×", significant(1.0 / speed, 3))
    } else {
        format!("{} ×", significant(speed, 3))
    }
}

fn control(figure: Figure, control: Control) -> impl IntoView {
    let reading = figure.reading(&control.path)?;
    let whole = reading.unit == Unit::Count;
    let scale = Scale { min: control.min, max: control.max, logarithmic: control.logarithmic, whole };
    Some(knob(figure, control.path, control.label, scale, reading.unit))
}

fn break_button(figure: Figure, what: Break) -> impl IntoView {
    let label = what.label.clone();
    view! {
        <button class="button break" type="button" on:click=move |_| figure.drive(|handle| handle.inject(&what))>{label}</button>
    }
}

/// Shown while something is broken.
fn mend(figure: Figure) -> impl IntoView {
    let broken = move || figure.view.faults.get() > 0;
    view! {
        <button class="button mend" type="button" class:shown=broken disabled=move || !broken() on:click=move |_| figure.drive(|it| it.mend())>
            "Repair"
        </button>
    }
}

/// Which shape is what, how many requests a dot is, and the seed.
pub(crate) fn legend(figure: Figure) -> impl IntoView {
    let mix = figure.stage(|stage| stage.workload.mix);
    let shapes = ["circle", "diamond", "square", "triangle"];
    let classes = Class::ALL.into_iter().zip(shapes).filter(|(class, _)| *mix.get(*class) > 0.0);
    let dot = move || match figure.view.one_in.get() {
        1 => "1 dot = 1 request".to_owned(),
        n => format!("1 dot = {} requests", significant(f64::from(n), 3)),
    };
    let reseed = move |event: Event| match event_target_value(&event).trim().parse() {
        Ok(seed) => figure.drive(|handle| handle.set_seed(seed)),
        Err(_) => figure.view.run.update(|_| ()),
    };
    view! {
        <div class="legend">
            {classes.map(|(class, shape)| view! {
                <span class="key">{shape_svg(class, shape)}{class_name(class)}</span>
            }).collect_view()}
            <span class="key">{hollow()}"answer"</span>
            <span class="key bad">{crossed()}"failed"</span>
            <span class="grow"></span>
            <span class="one-in">{dot}</span>
            <span class="time">{move || figure.view.strip.with(|it| moment(it.at_s))}</span>
            <label class="seed">
                "seed "
                <input
                    class="number"
                    type="text"
                    inputmode="numeric"
                    size="4"
                    autocomplete="off"
                    prop:value=move || figure.view.run.with(|run| run.seed.to_string())
                    on:change=reseed
                />
            </label>
        </div>
    }
}

/// A class's shape, as the canvas draws it.
pub(crate) fn shape_svg(class: Class, shape: &'static str) -> impl IntoView {
    let path = match class {
        Class::Static => "M6 1.900a4.100 4.100 0 1 0 .01 0z",
        Class::Read => "M6 .7l5.300 5.300-5.300 5.300-5.300-5.300z",
        Class::Write => "M2.100 2.100h7.800v7.800h-7.800z",
        Class::Job => "M6 .8l4.900 8.800h-9.800z",
    };
    view! { <svg class=format!("shape {}", class.name()) viewBox="0 0 12 12" role="img" aria-label=shape><path d=path></path></svg> }
}

fn hollow() -> impl IntoView {
    view! { <svg class="shape hollow" viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="3.800"></circle></svg> }
}

fn crossed() -> impl IntoView {
    view! {
        <svg class="shape failed" viewBox="0 0 12 12" aria-hidden="true">
            <circle cx="6" cy="6" r="4.800"></circle><path d="M3.900 3.900l4.200 4.200M8.100 3.900l-4.200 4.200"></path>
        </svg>
    }
}
