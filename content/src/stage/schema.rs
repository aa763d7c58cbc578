//! The JSON Schema of the stage file, for editors: made from what the reader of the file goes by, so that nothing is
//! said twice. It is a little wider than the reader: it knows neither which names there are nor the ranges of quantities,
//! which are texts.

use hockeystick_core::component::Kind;
use hockeystick_core::figure::Panel;
use hockeystick_core::hardware::{Catalogue, Machine};
use hockeystick_core::settings::{Field, Unit};
use hockeystick_core::stage::{SCHEMA, limits};
use hockeystick_core::units::{Bandwidth, Bytes, Duration, Rate};
use hockeystick_core::workload::{Class, Demand};
use serde_json::{Map, Value, json};

use super::{CHALLENGE, TOP_LEVEL, components, faults, links, machines, shown, workload};
use crate::fields::Known;
use crate::figure;
use crate::show;

/// The JSON Schema (draft 2020-12) of a stage file whose sizes are those of `catalogue`.
pub fn schema(catalogue: &Catalogue) -> Value {
    let shapes = TOP_LEVEL.map(|(name, valid)| (name, described(top_level(name), valid)));
    let mut schema = table(shapes, &["title", "component"]);
    let definitions = definitions(catalogue);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".into(), json!("Hockeystick stage"));
        let text = "An architecture with its hardware, its workload and what goes wrong with it.";
        schema.insert("description".into(), json!(text));
        schema.insert("not".into(), json!({ "required": ["users", "rate"] }));
        schema.insert("$defs".into(), definitions);
    }
    schema
}

fn top_level(name: &str) -> Value {
    let list = |of: &str, most: usize| json!({ "type": "array", "items": reference(of), "maxItems": most });
    match name {
        "schema" => json!({ "const": SCHEMA }),
        "title" => json!({ "type": "string" }),
        "users" => json!({ "type": "integer", "minimum": 0 }),
        "rate" => reference("rate"),
        "workload" => table(workload::FIELDS.map(|(name, valid)| (name, described(workload_field(name), valid))), &[]),
        "region" => tables(
            &json!({
                "type": "object",
                "additionalProperties": false,
                "properties": { "latency": tables(&reference("duration"), limits::REGIONS) },
            }),
            limits::REGIONS,
        ),
        "machine" => tables(&reference("machine"), limits::COMPONENTS),
        "component" => list("component", limits::COMPONENTS),
        "link" => list("link", limits::LINKS),
        "fault" => list("fault", limits::FAULTS),
        "challenge" => {
            let shapes = CHALLENGE.map(|(name, valid)| (name, described(challenge_field(name), valid)));
            table(shapes, &["goal", "rate", "p95"])
        }
        "figure" => {
            let fields = figure::FIELDS.into_iter().chain(shown::TEXTS);
            table(fields.map(|(name, valid)| (name, described(figure_field(name), valid))), &["caption"])
        }
        _ => unknown(name),
    }
}

fn challenge_field(name: &str) -> Value {
    match name {
        "goal" => json!({ "type": "string" }),
        "rate" => reference("rate"),
        "p95" => reference("duration"),
        "errors" | "stale" => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        "lost" => json!({ "type": "number", "minimum": 0 }),
        "fault" => top_level(name),
        "budget" => json!({ "type": "number" }),
        "for" => reference("duration"),
        "hints" => json!({ "type": "array", "items": { "type": "string" } }),
        _ => unknown(name),
    }
}

