//! Boards in addresses: every one comes back as it was, and nothing that was made up, cut or mistyped is taken for one.

use hockeystick_content::builtin;
use hockeystick_core::address::{AddressError, Board, read, write};
use hockeystick_core::component::Kind;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::stage::edit::Spot;
use proptest::prelude::*;

fn stage(slug: &str) -> Stage {
    builtin::stage(slug).and_then(Result::ok).unwrap()
}

fn board(stage: Stage) -> Board {
    Board { stage, seed: 7, speed: 0.5 }
}

#[test]
fn every_stage_comes_back_as_it_was() {
    for slug in builtin::slugs() {
        let board = board(stage(slug));
        assert_eq!(read(&write(&board)), Ok(board), "{slug}");
    }
}

#[test]
fn a_board_that_is_opened_again_runs_the_same_to_the_last_bit() {
    let mut edited = stage("06-split-database");
    let link = edited.links.len() - 1;
    edited.put(Kind::LoadBalancer, Spot::Link(0), [1.5, 2.25], builtin::catalogue().get("small")).unwrap();
    edited.put(Kind::Cache, Spot::Link(link.min(1)), [10.0, 20.0], None);
    edited.set_knob("app.demand.read", 0.012_345_678);
    let written = board(edited);
    let opened = read(&write(&written)).unwrap();
    let outcome = |board: &Board| {
        format!("{:?}", run(&board.stage, &RunOptions { seed: board.seed, ..RunOptions::default() }, &mut |_| {}))
    };
    assert_eq!(outcome(&opened), outcome(&written));
}

proptest! {
    #[test]
    fn what_was_cut_or_changed_is_refused(at in 0..21_usize, cut in 0..2_000_usize, flip in 0..16_000_usize) {
        let bytes = write(&board(stage(builtin::slugs()[at])));
        let short = &bytes[..cut % bytes.len()];
        prop_assert_eq!(read(short), Err(AddressError::Broken));
        let mut changed = bytes.clone();
        let place = flip / 8 % bytes.len();
        changed[place] ^= 1 << (flip % 8);
        prop_assert!(read(&changed).is_err());
    }

    #[test]
    fn nothing_made_up_brings_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).is_err());
    }

    /// The check sum is no secret: whoever wants can make one that fits.
    #[test]
    fn a_hostile_board_with_a_fitting_sum_is_read_safely(flips in prop::collection::vec((0..4_000_usize, any::<u8>()), 1..6)) {
        let mut bytes = write(&board(stage("09-load-balancer")));
        let length = bytes.len();
        for (at, value) in flips {
            bytes[9 + at % (length - 9)] = value;
        }
        let sum = bytes[9..].iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
        bytes[5..9].copy_from_slice(&sum.to_le_bytes());
        if let Ok(board) = read(&bytes) {
            // Whatever it is, it can be looked at without a panic.
            board.stage.check();
            board.stage.unconnected();
            let mut edited = board.stage.clone();
            edited.tidy();
            for kind in Kind::ALL {
                board.stage.spots(*kind);
            }
            edited.remove(0);
        }
    }
}

#[test]
fn an_address_of_another_version_is_stale_and_says_so() {
    let mut bytes = write(&board(stage("01-single-server")));
    bytes[1] ^= 1;
    assert_eq!(read(&bytes), Err(AddressError::Stale));
    assert!(AddressError::Stale.to_string().contains("another version"));
}
