//! A whole board in as few bytes as it takes, for an address: opened again, it runs the same to the last bit.
//!
//! The bytes are a version, a fingerprint of the shapes of all settings, a check sum, and the [packed](crate::pack) board.
//! A program whose settings have changed since sees that from the fingerprint, instead of reading another board out of the
//! bytes; an address that was cut or mistyped is seen from the check sum.

use crate::component::Kind;
use crate::pack;
use crate::pack_struct;
use crate::settings::Field;
use crate::stage::{SCHEMA, Stage, Target, limits};

/// The version of this form.
const VERSION: u8 = 1;
/// Bytes before the board.
const HEAD: usize = 9;
/// Most bytes that are looked at: no board that can be built by hand comes near.
const LARGEST: usize = 200_000;

/// What an address opens.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// What stands on it, and where.
    pub stage: Stage,
    /// Seed of every random draw.
    pub seed: u64,
    /// Simulated seconds in a second of the reader's time.
    pub speed: f64,
}

pack_struct!(Board { stage, seed, speed });

/// Why an address cannot be opened. As text, a sentence for a reader that says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not whole.
    #[error("This address was cut or mistyped: copy all of it again.")]
    Broken,
    /// It is of another version of the program.
    #[error(
        "This address was made by another version of this site, whose components were set otherwise: build the board again."
    )]
    Stale,
    /// It is whole, and no board.
    #[error("This address holds no board that could be shown: ask whoever gave it to you for another.")]
    Senseless,
}

/// The bytes of a board.
pub fn write(board: &Board) -> Vec<u8> {
    let body = pack::to_bytes(board);
    let mut bytes = vec![VERSION];
    bytes.extend(fingerprint().to_le_bytes());
    bytes.extend(hash(&body).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// The board in these bytes, whoever made them. Its indices and sizes are sound; whether it can run is
/// [`Stage::check`]'s to say.
///
/// # Errors
/// Why they are none.
pub fn read(bytes: &[u8]) -> Result<Board, AddressError> {
    if bytes.len() > LARGEST {
        return Err(AddressError::Senseless);
    }
    let (head, body) = bytes.split_at_checked(HEAD).ok_or(AddressError::Broken)?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if number(5) != hash(body) {
        return Err(AddressError::Broken);
    }
    if head[0] != VERSION || number(1) != fingerprint() {
        return Err(AddressError::Stale);
    }
    let board: Board = pack::from_bytes(body).ok_or(AddressError::Senseless)?;
    let speed_is_sane = (0.000_1..=10_000.0).contains(&board.speed);
    if speed_is_sane && is_whole(&board.stage) { Ok(board) } else { Err(AddressError::Senseless) }
}

/// Whether every index leads somewhere, and nothing is so large that it could not be shown.
fn is_whole(stage: &Stage) -> bool {
    let components = stage.components.len();
    let is_place = |at: &f32| (-100_000.0..=100_000.0).contains(at);
    let sound = |it: &crate::stage::Component| {
        let on_machine = match it.machine {
            Some(crate::stage::Placement::Shared(machine)) => machine < stage.machines.len(),
            _ => true,
        };
        on_machine
            && it.at.iter().all(is_place)
            && it.region.is_none_or(|region| region < stage.regions.len())
            && (1..=limits::COPIES).contains(&it.copies)
            && it.machine.is_some() == it.settings.kind().about().hosted
    };
    let befalls = |on: &Target| match *on {
        Target::Component(at, _) => at < components,
        Target::Machine(at) => at < stage.machines.len(),
        Target::Link(at) => at < stage.links.len(),
        Target::Region(at) => at < stage.regions.len(),
    };
    components <= limits::COMPONENTS
        && stage.links.len() <= limits::LINKS
        && stage.machines.len() <= limits::COMPONENTS
        && stage.faults.len() <= limits::FAULTS
        && stage.regions.len() <= limits::REGIONS
        && stage.components.iter().all(sound)
        && stage.links.iter().all(|link| link.from < components && link.to < components && link.from != link.to)
        && stage.faults.iter().all(|fault| befalls(&fault.on))
}

/// Changes when the settings of any kind do: their names, their order, or what they count.
fn fingerprint() -> u32 {
    let mut shapes = SCHEMA.to_le_bytes().to_vec();
    for kind in Kind::ALL {
        shapes.extend(kind.key().bytes());
        let mut defaults = kind.default_settings();
        for Field { name, .. } in kind.fields() {
            let Some(knob) = defaults.knob(name) else { continue };
            shapes.extend(name.bytes());
            shapes.extend([knob.unit() as u8, u8::from(knob.per_class())]);
            // What an address does not hold is as it is by default: another default is another board.
            knob.pack_here(&mut shapes);
        }
    }
    hash(&shapes)
}

/// FNV-1a, 32 bits (Fowler, Noll & Vo).
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
