//! Replies that refuse: a sentence, as a JSON-RPC error, whoever refuses. The transport's own are plain text, and some name
//! what a client cannot know.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt as _, Collected};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: i32,
    pub(crate) why: Cow<'static, str>,
    /// The request's id, as far as it could be read.
    pub(crate) id: Value,
}

/// The text is no JSON.
pub(crate) const PARSE_ERROR: i32 = -32_700;
/// The JSON is no request.
pub(crate) const INVALID_REQUEST: i32 = -32_600;
/// There is no such method.
pub(crate) const METHOD_NOT_FOUND: i32 = -32_601;
/// The request's parameters are not those of its method.
pub(crate) const INVALID_PARAMS: i32 = -32_602;
/// The server's own fault.
pub(crate) const INTERNAL_ERROR: i32 = -32_603;
/// The transport cannot take the request: what the official SDKs use.
pub(crate) const TRANSPORT: i32 = -32_000;
/// There is no such session: the same.
pub(crate) const NO_SESSION: i32 = -32_001;

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: i32, why: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, why: why.into(), id: Value::Null }
    }

    /// The message.
    pub(crate) fn message(&self) -> Value {
        json!({ "jsonrpc": "2.0", "id": self.id, "error": { "code": self.code, "message": self.why } })
    }

    /// The reply to a request whose body nobody has read, or will: the connection ends with it.
    pub(crate) fn unread(self) -> Response {
        let mut response = self.into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.message().to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        response
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The same refusal in the words of this server, if the transport gave it: `id` is that of the message it was for.
pub(crate) async fn worded(response: Response, id: Value) -> Response {
    if response.status().is_success() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let said = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    if head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(JSON.as_bytes())) {
        let said = method_worded(&said).map_or_else(|| Body::from(said.clone()), Body::from);
        head.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(head, said);
    }
    let said = String::from_utf8_lossy(&said);
    let Refusal { status, code, why, .. } = of_transport(head.status, &said);
    let refusal = Refusal { status, code, why, id };
    head.status = status;
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, JSON);
    Response::from_parts(head, Body::from(refusal.message().to_string()))
}

/// What the transport says in plain text, by what it means.
fn of_transport(status: StatusCode, said: &str) -> Refusal {
    let is_gone =
        ["Session not found", "Session service terminated", "Channel closed"].iter().any(|it| said.contains(it));
    match status {
        StatusCode::NOT_FOUND => Refusal::new(status, NO_SESSION, NOT_KNOWN),
        StatusCode::UNSUPPORTED_MEDIA_TYPE if said.starts_with("fail to deserialize") => Refusal::new(
            StatusCode::BAD_REQUEST,
            INVALID_REQUEST,
            "the message is no request, notification or reply of JSON-RPC 2.0 that MCP knows",
        ),
        StatusCode::BAD_REQUEST if said.contains("Session ID is required") => {
            Refusal::new(status, TRANSPORT, NOT_NAMED)
        }
        StatusCode::METHOD_NOT_ALLOWED => Refusal::new(
            status,
            TRANSPORT,
            "allowed are POST, and with a session of revision 2025-11-25 or before GET and DELETE",
        ),
        // nothing but the end of the server makes a call end without a word
        status if status.is_server_error() && NO_WORD.iter().any(|it| said.contains(it)) => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, TRANSPORT, "the server is ending; ask again")
        }
        status if status.is_server_error() && said.contains(NOT_ENDED) => {
            let why = said.split_once(NOT_ENDED).map_or("", |(_, cause)| cause);
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, TRANSPORT, format!("{NOT_ENDED}{why}"))
        }
        status if status.is_server_error() && is_gone => Refusal::new(StatusCode::NOT_FOUND, NO_SESSION, NOT_KNOWN),
        status if status.is_server_error() => {
            sidelight::error!("a request could not be answered", why = said);
            Refusal::new(
                status,
                INTERNAL_ERROR,
                "the server failed; its log says why, under this reply's correlation id",
            )
        }
        status => Refusal::new(status, TRANSPORT, said.to_owned()),
    }
}

