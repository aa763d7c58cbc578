//! Takes out of the compiled figures what no page can use.
//!
//! - The texts of panics and the code that writes them. There is no console that they would go to: without a hook, and
//!   the figures set none, a panic in a browser only ends the program, and so does the trap that is left here.
//! - Exports that no script of the site asks for: dependencies have some.
//! - The hashes in the names by which module and script know one another. They tell the versions of crates apart, and
//!   here there is one of each; nothing compresses worse.

use std::collections::BTreeMap;

use anyhow::Result;
use walrus::{FunctionBuilder, FunctionId, FunctionKind, Module, ModuleConfig};

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
    "20panic_already_borrowed",
    "28panic_already_mutably_borrowed",
    "18handle_alloc_error",
];

/// Slims the module at `wasm_path`, and renames what it shares with the scripts in them too.
pub(crate) fn slim(files: &mut SiteFiles, wasm_path: &str) -> Result<()> {
    let wasm = files.get(wasm_path).unwrap_or_default();
    let mut module = ModuleConfig::new().generate_name_section(false).generate_producers_section(false).parse(wasm)?;
    cut_panics(&mut module);
    let mut scripts: Vec<(String, String)> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".js"))
        .map(|(path, bytes)| (path.to_owned(), String::from_utf8_lossy(bytes).into_owned()))
        .collect();
    let unused = |name: &str| !scripts.iter().any(|(_, script)| script.contains(name));
    let dead: Vec<_> = module.exports.iter().filter(|export| unused(&export.name)).map(walrus::Export::id).collect();
    dead.into_iter().for_each(|export| module.exports.delete(export));
    walrus::passes::gc::run(&mut module);
    let short = shorten(&mut module);
    for (_, script) in &mut scripts {
        *script = rename(script, &short);
    }
    files.insert(wasm_path, module.emit_wasm());
    scripts.into_iter().for_each(|(path, script)| files.insert(path, script.into_bytes()));
    Ok(())
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

    #[test]
    fn names_with_a_hash_are_renamed_as_a_whole_and_others_are_not() {
        let names = BTreeMap::from([("__wbg_add_cf82c8d153d93ae1".to_owned(), "$0".to_owned())]);
        assert!(has_hash("__wbg_add_cf82c8d153d93ae1"));
        assert!(!has_hash("__wbindgen_malloc"));
        let script = "{__wbg_add_cf82c8d153d93ae1:(a)=>a.add(),x__wbg_add_cf82c8d153d93ae1:1}";
        assert_eq!(rename(script, &names), "{$0:(a)=>a.add(),x__wbg_add_cf82c8d153d93ae1:1}");
    }
}
