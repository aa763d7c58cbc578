//! The machine that the demo finds: which cores it may use, and whether it has them to itself.

/// One core for the app and another for the generator, where we may use two: the last and the first.
pub(super) fn cores() -> (Option<usize>, Option<usize>) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // As `0-3,8`; see proc_pid_status(5).
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let mut numbers = list.split(['-', ',']).map_while(|number| number.trim().parse().ok());
    let first = numbers.next();
    match (first, numbers.last()) {
        (Some(first), Some(last)) if first < last => (Some(last), Some(first)),
        _ => (None, None),
    }
}

/// Other programs on the same cores delay requests in ways that no model of the app can know: says so beforehand.
pub(super) fn warn_of_neighbours() {
    // The first figure is the mean number of running processes over the last minute; see proc_loadavg(5).
    let Ok(text) = std::fs::read_to_string("/proc/loadavg") else { return };
    let load = text.split_whitespace().next().and_then(|figure| figure.parse::<f64>().ok()).unwrap_or(0.0);
    if load > 1.0 {
        println!(
            "This machine is busy already ({load:.1} processes run): expect noise, and doubts about the measurement"
        );
    }
}
