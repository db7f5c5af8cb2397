//! What a request says of itself beside its method: attributes of its span, in the words of the conventions, and who sent it,
//! for its line. Nothing of it can become a label: clients choose these words.

use crate::{message::Message, metrics::Method, session};
use rmcp::model::{ErrorCode, InitializeRequestParams, ProtocolVersion, RequestId, RequestMetaObject};
use sidelight::tracing::{self, note};

/// What is noted of a request; empty in a build without traces.
#[derive(Debug, Default)]
pub(crate) struct SpanAttributes(Option<Known>);

#[derive(Debug)]
struct Known {
    id: RequestId,
    version: Option<ProtocolVersion>,
    /// Its name for others: see [`session::named`].
    session: Option<Box<str>>,
    is_http: bool,
    /// It is of a revision whose requests say all of it themselves.
    says_all: bool,
    client: Option<Box<str>>,
    about: Option<(&'static str, Box<str>)>,
}

impl SpanAttributes {
    pub(crate) fn of(message: &Message<'_>) -> Self {
        if !tracing::COMPILED {
            return Self::default();
        }
        let session = message.parts.and_then(|parts| parts.headers.get("mcp-session-id")?.to_str().ok());
        let session = session.map(session::named);
        let version = message.meta.protocol_version();
        Self(Some(Known {
            id: message.id.clone(),
            says_all: version.is_some(),
            version,
            session,
            is_http: message.is_http(),
            client: client(message.meta),
            about: None,
        }))
    }

    /// What was agreed upon in the handshake stands where the message says nothing.
    pub(crate) fn meet(&mut self, agreed: &Agreed) {
        let Some(known) = &mut self.0 else { return };
        known.version.get_or_insert_with(|| agreed.version.clone());
        known.client.get_or_insert_with(|| agreed.client.clone());
    }

    /// What a handler's peer is said to be stands there, too. Over HTTP and without a session there was no handshake, and its
    /// client has no name but `rmcp`'s own.
    pub(crate) fn meet_peer(&mut self, method: Method, peer: &InitializeRequestParams) {
        let Some(known) = &mut self.0 else { return };
        known.version.get_or_insert_with(|| peer.protocol_version.clone());
        if method == Method::Initialize || (known.session.is_some() && !known.says_all) || !known.is_http {
            known.client.get_or_insert_with(|| client_of(peer));
        }
    }

    /// What the request is about, where that is no label.
    pub(crate) fn about(&mut self, key: &'static str, value: &str) {
        if let Some(known) = &mut self.0 {
            known.about = Some((key, value.into()));
        }
    }

    /// Who sent it, as `name/version`; a client may say anything, or nothing.
    pub(crate) fn client(&self) -> Option<&str> {
        self.0.as_ref().and_then(|known| known.client.as_deref()).filter(|client| !client.is_empty())
    }

    /// Notes all of it on the operation that the current code is in.
    pub(crate) fn note(&self, method: Method) {
        let Some(known) = &self.0 else { return };
        match &known.id {
            RequestId::Number(number) => note("jsonrpc.request.id", number.to_string().as_str()),
            RequestId::String(text) => note("jsonrpc.request.id", &**text),
        }
        if method == Method::ToolsCall {
            note("gen_ai.operation.name", "execute_tool");
        }
        if let Some(version) = &known.version {
            note("mcp.protocol.version", version.as_str());
        }
        if let Some(session) = &known.session {
            note("mcp.session.id", &**session);
        }
        note("network.transport", if known.is_http { "tcp" } else { "pipe" });
        if known.is_http {
            note("network.protocol.name", "http");
        }
        if let Some((key, value)) = &known.about {
            note(key, &**value);
        }
    }
}

/// What a handshake says of a client.
#[derive(Debug)]
pub(crate) struct Agreed {
    pub(crate) version: ProtocolVersion,
    client: Box<str>,
}

impl Agreed {
    pub(crate) fn of(handshake: &InitializeRequestParams) -> Self {
        Self { version: handshake.protocol_version.clone(), client: client_of(handshake) }
    }
}

/// The JSON-RPC code of a failure.
pub(crate) fn note_code(code: ErrorCode) {
    if tracing::COMPILED {
        note("rpc.response.status_code", code.0.to_string().as_str());
    }
}

/// From the message itself, as newer revisions have it.
fn client(meta: &RequestMetaObject) -> Option<Box<str>> {
    let info = meta.get("io.modelcontextprotocol/clientInfo")?;
    let word = |key| info.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    Some(name(word("name"), word("version")))
}

fn client_of(handshake: &InitializeRequestParams) -> Box<str> {
    name(&handshake.client_info.name, &handshake.client_info.version)
}

fn name(name: &str, version: &str) -> Box<str> {
    let cut = |word: &str| word[..word.floor_char_boundary(WORD_BYTES_MAX)].to_owned();
    match (name, version) {
        (name, "") => cut(name).into(),
        (name, version) => format!("{}/{}", cut(name), cut(version)).into(),
    }
}

/// As much of a client's name as a line needs.
const WORD_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_named_by_what_it_says_and_no_longer_than_needed() {
        assert_eq!(&*name("inspector", "2.1"), "inspector/2.1");
        assert_eq!(&*name("inspector", ""), "inspector");
        assert_eq!(name(&"é".repeat(99), &"9".repeat(99)).len(), 2 * WORD_BYTES_MAX + 1);
    }
}
