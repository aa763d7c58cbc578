//! Takes out of a page's programs what no page can use.
//!
//! - The texts of panics, the places that they name, and the code that writes them. There is no console that they would go to: without a hook, and
//!   the figures set none, a panic in a browser only ends the program, and so does the trap that is left here.
//! - Exports that the module's script does not ask for: dependencies have some.
//! - The hashes in the names by which module and script know one another. They tell the versions of crates apart, and
//!   here there is one of each; nothing compresses worse.

use std::collections::BTreeMap;

use anyhow::Result;
use walrus::ir::Value;
use walrus::{ConstExpr, Data, DataId, DataKind, FunctionBuilder, FunctionId, FunctionKind, Module, ModuleConfig};

use crate::files::SiteFiles;

/// Parts of the names of functions that never return, and what only they use. As the compiler mangles them: a length and
/// a name.
const PANICS: [&str; 9] = [
    "9panicking",
    "13unwrap_failed",
    "13expect_failed",
    "16slice_error_fail",
    "16slice_index_fail",
    "17capacity_overflow",
    "22panic_already_borrowed",
    "30panic_already_mutably_borrowed",
    "18handle_alloc_error",
];

/// A place in the sources: the address and length of a file's name, a line, a column, 32 bits each.
/// <https://doc.rust-lang.org/core/panic/struct.Location.html>
const LOCATION_BYTES: usize = 16;
/// No real place is beyond these.
const MOST_PATH: u32 = 300;
const MOST_LINES: u32 = 30_000;
const MOST_COLUMNS: u32 = 500;

/// Slims the module at `wasm_path`, and renames what it shares with its script in there too.
pub(crate) fn slim(files: &mut SiteFiles, script_path: &str, wasm_path: &str) -> Result<()> {
    let wasm = files.get(wasm_path).unwrap_or_default();
    let mut module = ModuleConfig::new().generate_name_section(false).generate_producers_section(false).parse(wasm)?;
    cut_panics(&mut module);
    blank_locations(&mut module);
    let script = String::from_utf8_lossy(files.get(script_path).unwrap_or_default()).into_owned();
    let unused = |name: &str| !script.contains(name);
    let dead: Vec<_> = module.exports.iter().filter(|export| unused(&export.name)).map(walrus::Export::id).collect();
    dead.into_iter().for_each(|export| module.exports.delete(export));
    walrus::passes::gc::run(&mut module);
    let short = shorten(&mut module);
    files.insert(wasm_path, module.emit_wasm());
    files.insert(script_path, rename(&script, &short).into_bytes());
    Ok(())
}

