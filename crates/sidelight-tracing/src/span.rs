//! What a record is as a span: its name, its kind, its time. Writes nothing.

use crate::{
    arena::{Attribute, Record},
    request::Kept,
};
use std::time::SystemTime;

/// `SpanKind` of OTLP, as far as there are such operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

/// When an operation of a kept request ended.
pub(crate) fn ended(kept: &Kept, record: &Record) -> SystemTime {
    let (now, time) = kept.at;
    time - now.saturating_duration_since(record.ended())
}

/// The conventions' names say it: `mcp.server.operation`, `db.client.operation`.
pub(crate) fn kind(operation: &str) -> Kind {
    let says = |word| operation.split('.').any(|part| part == word);
    match () {
        () if says("server") => Kind::Server,
        () if says("client") => Kind::Client,
        () => Kind::Internal,
    }
}

/// The conventions name a span by what was done and to what: `tools/call search_docs`, `full_text`, `embeddings small`. A
/// label that names a method or an operation says what was done, else the last word of the operation's name does; which
/// system did it is left to the attributes.
pub(crate) fn name(operation: &str, labels: &[Attribute]) -> String {
    let ends = |key: &str, endings: [&str; 2]| endings.iter().any(|ending| key.ends_with(ending));
    let is_verb = |key: &str| ends(key, [".method.name", ".operation.name"]);
    let last = operation.rsplit('.').next().unwrap_or(operation);
    let verb = (!labels.iter().any(|(key, _)| is_verb(key))).then_some(last);
    let labels = labels.iter().filter(|(key, _)| !ends(key, [".system.name", ".provider.name"]));
    verb.into_iter().chain(labels.map(|(_, value)| *value)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_named_and_sorted_as_the_conventions_say() {
        let tool = [("mcp.method.name", "tools/call"), ("gen_ai.tool.name", "search_docs")];
        assert_eq!(name("mcp.server.operation", &tool), "tools/call search_docs");
        let query = [("db.operation.name", "full_text"), ("db.system.name", "sqlite")];
        assert_eq!(name("db.client.operation", &query), "full_text");
        let model = [("gen_ai.provider.name", "local"), ("gen_ai.request.model", "small")];
        assert_eq!(name("gen_ai.client.embeddings", &model), "embeddings small");
        assert_eq!(name("ingest", &[("source", "book")]), "ingest book");
        assert_eq!(name("cache.lookup", &[]), "lookup");
        let kinds = ["mcp.server.operation", "db.client.operation", "ingest"].map(kind);
        assert_eq!(kinds, [Kind::Server, Kind::Client, Kind::Internal]);
    }
}
