//! Texts that nobody would write, for readers that must answer all of them: made by number, so that a text which breaks a
//! reader can be made again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::random::Dice;

/// Fewer than `most` of these words in a row.
pub fn words(of: &[&str], most: usize, dice: &mut Dice) -> String {
    let count = dice.below(most);
    (0..count).map(|_| dice.pick(of)).collect()
}

/// A text with a few places changed: taken out, doubled, cut off, overwritten, or with words, or with what `piece` makes,
/// put in.
pub fn changed(text: &str, of: &[&str], piece: impl Fn(&mut Dice) -> String, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.below(4) {
        let (from, length) = (dice.below(bytes.len() + 1), dice.below(16));
        let to = (from + length).min(bytes.len());
        match dice.below(6) {
            0 => drop(bytes.drain(from..to)),
            1 => drop(bytes.splice(from..to, words(of, 3, dice).into_bytes())),
            2 => drop(bytes.splice(from..from, piece(dice).into_bytes())),
            3 if dice.below(4) == 0 => bytes.truncate(from),
            4 if !bytes.is_empty() => {
                let at = from.min(bytes.len() - 1);
                bytes[at] = dice.below(256) as u8;
            }
            _ => {
                let part = bytes[from..to].to_vec();
                let at = dice.below(bytes.len() + 1);
                drop(bytes.splice(at..at, part));
            }
        }
    }
    bytes
}

/// The first number and how many, as `HOCKEYSTICK_FIRST` and `HOCKEYSTICK_COUNT` ask for them; from 1 on, a million, unless
/// they do.
#[expect(clippy::disallowed_methods, reason = "a test's own question; the model asks nothing")]
pub fn asked() -> (u64, u64) {
    let number = |variable: &str, otherwise| {
        std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    (number("HOCKEYSTICK_FIRST", 1), number("HOCKEYSTICK_COUNT", 1_000_000))
}

/// Gives a reader the texts of these numbers, on every processor. `read` says whether a text was a good one.
///
/// # Panics
/// When the reader did, with every text of which it did.
pub fn hunt(
    what: &str,
    (first, count): (u64, u64),
    make: impl Fn(u64) -> Vec<u8> + Sync,
    read: impl Fn(&[u8]) -> bool + Sync,
) {
    let (next, good) = (AtomicU64::new(first), AtomicU64::new(0));
    let faults = Mutex::new(Vec::new());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= first + count {
                return;
            }
            let bytes = make(number);
            match catch_unwind(AssertUnwindSafe(|| read(&bytes))) {
                Ok(is_good) => drop(good.fetch_add(u64::from(is_good), Ordering::Relaxed)),
                Err(_) => {
                    let fault = format!("{what} {number}: {:?}", String::from_utf8_lossy(&bytes));
                    faults.lock().expect("no worker panics").push(fault);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    println!("{count} {what} from {first} on, {} of them good", good.into_inner());
    let faults = faults.into_inner().expect("no worker panics");
    assert!(faults.is_empty(), "{} {what}:\n{}", faults.len(), faults.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "numbers 7: \"7\"")]
    fn a_reader_that_panics_is_told_with_the_text() {
        hunt("numbers", (1, 20), |number| number.to_string().into_bytes(), |text| text != b"7" || panic!("seven"));
    }
}