/// Blanks the places in the sources that panics would name: a text that ends in `.rs` with its length, a line and a
/// column. Nothing shows them once the panics are cut, and blanks compress to nothing.
fn blank_locations(module: &mut Module) {
    let segments: Vec<(u32, DataId)> =
        module.data.iter().filter_map(|data| Some((address(data)?, data.id()))).collect();
    let mut blank = Vec::new();
    for (address, id) in &segments {
        let bytes = &module.data.get(*id).value;
        let skew = address.wrapping_neg() as usize % 4;
        for place in (skew..bytes.len().saturating_sub(LOCATION_BYTES)).step_by(4) {
            let word = |n: usize| bytes[place + 4 * n..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
            let (text, length, line, column) = (word(0), word(1), word(2), word(3));
            let is_one = (4..MOST_PATH).contains(&length) && line < MOST_LINES && column < MOST_COLUMNS;
            let file = segments.iter().find_map(|(start, id)| {
                let from = text.checked_sub(*start)? as usize;
                let file = module.data.get(*id).value.get(from..from + length as usize)?;
                let name = file.strip_suffix(b"\0").unwrap_or(file);
                (name.ends_with(b".rs") && name.is_ascii()).then_some((*id, from, file.len()))
            });
            if let Some(file) = file.filter(|_| is_one) {
                blank.extend([(*id, place, LOCATION_BYTES), file]);
            }
        }
    }
    for (id, place, length) in blank {
        module.data.get_mut(id).value[place..place + length].fill(0);
    }
}

/// Where a segment lies in memory.
fn address(data: &Data) -> Option<u32> {
    match &data.kind {
        DataKind::Active { offset: ConstExpr::Value(Value::I32(address)), .. } => Some(*address as u32),
        _ => None,
    }
}

/// Leaves a trap of each function that only ends the program.
fn cut_panics(module: &mut Module) {
    let is_panic = |name: &str| PANICS.iter().any(|part| name.contains(part));
    let panics: Vec<FunctionId> = module
        .funcs
        .iter_local()
        .map(|(id, _)| id)
        .filter(|id| module.funcs.get(*id).name.as_deref().is_some_and(is_panic))
        .collect();
    for id in panics {
        let kind = module.types.get(module.funcs.get(id).ty());
        let (takes, gives) = (kind.params().to_vec(), kind.results().to_vec());
        let mut body = FunctionBuilder::new(&mut module.types, &takes, &gives);
        body.func_body().unreachable();
        let arguments = takes.iter().map(|kind| module.locals.add(*kind)).collect();
        module.funcs.get_mut(id).kind = FunctionKind::Local(body.local_func(arguments));
    }
}

/// Gives names with a hash in them short ones: old names to new.
fn shorten(module: &mut Module) -> BTreeMap<String, String> {
    let imports = module.imports.iter_mut().map(|import| &mut import.name);
    let exports = module.exports.iter_mut().map(|export| &mut export.name);
    let mut short = BTreeMap::new();
    for name in imports.chain(exports).filter(|name| has_hash(name)) {
        let next = format!("${}", short.len());
        *name = short.entry(name.clone()).or_insert(next).clone();
    }
    short
}

/// Whether a name ends with the sixteen hexadecimal digits of a hash.
fn has_hash(name: &str) -> bool {
    let digits = name.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    digits >= 16
}

/// Renames every identifier that has another name now.
fn rename(script: &str, names: &BTreeMap<String, String>) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let mut renamed = String::with_capacity(script.len());
    let mut rest = script;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        renamed.push_str(names.get(word).map_or(word, String::as_str));
        let between = after.find(is_part).unwrap_or(after.len());
        renamed.push_str(&after[..between]);
        rest = &after[between..];
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with these bytes from an address on, where memory is.
    fn module_with(address: i32, bytes: &[u8]) -> (Module, DataId) {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        let kind = DataKind::Active { memory, offset: ConstExpr::Value(Value::I32(address)) };
        let data = module.data.add(kind, bytes.to_vec());
        (module, data)
    }

    #[test]
    fn places_in_the_sources_are_blanked_and_other_data_are_not() {
        const ADDRESS: u32 = 1_024;
        let file = b"core/src/engine/run.rs\0";
        let mut bytes = b"a text in run.rs, 24 b.. ".to_vec();
        bytes.truncate(24);
        let words = [ADDRESS + 40, file.len() as u32, 120, 9];
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(file);
        let (mut module, data) = module_with(ADDRESS as i32, &bytes);
        blank_locations(&mut module);
        let after = &module.data.get(data).value;
        assert_eq!(after[..24], bytes[..24]);
        assert!(after[24..].iter().all(|byte| *byte == 0), "{after:?}");

        // The same numbers, but no name of a file where they lead.
        bytes[40..].fill(b'x');
        let (mut module, data) = module_with(ADDRESS as i32, &bytes);
        blank_locations(&mut module);
        assert_eq!(module.data.get(data).value, bytes);
    }

    #[test]
    fn names_with_a_hash_are_renamed_as_a_whole_and_others_are_not() {
        let names = BTreeMap::from([("__wbg_add_cf82c8d153d93ae1".to_owned(), "$0".to_owned())]);
        assert!(has_hash("__wbg_add_cf82c8d153d93ae1"));
        assert!(!has_hash("__wbindgen_malloc"));
        let script = "{__wbg_add_cf82c8d153d93ae1:(a)=>a.add(),x__wbg_add_cf82c8d153d93ae1:1}";
        assert_eq!(rename(script, &names), "{$0:(a)=>a.add(),x__wbg_add_cf82c8d153d93ae1:1}");
    }
}
