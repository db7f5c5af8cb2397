//! Ours, through its facade alone: a context, and operations whose labels are closed enums. Metrics are not compiled in: the
//! others have none either.

use super::{CORRELATION_ID, Stack};
use sidelight::{
    Context, CorrelationId, LogFormat, Operation, Output, Profiling, Propagators, Settings, catalog, labels,
    tracing::Incoming,
};
use std::{
    hint::{black_box, spin_loop},
    ops::Range,
    pin::pin,
    task::{self, Poll, Waker},
    time::{Duration, Instant},
};

labels! {
    /// How it was asked.
    pub(crate) enum Method = "method" { /// With a body.
        Post = "POST" }
    /// What was asked.
    pub(crate) enum Path = "path" { /// The endpoint.
        Mcp = "/mcp" }
    /// What the store did.
    pub(crate) enum Op = "op" { /// It answered.
        Query = "db.query" }
    /// What it looked at.
    pub(crate) enum Table = "table" { /// Documents.
        Documents = "documents", /// Passages.
        Passages = "passages" }
    /// How it looked.
    pub(crate) enum Way = "way" { /// By words.
        Words = "words", /// By vectors.
        Vectors = "vectors" }
}

catalog! {
    /// One request; its third field is the correlation id.
    pub(crate) REQUEST: Operation<(Method, Path)> = "bench.request";
    /// One question that the store was asked.
    pub(crate) QUERY: Operation<(Op, Table, Way)> = "bench.query";
}

/// As a server starts it.
pub(in crate::request) fn start(rate: f64) -> Stack {
    stack(rate, repeat::<false>)
}

/// The same, and each operation takes [`PLANT`] longer.
pub(in crate::request) fn start_planted(rate: f64) -> Stack {
    stack(rate, repeat::<true>)
}

/// A line outside any request.
pub(in crate::request) fn start_line(rate: f64) -> Stack {
    stack(rate, |units, _| lines(units))
}

/// A line with the ids of a request.
pub(in crate::request) fn start_line_in_request(rate: f64) -> Stack {
    stack(rate, |units, id| begin(id).run(|| lines(units)))
}

fn stack(rate: f64, repeat: fn(Range<u64>, &CorrelationId)) -> Stack {
    let running = sidelight::start(&settings(rate), &[CATALOG]).expect("a process of its own");
    let id = CorrelationId::accept(CORRELATION_ID).expect("it is well formed");
    Stack::new(move |units| repeat(units, &id), || drop(running))
}

fn settings(rate: f64) -> Settings {
    Settings {
        service_name: "bench".to_owned(),
        version: "0".to_owned(),
        commit: "unknown".to_owned(),
        environment: "test".to_owned(),
        resource: Vec::new(),
        log_filter: "info".to_owned(),
        log_format: LogFormat::Json,
        log_output: Output::Stdout,
        sample_rate: rate,
        export: true,
        propagators: Propagators::default(),
        profiling: Profiling::Off,
        created: false,
    }
}

fn repeat<const PLANTED: bool>(units: Range<u64>, id: &CorrelationId) {
    for at in units {
        finish(begin(id).scope(request::<PLANTED>(at)));
    }
}

fn begin(id: &CorrelationId) -> Context {
    Context::begin(&Incoming { correlation_id: Some(id), ..Incoming::default() })
}

/// The unit.
async fn request<const PLANTED: bool>(at: u64) {
    plant::<PLANTED>();
    let handled = async {
        query::<PLANTED>(Table::Documents, Way::Words).await;
        query::<PLANTED>(Table::Documents, Way::Vectors).await;
        sidelight::info!("query finished", rows = 3_u64, cached = false);
        query::<PLANTED>(Table::Passages, Way::Words).await;
        query::<PLANTED>(Table::Passages, Way::Vectors).await;
        sidelight::info!("request done", status = 200_u64, bytes = at);
        Ok(())
    };
    let Ok(()) = REQUEST.observe((Method::Post, Path::Mcp), handled).await;
}

async fn query<const PLANTED: bool>(table: Table, way: Way) {
    plant::<PLANTED>();
    let Ok(_) = QUERY.observe((Op::Query, table, way), async { Ok(black_box(3)) }).await;
}

fn lines(units: Range<u64>) {
    for at in units {
        sidelight::info!("request done", status = 200_u64, bytes = at);
    }
}

#[inline]
fn plant<const PLANTED: bool>() {
    if PLANTED {
        let started = Instant::now();
        while started.elapsed() < PLANT {
            spin_loop();
        }
    }
}

/// The future's value: nothing in it waits.
fn finish<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing in a unit waits"),
    }
}

const PLANT: Duration = Duration::from_micros(5);
