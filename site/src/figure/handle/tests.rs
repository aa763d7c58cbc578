//! What a handle tells, and what it takes back.

use hockeystick_core::component::Kind;
use hockeystick_core::stage::Component;

use super::*;

/// A figure of users who send fifty requests a second.
fn handle() -> FigureHandle {
    let users = Component {
        id: "users".to_owned(),
        copies: 1,
        machine: None,
        region: None,
        at: [100.0, 100.0],
        settings: Kind::Clients.default_settings(),
    };
    FigureHandle::new(Figure::bare("test", Stage { components: vec![users], ..Stage::default() }), None, Vec::new())
}

/// How many changes are told.
fn told(handle: &FigureHandle) -> (Rc<Cell<u32>>, Subscription) {
    let told = Rc::new(Cell::new(0));
    let counted = Rc::clone(&told);
    (told, handle.on_change(move |_, _| counted.set(counted.get() + 1)))
}

#[test]
fn going_back_in_a_run_moves_nothing_and_can_be_taken_back() {
    let handle = handle();
    handle.set("users.rate", 100.0);
    let then = handle.stage();
    handle.let_go();
    handle.set("users.rate", 200.0);
    handle.let_go();
    handle.move_to(|stage| stage.components[0].at = [300.0, 50.0]);
    handle.stands_at(then);
    assert_eq!((handle.get("users.rate"), handle.stage().components[0].at), (Some(100.0), [300.0, 50.0]));
    assert!(handle.travel(true));
    assert_eq!(handle.get("users.rate"), Some(200.0));
}

#[test]
fn an_instant_at_which_all_stood_as_now_changes_nothing() {
    let handle = handle();
    let (told, _listening) = told(&handle);
    handle.stands_at(handle.stage());
    assert_eq!((told.get(), handle.can_travel()), (0, (false, false)));
}

#[test]
fn what_has_nothing_to_happen_to_is_not_told() {
    let handle = handle();
    let (told, _listening) = told(&handle);
    let on = Target::Component(0, None);
    assert!(!handle.inject(&Break { label: String::new(), on, kind: FaultKind::Down, lasts_s: 1.0 }));
    handle.mend();
    assert_eq!(told.get(), 0);
}
