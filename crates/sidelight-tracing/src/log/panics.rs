//! A panic is a line like any other, with the ids of the request that it ends; and what waits is written at once, because it
//! may be the last thing that the process does.

use super::writer::Writer;
use std::{
    any::Any,
    panic::{self, PanicHookInfo},
    time::Duration,
};

/// How long a thread that panics waits for the log.
const FLUSH: Duration = Duration::from_millis(100);

/// Says it in the log, after whatever was done before.
pub(crate) fn watch(writer: Writer) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        before(info);
        say(info);
        writer.flush(FLUSH);
    }));
}

fn say(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        error = words(info.payload()),
        location = place,
        thread = thread.name().unwrap_or("unnamed"),
        "panicked"
    );
}

fn words(payload: &dyn Any) -> &str {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no words")
}
