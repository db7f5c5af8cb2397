//! An embedder behind HTTP: whatever answers `POST /v1/embeddings` as OpenAI does
//! (<https://platform.openai.com/docs/api-reference/embeddings>). Asks in batches, gives up after a while, and never shows
//! its key.

use crate::{
    EmbedError, Embedder, Embedding, Vectors,
    metrics::{BATCH_SIZE, EMBED, ModelName, Provider, TOKENS, note_call},
    retry,
};
use reqwest::{Client, Response, Url, header::RETRY_AFTER, redirect::Policy};
use serde::{Deserialize, Serialize};
use sidelight::{Context, tracing::note};
use std::{fmt, time::Duration};

/// A model on a server.
pub struct HttpEmbedder {
    client: Client,
    url: Url,
    model: String,
    key: Option<String>,
    dimensions: usize,
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

/// Texts in one request.
const BATCH: usize = 64;
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

#[derive(Deserialize)]
struct Answer {
    data: Vec<One>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct One {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
}

impl HttpEmbedder {
    /// Asks the model once, to learn how long its vectors are.
    ///
    /// # Errors
    /// See [`EmbedError`].
    pub async fn connect(url: Url, model: String, key: Option<String>) -> Result<Self, EmbedError> {
        // the first one stays: another part of the program may have chosen before
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(TIMEOUT).connect_timeout(CONNECT);
        // a redirect would carry the key and the texts to somebody else
        let client = client.redirect(Policy::none()).build();
        let client = client.map_err(|error| EmbedError::Unavailable(error.without_url().to_string()))?;
        let mut embedder = Self { client, url, model, key, dimensions: 0 };
        let (probe, _) = embedder.batch(&["dimensions"]).await?;
        embedder.dimensions = probe.first().map_or(0, Vec::len);
        if embedder.dimensions == 0 {
            return Err(EmbedError::Malformed("it gave a vector of no numbers".to_owned()));
        }
        Ok(embedder)
    }

    /// Vectors, and how many tokens the server counted.
    async fn batch(&self, texts: &[&str]) -> Result<(Vectors, u64), EmbedError> {
        let answer = retry::retry(|| self.ask(texts)).await?;
        let labels = (Provider::OpenAi, ModelName::named(&self.model));
        BATCH_SIZE.record(labels, texts.len() as u64);
        let tokens = answer.usage.prompt_tokens;
        TOKENS.record(labels, tokens);
        Ok((self.vectors(answer.data, texts.len())?, tokens))
    }

    /// In the order of the texts, and of length 1.
    fn vectors(&self, mut answer: Vec<One>, wanted: usize) -> Result<Vectors, EmbedError> {
        answer.sort_by_key(|one| one.index);
        let in_order = answer.iter().map(|one| one.index).eq(0..wanted);
        let as_long = |one: &One| self.dimensions == 0 || one.embedding.len() == self.dimensions;
        if !in_order || !answer.iter().all(as_long) {
            let why = format!("{wanted} vectors of {} numbers were asked for, and others came", self.dimensions);
            return Err(EmbedError::Malformed(why));
        }
        Ok(answer.into_iter().map(|one| crate::local::normalised(one.embedding)).collect())
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
            let fits = serde_json::from_slice(&whole(reply).await?);
            return fits.map_err(|error| retry::Failure::last(EmbedError::Malformed(error.to_string())));
        }
        let wait = reply.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = wait.map(Duration::from_secs);
        let why = whole(reply).await.unwrap_or_default(); // the status alone says enough
        let why = String::from_utf8_lossy(&why);
        let why: String = why.chars().filter(|it| !it.is_control()).take(WHY_CHARS_MAX).collect();
        Err(match status.as_u16() {
            429 => retry::Failure::again(EmbedError::RateLimited, wait),
            500.. => retry::Failure::again(EmbedError::Unavailable(format!("{status} {why}")), wait),
            _ => retry::Failure::last(EmbedError::Refused(format!("{status} {why}"))),
        })
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

/// As much of a server's explanation as is worth reading.
const WHY_CHARS_MAX: usize = 200;

impl Embedder for HttpEmbedder {
    fn model(&self) -> &str {
        &self.model
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed<'a>(&'a self, texts: &'a [&'a str]) -> Embedding<'a> {
        let labels = (Provider::OpenAi, ModelName::named(&self.model));
        Box::pin(EMBED.observe(labels, async {
            note_call(texts.len(), self.dimensions);
            let (mut vectors, mut tokens) = (Vectors::with_capacity(texts.len()), 0);
            for batch in texts.chunks(BATCH) {
                let (some, counted) = self.batch(batch).await?;
                vectors.extend(some);
                tokens += counted;
            }
            note("gen_ai.usage.input_tokens", tokens);
            Ok(vectors)
        }))
    }
}
