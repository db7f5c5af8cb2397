//! What an operation is called when people look at it: as a span, and among the requests in flight.

use super::arena::Attribute;

/// The conventions name a span by what was done and to what: `tools/call search_docs`, `full_text`, `embeddings small`. A
/// label that names a method or an operation says what was done, else the last word of the operation's name does; which
/// system did it is left to the attributes.
pub(crate) fn of_operation(operation: &str, labels: &[Attribute]) -> String {
    let ends = |key: &str, endings: [&str; 2]| endings.iter().any(|ending| key.ends_with(ending));
    let is_verb = |key: &str| ends(key, [".method.name", ".operation.name"]);
    let last = operation.rsplit('.').next().unwrap_or(operation);
    let verb = (!labels.iter().any(|(key, _)| is_verb(key))).then_some(last);
    let labels = labels.iter().filter(|(key, _)| !ends(key, [".system.name", ".provider.name"]));
    verb.into_iter().chain(labels.map(|(_, value)| *value)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::of_operation as name;

    #[test]
    fn spans_are_named_as_the_conventions_say() {
        let tool = [("mcp.method.name", "tools/call"), ("gen_ai.tool.name", "search_docs")];
        assert_eq!(name("mcp.server.operation", &tool), "tools/call search_docs");
        let query = [("db.operation.name", "full_text"), ("db.system.name", "sqlite")];
        assert_eq!(name("db.client.operation", &query), "full_text");
        let model = [("gen_ai.provider.name", "local"), ("gen_ai.request.model", "small")];
        assert_eq!(name("gen_ai.client.embeddings", &model), "embeddings small");
        assert_eq!(name("ingest", &[("source", "book")]), "ingest book");
        assert_eq!(name("cache.lookup", &[]), "lookup");
    }
}
