//! An embedder behind HTTP: whatever answers `POST /v1/embeddings` as OpenAI does
//! (<https://platform.openai.com/docs/api-reference/embeddings>). Asks in batches, of fewer texts where the server takes fewer;
//! a text that it does not take has no vector; gives up after a while, and never shows its key, nor what a server says of an
//! error: that may hold the text, or a key.

use crate::{
    EmbedError, Embedder, Embedding, Vectors,
    answer::Answer,
    metrics::{BATCH_SIZE, EMBED, ModelName, Provider, REFUSED, TOKENS, note_call},
    retry,
};
use reqwest::{Client, Response, Url, header::RETRY_AFTER, redirect::Policy};
use serde::Serialize;
use sidelight::{Context, tracing::note};
use std::{
    fmt,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// A model on a server.
pub struct HttpEmbedder {
    client: Client,
    url: Url,
    model: String,
    key: Option<String>,
    dimensions: usize,
    /// Texts in one request: as many as were asked for, or as the server has shown to take.
    most: AtomicUsize,
}

/// The key stays out of every log.
impl fmt::Debug for HttpEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, model, dimensions, .. } = self;
        f.debug_struct("HttpEmbedder")
            .field("url", &url.as_str())
            .field("model", model)
            .field("dimensions", dimensions)
            .finish_non_exhaustive()
    }
}

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);
/// The longest answer: a batch of vectors of ten thousand numbers each, written out, with room to spare.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Serialize)]
struct Ask<'a> {
    model: &'a str,
    input: &'a [&'a str],
    encoding_format: &'static str,
}

impl HttpEmbedder {
    /// Asks the model once, to learn how long its vectors are. At most `batch` texts stand in one request, and at least one.
    ///
    /// # Errors
    /// See [`EmbedError`].
    pub async fn connect(url: Url, model: String, key: Option<String>, batch: usize) -> Result<Self, EmbedError> {
        let mut embedder = Self::unasked(url, model, key, batch, 0)?;
        // a model that is being loaded takes its time
        let (probe, _) = embedder.batch(&[PROBE], retry::Patience::Whole).await?;
        embedder.dimensions = probe.first().map_or(0, Vec::len);
        if embedder.dimensions == 0 {
            return Err(EmbedError::Malformed("it gave a vector of no numbers".to_owned()));
        }
        Ok(embedder)
    }

    /// A model that is away, of whose vectors it is known how long they are.
    ///
    /// # Errors
    /// Where there can be no client.
    pub fn unasked(
        url: Url,
        model: String,
        key: Option<String>,
        batch: usize,
        dimensions: usize,
    ) -> Result<Self, EmbedError> {
        // the first one stays: another part of the program may have chosen before
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(TIMEOUT).connect_timeout(CONNECT);
        // a redirect would carry the key and the texts to somebody else
        let client = client.redirect(Policy::none()).build();
        let client = client.map_err(|error| EmbedError::Unavailable(error.without_url().to_string()))?;
        Ok(Self { client, url, model, key, dimensions, most: AtomicUsize::new(batch.max(1)) })
    }

    /// Vectors, and how many tokens the server counted.
    async fn batch(&self, texts: &[&str], patience: retry::Patience) -> Result<(Vectors, u64), EmbedError> {
        let answer = retry::retry(patience, || self.ask(texts)).await?;
        let labels = (Provider::OpenAi, ModelName::named(&self.model));
        BATCH_SIZE.record(labels, texts.len() as u64);
        let tokens = answer.tokens();
        TOKENS.record(labels, tokens);
        Ok((answer.vectors(texts.len(), self.dimensions)?, tokens))
    }

