//! A request's end: its operation, its count and its line, once each, whoever answers it. It ends when its reply is written,
//! where somebody sees that; else when the reply is made.

use crate::{
    attributes::{SpanAttributes, note_code},
    metrics::{Ending, Fault, Method, OPERATION, REQUESTS, Tool},
    reply::{Reply, Seen},
    slot::{RequestSlot, Unwritten},
};
use rmcp::ErrorData;
use sidelight::{Context, Failure as _, label::Label, operation::Unended};
use std::time::Instant;

/// Counts a request once and writes its line when it is dropped, also with the future that it is in.
#[derive(Debug)]
pub(crate) struct Record {
    labels: (Method, Tool),
    attributes: SpanAttributes,
    context: Context,
    slot: Option<RequestSlot>,
    ending: Ending,
    fault: Option<Fault>,
    began: Instant,
    bytes: Option<u64>,
    run: Option<Unended>,
}

impl Record {
    pub(crate) fn new(
        labels: (Method, Tool),
        attributes: SpanAttributes,
        context: Context,
        slot: Option<RequestSlot>,
    ) -> Self {
        let began = Instant::now();
        Self {
            labels,
            attributes,
            context,
            slot,
            ending: Ending::Cancelled,
            fault: None,
            began,
            bytes: None,
            run: None,
        }
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

    /// Goes out with its reply, to whoever sees it written: the slot of its HTTP request. Comes back if it came in none.
    pub(crate) fn goes_out(mut self) -> Option<Self> {
        let Some(slot) = self.slot.take() else { return Some(self) };
        slot.goes_out(Box::new(self));
        None
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
        self.goes_out();
    }

    fn begins(&mut self) {
        self.context = Context::current();
        if let Some(slot) = &self.slot {
            slot.begins(self.context.clone());
        }
        self.attributes.note(self.labels.0);
    }

    fn ends(&mut self, fault: Option<Fault>) {
        (self.fault, self.ending) = (fault, Ending::of(fault));
    }
}

impl Unwritten for Record {
    fn written(mut self: Box<Self>, bytes: u64) {
        self.bytes = Some(bytes);
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

impl Drop for Record {
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
                client = self.attributes.client(),
            );
        });
    }
}

/// A label as it is shown.
fn word<L: Label>(label: L) -> &'static str {
    L::value(label.index()).unwrap_or_default()
}