fn figure_field(name: &str) -> Value {
    let text = || json!({ "type": "string" });
    let list = |of: Value| json!({ "type": "array", "items": of });
    match name {
        "from" | "caption" | "opening" => text(),
        "turn" | "break" => list(text()),
        "set" => json!({ "type": "object", "additionalProperties": text() }),
        "seed" => json!({ "type": "integer", "minimum": 0 }),
        "speed" => json!({ "type": "number", "minimum": figure::SPEEDS.start(), "maximum": figure::SPEEDS.end() }),
        "autoplay" => json!({ "type": "boolean" }),
        "panels" => list(json!({ "enum": Panel::ALL })),
        "controls" => {
            let shape = |name: &str| if name == "scale" { json!({ "enum": ["linear", "log"] }) } else { text() };
            let shapes = figure::CONTROL.map(|(name, valid)| (name, described(shape(name), valid)));
            list(table(shapes, &["path", "label", "min", "max"]))
        }
        "breaks" => list(json!({ "oneOf": faults::KINDS.iter().map(a_break).collect::<Vec<_>>() })),
        "palette" => list(json!({ "enum": Kind::ALL.iter().map(|kind| kind.key()).collect::<Vec<_>>() })),
        _ => unknown(name),
    }
}

/// Something that the reader may break: a fault that begins when its button is pressed.
fn a_break(kind: &faults::KindOfFault) -> Value {
    let mut shape = fault(kind, figure::BREAK);
    if let Some(required) = shape["required"].as_array_mut() {
        required.extend(["label", "for"].map(Value::from));
    }
    shape
}

fn workload_field(name: &str) -> Value {
    let number = |least: f64, most: f64| json!({ "type": "number", "minimum": least, "maximum": most });
    let whole = |most: f64| json!({ "type": "integer", "minimum": 1, "maximum": most as u64 });
    let duration = || reference("duration");
    match name {
        "mix" => per_class(&number(0.0, 1.0)),
        "arrivals" => json!({ "enum": ["poisson", "constant"] }),
        "bursts" => table(
            [("factor", number(1.0, 1_000.0)), ("lasts", duration()), ("every", duration())],
            &["factor", "lasts", "every"],
        ),
        "day" => table([("length", duration()), ("quiet", number(0.0, 1.0))], &["length", "quiet"]),
        "closed" => {
            table([("users", whole(limits::CLOSED_USERS)), ("think", reference("demand"))], &["users", "think"])
        }
        "popularity" => table([("zipf", number(0.0, 10.0)), ("items", whole(1e12))], &["zipf", "items"]),
        "request_size" | "response_size" => per_class(&reference("bytes")),
        _ => unknown(name),
    }
}

fn definitions(catalogue: &Catalogue) -> Value {
    let text = |pattern: String, example: &str| json!({ "type": "string", "pattern": pattern, "examples": [example] });
    let cv = json!({ "type": "number", "minimum": 0, "maximum": Demand::LARGEST_CV });
    let mut all = Map::new();
    let mut add = |name: &str, shape: Value| all.insert(name.to_owned(), shape);
    add("duration", text(Duration::pattern(), "500 ms"));
    add("bytes", text(Bytes::pattern(), "4 GB"));
    add("rate", text(Rate::pattern(), "926/s"));
    add("bandwidth", text(Bandwidth::pattern(), "1 Gbit/s"));
    let varying = table([("mean", reference("duration")), ("cv", cv)], &["mean"]);
    add("demand", json!({ "anyOf": [reference("duration"), varying] }));
    add("class", json!({ "enum": Class::ALL.map(Class::name) }));
    add("machine", machine(catalogue));
    add("link", table(links::FIELDS.map(|(name, valid)| (name, described(link_field(name), valid))), &["path"]));
    let kinds = Kind::ALL.iter().map(|kind| reference(&format!("component-{}", kind.key())));
    add("component", json!({ "oneOf": kinds.collect::<Vec<_>>() }));
    for kind in Kind::ALL {
        add(&format!("component-{}", kind.key()), component(*kind));
    }
    let faults = faults::KINDS.iter().map(|kind| reference(&format!("fault-{}", kind.name)));
    add("fault", json!({ "oneOf": faults.collect::<Vec<_>>() }));
    for kind in faults::KINDS {
        add(&format!("fault-{}", kind.name), with_start(fault(kind, faults::COMMON)));
    }
    Value::Object(all)
}

