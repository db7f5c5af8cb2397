//! What the process and Sidelight show of themselves.

use super::{grows, page, store::store_of, value};
use crate::{
    running::{Server, has, store, until},
    wire::{call, get, request},
};
use serde_json::json;
use std::{
    fs::OpenOptions,
    net::TcpListener,
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

#[test]
fn the_process_its_runtime_and_its_allocator_are_shown() {
    let server = Server::start();
    drop(super::search(&server));
    let Some(page) = page(&server) else { return };
    let alive =
        ["process_resident_memory_bytes", "process_open_fds", "process_threads", "tokio_workers", "tokio_alive_tasks"];
    let allocator = ["allocated", "active", "metadata", "resident", "mapped"].map(|it| format!("jemalloc_{it}_bytes"));
    for name in alive {
        assert!(value(&page, name) > 0.5, "{name}:\n{page}");
    }
    for name in allocator {
        assert_eq!(value(&page, &name) > 0.5, has("profiling"), "{name}");
    }
    assert!(value(&page, "tokio_worker_busy_seconds_total") > 0.0 && value(&page, "tokio_worker_parks_total") > 0.5);
    assert!(page.contains("\ntokio_global_queue_depth ") && page.contains("\nprocess_cpu_seconds_total "));
}

#[test]
fn the_build_says_its_version_its_commit_and_its_features() {
    let server = Server::start();
    let Some(page) = page(&server) else { return };
    let info = page.lines().find(|line| line.starts_with("sidelight_build_info{")).unwrap();
    let build: serde_json::Value = serde_json::from_slice(&get(server.admin().unwrap(), "/build").body).unwrap();
    let features: Vec<_> = sidelight::FEATURES.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let wanted = format!(
        "sidelight_build_info{{version={},commit={},features={}}} 1",
        build["version"],
        build["commit"],
        json!(features.join(","))
    );
    assert_eq!(info, wanted);
    assert_ne!(build["commit"], "");
}

#[test]
fn a_scrape_counts_itself_and_its_series() {
    let server = Server::start();
    grows(&server, || (), &[("sidelight_scrape_duration_seconds_count", 1.0)]);
    let Some(page) = page(&server) else { return };
    let histograms = page.lines().filter(|line| line.contains("_bucket") && line.contains("le=\"+Inf\"")).count();
    let of_histograms = page.lines().filter(|line| line.contains("_bucket") || is_part(line, &page)).count();
    let samples = page.lines().filter(|line| !line.starts_with('#')).count();
    let series = value(&page, "sidelight_series");
    let shown = f64::from(u32::try_from(samples - of_histograms + histograms).unwrap());
    assert!((series - shown).abs() < 2.5, "{series} and not {shown}"); // one may come with the scrape itself
}

/// The sum or the count of a histogram.
fn is_part(line: &str, page: &str) -> bool {
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    let family = name.strip_suffix("_sum").or_else(|| name.strip_suffix("_count"));
    family.is_some_and(|family| page.contains(&format!("# TYPE {family} histogram")))
}

#[test]
fn requests_to_the_admin_port_are_counted_and_so_are_those_that_may_not() {
    let server = Server::start();
    let Some(admin) = server.admin() else { return };
    let requests = |route: &str, class: &str| {
        format!(r#"sidelight_admin_requests_total{{http_route="{route}",http_response_status_class="{class}"}}"#)
    };
    let (build, other, refused) = (requests("/build", "2xx"), requests("other", "4xx"), requests("/build", "4xx"));
    let denied = |reason: &str| format!(r#"sidelight_admin_denied_total{{reason="{reason}"}}"#);
    let (site, host) = (denied("site"), denied("host"));
    let work = || {
        (0..2).for_each(|_| assert_eq!(get(admin, "/build").status, 200));
        (0..3).for_each(|at| assert_eq!(get(admin, &format!("/nobody/{at}")).status, 404));
        let foreign = "sec-fetch-site: cross-site\r\n";
        (0..2).for_each(|_| assert_eq!(request(admin, "GET", "/build", foreign, b"").status, 403));
        let other = b"GET /build HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
        assert_eq!(crate::wire::raw(admin, other).status, 403);
    };
    let counts = [(&*build, 2.0), (&*other, 3.0), (&*refused, 3.0), (&*site, 2.0), (&*host, 1.0)];
    grows(&server, work, &counts);
}

#[test]
fn changes_are_counted_by_page_and_by_how_they_were_answered() {
    let server = Server::start();
    let Some(admin) = server.admin() else { return };
    let changes = |class: &str| {
        let page = r#"http_route="/trace/sampling""#;
        format!(r#"sidelight_admin_changes_total{{{page},http_response_status_class="{class}"}}"#)
    };
    let (done, refused, not_built) = (changes("2xx"), changes("4xx"), changes("5xx"));
    let put = |rate: &[u8]| drop(request(admin, "PUT", "/trace/sampling", "", rate));
    let work = || {
        (0..2).for_each(|_| put(b"0.5"));
        put(b"many");
    };
    let on = has("tracing");
    let counts = [(&*done, 2.0), (&*refused, 1.0), (&*not_built, 3.0)];
    let wanted: Vec<_> = counts.into_iter().filter(|(name, _)| (*name == not_built) != on).collect();
    grows(&server, work, &wanted);
}

#[test]
fn a_wrong_token_is_counted() {
    let server = Server::with(&[("ADMIN_TOKEN", "s3cret-s3cret-s3cret")]);
    let Some(admin) = server.admin() else { return };
    let token = "authorization: Bearer s3cret-s3cret-s3cret\r\n";
    (0..3).for_each(|_| assert_eq!(get(admin, "/build").status, 401));
    let page = request(admin, "GET", "/metrics", token, b"");
    assert_eq!(page.status, if has("metrics") { 200 } else { 501 });
    if has("metrics") {
        assert!((value(&page.text(), r#"sidelight_admin_denied_total{reason="token"}"#) - 3.0).abs() < 0.5);
    }
}

#[test]
fn readiness_is_a_number_too() {
    let server = Server::with(&[("MCP_DRAIN_NOTICE", "2")]);
    let Some(_) = page(&server) else { return };
    let stands =
        |wanted: f64| until(|| page(&server).filter(|page| (value(page, "sidelight_ready") - wanted).abs() < 0.5));
    assert!(stands(1.0).is_some());
    server.signal();
    assert!(until(|| (get(server.admin().unwrap(), "/readyz").status == 503).then_some(())).is_some());
    assert!(stands(0.0).is_some());
}

#[test]
fn profiles_are_counted_and_so_are_those_that_were_not_to_be_had() {
    let server = Server::start();
    let Some(admin) = server.admin().filter(|_| has("profiling")) else { return };
    let taken = |profile: &str, outcome: &str| {
        format!(r#"sidelight_profiles_total{{profile="{profile}",outcome="{outcome}"}}"#)
    };
    let (cpu, busy, heap) = (taken("cpu", "ok"), taken("cpu", "error"), taken("heap", "ok"));
    let work = || {
        thread::scope(|scope| {
            let first = scope.spawn(|| get(admin, "/debug/pprof/profile?seconds=4").status);
            thread::sleep(Duration::from_millis(1500)); // the first one has begun
            assert_eq!(get(admin, "/debug/pprof/profile?seconds=1").status, 409);
            assert_eq!(first.join().unwrap(), 200);
        });
        (0..2).for_each(|_| assert_eq!(get(admin, "/debug/pprof/heap").status, 200));
    };
    grows(&server, work, &[(&cpu, 1.0), (&busy, 1.0), (&heap, 2.0)]);
}

#[test]
fn warnings_that_are_repeated_are_limited_and_counted() {
    let (_folder, url) = store();
    let server = Server::with(&[("DATABASE_URL", &url)]);
    store_of(&url, "DROP TABLE words");
    let fail = |at: u32| drop(call(server.mcp, "search_docs", &json!({ "query": format!("borrow {at}") })));
    thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || (50 * part..50 * (part + 1)).for_each(fail));
        }
    });
    if !(has("metrics") && has("tracing")) {
        return;
    }
    let all = || {
        let suppressed = value(&page(&server)?, "sidelight_log_suppressed_total");
        // each failure has two lines: of its query, and of its tool
        let is_one = |line: &&str| line.contains("a tool failed") || line.contains("a query failed");
        let written = server.lines().lines().filter(is_one).count();
        let all = f64::from(u32::try_from(written).unwrap()) + suppressed;
        (suppressed > 0.5 && (all - 400.0).abs() < 0.5).then_some(())
    };
    assert!(until(all).is_some(), "{}", value(&page(&server).unwrap(), "sidelight_log_suppressed_total"));
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_hold_up_nobody() {
    let (folder, url) = store();
    let server = Server::logging_to("/dev/full".into(), folder, &url, &[]);
    let Some(_) = page(&server) else { return };
    let dropped = r#"sidelight_dropped_total{signal="logs",reason="write_failed"}"#;
    // the lines of its start are lost as well, a moment later
    let quiet = || {
        let before = page(&server).filter(|page| value(page, "sidelight_ready") > 0.5)?;
        thread::sleep(Duration::from_millis(300));
        let lost = |page: &str| value(page, dropped);
        page(&server).filter(|page| (lost(page) - lost(&before)).abs() < 0.5)
    };
    assert!(until(quiet).is_some());
    let three = || (0..3).for_each(|_| assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200));
    grows(&server, three, &[(dropped, if has("tracing") { 3.0 } else { 0.0 })]);
}

#[test]
fn lines_that_nobody_reads_are_counted_once_there_is_no_room() {
    let (folder, url) = store();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // open, so that the server can write to it, and never read
    let _reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let server = Server::logging_to(pipe, folder, &url, &[("RUST_LOG", "trace")]);
    assert!(fills(&server, r#"sidelight_dropped_total{signal="logs",reason="queue_full"}"#));
}

#[test]
fn spans_that_find_no_room_are_counted() {
    let never = TcpListener::bind("127.0.0.1:0").unwrap(); // takes connections, and answers nothing
    let url = format!("http://{}", never.local_addr().unwrap());
    let server = Server::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_TRACE_SAMPLE_RATE", "1")]);
    assert!(fills(&server, r#"sidelight_dropped_total{signal="traces",reason="queue_full"}"#));
}

/// Asks until this is counted; in a build that has not both features there is nothing to wait for.
fn fills(server: &Server, dropped: &str) -> bool {
    let enough = AtomicBool::new(!(has("metrics") && has("tracing")));
    let ask = || {
        for _ in 0..20_000 {
            if enough.load(Relaxed) {
                return;
            }
            assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200, "and nobody is held up");
        }
    };
    thread::scope(|scope| {
        let askers = [scope.spawn(ask), scope.spawn(ask), scope.spawn(ask)];
        while !enough.load(Relaxed) && !askers.iter().all(thread::ScopedJoinHandle::is_finished) {
            enough.store(page(server).is_some_and(|page| value(&page, dropped) > 0.5), Relaxed);
            thread::sleep(Duration::from_millis(50));
        }
    });
    enough.into_inner()
}

#[test]
fn spans_that_no_collector_takes_are_counted() {
    let nobody = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), ("OTEL_TRACE_SAMPLE_RATE", "1")];
    let server = Server::with(&nobody);
    let dropped = r#"sidelight_dropped_total{signal="traces",reason="export_failed"}"#;
    let one = || drop(call(server.mcp, "list_sources", &json!({})));
    // one request of four operations: the call, its two queries, and the stream that brought the reply
    let wanted = if has("tracing") { 4.0 } else { 0.0 };
    grows(&server, one, &[(dropped, wanted)]);
}
