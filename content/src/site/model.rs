//! "What this models, and what it leaves out": made from the components themselves, with every number and its source.

use hockeystick_core::component::{Kind, Settings};
use hockeystick_core::hardware::Machine;
use hockeystick_core::settings::Knob;
use hockeystick_core::stage::{Component, Placement, Stage};
use hockeystick_core::workload::Class;
use maud::{Markup, html};

use crate::{builtin, draw, show};

pub(super) fn section(stage: &Stage) -> Markup {
    html! {
        section.model aria-labelledby="model" {
            h2 #model { "What this models, and what it leaves out" }
            p {
                "Every request is simulated on its own. Below is what each thing on the board does, what it does not \
                 do, and every number that it uses, with where that number comes from. A number in bold is this \
                 stage’s own."
            }
            div.things {
                (workload(stage))
                (links(stage))
                @for component in &stage.components { (one_component(stage, component)) }
                @for named in &stage.machines { (one_machine(&named.id, named.size.as_deref(), &named.machine)) }
            }
        }
    }
}

/// The same in short, for a page whose words are few: each kind's own page has the rest.
pub(super) fn in_short(stage: &Stage) -> Markup {
    html! {
        section.model aria-labelledby="model" {
            h2 #model { "What this models, and what it leaves out" }
            p {
                "Every request is simulated on its own. Each thing on the board has a page that says what it does, what \
                 it leaves out, and where each of its numbers comes from. Here are the numbers that this stage sets."
            }
            ul.in-short {
                @for component in &stage.components { (one_line(component)) }
                @for named in &stage.machines {
                    li { (draw::icon("box")) b { (named.id) } " " (size_words(named.size.as_deref(), &named.machine)) }
                }
            }
            (links(stage))
        }
    }
}

fn one_line(component: &Component) -> Markup {
    let kind = component.settings.kind();
    let rows = setting_rows(&component.settings, kind);
    let own: Vec<Row> = rows.into_iter().filter(|row| row.here != row.default).collect();
    html! {
        li {
            (draw::icon(kind.key()))
            a href={ "/model/" (kind.key()) "/" } { b { (component.id) } } " "
            @if component.copies > 1 { (component.copies) " copies. " }
            @if let Some(Placement::Own { size, machine }) = &component.machine {
                (size_words(size.as_deref(), machine)) " "
            }
            @for (index, row) in own.iter().enumerate() {
                @if index > 0 { ", " }
                code { (row.key) } " " (row.here)
            }
        }
    }
}

/// A machine in a few words.
fn size_words(size: Option<&str>, machine: &Machine) -> String {
    let catalogue = builtin::catalogue();
    let name = size.and_then(|size| catalogue.get(size)).map_or("a machine of its own", |size| size.name.as_str());
    let processors =
        if machine.vcpus == 1 { "1 processor".to_owned() } else { format!("{} processors", machine.vcpus) };
    format!("{name}: {processors}, {}.", show::number(hockeystick_core::settings::Unit::Bytes, machine.memory.0 as f64))
}

/// A row of a table.
struct Row {
    what: String,
    key: String,
    here: String,
    default: String,
    /// Whether it is one of several named choices.
    choice: bool,
    source: String,
}

impl Row {
    /// Whether it does anything here: a number of nothing that nobody has set belongs to something that is off, and the
    /// usual choice goes without saying.
    fn in_play(&self) -> bool {
        self.here != self.default
            || !self.choice && !matches!(self.here.as_str(), "0" | "0 ns" | "0 B" | "off" | "none")
    }
}

fn table(caption: &str, rows: &[Row]) -> Markup {
    html! {
        details.numbers {
            summary { (caption) }
            table {
                thead { tr { th { "Setting" } th { "Here" } th { "Where the default comes from" } } }
                tbody {
                    @for row in rows {
                        tr data-field=(row.key) {
                            th scope="row" { span { (row.what) } " " code { (row.key) } }
                            td {
                                @if row.here == row.default { (row.here) }
                                @else { b { (row.here) } ", by default " (row.default) }
                            }
                            td { (row.source) }
                        }
                    }
                }
            }
        }
    }
}

