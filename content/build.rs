//! Lists the folders of `stages/`, so that a stage is a folder and nothing else has to name it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=stages");
    let mut table = String::from("&[\n");
    for stage in sorted(&root.join("stages"))? {
        let mut files = String::new();
        for file in sorted(&stage)? {
            let is_read = file.extension().is_some_and(|extension| extension == "toml" || extension == "md");
            // What a test holds of a lesson is nothing for its reader.
            if is_read && name(&file) != "claims.toml" {
                // Below the crate's folder, wherever that is by then: a checkout may be moved, or share its target folder.
                let below = format!("/{}", file.strip_prefix(&root).unwrap_or(&file).display());
                let _ = writeln!(
                    files,
                    "        ({:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {below:?}))),",
                    name(&file)
                );
            }
        }
        let _ = writeln!(table, "    ({:?}, &[\n{files}    ]),", name(&stage));
    }
    table.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("stages.rs"), table)
}

/// What a folder holds, in the order of the names; nothing where there is no folder.
fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
