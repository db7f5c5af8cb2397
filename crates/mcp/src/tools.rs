//! The tools: one function each, with its arguments and its result. Descriptions and schemas are what a model reads, so
//! they are written for it. Knows no transport.

use crate::{given, progress::Progress, schemas, toolbox::Declared};
use documents::{Excerpt, Library, Search, SearchError, StoreError};
use rmcp::{
    model::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations},
    schemars::{self, JsonSchema},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{borrow::Cow, fmt::Write as _};

/// The names, as they are called.
pub(crate) const NAMES: [&str; 3] = ["list_sources", "read_document", "search_docs"];

/// What a client is told of the tools, by name.
pub(crate) fn all(declared: &[Declared]) -> Vec<Tool> {
    let mut all = own();
    all.extend(declared.iter().map(of_declared));
    all.sort_by(|one, other| one.name.cmp(&other.name));
    for tool in &mut all {
        tool.input_schema = schemas::plain(&tool.input_schema);
        tool.output_schema = tool.output_schema.as_ref().map(schemas::plain);
    }
    all
}

fn of_declared(declared: &Declared) -> Tool {
    let Declared { name, title, description, .. } = declared;
    let tool = Tool::new_with_raw(name.clone(), Some(description.clone().into()), JsonObject::new());
    tool.with_title(title.as_ref().unwrap_or(name))
        .with_annotations(only_reads())
        .with_input_schema::<Query>()
        .with_output_schema::<Hits>()
}

fn only_reads() -> ToolAnnotations {
    ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false)
}

fn own() -> Vec<Tool> {
    let tool = |name, title: &str, says| {
        Tool::new_with_raw(name, Some(says), JsonObject::new()).with_title(title).with_annotations(only_reads())
    };
    vec![
        tool("list_sources", "List sources", LIST_SAYS)
            .with_input_schema::<ListSources>()
            .with_output_schema::<Sources>(),
        tool("read_document", "Read a document", READ_SAYS)
            .with_input_schema::<ReadDocument>()
            .with_output_schema::<Page>(),
        tool("search_docs", "Search documents", SEARCH_SAYS)
            .with_input_schema::<SearchDocs>()
            .with_output_schema::<Hits>(),
    ]
}

const LIST_SAYS: Cow<'static, str> =
    Cow::Borrowed("Names the sources that can be searched, with the number of documents in each.");
const READ_SAYS: Cow<'static, str> = Cow::Borrowed(
    "Reads a document, by the id that a search gave, from an offset on: at most 8000 characters at once. The result says \
     where to read on.",
);
const SEARCH_SAYS: Cow<'static, str> = Cow::Borrowed(
    "Finds documents for a question or for words, the best first, each with the part that fits. To read more of one, give \
     its id and offset to read_document.",
);

/// Why a tool has no result. The sentence is for the client; what caused it is for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    /// Not what the tool takes.
    #[error("{0}")]
    Arguments(String),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The search could not be made.
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// Arguments of `search_docs`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct SearchDocs {
    /// A question, or words.
    #[schemars(length(min = 1, max = 4000))]
    query: String,
    /// Search in this source only; see `list_sources`.
    source: Option<String>,
    /// How many documents at the most; 10 if it is not given.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<i64>,
}

/// Arguments of a declared tool.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Query {
    /// A question, or words.
    #[schemars(length(min = 1, max = 4000))]
    query: String,
    /// How many documents at the most; 10 if it is not given.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<i64>,
}

/// Result of a search.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Hits {
    /// The documents, the best first.
    hits: Vec<Hit>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Hit {
    /// For `read_document`.
    id: String,
    /// The source.
    source: String,
    /// The document's title.
    title: String,
    /// The headings above the part that fits, the outermost first.
    heading: String,
    /// The part that fits.
    snippet: String,
    /// Where it stands in the document, in characters; for `read_document`.
    offset: usize,
    /// Higher is better; comparable within one search only.
    score: f64,
}

pub(crate) async fn search_docs(
    library: &Library,
    arguments: JsonObject,
    progress: &Progress,
) -> Result<CallToolResult, ToolError> {
    let SearchDocs { query, source, limit } = arguments_of("search_docs", arguments)?;
    search("search_docs", library, &query, source.as_deref(), limit, progress).await
}

