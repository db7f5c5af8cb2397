//! Documents as MCP resources: `docs://{source}/{+path}`, listed page by page, read whole, completed by source and path.
//! Knows no transport.

use documents::{After, DocumentName, Library, StoreError};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use rmcp::{
    ErrorData,
    model::{
        ArgumentInfo, CacheScope, CompleteRequestParams, CompleteResult, CompletionInfo, ListResourceTemplatesResult,
        ListResourcesResult, ReadResourceResult, Reference, Resource, ResourceContents, ResourceTemplate,
    },
};

/// The template, as completion refers to it.
const TEMPLATE: &str = "docs://{source}/{+path}";
const SCHEME: &str = "docs://";
/// What a path keeps besides letters, digits and `/`.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'\\');
/// `CompletionInfo::MAX_VALUES`.
const VALUES_MAX: u32 = 100;
/// Resources in one page.
const PAGE: u32 = 100;
/// How long a client may keep a list, or a document: a re-index is seen a minute later at the latest.
const FRESH_MS: u64 = 60_000;

/// One page of all documents; the cursor is the last URI of the page before.
pub(crate) async fn list(library: &Library, cursor: Option<&str>) -> Result<ListResourcesResult, ErrorData> {
    let last = cursor.map(|cursor| parse(cursor).ok_or_else(|| not_a_cursor(cursor))).transpose()?;
    let last = last.as_ref().map(|(source, path)| (source.as_str(), path.as_str()));
    let names = library.names(After { source: None, last }, PAGE).await.map_err(|error| failed(&error))?;
    let mut page = ListResourcesResult::with_all_items(names.iter().map(resource).collect());
    if names.len() == PAGE as usize {
        page.next_cursor = names.last().map(|name| uri(&name.source, &name.path));
    }
    let is_whole = library.is_whole().await.map_err(|error| failed(&error))?;
    page.ttl_ms = Some(if is_whole { FRESH_MS } else { 0 }); // a list that grows is not for keeping
    page.cache_scope = Some(CacheScope::Public);
    Ok(page)
}

fn resource(name: &DocumentName) -> Resource {
    Resource::new(uri(&name.source, &name.path), name.path.clone())
        .with_title(name.title.clone())
        .with_mime_type(media_type(&name.path))
        .with_size(name.bytes)
}

/// The one template.
pub(crate) fn templates() -> ListResourceTemplatesResult {
    let template = ResourceTemplate::new(TEMPLATE, "document")
        .with_title("A document")
        .with_description("Any document, by its source and its path within the source; both can be completed.");
    let mut page = ListResourceTemplatesResult::with_all_items(vec![template]);
    page.ttl_ms = Some(FRESH_MS);
    page.cache_scope = Some(CacheScope::Public);
    page
}

/// A whole document.
pub(crate) async fn read(library: &Library, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let unknown = || {
        ErrorData::invalid_params(
            format!("no resource has the URI {uri:?}; resources/list names them all"),
            Some(serde_json::json!({ "uri": uri })),
        )
    };
    let (source, path) = parse(uri).ok_or_else(unknown)?;
    let document = library.document(&source, &path).await.map_err(|error| failed(&error))?.ok_or_else(unknown)?;
    let contents = ResourceContents::text(document.text, uri).with_mime_type(media_type(&path));
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
}

/// Sources or paths that begin as the argument does.
pub(crate) async fn complete(library: &Library, asked: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let Reference::Resource(template) = &asked.r#ref else {
        return Err(ErrorData::invalid_params("there are no prompts; the resource template can be completed", None));
    };
    if template.uri != TEMPLATE {
        let why = format!("no resource template is {:?}; there is {TEMPLATE}", template.uri);
        return Err(ErrorData::invalid_params(why, None));
    }
    let ArgumentInfo { name, value, .. } = &asked.argument;
    let mut values = match name.as_str() {
        "source" => sources(library, value).await,
        "path" => {
            let arguments = asked.context.as_ref().and_then(|context| context.arguments.as_ref());
            let source = arguments.and_then(|arguments| arguments.get("source"));
            match source {
                Some(source) => library.paths(source, value, VALUES_MAX + 1).await,
                None => Ok(Vec::new()), // the path of which source?
            }
        }
        _ => return Err(ErrorData::invalid_params(format!("`{name}` cannot be completed; source and path can"), None)),
    }
    .map_err(|error| failed(&error))?;
    let has_more = values.len() > CompletionInfo::MAX_VALUES;
    values.truncate(CompletionInfo::MAX_VALUES);
    let completion = CompletionInfo::with_pagination(values, None, has_more);
    Ok(CompleteResult::new(completion.map_err(|why| ErrorData::internal_error(why, None))?))
}

async fn sources(library: &Library, prefix: &str) -> Result<Vec<String>, StoreError> {
    let sources = library.sources().await?;
    Ok(sources.into_iter().map(|source| source.name).filter(|name| name.starts_with(prefix)).collect())
}

fn uri(source: &str, path: &str) -> String {
    format!("{SCHEME}{source}/{}", utf8_percent_encode(path, ESCAPED))
}

/// Source and path of a URI.
fn parse(uri: &str) -> Option<(String, String)> {
    let (source, path) = uri.strip_prefix(SCHEME)?.split_once('/')?;
    let path = percent_decode_str(path).decode_utf8().ok()?;
    (!source.is_empty() && !path.is_empty()).then(|| (source.to_owned(), path.into_owned()))
}

/// Documents are kept as Markdown, whatever they were, unless they were plain text.
fn media_type(path: &str) -> &'static str {
    if path.to_ascii_lowercase().ends_with(".txt") { "text/plain" } else { "text/markdown" }
}

fn not_a_cursor(cursor: &str) -> ErrorData {
    ErrorData::invalid_params(format!("{cursor:?} is no cursor that this server gave"), None)
}

fn failed(error: &StoreError) -> ErrorData {
    sidelight::warn!("the store failed", error = error.to_string());
    ErrorData::internal_error(error.to_string(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_uri_is_a_source_and_a_path() {
        assert_eq!(parse("docs://book/a/b c.html"), Some(("book".into(), "a/b c.html".into())));
        assert_eq!(uri("book", "a/b c?.html"), "docs://book/a/b%20c%3F.html");
        for wrong in ["", "docs://", "docs://book", "docs://book/", "docs:///a", "file:///etc/passwd", "docs://b/%ff"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_path_survives_its_uri(path in r"[^\x00]{1,40}") {
            let uri = uri("s", &path);
            prop_assert!(!uri.contains([' ', '\n', '"', '<', '>']));
            prop_assert_eq!(parse(&uri), Some(("s".to_owned(), path)));
        }
    }
}
