//! The two ports are apart, in every feature set, and each tells only what is its own.

use crate::{
    running::{Server, has, until},
    wire::{call, get, modern, request},
};
use serde_json::json;

#[test]
fn the_public_port_has_nothing_of_the_admin_port() {
    let server = Server::start();
    for path in ["/", "/metrics", "/debug/pprof/", "/debug/pprof/heap", "/livez", "/readyz", "/log/filter", "/build"] {
        assert_eq!(get(server.mcp, path).status, 404, "{path}");
    }
}

#[test]
fn the_admin_port_does_not_speak_mcp() {
    let server = Server::start();
    let Some(admin) = server.admin() else { return };
    let (headers, body) = modern("tools/list", json!({}));
    assert_eq!(request(admin, "POST", "/mcp", &headers, body.as_bytes()).status, 404);
    assert_eq!(get(admin, "/mcp").status, 404);
}

#[test]
fn any_feature_brings_the_admin_port_and_none_brings_none() {
    let any = ["metrics", "tracing", "profiling"].into_iter().any(has);
    assert_eq!(Server::start().admin().is_some(), any);
}

#[test]
fn health_index_and_build_are_told() {
    let server = Server::start();
    let Some(admin) = server.admin() else { return };
    assert_eq!(get(admin, "/livez").status, 200);
    until(|| (get(admin, "/readyz").status == 200).then_some(())).expect("it is ready");
    assert_eq!(get(admin, "/startupz").status, 200);
    assert!(get(admin, "/").text().contains("/debug/pprof/profile"));
    let build: serde_json::Value = serde_json::from_str(&get(admin, "/build").text()).unwrap();
    let features: Vec<&str> = ["metrics", "tracing", "profiling"].into_iter().filter(|it| has(it)).collect();
    assert_eq!(build["features"], json!(features));
}

#[test]
fn sigterm_ends_it_with_success_and_in_time() {
    let server = Server::start();
    assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200);
    let (status, took) = server.end();
    assert!(status.success() && took.as_secs() < 10, "{status} after {took:?}");
}
