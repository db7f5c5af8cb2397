//! What is wrong on purpose: settings, ports, stores, bodies. A clear sentence each time, and the server lives on.

use crate::{
    running::{Server, binary, refused},
    wire::{ask, call, modern, modern_of, request},
};
use serde_json::json;
use std::{fs, net::TcpListener};

#[test]
fn a_bad_setting_exits_64_and_says_what_is_allowed() {
    for (name, value, allowed) in [
        ("OTEL_TRACE_SAMPLE_RATE", "plenty", "from 0 to 1"),
        ("ENABLE_PROFILING", "perhaps", "cpu or false"),
        ("LOG_FORMAT", "xml", "json or text"),
        ("MCP_ADDR", "nowhere", "HOST:PORT"),
        ("ADMIN_ADDR", "nowhere", "or off"),
        ("DATABASE_URL", "mysql", "sqlite://PATH"),
        ("DOCS_PATH", "/no/such/folder", "a folder that can be read"),
    ] {
        let (code, said) = refused(&[], &[(name, value)]);
        assert_eq!(code, Some(64), "{said}");
        assert!([name, value, allowed].iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn an_unknown_command_or_flag_exits_64() {
    for arguments in [["serv"], ["--colour"]] {
        let (code, said) = refused(&arguments, &[]);
        assert_eq!((code, said.contains(arguments[0])), (Some(64), true), "{said}");
    }
}

#[test]
fn an_admin_port_that_cannot_be_is_refused_with_what_is_missing() {
    let (code, said) = refused(&[], &[("ADMIN_ADDR", "0.0.0.0:0")]);
    assert_eq!(code, Some(64), "{said}");
    let wanted = if sidelight_admin::COMPILED { "ADMIN_TOKEN" } else { "feature `metrics`" };
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn a_taken_port_exits_1_with_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let names: &[&str] = if sidelight_admin::COMPILED { &["MCP_ADDR", "ADMIN_ADDR"] } else { &["MCP_ADDR"] };
    for name in names {
        let (code, said) = refused(&[], &[(name, &address)]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.lines().count() == 1 && said.contains(&address), "{said}");
    }
}

#[test]
fn a_store_that_is_no_database_exits_1_and_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words.db");
    let words = "These are words.\n".repeat(100);
    fs::write(&file, &words).unwrap();
    let url = format!("sqlite://{}", file.display());
    let (code, said) = refused(&[], &[("DATABASE_URL", &url)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.lines().count() == 1 && said.contains("words.db"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), words);
}

#[test]
fn help_and_version_exit_0() {
    for flag in ["--help", "--version"] {
        let output = binary().arg(flag).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn messages_that_are_none_are_refused_and_the_server_lives_on() {
    let mut server = Server::start();
    let (headers, _) = modern("tools/list", json!({}));
    for body in ["", "{", "[]", "null", "\"x\"", r#"{"hello": [1, 2]}"#, r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#]
    {
        let reply = request(server.mcp, "POST", "/mcp", &headers, body.as_bytes());
        assert!((400..500).contains(&reply.status), "{body:?}: {} {}", reply.status, reply.text());
    }
    let deep = "[".repeat(100_000);
    let reply = request(server.mcp, "POST", "/mcp", &headers, deep.as_bytes());
    assert!((400..500).contains(&reply.status), "{}", reply.status);
    assert!(server.lives());
    assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200);
}

#[test]
fn an_unknown_revision_is_told_which_are_known() {
    let server = Server::start();
    let (headers, body) = modern_of("2027-01-01", "tools/list", json!({}));
    let reply = request(server.mcp, "POST", "/mcp", &headers, body.as_bytes());
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("-32022") && reply.text().contains("2026-07-28"), "{}", reply.text());
}

#[test]
fn a_header_that_contradicts_the_message_is_refused() {
    let server = Server::start();
    let (headers, body) = modern("tools/list", json!({}));
    let headers = headers.replace("mcp-method: tools/list", "mcp-method: tools/call");
    assert_eq!(request(server.mcp, "POST", "/mcp", &headers, body.as_bytes()).status, 400);
}

#[test]
fn a_method_that_does_not_exist_is_not_found() {
    let server = Server::start();
    let reply = ask(server.mcp, "tools/destroy", json!({}), "");
    assert_eq!((reply.status, reply.text().contains("-32601")), (404, true), "{}", reply.text());
}

#[test]
fn a_forged_host_or_origin_is_refused() {
    let server = Server::start();
    let (headers, body) = modern("tools/list", json!({}));
    let foreign = format!(
        "POST /mcp HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    assert_eq!(crate::wire::raw(server.mcp, foreign.as_bytes()).status, 403);
    for (origin, wanted) in [("http://evil.example", 403), ("null", 403), ("http://localhost:5173", 200)] {
        let headers = format!("{headers}origin: {origin}\r\n");
        assert_eq!(request(server.mcp, "POST", "/mcp", &headers, body.as_bytes()).status, wanted, "{origin}");
    }
}

#[test]
fn a_body_of_a_hundred_megabytes_is_refused_and_the_server_lives_on() {
    let mut server = Server::start();
    let (headers, _) = modern("tools/list", json!({}));
    let reply = request(server.mcp, "POST", "/mcp", &headers, &vec![b' '; 100_000_000]);
    assert_eq!(reply.status, 413);
    assert!(server.lives());
    assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200);
}
