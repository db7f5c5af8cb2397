//! `mcp stdio`: the protocol on stdout and nothing else, with a revision that begins with a handshake.

use crate::{
    running::{binary, has, store},
    wire::get,
};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    net::TcpListener,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

/// A client's end of a process.
pub(crate) struct Client {
    child: Child,
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
    _folder: TempDir,
}

impl Client {
    pub(crate) fn start() -> Self {
        let (folder, url) = store();
        Self::on(folder, &url, &[])
    }

    pub(crate) fn on(folder: TempDir, url: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = binary();
        command.arg("stdio").env("DATABASE_URL", url).env("RUST_LOG", "info").envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { to: child.stdin.take(), child, from, _folder: folder }
    }

    /// Sends a message as it is, and waits for nothing.
    pub(crate) fn tell(&mut self, message: &str) {
        writeln!(self.to.as_mut().unwrap(), "{message}").unwrap();
    }

    /// Sends a message as it is; gives the next line, if the message asks for one.
    pub(crate) fn say(&mut self, message: &str) -> Option<String> {
        self.tell(message);
        let expects = serde_json::from_str::<Value>(message).is_ok_and(|message| message.get("id").is_some());
        expects.then(|| self.from.next().unwrap().unwrap())
    }

    /// SIGTERM.
    pub(crate) fn signal(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Closes its input, and gives what it still said on stdout and all it said on stderr.
    pub(crate) fn end(mut self) -> (Vec<String>, String) {
        drop(self.to.take());
        let rest = self.from.by_ref().map_while(Result::ok).collect();
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        (rest, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The handshake of 2025-11-25.
pub(crate) const HANDSHAKE: [&str; 2] = [
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"0"},"_meta":{"sidelight/correlationId":"c-0"}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
];

/// The page of metrics after so many calls of a tool, and how many of them were answered; `None` in a build without one.
pub(crate) fn page_after(calls: usize) -> Option<(String, usize)> {
    if !has("metrics") {
        return None;
    }
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(); // free again when this line is done
    let (folder, url) = store();
    let mut client = Client::on(folder, &url, &[("ADMIN_ADDR", &admin.to_string())]);
    client.say(HANDSHAKE[0]);
    client.say(HANDSHAKE[1]);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_sources","arguments":{}}}"#;
    let answered = (0..calls).filter_map(|_| client.say(list)).count();
    let page = get(admin, "/metrics").text();
    client.end();
    Some((page, answered))
}

#[test]
fn a_client_that_begins_with_a_handshake_is_answered_and_lines_go_to_stderr() {
    let mut client = Client::start();
    let begun: Value = serde_json::from_str(&client.say(HANDSHAKE[0]).unwrap()).unwrap();
    assert_eq!(begun["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(begun["result"]["serverInfo"]["name"], "sidelight-mcp");
    client.say(HANDSHAKE[1]);
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "search_docs", "arguments": { "query": "borrow" }, "_meta": { "sidelight/correlationId": "c-77" } },
    });
    let found: Value = serde_json::from_str(&client.say(&call.to_string()).unwrap()).unwrap();
    assert_eq!(found["result"]["structuredContent"]["hits"][0]["id"], "documents/borrowing.md", "{found}");
    assert_eq!(found["result"]["_meta"]["sidelight/correlationId"], "c-77");
    let (rest, said) = client.end();
    assert!(rest.is_empty(), "{rest:?}");
    assert_eq!(said.contains("c-77"), has("tracing"), "{said}");
}

#[test]
fn words_that_are_no_message_do_not_end_it_and_are_no_requests() {
    let (folder, url) = store();
    let mut client = Client::on(folder, &url, &[("RUST_LOG", "info")]);
    client.say(HANDSHAKE[0]);
    client.say(HANDSHAKE[1]);
    client.tell("these are words");
    client.tell("{\"jsonrpc\":");
    client.tell(r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#);
    let listed = client.say(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#).unwrap();
    let (rest, said) = client.end();
    let all = [vec![listed], rest].concat();
    assert!(all.iter().any(|line| line.contains("search_docs")), "{all:?}");
    for code in ["-32700", "-32600"] {
        assert!(all.iter().any(|line| line.contains(code)), "{code}: {all:?}");
    }
    if has("tracing") {
        let of = |word: &str| said.lines().filter(|line| line.contains(word)).count();
        assert_eq!(of("\"message\":\"request\""), 2, "the handshake and the list: {said}");
        assert_eq!(of("\"message\":\"a line is no message\""), 3, "and the others are told of: {said}");
    }
}

#[test]
fn input_that_ends_at_once_is_a_success() {
    let (rest, _) = Client::start().end();
    assert!(rest.is_empty());
}

#[test]
fn two_processes_share_one_store_side_by_side() {
    let (folder, url) = store();
    let mut clients = [Client::on(folder, &url, &[]), Client::on(tempfile::tempdir().unwrap(), &url, &[])];
    for client in &mut clients {
        client.say(HANDSHAKE[0]);
        client.say(HANDSHAKE[1]);
    }
    let read = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_docs","arguments":{"query":"borrow"}}}"#;
    for _ in 0..3 {
        for client in &mut clients {
            assert!(client.say(read).unwrap().contains("documents/borrowing.md"));
        }
    }
}
