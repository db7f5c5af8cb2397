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

fn wrong<T: DeserializeOwned>(params: Value) -> String {
    let why = serde_path_to_error::deserialize::<_, T>(params).err().map(|error| {
        let path = error.path().to_string();
        let why = error.into_inner().to_string();
        if path == "." { why } else { format!("`{path}`: {why}") }
    });
    let why = why.unwrap_or_else(|| "they are not those of this method".to_owned());
    why.chars().filter(|it| !it.is_control()).take(WHY_CHARS_MAX).collect()
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