fn machine(catalogue: &Catalogue) -> Value {
    let sizes: Vec<&str> = catalogue.sizes.iter().map(|size| size.id.as_str()).collect();
    let default = serde_json::to_value(Machine::default()).unwrap_or_default();
    let mut shapes = vec![("size", json!({ "enum": sizes, "description": "A size of the catalogue" }))];
    for field in &Machine::FIELDS {
        let mut shape = number(field.unit, field.min, field.max, &[]);
        set_default(&mut shape, &default[field.name]);
        shapes.push((
            field.name,
            described(shape, &ranged(machines::example(field.name), field.unit, field.min, field.max)),
        ));
    }
    table(shapes, &[])
}

fn link_field(name: &str) -> Value {
    match name {
        "path" => json!({ "type": "array", "items": { "type": "string" }, "minItems": 2 }),
        "latency" => reference("duration"),
        "bandwidth" => reference("bandwidth"),
        "for" => json!({ "type": "array", "items": reference("class"), "minItems": 1 }),
        _ => unknown(name),
    }
}

fn component(kind: Kind) -> Value {
    let about = kind.about();
    let mut required = vec!["id", "kind"];
    let mut shapes = Vec::new();
    for (name, valid) in components::COMMON {
        let shape = match name {
            "id" => json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,39}$" }),
            "kind" => json!({ "const": kind.key() }),
            "copies" => {
                let most = if kind == Kind::Clients { 1 } else { limits::COPIES };
                json!({ "type": "integer", "minimum": 1, "maximum": most, "default": 1 })
            }
            "machine" if about.hosted => {
                required.push(name);
                json!({ "anyOf": [{ "type": "string" }, reference("machine")] })
            }
            "machine" => continue,
            "region" => json!({ "type": "string" }),
            "at" => json!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 }),
            _ => unknown(name),
        };
        shapes.push((name, described(shape, valid)));
    }
    // Settings are held as `{ "AppServer": { … } }`.
    let defaults = serde_json::to_value(kind.default_settings()).unwrap_or_default();
    let defaults = defaults.as_object().and_then(|kinds| kinds.values().next()).cloned().unwrap_or_default();
    shapes.extend(kind.fields().iter().map(|field| (field.name, setting(kind, field, &defaults[field.name]))));
    described(table(shapes, &required), about.summary)
}

/// One setting, with what it does, its range, its default and where that comes from.
fn setting(kind: Kind, field: &Field, default: &Value) -> Value {
    let mut settings = kind.default_settings();
    let Some(knob) = settings.knob(field.name) else { return unknown(field.name) };
    // The reader of the file itself says whether a time may be a distribution.
    let varying = json!({ "mean": "1 s", "cv": 1.0 });
    let takes = |value: Value| kind.read_settings(json!({ field.name: value })).is_ok();
    let is_demand = if knob.per_class() { takes(json!({ "read": varying })) } else { takes(varying) };
    let one = if is_demand { reference("demand") } else { number(knob.unit(), field.min, field.max, knob.choices()) };
    let mut shape = if knob.per_class() { json!({ "anyOf": [one, per_class(&one)] }) } else { one };
    set_default(&mut shape, default);
    let source = field.source.trim().trim_end_matches('.');
    described(shape, &format!("{}. Source of the default: {source}.", components::valid_setting(kind, field)))
}

/// A fault of the timeline says when.
fn with_start(mut shape: Value) -> Value {
    if let Some(required) = shape["required"].as_array_mut() {
        required.insert(0, "at".into());
    }
    shape
}

