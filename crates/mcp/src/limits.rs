//! How much of everything the public listener takes on, and for how long. What follows from the machine is worked out here:
//! how many connections there are file descriptors for, and how many of them may be streams.

use crate::arguments::Arguments;
use std::time::Duration;

/// The limits of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at a time.
    pub(crate) connections: usize,
    /// Replies at a time that are streams: fewer than connections, so that there is always room for calls.
    pub(crate) streams: usize,
    /// Sessions at a time.
    pub(crate) sessions: usize,
    /// Between two requests of a connection.
    pub(crate) idle: Duration,
    /// From the first byte of a head to its last.
    pub(crate) head: Duration,
    /// From the head's end to the body's.
    pub(crate) body: Duration,
    /// Without a byte that the client takes.
    pub(crate) write: Duration,
    /// Between a readiness that says no and a closed port.
    pub(crate) notice: Duration,
    /// For calls under way, after that.
    pub(crate) grace: Duration,
}

impl Limits {
    /// What is asked for, as far as this process has file descriptors for it.
    pub(crate) fn of(arguments: &Arguments) -> Self {
        let asked = arguments.mcp_max_connections.map_or(CONNECTIONS, whole);
        let connections = asked.min(for_connections(descriptors())).max(1);
        let streams = arguments.mcp_max_streams.map_or(usize::MAX, whole).min(of_streams(connections));
        let seconds = Duration::from_secs;
        Self {
            connections,
            streams,
            sessions: whole(arguments.mcp_max_sessions),
            idle: seconds(arguments.mcp_idle_timeout),
            head: seconds(arguments.mcp_head_timeout),
            body: seconds(arguments.mcp_body_timeout),
            write: seconds(arguments.mcp_write_timeout),
            notice: seconds(arguments.mcp_drain_notice),
            grace: seconds(arguments.mcp_drain_grace),
        }
    }
}

fn whole(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// As many as the system lets this process have, once it has asked for them. A service begins with 1,024, of 524,288 that it
/// may have.
fn descriptors() -> usize {
    let most = rlimit::increase_nofile_limit(DESCRIPTORS).unwrap_or(1_024);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// A part of the file descriptors stays free for the admin port, the store and its files.
fn for_connections(descriptors: usize) -> usize {
    descriptors.saturating_sub(RESERVE).max(descriptors / 4)
}

/// A quarter of the connections is never a stream.
fn of_streams(connections: usize) -> usize {
    (connections * 3 / 4).max(1)
}

/// Connections, if nobody says how many.
const CONNECTIONS: usize = 4_096;
/// File descriptors for everything else.
const RESERVE: usize = 192;
/// More are never asked for.
const DESCRIPTORS: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_leave_room_for_calls_however_few_descriptors_there_are() {
        for descriptors in [8, 64, 256, 1_024, 65_536] {
            let connections = for_connections(descriptors).max(1);
            let streams = of_streams(connections);
            assert!(connections < descriptors, "{descriptors}");
            assert!(streams < connections || connections == 1, "{descriptors}");
        }
        assert_eq!((for_connections(1_024), of_streams(832)), (832, 624));
    }
}