/// `kind` is the key of the kind that it tells of, if any: figures on the page look there for what they say of it.
fn block(
    kind: Option<&str>,
    icon: &str,
    name: &str,
    summary: &str,
    models: &[&str],
    leaves_out: &[&str],
    table: &Markup,
) -> Markup {
    html! {
        div.thing-block data-kind=[kind] {
            h3 { (draw::icon(icon)) (name) }
            p.summary { (show::prose(summary)) }
            @if !models.is_empty() { ul.models { @for line in models { li { (show::prose(line)) } } } }
            @if !leaves_out.is_empty() {
                p.leaves { "Left out:" }
                ul.leaves-out { @for line in leaves_out { li { (show::prose(line)) } } }
            }
            (table)
        }
    }
}

fn workload(stage: &Stage) -> Markup {
    let mix: Vec<String> = Class::ALL
        .iter()
        .filter(|class| *stage.workload.mix.get(**class) > 0.0)
        .map(|class| format!("{} {} %", class.name(), show::significant(stage.workload.mix.get(*class) * 100.0)))
        .collect();
    let default = hockeystick_core::workload::Workload::default();
    let default_mix: Vec<String> = default
        .mix
        .iter()
        .map(|(class, share)| format!("{} {} %", class.name(), show::significant(share * 100.0)))
        .collect();
    let rows = [
        Row {
            what: "Requests a second in the busiest hour".to_owned(),
            key: "users".to_owned(),
            here: show::rate(stage.workload.rate.per_s()),
            default: "none".to_owned(),
            choice: false,
            source:
                "The journey’s rule: 200 requests a day for each user, and a busiest hour at 4 times the daily mean"
                    .to_owned(),
        },
        Row {
            what: "What they ask for".to_owned(),
            key: "workload.mix".to_owned(),
            here: mix.join(", "),
            default: default_mix.join(", "),
            choice: false,
            source: "The journey’s default, assumed for a to-do list".to_owned(),
        },
    ];
    block(
        None,
        "static",
        "Requests",
        "What users ask for: static files, reads, writes, and heavier jobs.",
        &[],
        &["The shape of a day: the busiest hour lasts as long as you watch."],
        &table("Its numbers and their sources", &rows),
    )
}

fn one_component(stage: &Stage, component: &Component) -> Markup {
    let kind = component.settings.kind();
    let about = kind.about();
    let rows = setting_rows(&component.settings, kind).into_iter().zip(kind.fields());
    let in_play = rows.filter(|(row, field)| row.in_play() && component.settings.matters(field));
    let rows: Vec<Row> = in_play.map(|(row, _)| row).collect();
    let off = kind.fields().len() - rows.len();
    let own = match &component.machine {
        Some(Placement::Own { size, machine }) => one_machine(&component.id, size.as_deref(), machine),
        _ => html! {},
    };
    let first = stage.components.iter().find(|other| other.settings.kind() == kind);
    let repeated = first.is_some_and(|first| first.id != component.id);
    let several = stage.components.iter().filter(|other| other.settings.kind() == kind).count() > 1;
    let name = if several { format!("{}: {}", about.name, component.id) } else { about.name.to_owned() };
    let turned = component.settings != kind.default_settings();
    let models = [about.models, if turned { about.also } else { &[] }].concat();
    let (models, leaves_out) = if repeated { (&[][..], &[][..]) } else { (&models[..], about.leaves_out) };
    let key = (!repeated).then(|| kind.key());
    html! {
        (block(key, kind.key(), &name, about.summary, models, leaves_out, &html! {
            (table("Its numbers and their sources", &rows))
            @if off > 0 && !repeated {
                p.more { a href={ "/model/" (kind.key()) "/" } { (off) " more that are off here" } }
            }
        }))
        (own)
    }
}

