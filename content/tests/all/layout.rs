//! The boards of the journey as they are laid out, on screens of every width.

use hockeystick_content::builtin;
use hockeystick_core::layout::{Cards, NARROW_PX, Rect, machine_rects, members};
use hockeystick_core::stage::Stage;

fn stages() -> impl Iterator<Item = (&'static str, Stage)> {
    builtin::slugs().iter().map(|slug| (*slug, builtin::stage(slug).and_then(Result::ok).unwrap()))
}

fn meet(a: &Rect, b: &Rect) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

#[test]
fn on_a_phone_no_card_lies_on_another_or_within_the_frame_of_a_machine_that_is_not_its_own() {
    for (slug, stage) in stages() {
        for width in [320.0, 360.0, 390.0, 430.0, NARROW_PX - 1.0] {
            let cards = Cards::new(&stage, width).places;
            let id = |index: usize| &stage.components[index].id;
            for a in 0..cards.len() {
                assert!(cards[a].x >= 0.0 && cards[a].right() <= width, "{slug} at {width}: {}", id(a));
                let on = (0..a).find(|b| meet(&cards[a], &cards[*b])).map(id);
                assert_eq!(on, None, "{slug} at {width}: {} lies on it", id(a));
            }
            for (machine, frame) in machine_rects(&stage, &cards, true).into_iter().enumerate() {
                let Some(frame) = frame else { continue };
                let own: Vec<usize> = members(&stage, machine).collect();
                let strange = (0..cards.len()).find(|index| !own.contains(index) && meet(&cards[*index], &frame));
                assert_eq!(strange.map(id), None, "{slug} at {width}: within {}", stage.machines[machine].id);
            }
        }
    }
}

#[test]
fn on_a_wide_screen_no_card_lies_on_another() {
    for (slug, stage) in stages() {
        for width in [798.0, 1_118.0] {
            let Cards { size, places, .. } = Cards::new(&stage, width);
            for a in 0..places.len() {
                let id = &stage.components[a].id;
                assert!(places[a].x >= 0.0 && places[a].right() <= size.0, "{slug} at {width}: {id}");
                assert!(!(0..a).any(|b| meet(&places[a], &places[b])), "{slug} at {width}: {id}");
            }
        }
    }
}
