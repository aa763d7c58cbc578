use super::*;
use hockeystick_core::component::{Kind, NodeGauge};
use hockeystick_core::simulate::HostGauge;

/// A copy of a component, on a machine of its own: shares of processor and disk, and how much of the disk's was free.
#[derive(Clone, Copy)]
struct Copy {
    cpu: f64,
    disk: f64,
    room: f64,
    up: bool,
}

/// A copy that uses its processor alone.
fn copy(cpu: f64) -> Copy {
    Copy { cpu, disk: 0.0, room: 0.0, up: true }
}

/// How they stand at an instant.
fn frame(copies: &[Copy], at_s: f64) -> Frame {
    let host = |copy: &Copy| HostGauge {
        busy_s: copy.cpu * at_s,
        processors: 1.0,
        disk_busy_s: copy.disk * at_s,
        disk_room_s: copy.room * at_s,
        disk_channels: 1,
        ..HostGauge::default()
    };
    let node = |copy: &Copy| NodeGauge { up: copy.up, ..NodeGauge::default() };
    Frame {
        now: (at_s * 1e9) as Nanos,
        nodes: copies.iter().map(node).collect(),
        hosts: copies.iter().map(host).collect(),
        window: Window { seconds: 0.033, ..Window::default() },
        ..Frame::default()
    }
}

/// One component after five seconds.
fn after_a_while(copies: &[Copy]) -> Meter {
    let nodes = (0..).zip(copies).map(|(host, _)| (0, Some(host))).collect();
    let hosts = (1..).zip(copies).map(|(number, _)| (format!("app#{number}"), None)).collect();
    let settings = Kind::Cache.default_settings();
    let component = Component { id: "app".to_owned(), copies: 1, machine: None, region: None, at: [0.0; 2], settings };
    let stage = Stage { components: vec![component], ..Stage::default() };
    let mut meter = Meter::new(Plan { nodes, hosts, edges: Vec::new() }, &stage);
    for step in 0..150 {
        let at_s = f64::from(step) * 0.033;
        let frame = frame(copies, at_s);
        meter.take(&frame, at_s, &[]);
        meter.advance(at_s, 0.0, false);
    }
    meter
}

fn marked(copies: &[Copy]) -> Option<(&'static str, u32)> {
    after_a_while(copies).busiest().map(|it| (it.what, it.percent))
}

#[test]
fn a_disk_that_could_take_more_at_once_leaves_the_mark_to_what_limits() {
    let disk = |cpu, room| [Copy { disk: 0.98, room, ..copy(cpu) }];
    assert_eq!(marked(&disk(0.9, 0.0)), Some(("disk", 98)));
    assert_eq!(marked(&disk(0.9, 0.96)), Some(("CPU", 90)));
    assert_eq!(marked(&disk(0.1, 0.96)), None);
}

#[test]
fn the_mark_says_what_the_bar_shows() {
    for copies in [&[copy(0.81)][..], &[copy(0.75), copy(0.87)], &[copy(0.81), Copy { up: false, ..copy(0.0) }]] {
        let mut meter = after_a_while(copies);
        assert_eq!(percent(meter.card(0).cpu), 81);
        assert_eq!(meter.busiest().map(|it| (it.what, it.percent)), Some(("CPU", 81)));
    }
}

#[test]
fn before_its_run_begins_a_meter_shows_nothing() {
    let mut meter = Meter::default();
    assert_eq!(meter.card(0), CardNow::default());
    assert!(meter.busiest().is_none());
}

#[test]
fn a_copy_that_is_busier_than_the_others_is_marked_as_one() {
    assert_eq!(marked(&[copy(0.3), copy(0.3), copy(0.99)]), Some(("copy", 99)));
}

#[test]
fn copies_are_one_station_with_its_mean_its_least_and_its_most() {
    let copies = [copy(0.2), copy(0.6), Copy { up: false, ..copy(0.0) }];
    let sample = after_a_while(&copies).take(&frame(&copies, 5.0), 5.0, &[]);
    let used = sample.unwrap_or_default().utilisation;
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    assert_eq!((used.len(), used[0].name.as_str(), used[0].copies), (2, "app cpu", 3));
    assert!(near(used[0].mean, 0.4) && near(used[0].least, 0.2) && near(used[0].most, 0.6), "{used:?}");
}
