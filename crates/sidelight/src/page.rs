//! What an admin port may show, as plain data: a feature adds rows, and whoever has a listener mounts them.
//! Knows no listener and no web framework.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// One page: its place, who may open it, what it says and how it answers.
#[derive(Debug)]
pub struct Page {
    /// The absolute path.
    pub path: &'static str,
    /// What the caller must be allowed to do.
    pub permission: Permission,
    /// One sentence for the index.
    pub says: &'static str,
    /// Everything that the query may hold; `None`: the query is not looked at.
    pub parameters: Option<&'static [Parameter]>,
    /// Answers a GET; may block, so it is called on a thread that may.
    pub show: fn(&Ask) -> Result<Reply, PageError>,
    /// What a PUT does, where there is something to change.
    pub change: Option<Change>,
}

/// A change that a page takes, to whoever has [`Permission::Change`].
#[derive(Debug)]
pub struct Change {
    /// One sentence for the index.
    pub says: &'static str,
    /// Everything that the query may hold.
    pub parameters: &'static [Parameter],
    /// Answers a PUT: the page as it is then.
    pub apply: fn(&Ask) -> Result<Reply, PageError>,
}

impl Page {
    /// Reads the query, and answers in a form that the caller accepts.
    ///
    /// # Errors
    /// See [`PageError`].
    pub fn answer<'q>(
        &self,
        query: impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)>,
        accepts: Accepts,
        gone: Gone,
    ) -> Result<Reply, PageError> {
        let ask = self.parameters.map_or_else(|| Ok(Ask::default()), |parameters| Ask::parse(parameters, query))?;
        (self.show)(&Ask { accepts, gone, ..ask })
    }

    /// Reads the query, and changes what the page shows to what the body says. `None`: there is nothing to change.
    ///
    /// # Errors
    /// See [`PageError`].
    pub fn put<'q>(
        &self,
        query: impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)>,
        body: String,
    ) -> Option<Result<Reply, PageError>> {
        let change = self.change.as_ref()?;
        let ask = Ask::parse(change.parameters, query);
        Some(ask.and_then(|ask| (change.apply)(&Ask { body, ..ask })))
    }
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing is asked of the caller: health.
    Anyone,
    /// Collect the metrics.
    Scrape,
    /// See requests, settings and reasons.
    Read,
    /// Take profiles.
    Profile,
    /// Change what a running program does.
    Change,
}

/// One parameter of a page's query.
#[derive(Debug)]
pub struct Parameter {
    /// The name in the query.
    pub name: &'static str,
    /// One sentence for the index.
    pub says: &'static str,
    /// What is allowed, and what is meant when nothing is given.
    pub values: Values,
}

/// What a parameter may be.
#[derive(Debug)]
pub enum Values {
    /// A whole number of `least..=most`.
    Whole {
        /// The smallest allowed.
        least: u64,
        /// The largest allowed.
        most: u64,
        /// Taken when the parameter is absent.
        default: u64,
    },
    /// One of the words; the first is the default.
    OneOf(&'static [&'static str]),
    /// Any words, as often as they are given; none is the default.
    Names,
}

/// Whether whoever asked does not wait any more. Cheap to clone; all clones are one. `Relaxed`: nothing else is read by it, and a
/// moment later is soon enough.
#[derive(Clone, Debug, Default)]
pub struct Gone(Arc<AtomicBool>);

impl Gone {
    /// Nobody waits any more.
    pub fn say(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that was said: what takes long may stop then.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Two headers of a request, as they came; empty where there is none.
#[derive(Clone, Debug, Default)]
pub struct Accepts {
    /// `Accept`.
    pub accept: String,
    /// `Accept-Encoding`.
    pub accept_encoding: String,
}

/// A request for a page, with every parameter checked and filled in.
#[derive(Debug, Default)]
pub struct Ask {
    whole: BTreeMap<&'static str, u64>,
    words: BTreeMap<&'static str, &'static str>,
    names: Vec<(&'static str, String)>,
    /// What the caller accepts.
    pub accepts: Accepts,
    /// Whether the caller still waits.
    pub gone: Gone,
    /// What the caller sent; empty for a GET.
    pub body: String,
}

impl Ask {
    /// Reads the query's pairs by the page's rows.
    ///
    /// # Errors
    /// [`PageError::BadParameter`] for a value out of range, a word that is not listed, or a name that the page
    /// does not know; the sentence names the parameter and what is allowed.
    pub fn parse<'q>(
        parameters: &'static [Parameter],
        query: impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)>,
    ) -> Result<Self, PageError> {
        let mut ask = Self::default();
        for parameter in parameters {
            match parameter.values {
                Values::Whole { default, .. } => drop(ask.whole.insert(parameter.name, default)),
                Values::OneOf(words) => drop(ask.words.insert(parameter.name, words[0])),
                Values::Names => {}
            }
        }
        for (name, value) in query {
            let parameter = parameters.iter().find(|known| known.name == name);
            let parameter = parameter.ok_or_else(|| unknown(parameters, &name))?;
            ask.take(parameter, &value)?;
        }
        Ok(ask)
    }

    fn take(&mut self, parameter: &'static Parameter, value: &str) -> Result<(), PageError> {
        let name = parameter.name;
        match parameter.values {
            Values::Whole { least, most, .. } => {
                let number = value.parse().ok().filter(|it| (least..=most).contains(it));
                let number = number.ok_or_else(|| {
                    PageError::BadParameter(format!(
                        "invalid value for \"{name}\" - must be a whole number from {least} to {most}"
                    ))
                })?;
                self.whole.insert(name, number);
            }
            Values::OneOf(words) => {
                let word = words.iter().find(|word| **word == value).ok_or_else(|| {
                    let words = words.join(", ");
                    PageError::BadParameter(format!("invalid value for \"{name}\" - must be one of {words}"))
                })?;
                self.words.insert(name, word);
            }
            Values::Names if self.names.len() < NAMES_MAX => self.names.push((name, value.to_owned())),
            Values::Names => {
                return Err(PageError::BadParameter(format!("\"{name}\" may be given at most {NAMES_MAX} times")));
            }
        }
        Ok(())
    }

    /// A whole number; 0 for a name that is not among the page's parameters.
    #[must_use]
    pub fn whole(&self, name: &str) -> u64 {
        self.whole.get(name).copied().unwrap_or(0)
    }

    /// A word; empty for a name that is not among the page's parameters.
    #[must_use]
    pub fn word(&self, name: &str) -> &'static str {
        self.words.get(name).copied().unwrap_or("")
    }