const NO_WORD: [&str; 2] = ["empty response", "no response message received"];
/// What a client is told whose session goes on.
pub(crate) const NOT_ENDED: &str = "the session could not be ended, and goes on; ask again";
const NOT_KNOWN: &str = "this session is not known here, or has ended; begin a new one with `initialize`";
const NOT_NAMED: &str = "the header Mcp-Session-Id is missing: a session begins with `initialize`, whose reply names it; without a \
                         session, revision 2026-07-28 is spoken, whose requests name it in their `_meta`";

/// The SDK answers an unknown method with nothing but its name.
fn method_worded(said: &[u8]) -> Option<String> {
    let mut message: Value = serde_json::from_slice(said).ok()?;
    let error = message.get_mut("error")?;
    let method = error.get("message").and_then(Value::as_str).filter(|it| is_word(it))?;
    let sentence = no_method(method);
    (error.get("code")? == METHOD_NOT_FOUND).then(|| error["message"] = sentence.into())?;
    Some(message.to_string())
}

/// Whether an error says nothing but a method's name.
pub(crate) fn is_word(message: &str) -> bool {
    !message.is_empty() && !message.contains(' ')
}

/// A method that is not known or not supported.
pub(crate) fn no_method(method: &str) -> String {
    let shown: String = method.chars().take(METHOD_CHARS_MAX).collect();
    format!("there is no method {shown:?} here; this server has tools, resources and completion")
}

/// As much of a client's own word as is worth repeating.
const METHOD_CHARS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(status: u16, kind: Option<&str>, text: &'static str) -> (u16, Value) {
        let mut builder = Response::builder().status(status);
        builder = kind.into_iter().fold(builder, |builder, kind| builder.header(header::CONTENT_TYPE, kind));
        let reply = worded(builder.body(Body::from(text)).unwrap(), json!(7)).await;
        assert_eq!(reply.headers()[header::CONTENT_TYPE], "application/json");
        let status = reply.status().as_u16();
        (status, serde_json::from_slice(&reply.into_body().collect().await.unwrap().to_bytes()).unwrap())
    }

    #[tokio::test]
    async fn what_the_transport_says_in_plain_text_is_an_error_with_the_request_s_id() {
        for (status, text, wanted, code) in [
            (404, "Not Found: Session not found", 404, NO_SESSION),
            (400, "Bad Request: Session ID is required", 400, TRANSPORT),
            (415, "fail to deserialize request body missing field", 400, INVALID_REQUEST),
            (406, "Not Acceptable: Client must accept both", 406, TRANSPORT),
            (500, "Encounter an error when get session: Session not found: x", 404, NO_SESSION),
            (500, "Encounter an error when restore session: secret", 500, INTERNAL_ERROR),
            (500, "Encounter an error when empty response: no response message", 503, TRANSPORT),
            (500, "Encounter an error: no response message received from handler", 503, TRANSPORT),
        ] {
            let (status, message) = said(status, None, text).await;
            assert_eq!(
                (status, &message["id"], &message["error"]["code"]),
                (wanted, &json!(7), &json!(code)),
                "{text}"
            );
            assert!(
                !message.to_string().contains("secret") && message["error"]["message"].as_str().unwrap().contains(' ')
            );
        }
    }

    #[tokio::test]
    async fn an_unknown_method_is_told_by_a_sentence_and_other_errors_stay_as_they_are() {
        let kind = Some("application/json");
        let (_, message) =
            said(404, kind, r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"prompts/list"}}"#).await;
        assert_eq!(message["error"]["message"], no_method("prompts/list"));
        let other = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"bad"}}"#;
        assert_eq!(said(400, kind, other).await.1, serde_json::from_str::<Value>(other).unwrap());
    }
}