/// A declared tool: a search in its own source.
pub(crate) async fn query(
    declared: &Declared,
    library: &Library,
    arguments: JsonObject,
    progress: &Progress,
) -> Result<CallToolResult, ToolError> {
    let Query { query, limit } = arguments_of(&declared.name, arguments)?;
    search(&declared.name, library, &query, declared.source.as_deref(), limit, progress).await
}

async fn search(
    tool: &str,
    library: &Library,
    query: &str,
    source: Option<&str>,
    limit: Option<i64>,
    progress: &Progress,
) -> Result<CallToolResult, ToolError> {
    if query.trim().is_empty() || query.chars().count() > QUERY_CHARS_MAX {
        return refused(format!("{tool}: `query` must have 1 to {QUERY_CHARS_MAX} characters"));
    }
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return refused(format!("{tool}: `limit` must be a whole number from 1 to {LIMIT_MAX}, and is {limit}"));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let source = source.filter(|source| !source.trim().is_empty()); // a form that was left empty
    if let Some(source) = source {
        must_exist(tool, library, source).await?;
    }
    let search = Search { query, source, limit, ..Search::default() };
    progress.say(0, "searching by words and by vectors").await;
    let found = library.search(&search).await?;
    progress.say(1, "found").await;
    let so_far = if found.hits.is_empty() { so_far(library).await? } else { "" };
    Ok(shown(found, so_far))
}

/// What an answer that lacks something adds while the store is being filled.
async fn so_far(library: &Library) -> Result<&'static str, ToolError> {
    Ok(if library.is_whole().await? { "" } else { " Documents are still being read: ask again in a moment." })
}

fn shown(found: documents::Found, so_far: &str) -> CallToolResult {
    let documents::Found { hits, by_words_alone } = found;
    let mut text = String::new();
    for (at, hit) in hits.iter().enumerate() {
        let heading = if hit.heading.is_empty() { &hit.title } else { &hit.heading };
        let (id, offset) = (&hit.id, hit.offset);
        let _ = writeln!(text, "{}. {heading}\n{}\n(id: {id}, offset: {offset})\n", at + 1, hit.snippet);
    }
    if hits.is_empty() {
        let _ = write!(text, "Nothing was found.{so_far}");
    }
    if by_words_alone {
        text.push_str(WORDS_ALONE);
    }
    let hits = hits.into_iter().map(Hit::from).collect();
    result(text.trim_end(), &Hits { hits })
}

/// What an answer adds while the model cannot be asked.
const WORDS_ALONE: &str =
    " (Found by words alone: the embedding model does not answer at the moment, or did not read these documents.)";

impl From<documents::Hit> for Hit {
    fn from(hit: documents::Hit) -> Self {
        let documents::Hit { id, source, title, heading, snippet, offset, score } = hit;
        Self { id, source, title, heading, snippet, offset, score }
    }
}

async fn must_exist(tool: &str, library: &Library, source: &str) -> Result<(), ToolError> {
    let sources = library.sources().await?;
    if sources.iter().any(|known| known.name == source) {
        return Ok(());
    }
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let (names, so_far) = (names.join(", "), so_far(library).await?);
    refused(format!("{tool}: no source is called {source:?}; there are: {names}.{so_far}"))
}

/// Arguments of `read_document`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct ReadDocument {
    /// The document's id, as a search gave it.
    id: String,
    /// Where to begin, in characters; 0 if it is not given.
    offset: Option<u64>,
}

/// Result of `read_document`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Page {
    /// The document's id.
    id: String,
    /// The source.
    source: String,
    /// The document's title.
    title: String,
    /// The text from `offset` on.
    text: String,
    /// Where the text begins, in characters.
    offset: usize,
    /// How long the whole document is, in characters.
    total: usize,
    /// Where to read on; not there at the document's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
}

pub(crate) async fn read_document(library: &Library, arguments: JsonObject) -> Result<CallToolResult, ToolError> {
    let ReadDocument { id, offset } = arguments_of("read_document", arguments)?;
    let offset = usize::try_from(offset.unwrap_or(0)).unwrap_or(usize::MAX);
    let Some(excerpt) = library.read(&id, offset).await? else {
        let so_far = so_far(library).await?;
        return refused(format!("read_document: no document has the id {id:?}; search_docs gives ids.{so_far}"));
    };
    if offset > excerpt.total {
        let total = excerpt.total;
        return refused(format!("read_document: `offset` {offset} is behind the document's end at {total}"));
    }
    let next_offset = excerpt.next_offset();
    let Excerpt { source, title, text, offset, total } = excerpt;
    let mut shown = text.clone();
    if let Some(next) = next_offset {
        let _ = write!(shown, "\n\n[{total} characters in all; read on with offset {next}]");
    }
    Ok(result(&shown, &Page { id, source, title, text, offset, total, next_offset }))
}