    /// All words that were given under a name.
    #[must_use]
    pub fn names(&self, name: &str) -> Vec<String> {
        self.names.iter().filter(|(known, _)| *known == name).map(|(_, word)| word.clone()).collect()
    }
}

fn unknown(parameters: &[Parameter], name: &str) -> PageError {
    let known: Vec<_> = parameters.iter().map(|known| known.name).collect();
    let known =
        if known.is_empty() { "this page takes none".to_owned() } else { format!("allowed are {}", known.join(", ")) };
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    PageError::BadParameter(format!("unknown parameter {name:?} - {known}"))
}

/// How often a parameter that may be given again may be given.
const NAMES_MAX: usize = 1_000;
/// How much of an unknown name is repeated to the caller.
const NAME_CHARS_MAX: usize = 40;

/// A page's answer.
#[derive(Debug)]
pub struct Reply {
    /// The exact `Content-Type`.
    pub content_type: &'static str,
    /// The `Content-Encoding`, if it is packed.
    pub encoding: Option<&'static str>,
    /// The name to save it under, if it is a file.
    pub file_name: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON text.
    #[must_use]
    pub fn json(text: String) -> Self {
        Self { content_type: "application/json", encoding: None, file_name: None, body: text.into_bytes() }
    }
}

/// Why a page has no answer. The sentence is for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageError {
    /// The query is wrong: 400.
    BadParameter(String),
    /// Switched off by a setting: 403.
    SwitchedOff {
        /// The setting that would switch it on.
        setting: &'static str,
    },
    /// Somebody else is at it: 409.
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// Not in this build: 501.
    NotBuilt {
        /// The Cargo feature that would bring it.
        feature: &'static str,
    },
    /// It did not work, and this is why: 503.
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[Parameter] = &[
        Parameter { name: "seconds", says: "How long.", values: Values::Whole { least: 1, most: 60, default: 30 } },
        Parameter { name: "format", says: "What form.", values: Values::OneOf(&["proto", "collapsed"]) },
        Parameter { name: "name[]", says: "Which.", values: Values::Names },
    ];

    fn ask(query: &[(&'static str, &'static str)]) -> Result<Ask, PageError> {
        let pairs = query.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Ask::parse(PARAMETERS, pairs)
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let ask = ask(&[]).unwrap();
        assert_eq!((ask.whole("seconds"), ask.word("format")), (30, "proto"));
    }

    #[test]
    fn what_is_given_is_taken() {
        let ask = ask(&[("seconds", "5"), ("format", "collapsed"), ("name[]", "a"), ("name[]", "b")]).unwrap();
        assert_eq!((ask.whole("seconds"), ask.word("format")), (5, "collapsed"));
        assert_eq!(ask.names("name[]"), ["a", "b"]);
    }

    #[test]
    fn a_refusal_names_the_parameter_and_what_is_allowed() {
        let told = |query: &[(&'static str, &'static str)]| match ask(query) {
            Err(PageError::BadParameter(text)) => text,
            other => panic!("{other:?}"),
        };
        for value in ["0", "61", "-1", "1e9", "", "99999999999999999999"] {
            let text = told(&[("seconds", value)]);
            assert!(text.contains("\"seconds\" - must be a whole number from 1 to 60"), "{text}");
        }
        assert!(told(&[("format", "png")]).contains("one of proto, collapsed"));
        assert!(told(&[("hz", "9")]).contains("allowed are seconds, format"));
        assert!(told(&vec![("name[]", "x"); NAMES_MAX + 1]).contains("at most"));
    }
}
