use super::*;

/// A component on a machine of its own, for five seconds of these shares of its processor and disk; of the disk's so much
/// was free.
fn marked(cpu: f64, disk: f64, room: f64) -> Option<(&'static str, u32)> {
    let plan = Plan { nodes: vec![(0, Some(0))], hosts: vec![("one".to_owned(), None)], edges: Vec::new() };
    let mut meter = Meter::new(plan, &Stage::default());
    for step in 0..150 {
        let at_s = f64::from(step) * 0.033;
        let host = HostGauge {
            busy_s: cpu * at_s,
            processors: 1.0,
            disk_busy_s: disk * at_s,
            disk_room_s: room * at_s,
            disk_channels: 1,
            ..HostGauge::default()
        };
        let nodes = vec![NodeGauge { up: true, ..NodeGauge::default() }];
        let frame = Frame { now: (at_s * 1e9) as Nanos, nodes, hosts: vec![host], ..Frame::default() };
        meter.take(&frame, at_s, &[]);
        meter.advance(at_s, 0.0, false);
    }
    meter.busiest().map(|it| (it.what, it.percent))
}

#[test]
fn a_disk_that_could_take_more_at_once_leaves_the_mark_to_what_limits() {
    assert_eq!(marked(0.9, 0.98, 0.0), Some(("disk", 98)));
    assert_eq!(marked(0.9, 0.98, 0.96), Some(("CPU", 90)));
    assert_eq!(marked(0.1, 0.98, 0.96), None);
}
