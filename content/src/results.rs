//! The results file of `loadgen run`, which may come from anywhere.

use hockeystick_core::measurement::Results;

/// Reads results of a whole plan from the bytes of their file: one machine's share of it says nothing of a deployment that
/// others asked as well.
///
/// # Errors
/// As [`read`], or that it is a share.
pub fn read_whole(bytes: &[u8]) -> Result<Results, String> {
    let results = read(bytes)?;
    match &results.shard {
        Some(shard) => Err(format!(
            "it holds shard {} of {}, and the deployment answered the others as well: merge all with `loadgen merge`",
            shard.number, shard.of
        )),
        None => Ok(results),
    }
}

/// Reads results from the bytes of their file.
///
/// # Errors
/// What is wrong, with the field's path and the line: malformed, of another version, or numbers that make no sense.
pub fn read(bytes: &[u8]) -> Result<Results, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let results: Results = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if path == "." { inner.to_string() } else { format!("`{path}`: {inner}") }
    })?;
    deserializer.end().map_err(|error| error.to_string())?;
    results.check().map_err(|invalid| invalid.to_string())?;
    Ok(results)
}
