//! What is said of a request whose parameters are not those of its method: the SDK hands it on as a method that nobody knows.

use crate::refusal::no_method;
use rmcp::{
    ErrorData,
    model::{
        CallToolRequestParams, CompleteRequestParams, CustomRequest, ErrorCode, InitializeRequestParams,
        PaginatedRequestParams, ReadResourceRequestParams,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why the request cannot be answered.
pub(crate) fn told(request: &CustomRequest) -> ErrorData {
    let params = request.params.clone().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let why = match request.method.as_str() {
        "initialize" => wrong::<InitializeRequestParams>(params),
        "tools/call" => wrong::<CallToolRequestParams>(params),
        "resources/read" => wrong::<ReadResourceRequestParams>(params),
        "completion/complete" => wrong::<CompleteRequestParams>(params),
        "tools/list" | "resources/list" | "resources/templates/list" => wrong::<PaginatedRequestParams>(params),
        "ping" | "server/discover" => "they must be an object".to_owned(),
        method => return ErrorData::new(ErrorCode::METHOD_NOT_FOUND, no_method(method), None),
    };
    ErrorData::invalid_params(format!("{}: the parameters are wrong: {why}", request.method), None)
}

/// What is wrong with the parameters of `initialize`, if anything is.
pub(crate) fn of_handshake(params: Value) -> Option<String> {
    let why = slip::<InitializeRequestParams>(params)?;
    Some(format!("initialize: the parameters are wrong: {why}"))
}

fn wrong<T: DeserializeOwned>(params: Value) -> String {
    slip::<T>(params).unwrap_or_else(|| "they are not those of this method".to_owned())
}

fn slip<T: DeserializeOwned>(params: Value) -> Option<String> {
    let error = serde_path_to_error::deserialize::<_, T>(params).err()?;
    let path = error.path().to_string();
    let why = error.into_inner().to_string();
    let why = if path == "." { why } else { format!("`{path}`: {why}") };
    Some(why.chars().filter(|it| !it.is_control()).take(WHY_CHARS_MAX).collect())
}

/// As much of an explanation as is worth reading; it may hold a client's own words.
const WHY_CHARS_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(method: &str, params: Value) -> (i32, String) {
        let error = told(&CustomRequest::new(method, Some(params)));
        (error.code.0, error.message.into_owned())
    }

    #[test]
    fn a_known_method_with_wrong_parameters_is_told_which_and_an_unknown_one_that_it_is() {
        let (code_, why) = code("tools/call", json!({ "arguments": {} }));
        assert_eq!((code_, why.contains("missing field `name`")), (-32_602, true), "{why}");
        let (code_, why) = code("resources/read", json!({ "uri": 7 }));
        assert_eq!((code_, why.contains("`uri`")), (-32_602, true), "{why}");
        let (code_, why) = code("tools/destroy", json!({}));
        assert_eq!((code_, why.contains("no method \"tools/destroy\"")), (-32_601, true), "{why}");
    }
}
