//! A request's end: its operation, its count and its line, once each, whoever answers it.

use crate::{
    Fault, Seat, Tool,
    facts::{Facts, note_code},
    metrics::{Ending, Method, OPERATION, REQUESTS},
    reply::{Reply, Seen},
};
use rmcp::ErrorData;
use sidelight::{Context, label::Label, tracing};
use std::time::Instant;

/// Counts a request once and writes its line, also when its future is dropped.
pub(crate) struct Counted {
    labels: (Method, Tool),
    facts: Facts,
    context: Context,
    seat: Option<Seat>,
    ending: Ending,
    began: Instant,
    bytes: u64,
}

impl Counted {
    pub(crate) fn new(labels: (Method, Tool), facts: Facts, context: Context, seat: Option<Seat>) -> Self {
        Self { labels, facts, context, seat, ending: Ending::Cancelled, began: Instant::now(), bytes: 0 }
    }

    /// Runs the handler's future as an operation, whose ids the line will have.
    pub(crate) async fn observe<T: Seen>(&mut self, reply: impl Future<Output = Result<T, ErrorData>>) -> Reply<T> {
        let operation = OPERATION.observe(self.labels, async {
            let reply = self.attend(reply).await;
            if let Err(error) = &reply.0 {
                note_code(error.code);
            }
            reply
        });
        operation.await
    }

    /// Runs the handler's future in the context that is current.
    pub(crate) async fn attend<T: Seen>(&mut self, reply: impl Future<Output = Result<T, ErrorData>>) -> Reply<T> {
        self.begins();
        let reply = Reply(reply.await);
        self.ending = Ending::of(reply.fault());
        if tracing::COMPILED {
            self.bytes = reply.bytes();
        }
        reply
    }

    /// Records the request as an operation that is over already: no handler saw it.
    pub(crate) fn end(mut self, fault: Option<Fault>, note: impl FnOnce()) {
        let (context, labels) = (self.context.clone(), self.labels);
        let operation = || {
            self.begins();
            note();
            self.ending = Ending::of(fault);
            fault.map_or(Ok(()), Err)
        };
        // its reply is with the client; there is nobody here to hand it to
        let _ = context.run(|| OPERATION.run(labels, operation));
    }

    fn begins(&mut self) {
        self.context = Context::current();
        if let Some(seat) = &self.seat {
            seat.begins(self.context.clone());
        }
        self.facts.note(self.labels.0);
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
        REQUESTS.add((method, self.ending), 1);
        self.context.clone().run(|| {
            sidelight::info!(
                "request",
                method = word(method),
                tool = word(tool),
                outcome = word(self.ending),
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