/// `list_sources` takes no arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct ListSources {}

/// Result of `list_sources`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Sources {
    /// The sources, by name.
    sources: Vec<Source>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Source {
    /// For `search_docs`.
    name: String,
    /// How many documents it has.
    documents: u64,
    /// How many passages they were split into.
    passages: u64,
}

pub(crate) async fn list_sources(library: &Library, arguments: JsonObject) -> Result<CallToolResult, ToolError> {
    let ListSources {} = arguments_of("list_sources", arguments)?;
    let sources = library.sources().await?;
    let mut text = String::new();
    for source in &sources {
        let _ = writeln!(text, "{}: {} documents, {} passages", source.name, source.documents, source.passages);
    }
    text.push_str(so_far(library).await?);
    let source = |it: documents::SourceCount| Source { name: it.name, documents: it.documents, passages: it.passages };
    Ok(result(text.trim(), &Sources { sources: sources.into_iter().map(source).collect() }))
}

fn arguments_of<T: DeserializeOwned + JsonSchema + 'static>(tool: &str, given: JsonObject) -> Result<T, ToolError> {
    given::read(tool, given).map_err(ToolError::Arguments)
}

fn refused<T>(why: String) -> Result<T, ToolError> {
    Err(ToolError::Arguments(why))
}

/// Text for whoever reads, data for whoever computes.
fn result(text: &str, data: &impl Serialize) -> CallToolResult {
    let data = serde_json::to_value(data).expect("a result of plain fields is JSON");
    let mut result = CallToolResult::structured(data);
    result.content = vec![ContentBlock::text(text)];
    result
}

/// How many documents a search gives when nobody says.
const LIMIT: i64 = 10;
/// And at the most.
const LIMIT_MAX: i64 = 50;
/// A longer question is a document.
const QUERY_CHARS_MAX: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(arguments: &serde_json::Value) -> String {
        arguments_of::<SearchDocs>("search_docs", arguments.as_object().unwrap().clone()).unwrap_err().to_string()
    }

    #[test]
    fn every_tool_has_a_name_a_title_and_two_schemas() {
        let tools = all(&[]);
        assert_eq!(tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), NAMES);
        for tool in tools {
            assert!(!serde_json::to_string(&tool).unwrap().contains("\"format\""), "{}", tool.name);
            assert_eq!(tool.input_schema["type"], "object", "{}", tool.name);
            assert_eq!(tool.output_schema.unwrap()["type"], "object", "{}", tool.name);
            assert!(tool.title.is_some() && tool.annotations.unwrap().read_only_hint == Some(true));
        }
    }

    #[test]
    fn schemas_say_the_limits_that_are_kept() {
        let tools = all(&[]);
        let search = &tools[2].input_schema;
        assert_eq!(search["required"], json!(["query"]));
        assert_eq!(search["properties"]["limit"]["maximum"], json!(LIMIT_MAX));
        assert_eq!(search["properties"]["query"]["maxLength"], json!(QUERY_CHARS_MAX));
    }

    #[test]
    fn a_wrong_argument_is_named() {
        assert!(wrong(&json!({"query": "a", "limit": "many"})).contains("`limit`: invalid type"));
        assert!(wrong(&json!({})).contains("missing field `query`"));
    }

    #[test]
    fn a_slip_in_an_argument_s_name_is_told_and_what_clients_add_is_passed_over() {
        let why = wrong(&json!({"query": "a", "lmit": 1}));
        assert!(why.contains("\"lmit\"") && why.contains("mean `limit`"), "{why}");
        let added = json!({"query": "a", "toolCallId": "x", "sessionId": "y", "action": "sendMessage", "_meta": {}});
        let read: SearchDocs = arguments_of("search_docs", added.as_object().unwrap().clone()).unwrap();
        assert_eq!((read.query.as_str(), read.limit), ("a", None));
        let ListSources {} = arguments_of("list_sources", added.as_object().unwrap().clone()).unwrap();
    }
}