    /// Vectors of any number of texts. A batch that the server does not take is halved, until it takes both halves, or until
    /// it is one text that it does not take: that one has an empty vector.
    fn all<'a>(&'a self, texts: &'a [&'a str]) -> All<'a> {
        Box::pin(async move {
            let most = self.most.load(Ordering::Relaxed);
            if texts.len() > most {
                let mut all = Found::default();
                for some in texts.chunks(most) {
                    all.extend(self.all(some).await?);
                }
                return Ok(all);
            }
            // what took too long is not asked again as it is: many may be few enough in halves
            let patience = retry::Patience::NoTimeouts;
            let failed = match self.batch(texts, patience).await {
                Ok((vectors, tokens)) => return Ok(Found { vectors, tokens, refused: 0 }),
                Err(failed) => failed,
            };
            if !self.is_of_these_texts(&failed, texts).await {
                return Err(failed);
            }
            let (first, second) = texts.split_at(texts.len().div_ceil(2));
            if second.is_empty() {
                // what passes may have passed just before the probe
                let again = if failed.may_pass() { self.batch(texts, patience).await } else { Err(failed) };
                return match again {
                    Ok((vectors, tokens)) => Ok(Found { vectors, tokens, refused: 0 }),
                    Err(failed) if failed.may_pass() && !self.is_of_these_texts(&failed, texts).await => Err(failed),
                    Err(_) => Ok(Found { vectors: vec![Vec::new()], tokens: 0, refused: 1 }),
                };
            }
            let mut all = self.all(first).await?;
            let is_number = all.refused == 0;
            if is_number {
                // it was not a text, so it was how many: fewer from now on
                self.most.fetch_min(first.len(), Ordering::Relaxed);
            }
            all.extend(self.all(second).await?);
            if is_number && all.refused > 0 {
                // it was a text, in the second half: a text alone is refused for what it is
                self.most.fetch_max(most, Ordering::Relaxed);
            }
            Ok(all)
        })
    }

    /// Whether a failure may be due to these texts, or their number, and not to the server or the request as such: then others
    /// would fail, too. Servers say it with any status, also with an answer that is none.
    async fn is_of_these_texts(&self, failed: &EmbedError, texts: &[&str]) -> bool {
        match failed {
            EmbedError::Timeout if texts.len() > 1 => true,
            EmbedError::RateLimited if texts.len() == 1 => false, // its turn comes
            _ => texts != [PROBE] && self.takes(PROBE).await,
        }
    }

    /// Whether the server takes this text, which nobody has asked for: it is not counted.
    async fn takes(&self, text: &str) -> bool {
        let asked = self.ask(&[text]).await;
        asked.is_ok_and(|answer| answer.vectors(1, self.dimensions).is_ok())
    }

    async fn ask(&self, texts: &[&str]) -> Result<Answer, retry::Failure> {
        let body = Ask { model: &self.model, input: texts, encoding_format: "float" };
        let request = self.client.post(self.url.clone()).json(&body);
        let request = match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let ids = Context::current().headers().into_iter();
        let request = ids.fold(request, |request, (name, value)| request.header(name, value));
        let reply = request.send().await.map_err(|error| retry::Failure::again(unreached(error), None))?;
        let status = reply.status();
        if status.is_success() {
            return Answer::read(&whole(reply).await?).map_err(retry::Failure::last);
        }
        let wait = reply.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = wait.map(Duration::from_secs);
        let said = whole(reply).await.unwrap_or_default(); // the status alone says enough
        let said: String =
            String::from_utf8_lossy(&said).chars().filter(|it| !it.is_control()).take(SAID_CHARS_MAX).collect();
        sidelight::debug!("the embedding model's server gave an error", status = status.as_u16(), said = said);
        Err(match status.as_u16() {
            429 => retry::Failure::again(EmbedError::RateLimited, wait),
            502..=504 => retry::Failure::again(EmbedError::Unavailable(status.to_string()), wait),
            500.. => retry::Failure::again(EmbedError::Failed(status.to_string()), wait),
            400 | 413 | 414 | 422 => retry::Failure::last(EmbedError::TooMuch(status.to_string())),
            _ => retry::Failure::last(EmbedError::Refused(status.to_string())),
        })
    }
}

/// Vectors of some texts.
#[derive(Default)]
struct Found {
    vectors: Vectors,
    tokens: u64,
    /// How many of them have none.
    refused: usize,
}

type All<'a> = Pin<Box<dyn Future<Output = Result<Found, EmbedError>> + Send + 'a>>;

impl Found {
    fn extend(&mut self, other: Self) {
        self.vectors.extend(other.vectors);
        self.tokens += other.tokens;
        self.refused += other.refused;
    }
}

/// The answer's body: one that breaks off may come whole the next time, one that is too long will not be shorter.
async fn whole(mut reply: Response) -> Result<Vec<u8>, retry::Failure> {
    let mut body = Vec::new();
    while let Some(part) = reply.chunk().await.map_err(|error| retry::Failure::again(unreached(error), None))? {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_BYTES_MAX {
            let why = format!("it is longer than {ANSWER_BYTES_MAX} bytes");
            return Err(retry::Failure::last(EmbedError::Malformed(why)));
        }
    }
    Ok(body)
}

fn unreached(error: reqwest::Error) -> EmbedError {
    if error.is_timeout() { EmbedError::Timeout } else { EmbedError::Unavailable(cause(&error.without_url())) }
}

/// The innermost cause says more than "error sending request".
fn cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(deeper) = deepest.source() {
        deepest = deeper;
    }
    deepest.to_string()
}

/// As much of a server's explanation as is worth reading, by whoever asks for it.
const SAID_CHARS_MAX: usize = 200;
/// A text that every model takes.
const PROBE: &str = "dimensions";

impl Embedder for HttpEmbedder {
    fn model(&self) -> &str {
        &self.model
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed<'a>(&'a self, texts: &'a [&'a str]) -> Embedding<'a> {
        let labels = (Provider::OpenAi, ModelName::named(&self.model));
        Box::pin(EMBED.observe(labels, async move {
            note_call(texts.len(), self.dimensions);
            let Found { vectors, tokens, refused } = self.all(texts).await?;
            note("gen_ai.usage.input_tokens", tokens);
            REFUSED.add(labels, refused as u64);
            Ok(vectors)
        }))
    }
}
