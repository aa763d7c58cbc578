use super::*;

fn router(settings: &Settings, databases: usize) -> State {
    let mut engine = Engine::new(1);
    let mut state = State::new(settings, Place::of_one("shards", Vec::new()), &Workload::default(), &mut engine);
    state.shards = (0..databases).map(|edge| Shard { edge: edge as u16, queries: 0 }).collect();
    state.owner = (0..state.slots()).map(|slot| state.target(slot)).collect();
    state
}

/// Share of the slots that move when a fifth database joins four.
fn moves(logical: bool) -> f64 {
    let settings = Settings { shards: 4, logical, ..Settings::default() };
    let mut router = router(&settings, 5);
    router.settings.shards = 5;
    let goal = router.goal();
    router.owner.iter().zip(&goal).filter(|(a, b)| a != b).count() as f64 / router.slots() as f64
}

#[test]
fn a_modulo_moves_nearly_all_and_logical_shards_move_few() {
    assert!((moves(false) - 0.8).abs() < 0.02, "four fifths: {}", moves(false));
    assert!((moves(true) - 0.2).abs() < 0.01, "the new one's fifth: {}", moves(true));
}

/// The busiest shard's share of changes, of four.
fn hottest(key: Key) -> f64 {
    let router = router(&Settings { key, ..Settings::default() }, 4);
    let mut counts = [0_u32; 4];
    let zipf = Zipf::new(1_000_000, 1.0);
    let stream = Stream::new(1, "users", "item");
    for request in 0..20_000 {
        let item = zipf.sample(&mut stream.draw(request));
        counts[usize::from(router.owner[router.slot(item, Class::Write, request)])] += 1;
    }
    f64::from(counts.iter().copied().max().unwrap()) / 20_000.0
}

#[test]
fn the_key_decides_how_evenly_changes_are_spread() {
    assert!(hottest(Key::Hash) < 0.27, "rows by themselves are even: {}", hottest(Key::Hash));
    let account = hottest(Key::Account);
    assert!((0.27..0.40).contains(&account), "the busiest account makes its shard hot: {account}");
    assert!(hottest(Key::Range) > 0.5, "the oldest accounts: {}", hottest(Key::Range));
    assert_eq!(hottest(Key::Time), 1.0, "all changes are new");
    assert_eq!(hottest(Key::DayOfWeek), 1.0, "all changes are of today");
}

#[test]
fn whoever_still_has_rows_is_asked_while_they_move_away() {
    let mut router = router(&Settings { shards: 4, ..Settings::default() }, 4);
    router.settings.shards = 2;
    assert_eq!(router.holding(), 2);
    router.moving = Some(Move { call: CallId::NONE, slot: 0, rows_left: 0.0, rows: 0.0, total: 0.0 });
    assert_eq!(router.holding(), 4);
    router.owner.iter_mut().for_each(|owner| *owner %= 3);
    assert_eq!(router.holding(), 3);
}
