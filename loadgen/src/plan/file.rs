//! Files that a plan names: their paths count from the plan's own folder.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::read::{Wrong, wrong};

/// Largest file that a plan may name.
const BYTES_MAX: u64 = 64 << 20;

/// Where a plan lies, and the digest of all that was read of it.
pub(super) struct Folder {
    path: PathBuf,
    digest: RefCell<Sha256>,
}

impl Folder {
    /// The folder of a plan's file, which has this text.
    pub(super) fn of(plan: &Path, text: &str) -> Self {
        let path = plan.parent().unwrap_or(Path::new("")).to_owned();
        Self { path, digest: RefCell::new(Sha256::new_with_prefix(text)) }
    }

    /// SHA-256 of the plan's text and of the files that were read for it, in hexadecimal.
    pub(super) fn digest(self) -> String {
        self.digest.into_inner().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The bytes of a file; `span` is where the plan names it.
pub(super) fn read_bytes(folder: &Folder, path: &str, span: Range<usize>) -> Result<Vec<u8>, Wrong> {
    let path = folder.path.join(path);
    let help = "paths count from the folder of the plan; a file has at most 64 MiB";
    let mut bytes = Vec::new();
    // A device or a pipe may have no end.
    let read = File::open(&path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 <= BYTES_MAX => {
            folder.digest.borrow_mut().update(&bytes);
            Ok(bytes)
        }
        Ok(_) => wrong(span, format!("{} is too large", path.display()), help),
        Err(error) => wrong(span, format!("cannot read {}: {error}", path.display()), help),
    }
}

/// The text of a file, without the mark of a byte order that some editors begin files with.
pub(super) fn read_text(folder: &Folder, path: &str, span: Range<usize>) -> Result<String, Wrong> {
    let bytes = read_bytes(folder, path, span.clone())?;
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    String::from_utf8(bytes.to_vec()).or_else(|_| wrong(span, format!("{path} is no text"), "a file in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_byte_order_is_no_part_of_a_text() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("words.txt"), "\u{feff}first\nsecond\n").expect("written");
        let folder = Folder::of(&folder.path().join("plan.toml"), "");
        assert_eq!(read_text(&folder, "words.txt", 0..0).ok().as_deref(), Some("first\nsecond\n"));
    }
}
