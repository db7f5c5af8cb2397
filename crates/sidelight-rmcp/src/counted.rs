//! A request's end: its operation, its count and its line, once each, whoever answers it. It ends when its reply is written,
//! where somebody sees that; else when the reply is made.

use crate::{
    Fault, Seat, Tool,
    facts::{Facts, note_code},
    metrics::{Ending, Method, OPERATION, REQUESTS},
    reply::{Reply, Seen},
    transport::Arrived,
};
use rmcp::ErrorData;
use sidelight::{Context, Failure as _, label::Label, operation::Unended};
use std::time::Instant;

/// Counts a request once and writes its line when it is dropped, also with the future that it is in.
#[derive(Debug)]
pub(crate) struct Counted {
    labels: (Method, Tool),
    facts: Facts,
    context: Context,
    seat: Option<Seat>,
    ending: Ending,
    fault: Option<Fault>,
    began: Instant,
    bytes: Option<u64>,
    run: Option<Unended>,
}

impl Counted {
    pub(crate) fn new(labels: (Method, Tool), facts: Facts, context: Context, seat: Option<Seat>) -> Self {
        let began = Instant::now();
        Self { labels, facts, context, seat, ending: Ending::Cancelled, fault: None, began, bytes: None, run: None }
    }

    /// Runs the handler's future as an operation, whose ids the line will have.
    pub(crate) async fn observe<T: Seen>(&mut self, reply: impl Future<Output = Result<T, ErrorData>>) -> Reply<T> {
        let operation = OPERATION.observe_on(self.labels, async {
            let reply = self.attend(reply).await;
            if let Err(error) = &reply.0 {
                note_code(error.code);
            }
            reply
        });
        let (reply, run) = operation.await;
        self.run = Some(run);
        reply
    }

    /// Runs the handler's future in the context that is current.
    pub(crate) async fn attend<T: Seen>(&mut self, reply: impl Future<Output = Result<T, ErrorData>>) -> Reply<T> {
        self.begins();
        let reply = Reply(reply.await);
        self.ends(reply.fault());
        reply
    }

    /// Goes out with its reply, to whoever sees it written: the seat of its HTTP request, else the transport's own place.
    pub(crate) fn goes_out(mut self, arrived: Option<&Arrived>) {
        match (self.seat.take(), arrived) {
            (Some(seat), _) => seat.goes_out(self),
            (None, Some(arrived)) => arrived.goes_out(self),
            (None, None) => {}
        }
    }

    /// Its reply is written.
    pub(crate) fn written(mut self, bytes: u64) {
        self.bytes = Some(bytes);
    }

    /// Records the request as an operation whose reply is made already: no handler saw it.
    pub(crate) fn end(mut self, fault: Option<Fault>, bytes: u64, note: impl FnOnce()) {
        let (context, labels) = (self.context.clone(), self.labels);
        let operation = || {
            self.begins();
            note();
            self.ends(fault);
            self.bytes = Some(bytes);
            fault.map_or(Ok(()), Err)
        };
        let (_, run) = context.run(|| OPERATION.run_on(labels, operation));
        self.run = Some(run);
        self.goes_out(None);
    }

    fn begins(&mut self) {
        self.context = Context::current();
        if let Some(seat) = &self.seat {
            seat.begins(self.context.clone());
        }
        self.facts.note(self.labels.0);
    }

    fn ends(&mut self, fault: Option<Fault>) {
        (self.fault, self.ending) = (fault, Ending::of(fault));
    }
}

impl Ending {
    fn of(fault: Option<Fault>) -> Self {
        match fault {
            None => Self::Ok,
            Some(Fault::Timeout) => Self::Timeout,
            Some(_) => Self::Error,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let (method, tool) = self.labels;
        if std::thread::panicking() {
            self.ending = Ending::Error;
        }
        self.run = None; // here it ends
        REQUESTS.add((method, self.ending), 1);
        let said = |word: &'static str| Some(word).filter(|word| !word.is_empty());
        self.context.clone().run(|| {
            sidelight::info!(
                "request",
                method = word(method),
                tool = said(word(tool)),
                outcome = word(self.ending),
                error_type = self.fault.map(|fault| Fault::NAMES[fault.index()]),
                duration_seconds = self.began.elapsed().as_secs_f64(),
                bytes = self.bytes,
                client = self.facts.client(),
            );
        });
    }
}

/// A label as it is shown.
fn word<L: Label>(label: L) -> &'static str {
    L::value(label.index()).unwrap_or_default()
}
