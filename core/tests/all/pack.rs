//! Stages and figures in their binary form.

use hockeystick_core::figure::Figure;
use hockeystick_core::pack::{from_bytes, to_bytes};
use hockeystick_core::stage::Stage;
use proptest::prelude::*;

#[test]
fn a_stage_reads_back_the_same_and_a_cut_one_does_not() {
    for stage in (0..3).filter_map(hockeystick_probe::case) {
        let bytes = to_bytes(&stage);
        assert_eq!(from_bytes(&bytes), Some(stage));
        for end in 0..bytes.len() {
            assert_eq!(from_bytes::<Stage>(&bytes[..end]), None);
        }
    }
}

proptest! {
    #[test]
    fn made_up_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = from_bytes::<Figure>(&bytes);
    }
}
