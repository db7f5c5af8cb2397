//! The HTTP client that speaks to the collector, and what it hears beside a status: when to come back, and how many spans
//! were not taken. Decides nothing.

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::header::RETRY_AFTER;
use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// How long one export may take: a hanging collector costs this much of the exporter's thread, and nothing else.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What the collector said with its last reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// When to come back.
    pub(crate) retry_after: Option<Duration>,
    /// Spans that it did not take of those that it was sent.
    pub(crate) rejected: u64,
    /// Why.
    pub(crate) why: String,
}

/// A client that listens.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    client: reqwest::blocking::Client,
    heard: Arc<Mutex<Heard>>,
}

impl Client {
    /// Must not be made on a runtime's thread: it blocks.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        // the first one stays: another part of the program may have chosen before
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::blocking::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { client, heard: Arc::default() })
    }

    /// What was heard since the last time.
    pub(crate) fn heard(&self) -> Heard {
        mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.client.send_bytes(request).await?;
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = hear(&response);
        Ok(response)
    }
}

fn hear(response: &Response<Bytes>) -> Heard {
    if !response.status().is_success() {
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        return Heard { retry_after: header.and_then(wait), ..Heard::default() };
    }
    let partial = ExportTraceServiceResponse::decode(response.body().clone()).ok().and_then(|it| it.partial_success);
    let Some(partial) = partial else { return Heard::default() };
    let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0);
    Heard { retry_after: None, rejected, why: partial.error_message }
}

/// Seconds, or a date.
fn wait(header: &str) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(header).ok()?.duration_since(SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    fn reply(status: u16, retry_after: Option<&str>, body: Vec<u8>) -> Response<Bytes> {
        let mut builder = Response::builder().status(status);
        if let Some(value) = retry_after {
            builder = builder.header(RETRY_AFTER, value);
        }
        builder.body(body.into()).unwrap()
    }

    #[test]
    fn when_to_come_back_is_heard_in_seconds_and_as_a_date() {
        let after = |value| hear(&reply(429, Some(value), Vec::new())).retry_after;
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(after(&date).is_some_and(|wait| (90..=100).contains(&wait.as_secs())));
        assert_eq!([after("soon"), after("Thu, 01 Jan 1970 00:00:00 GMT")], [None, None]);
    }

    #[test]
    fn spans_that_were_not_taken_are_heard_and_nonsense_is_not() {
        let said = ExportTracePartialSuccess { rejected_spans: 3, error_message: "too old".to_owned() };
        let body = ExportTraceServiceResponse { partial_success: Some(said) }.encode_to_vec();
        let heard = hear(&reply(200, None, body));
        assert_eq!((heard.rejected, heard.why.as_str()), (3, "too old"));
        assert_eq!(hear(&reply(200, None, b"\xff\xff".to_vec())), Heard::default());
        let said = ExportTracePartialSuccess { rejected_spans: -3, error_message: String::new() };
        let body = ExportTraceServiceResponse { partial_success: Some(said) }.encode_to_vec();
        assert_eq!(hear(&reply(200, None, body)).rejected, 0);
    }
}