/// Everything that a kind models, and all of its numbers.
pub(super) fn one_kind(kind: Kind) -> Markup {
    let about = kind.about();
    let rows = setting_rows(&kind.default_settings(), kind);
    let numbers = table("Its numbers and their sources", &rows);
    let models = [about.models, about.also].concat();
    block(Some(kind.key()), kind.key(), about.name, about.summary, &models, about.leaves_out, &numbers)
}

fn setting_rows(settings: &Settings, kind: Kind) -> Vec<Row> {
    let defaults = kind.default_settings();
    let value = |knob: Option<&dyn Knob>| knob.map_or_else(String::new, show::knob);
    let rows = kind.fields().iter().map(|field| Row {
        what: show::prose(field.doc),
        key: field.name.to_owned(),
        here: value(settings.knob(field.name)),
        default: value(defaults.knob(field.name)),
        choice: defaults.knob(field.name).is_some_and(|knob| !knob.choices().is_empty()),
        source: show::prose(field.source),
    });
    rows.collect()
}

/// A machine in one sentence: what differs from its size in bold.
fn one_machine(id: &str, size: Option<&str>, machine: &Machine) -> Markup {
    let catalogue = builtin::catalogue();
    let size = size.and_then(|size| catalogue.get(size));
    let base = size.map_or_else(Machine::default, |size| size.machine.clone());
    let is_shown = |name: &str| match name {
        "quota" | "period" => machine.quota.is_some(),
        "speed" => machine.speed != 1.0,
        _ => true,
    };
    html! {
        div.thing-block {
            h3 { (draw::icon("box")) "Machine: " (id) }
            p {
                @match size {
                    Some(size) => { "The size " (size.name) " of the catalogue: " }
                    None => "The model’s default machine: "
                }
                @for (index, field) in Machine::FIELDS.iter().filter(|field| is_shown(field.name)).enumerate() {
                    @let words = words(field.name, &show::number(field.unit, (field.read)(machine)), machine);
                    @if index > 0 { ", " }
                    @if (field.read)(machine) == (field.read)(&base) { (words) } @else { b { (words) } }
                }
                "."
            }
            @if let Some(size) = size { p.source { "Source: " (show::prose(&size.source)) "." } }
        }
    }
}

/// A number of a machine with its name.
fn words(field: &str, value: &str, machine: &Machine) -> String {
    match field {
        "vcpus" if machine.vcpus == 1 => "1 processor".to_owned(),
        "vcpus" => format!("{value} processors"),
        "quota" => format!("a limit of {value} of them"),
        "period" => format!("filled again every {value}"),
        "speed" => format!("{value} times as fast as the one that demands were measured on"),
        "memory" => format!("{value} of memory"),
        "swap" => format!("{value} of swap"),
        "disk" => format!("{value} of disk"),
        "disk_latency" => format!("{value} for a write that has reached the disk"),
        "disk_channels" => format!("{value} of these at a time"),
        "price_per_hour" => format!("${} an hour", machine.price_per_hour),
        other => format!("{other} {value}"),
    }
}

fn links(stage: &Stage) -> Markup {
    let name = |index: usize| stage.components.get(index).map_or("", |component| component.id.as_str());
    // What only looks or orders sends no messages of any length.
    let mut times: Vec<f64> = stage.links.iter().map(|link| link.latency.as_secs_f64()).filter(|s| *s > 0.0).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    html! {
        div.thing-block {
            h3 { (draw::icon("dns")) "Network" }
            p {
                "Every message takes its link’s time, each way. "
                @for seconds in times.iter().rev() {
                    @let all: Vec<String> = stage.links.iter().filter(|link| link.latency.as_secs_f64() == *seconds)
                        .map(|link| format!("{} to {}", name(link.from), name(link.to))).collect();
                    b { (show::number(hockeystick_core::settings::Unit::Seconds, *seconds)) } ": " (all.join(", ")) ". "
                }
                "Left out: bandwidth where none is given, lost packets and congestion."
            }
        }
    }
}
