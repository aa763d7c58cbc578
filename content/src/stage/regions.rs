//! `[region.NAME]`: places that are far from one another.

use std::collections::BTreeMap;

use hockeystick_core::stage::{Region, limits};
use hockeystick_core::units::Duration;
use toml::Spanned;

use crate::fields::{Fields, shortened};
use crate::problem::Problems;
use crate::suggest::valid_names;

/// The file's regions, with the distances between them. A distance is said once, by either of the two.
pub(crate) fn read(top: &Fields<'_, '_>, problems: &mut Problems) -> Vec<Region> {
    let Some(value) = top.get("region") else { return Vec::new() };
    let Ok(all) = Fields::of(value, "region", problems) else { return Vec::new() };
    let names: Vec<String> = all.table().keys().map(|key| key.get_ref().to_string()).collect();
    if names.len() > limits::REGIONS {
        let message = format!("{} regions are too many", names.len());
        problems.add(value.span(), "region", message, format!("at most {}", limits::REGIONS));
        return Vec::new();
    }
    let mut distances = vec![vec![None; names.len()]; names.len()];
    for (from, (name, table)) in names.iter().zip(all.table().values()).enumerate() {
        let path = format!("region.{}", shortened(name));
        let Ok(table) = Fields::of(table, &path, problems) else { continue };
        read_distances(&table, from, &names, &mut distances, problems);
    }
    for from in 0..names.len() {
        for to in 0..from {
            if distances[from][to].is_none() {
                let message = format!("nobody says how far `{}` is from `{}`", names[from], names[to]);
                let help = format!("latency = {{ {} = \"40 ms\" }}, one way", names[to]);
                problems.add(value.span(), format!("region.{}", shortened(&names[from])), message, help);
            }
        }
    }
    let latency = |row: &Vec<Option<Duration>>| row.iter().map(|latency| latency.unwrap_or_default()).collect();
    names.into_iter().zip(&distances).map(|(id, row)| Region { id, latency: latency(row) }).collect()
}

fn read_distances(
    table: &Fields<'_, '_>,
    from: usize,
    names: &[String],
    distances: &mut [Vec<Option<Duration>>],
    problems: &mut Problems,
) {
    const VALID: &str = "one way: latency = { america = \"40 ms\" }";
    table.only(&["latency"], problems);
    let Ok(Some(latencies)) = table.optional::<BTreeMap<String, Duration>>("latency", VALID, problems) else { return };
    let place = table.get("latency").map_or(table.span(), Spanned::span);
    for (name, latency) in latencies {
        match names.iter().position(|known| *known == name) {
            Some(to) if to != from => {
                distances[from][to] = Some(latency);
                distances[to][from] = Some(latency);
            }
            _ => {
                let message = format!("no other region: `{}`", shortened(&name));
                let others = names.iter().map(String::as_str).filter(|other| *other != names[from]);
                problems.add(place.clone(), table.path_of("latency"), message, valid_names(&name, others));
            }
        }
    }
}
