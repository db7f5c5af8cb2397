//! What a record is as a span: its kind and its time. Writes nothing.

use crate::request::{Kept, Record};
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_sorted_as_the_conventions_say() {
        let kinds = ["mcp.server.operation", "db.client.operation", "ingest"].map(kind);
        assert_eq!(kinds, [Kind::Server, Kind::Client, Kind::Internal]);
    }
}
