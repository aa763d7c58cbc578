//! The schema that editors go by agrees with the reader of the file.

use hockeystick_content::{builtin, stage};
use serde_json::Value;

fn schema() -> Value {
    stage::schema(&builtin::catalogue())
}

fn read(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

/// What is wrong with `value`: a validator for just the words that the schema uses, and none that it does not.
fn breaches(whole: &Value, shape: &Value, value: &Value, path: &str) -> Vec<String> {
    let wrong = |what: String| vec![format!("{path}: {what}")];
    let valid = |shape: &Value| breaches(whole, shape, value, path).is_empty();
    let words = shape.as_object().unwrap();
    words
        .iter()
        .flat_map(|(word, argument)| match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "examples" => Vec::new(),
            "$ref" => {
                let name = argument.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                breaches(whole, &whole["$defs"][name], value, path)
            }
            "type" if is_a(argument.as_str().unwrap(), value) => Vec::new(),
            "type" => wrong(format!("{value} is not a {argument}")),
            "const" if argument == value => Vec::new(),
            "enum" if argument.as_array().unwrap().contains(value) => Vec::new(),
            "const" | "enum" => wrong(format!("{value} is not {argument}")),
            "pattern" => {
                let pattern = regex::Regex::new(argument.as_str().unwrap()).unwrap();
                if value.as_str().is_none_or(|text| pattern.is_match(text)) {
                    Vec::new()
                } else {
                    wrong(format!("{value}"))
                }
            }
            "minimum" if value.as_f64().is_none_or(|value| value >= argument.as_f64().unwrap()) => Vec::new(),
            "maximum" if value.as_f64().is_none_or(|value| value <= argument.as_f64().unwrap()) => Vec::new(),
            "minItems" if size(value).is_none_or(|size| size >= argument.as_u64().unwrap()) => Vec::new(),
            "maxItems" | "maxProperties" if size(value).is_none_or(|size| size <= argument.as_u64().unwrap()) => {
                Vec::new()
            }
            "minimum" | "maximum" | "minItems" | "maxItems" | "maxProperties" => wrong(format!("{word} is {argument}")),
            "required" => {
                let missing =
                    argument.as_array().unwrap().iter().filter(|name| value.get(name.as_str().unwrap()).is_none());
                missing.map(|name| format!("{path}: {name} is missing")).collect()
            }
            "properties" => argument
                .as_object()
                .unwrap()
                .iter()
                .flat_map(|(name, shape)| {
                    value
                        .get(name)
                        .map_or_else(Vec::new, |part| breaches(whole, shape, part, &format!("{path}.{name}")))
                })
                .collect(),
            "additionalProperties" => {
                let known = words.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                let others = others.filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
                others
                    .flat_map(|(name, part)| match argument {
                        Value::Bool(false) => vec![format!("{path}: {name} is unknown")],
                        shape => breaches(whole, shape, part, &format!("{path}.{name}")),
                    })
                    .collect()
            }
            "items" => value
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
                .flat_map(|(index, part)| breaches(whole, argument, part, &format!("{path}[{index}]")))
                .collect(),
            "anyOf" if argument.as_array().unwrap().iter().any(valid) => Vec::new(),
            "oneOf" if argument.as_array().unwrap().iter().filter(|shape| valid(shape)).count() == 1 => Vec::new(),
            "anyOf" | "oneOf" => wrong(format!("{value} is none of them")),
            "not" if !valid(argument) => Vec::new(),
            "not" => wrong(format!("is {argument}")),
            word => panic!("the schema uses `{word}`, which is not checked here"),
        })
        .collect()
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        other => panic!("{other}"),
    }
}

fn size(value: &Value) -> Option<u64> {
    value.as_array().map(|list| list.len() as u64).or(value.as_object().map(|table| table.len() as u64))
}

#[test]
fn every_built_in_stage_file_is_valid() {
    let schema = schema();
    for slug in builtin::slugs() {
        let text = builtin::text(slug, "stage.toml").unwrap();
        assert_eq!(breaches(&schema, &schema, &read(text), slug), [""; 0], "{slug}");
    }
    let good = include_str!("../fixtures/good.toml");
    assert_eq!(breaches(&schema, &schema, &read(good), "good"), [""; 0]);
}

#[test]
fn what_the_reader_refuses_for_its_shape_is_invalid() {
    let schema = schema();
    let good = include_str!("../fixtures/good.toml");
    for (old, new) in [
        ("workers = 16", "wrokers = 16"),
        ("workers = 16", "workers = 1.5"),
        ("workers = 16", "workers = 0"),
        ("workers = 16", "workers = \"many\""),
        ("timeout = \"10 s\"", "timeout = 5"),
        ("timeout = \"10 s\"", "timeout = \"5 parsecs\""),
        ("read = { mean = \"12 ms\", cv = 0.5 }", "reed = \"12 ms\""),
        ("kind = \"app-server\"", "kind = \"appserver\""),
        ("id = \"resolver\"", "id = \"no name\""),
        ("kind = \"dns\"", "kind = \"dns\"\nmachine = \"box\""),
        ("machine = \"box\"\nat", "at"),
        ("size = \"nano\"", "size = \"gigantic\""),
        ("quota = 0.5", "vcpus = 0"),
        ("speed = 0.2", ""),
        ("speed = 0.2", "speed = 2.0"),
        ("kind = \"down\"", "kind = \"down\"\nspeed = 0.5"),
        ("users  = 1_000", "users = 1_000\nrate = \"9/s\""),
        ("schema = 1", "schema = 2"),
        ("static = 0.70", "static = 1.70"),
        ("arrivals = \"poisson\"", "arrivals = \"now and then\""),
        ("[[link]]\npath", "[link]\npath"),
        ("budget = 60", "bugdet = 60"),
    ] {
        assert!(good.contains(old), "{old}");
        let text = good.replacen(old, new, 1);
        if let Ok(table) = toml::from_str::<toml::Table>(&text) {
            let value = serde_json::to_value(table).unwrap();
            assert_ne!(breaches(&schema, &schema, &value, ""), [""; 0], "{old} -> {new}");
        }
        assert!(stage::read(&text, "stage.toml", &builtin::catalogue()).is_err(), "{old} -> {new}");
    }
}

#[test]
fn every_default_is_valid_where_it_stands() {
    let schema = schema();
    let mut checked = 0;
    for (name, shape) in schema["$defs"].as_object().unwrap() {
        for (field, shape) in shape["properties"].as_object().into_iter().flatten() {
            if let Some(default) = shape.get("default") {
                assert_eq!(breaches(&schema, shape, default, &format!("{name}.{field}")), [""; 0]);
                checked += 1;
            }
        }
    }
    assert!(checked > 150, "{checked} defaults");
}
