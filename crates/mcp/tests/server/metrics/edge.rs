//! The HTTP edge: every request by method, route and status; connections, sessions and streams as they come and go.

use super::{grows, page, value};
use crate::{
    lifecycle::{LIST, in_session, session},
    running::{Server, until},
    wire::{ask, request, send, written},
};
use serde_json::json;
use std::net::TcpStream;

fn edge(labels: &str) -> String {
    format!("http_server_request_duration_seconds_count{{{labels}}}")
}

#[test]
fn every_request_is_timed_by_its_method_its_route_and_its_status() {
    let server = Server::start();
    let of = |method: &str, status: &str| {
        edge(&format!(r#"http_request_method="{method}",http_route="/mcp",http_response_status_code="{status}""#))
    };
    let (ok, none, bad, large) = (of("POST", "200"), of("PUT", "405"), of("POST", "403"), of("POST", "413"));
    let elsewhere = edge(r#"http_request_method="GET",http_response_status_code="404""#);
    let odd = of("_OTHER", "405");
    let work = || {
        (0..3).for_each(|_| drop(ask(server.mcp, "tools/list", json!({}), "")));
        (0..2).for_each(|_| drop(request(server.mcp, "PUT", "/mcp", "", b"")));
        (0..4).for_each(|at| drop(request(server.mcp, "GET", &format!("/of/nobody/{at}"), "", b"")));
        drop(request(server.mcp, "BREW", "/mcp", "", b""));
        drop(ask(server.mcp, "tools/list", json!({}), "origin: http://evil.example\r\n"));
        let long = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
        drop(request(server.mcp, "POST", "/mcp", long, &vec![b' '; 2 * 1024 * 1024]));
    };
    let counts = [(&*ok, 3.0), (&*none, 2.0), (&*elsewhere, 4.0), (&*odd, 1.0), (&*bad, 1.0), (&*large, 1.0)];
    grows(&server, work, &counts);
}

#[test]
fn connections_are_counted_while_they_last() {
    let server = Server::start();
    let Some(_) = page(&server) else { return };
    let stands = |wanted: f64| {
        let seen = || page(&server).filter(|page| (value(page, "mcp_active_connections") - wanted).abs() < 0.5);
        assert!(until(seen).is_some(), "{wanted} connections");
    };
    let open: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(server.mcp).unwrap()).collect();
    stands(3.0);
    drop(open);
    stands(0.0);
}

#[test]
fn sessions_are_counted_while_they_last_and_when_they_end() {
    let server = Server::with(&[("MCP_MAX_SESSIONS", "3")]);
    let ended = r#"mcp_sessions_closed_total{reason="ended"}"#;
    let crowded = r#"mcp_sessions_closed_total{reason="crowded"}"#;
    let three = || (0..3).for_each(|_| drop(session(server.mcp)));
    grows(&server, three, &[("mcp_active_sessions", 3.0)]);
    let two_more = || (0..2).for_each(|_| drop(session(server.mcp)));
    grows(&server, two_more, &[("mcp_active_sessions", 0.0), (crowded, 2.0), (ended, 0.0)]);
    let one_less = || {
        let id = session(server.mcp);
        assert_eq!(in_session(server.mcp, &id, LIST).status, 200);
        let headers = format!("mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
        assert!(request(server.mcp, "DELETE", "/mcp", &headers, b"").status < 300);
    };
    grows(&server, one_less, &[("mcp_active_sessions", -1.0), (ended, 1.0)]);
}

#[test]
fn streams_are_counted_while_they_last_and_when_the_server_ends_them() {
    let server = Server::with(&[("MCP_MAX_STREAMS", "2")]);
    let open = || {
        let id = session(server.mcp);
        let headers =
            format!("accept: text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
        send(server.mcp, &written(server.mcp, "GET", "/mcp", &headers, b""))
    };
    let Some(_) = page(&server) else { return };
    let stands = |wanted: f64| {
        let seen = || page(&server).filter(|page| (value(page, "mcp_active_streams") - wanted).abs() < 0.5);
        assert!(until(seen).is_some(), "{wanted} streams");
    };
    let streams: Vec<TcpStream> = (0..2).map(|_| open()).collect();
    stands(2.0);
    let crowded = r#"mcp_streams_closed_total{reason="crowded"}"#;
    grows(&server, || std::mem::forget(open()), &[(crowded, 1.0)]);
    stands(2.0);
    drop(streams);
    stands(1.0);
}
