//! Profiles: they open, they name functions, and who may not have one is told why.

use crate::{
    running::{Server, has},
    wire::{Reply, call, get},
};
use flate2::read::GzDecoder;
use serde_json::json;
use std::{
    io::Read as _,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// Asks the admin port; `None` in a build that has none.
fn ask(server: &Server, path: &str) -> Option<Reply> {
    let reply = get(server.admin()?, path);
    if !has("profiling") {
        assert_eq!((reply.status, reply.text().contains("`profiling`")), (501, true), "{}", reply.text());
        return None;
    }
    Some(reply)
}

fn unzipped(reply: &Reply) -> Vec<u8> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    let mut bytes = Vec::new();
    GzDecoder::new(&*reply.body).read_to_end(&mut bytes).unwrap();
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Searches until it was enough, or for some time; each question is a new one, so that none is answered from memory.
fn keep_busy(mcp: SocketAddr, enough: &AtomicBool) {
    for question in 0..5_000 {
        if enough.load(Ordering::Relaxed) {
            return;
        }
        drop(call(mcp, "search_docs", &json!({ "query": format!("borrow a value mutably {question}"), "limit": 20 })));
    }
}

const TRIES: u32 = 5;

#[test]
fn a_cpu_profile_names_the_functions_that_were_busy() {
    let server = Server::start();
    let enough = AtomicBool::new(false);
    // on a machine that is busy with others, a second may pass in which it is never seen at work
    let profiles: Vec<Reply> = thread::scope(|scope| {
        scope.spawn(|| keep_busy(server.mcp, &enough));
        let profiles = (0..TRIES).map_while(|_| ask(&server, "/debug/pprof/profile?seconds=1&frequency=200"));
        let mut taken = Vec::new();
        for profile in profiles {
            let is_seen = holds(&unzipped(&profile), "tokio");
            taken.push(profile);
            if is_seen {
                break;
            }
        }
        enough.store(true, Ordering::Relaxed);
        taken
    });
    let Some(last) = profiles.last() else { return };
    let profile = unzipped(last);
    for text in ["samples", "count", "cpu", "nanoseconds", "tokio"] {
        assert!(holds(&profile, text), "{text}");
    }
}

#[test]
fn a_heap_profile_says_what_is_in_use() {
    let server = Server::start();
    for path in ["/debug/pprof/heap", "/debug/pprof/allocs"] {
        let Some(reply) = ask(&server, path) else { return };
        assert!(holds(&unzipped(&reply), "bytes"), "{path}");
    }
}

#[test]
fn a_profile_can_be_folded_stacks_for_a_flame_graph() {
    let server = Server::start();
    let Some(reply) = ask(&server, "/debug/pprof/profile?seconds=1&format=collapsed") else { return };
    assert_eq!(reply.status, 200);
    for line in reply.text().lines() {
        assert!(line.rsplit_once(' ').is_some_and(|(_, count)| count.parse::<u64>().is_ok()), "{line}");
    }
}

#[test]
fn a_bad_parameter_is_told_its_range() {
    let server = Server::start();
    for query in ["seconds=0", "seconds=61", "seconds=x", "frequency=9", "frequency=201", "format=png"] {
        let Some(reply) = ask(&server, &format!("/debug/pprof/profile?{query}")) else { return };
        let name = query.split('=').next().unwrap();
        assert_eq!((reply.status, reply.text().contains(name)), (400, true), "{query}: {}", reply.text());
    }
}

#[test]
fn what_a_setting_forbids_is_refused_by_the_setting_s_name() {
    let server = Server::with(&[("ENABLE_PROFILING", "false")]);
    for path in ["/debug/pprof/profile?seconds=1", "/debug/pprof/heap"] {
        let Some(reply) = ask(&server, path) else { return };
        assert_eq!((reply.status, reply.text().contains("ENABLE_PROFILING")), (403, true), "{}", reply.text());
    }
}