/// A kind of fault, with the fields that every fault has.
fn fault(kind: &faults::KindOfFault, common: [Known; 4]) -> Value {
    let ranges = kind.example.numbers();
    let mut required = vec!["on", "kind"];
    let mut shapes = Vec::new();
    for (name, valid) in common {
        let shape = match name {
            "at" | "for" => reference("duration"),
            "on" | "label" => json!({ "type": "string" }),
            "kind" => json!({ "const": kind.name }),
            _ => unknown(name),
        };
        shapes.push((name, described(shape, valid)));
    }
    for detail in kind.details {
        let range = ranges.iter().find(|(name, ..)| *name == detail.name).map(|(.., range)| *range);
        let [least, most] = range.unwrap_or([f64::MIN, f64::MAX]);
        shapes.push((detail.name, described(number(detail.counts, least, most, &[]), detail.valid)));
        if detail.required {
            required.push(detail.name);
        }
    }
    described(table(shapes, &required), kind.doc)
}

/// A number in its unit, as a file writes it.
fn number(unit: Unit, least: f64, most: f64, choices: &[&str]) -> Value {
    match unit {
        Unit::Count => json!({ "type": "integer", "minimum": least as i64, "maximum": most as i64 }),
        Unit::Number => json!({ "type": "number", "minimum": least, "maximum": most }),
        Unit::Seconds => reference("duration"),
        Unit::Bytes => reference("bytes"),
        Unit::PerSecond => reference("rate"),
        Unit::Switch => json!({ "type": "boolean" }),
        Unit::Choice => json!({ "enum": choices }),
    }
}

fn ranged(text: &str, unit: Unit, least: f64, most: f64) -> String {
    format!("{text}; {} to {}", show::number(unit, least), show::number(unit, most))
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// A table with these fields and no others.
fn table<'n>(fields: impl IntoIterator<Item = (&'n str, Value)>, required: &[&str]) -> Value {
    let properties: Map<String, Value> = fields.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

/// A table of things by names that the author gives.
fn tables(of: &Value, most: usize) -> Value {
    json!({ "type": "object", "additionalProperties": of, "maxProperties": most })
}

fn per_class(of: &Value) -> Value {
    table(Class::ALL.map(|class| (class.name(), of.clone())), &[])
}

fn described(mut shape: Value, text: &str) -> Value {
    if let Some(shape) = shape.as_object_mut().filter(|_| !text.is_empty()) {
        shape.insert("description".into(), json!(text));
    }
    shape
}

fn set_default(shape: &mut Value, default: &Value) {
    if let Some(shape) = shape.as_object_mut().filter(|_| !default.is_null()) {
        shape.insert("default".into(), default.clone());
    }
}

/// A field of the reader's that nothing is known of here takes anything; a test holds that there is none.
fn unknown(name: &str) -> Value {
    json!({ "$comment": format!("nothing is known of `{name}`") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::workload::{Bursts, Closed, Day, Workload};

    fn whole() -> Value {
        schema(&crate::builtin::catalogue())
    }

    #[test]
    fn every_field_of_the_reader_is_known() {
        assert!(!whole().to_string().contains("nothing is known of"));
    }

    #[test]
    fn the_workload_has_the_fields_that_the_model_has() {
        let second = Duration::from_s(1);
        let workload = Workload {
            bursts: Some(Bursts { factor: 2.0, lasts: second, every: second }),
            day: Some(Day { length: second, quiet: 0.5 }),
            closed: Some(Closed { users: 1, think: Demand::NONE }),
            ..Workload::default()
        };
        let model = serde_json::to_value(workload).unwrap();
        let shape = &whole()["properties"]["workload"]["properties"];
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let mut names = crate::fields::names(&workload::FIELDS);
        names.sort_unstable();
        assert_eq!(keys(shape), names);
        for (name, shape) in shape.as_object().unwrap().iter().filter(|(_, shape)| shape["required"] != json!([])) {
            if let Some(part) = model[name].as_object().filter(|_| shape.get("properties").is_some()) {
                assert_eq!(keys(&shape["properties"]), part.keys().cloned().collect::<Vec<_>>(), "{name}");
            }
        }
    }
}
