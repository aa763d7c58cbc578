//! What a command says: results on standard output, everything else on standard error. Neither ends it where nobody
//! reads or nothing can be written: whoever closes a pipe has seen enough, and a full disk is no reason to end a
//! measurement.

use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

/// Prints a line to standard output. What could not be written is known to [`lost`].
macro_rules! say {
    ($($words:tt)*) => {
        $crate::output::say(format_args!($($words)*))
    };
}

/// Prints a line to standard error, if anybody still reads it.
macro_rules! tell {
    ($($words:tt)*) => {
        $crate::output::tell(format_args!($($words)*))
    };
}

/// Why output was lost, if it was.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

pub(crate) fn say(line: std::fmt::Arguments<'_>) {
    note(writeln!(io::stdout(), "{line}"));
}

pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    // There is nowhere else to say so.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Why some of standard output was lost, if it was: said once, when all was written.
pub(crate) fn lost() -> Option<io::Error> {
    note(io::stdout().flush());
    LOST.lock().ok()?.take()
}

/// Notes that output was lost. A reader that has seen enough has lost nothing.
fn note(written: io::Result<()>) {
    if let (Err(error), Ok(mut lost)) = (written, LOST.lock())
        && error.kind() != ErrorKind::BrokenPipe
    {
        lost.get_or_insert(error);
    }
}
