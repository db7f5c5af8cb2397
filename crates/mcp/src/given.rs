//! A tool's arguments as a client gave them: read, or told which is wrong. What is near none of the tool's own names is passed
//! over, as some clients add arguments to every call. Knows no tool.

use crate::{schemas, slips};
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The arguments, or a sentence that names the one that is wrong.
pub(crate) fn read<T: DeserializeOwned + JsonSchema + 'static>(tool: &str, given: JsonObject) -> Result<T, String> {
    let schema = schemas::of::<T>();
    let properties = schema.get("properties").and_then(Value::as_object);
    let known: Vec<&str> = properties.into_iter().flat_map(|it| it.keys()).map(String::as_str).collect();
    for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
        if let Some(meant) = slips::meant(name, &known) {
            let (name, known) = (schemas::shown(name), known.join("`, `"));
            return Err(format!("{tool}: there is no argument {name:?}; did you mean `{meant}`? It takes `{known}`"));
        }
    }
    serde_path_to_error::deserialize(Value::Object(given)).map_err(|error| {
        let path = error.path().to_string();
        let why = error.into_inner().to_string();
        let why: String = why.chars().take(WHY_CHARS_MAX).filter(|it| !it.is_control()).collect();
        match path.as_str() {
            "." => format!("{tool}: {why}"),
            path => format!("{tool}: `{path}`: {why}"),
        }
    })
}

/// As much of an explanation as is worth reading; it may hold a client's own words.
const WHY_CHARS_MAX: usize = 300;
