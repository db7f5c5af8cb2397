//! Further query tools that a deployment declares in a file, `tools.toml`: a search that is limited to a source and has a
//! name of its own. Knows how to read and check the declarations; searching is `tools`'.

use serde::Deserialize;
use std::{fs, path::Path};

/// A declared tool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declared {
    /// The name by which it is called.
    pub(crate) name: String,
    /// For a person.
    pub(crate) title: Option<String>,
    /// For a model.
    pub(crate) description: String,
    /// The source that it searches; all, if it is not given.
    pub(crate) source: Option<String>,
    /// Whether it is offered.
    #[serde(default = "yes")]
    enabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tool: Vec<toml::Spanned<Declared>>,
}

fn yes() -> bool {
    true
}

/// Reads a file of declarations; `taken` are the names that are not free. The refusal names the file, line and field.
pub(crate) fn read(path: &Path, taken: &[&str]) -> Result<Vec<Declared>, String> {
    let text = fs::read_to_string(path).map_err(|cause| format!("{}: {cause}", path.display()))?;
    parse(&text, taken).map_err(|why| format!("{}: {why}", path.display()))
}

fn parse(text: &str, taken: &[&str]) -> Result<Vec<Declared>, String> {
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        format!("line {}: {}", line(at), error.message())
    })?;
    let mut declared: Vec<Declared> = Vec::new();
    for tool in file.tool {
        let at = line(tool.span().start);
        let tool = tool.into_inner();
        let refuse = |why: String| Err(format!("line {at}: {why}"));
        if !is_name(&tool.name) {
            return refuse(format!("name = {:?}: 1 to 64 characters of [A-Za-z0-9_.-] are allowed", tool.name));
        }
        if taken.contains(&tool.name.as_str()) || declared.iter().any(|other| other.name == tool.name) {
            return refuse(format!("name = {:?}: another tool has this name", tool.name));
        }
        if tool.description.trim().is_empty() {
            return refuse(format!("description: a model must be told what {:?} is for", tool.name));
        }
        declared.push(tool);
    }
    declared.retain(|tool| tool.enabled);
    if declared.len() > DECLARED_MAX {
        return Err(format!("{} tools are declared, and {DECLARED_MAX} are allowed", declared.len()));
    }
    Ok(declared)
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// Each is a label of the metrics, of which there are 64 in all.
const DECLARED_MAX: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: &[&str] = &["search_docs"];

    fn refused(text: &str) -> String {
        parse(text, TAKEN).unwrap_err()
    }

    #[test]
    fn declared_tools_are_read_and_disabled_ones_left_out() {
        let text = "[[tool]]\nname = \"rust_query\"\ndescription = \"Asks the book.\"\nsource = \"book\"\n\
                    [[tool]]\nname = \"old\"\ndescription = \"x\"\nenabled = false\n";
        let tools = parse(text, TAKEN).unwrap();
        assert_eq!(tools.len(), 1);
        assert_eq!((tools[0].name.as_str(), tools[0].source.as_deref()), ("rust_query", Some("book")));
        assert_eq!(parse("", TAKEN), Ok(vec![]));
    }

    #[test]
    fn a_bad_file_is_told_its_line_and_its_field() {
        let why = refused("[[tool]]\nname = \"a\"\n");
        assert!(why.contains("line 1") && why.contains("`description`"), "{why}");
        let why = refused("[[tool]]\nname = \"a\"\ndescription = \"b\"\ncolour = 1\n");
        assert!(why.contains("line 4") && why.contains("`colour`"), "{why}");
        let why = refused("[[tool]]\nname = 7\ndescription = \"b\"\n");
        assert!(why.contains("line 2"), "{why}");
        let why = refused("[[tool]\n");
        assert!(why.contains("line 1"), "{why}");
    }

    #[test]
    fn names_are_checked_with_the_line_of_their_tool() {
        let tool = |name: &str| format!("[[tool]]\nname = {name:?}\ndescription = \"b\"\n");
        for name in ["", "two words", "search_docs", "ä"] {
            let why = refused(&format!("{}{}", tool("fine"), tool(name)));
            assert!(why.contains("line 4") && why.contains("name"), "{why}");
        }
        assert!(refused(&format!("{0}{0}", tool("twice"))).contains("another tool"));
    }
}
