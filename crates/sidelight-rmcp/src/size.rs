//! How long a message is when it is written, without writing it.

use rmcp::model::ServerJsonRpcMessage;
use std::io::{self, Write};

/// In bytes, as JSON; 0 in a build that tells nobody.
pub(crate) fn of(message: &ServerJsonRpcMessage) -> u64 {
    if !sidelight::tracing::COMPILED {
        return 0;
    }
    let mut record = Record(0);
    serde_json::to_writer(&mut record, message).map_or(0, |()| record.0)
}

struct Record(u64);

impl Write for Record {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::{RequestId, ServerResult};

    #[test]
    fn a_message_is_as_long_as_it_is_written() {
        let message = ServerJsonRpcMessage::response(ServerResult::empty(()), RequestId::Number(12));
        let written = serde_json::to_string(&message).unwrap().len() as u64;
        assert_eq!(of(&message), if sidelight::tracing::COMPILED { written } else { 0 });
    }
}
