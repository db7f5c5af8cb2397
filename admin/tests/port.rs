//! A real port with a page or two of the test's own; what needs a whole server is tested in `mcp`.
#![allow(clippy::unwrap_used)] // a test may stop

use sidelight::page::{Ask, Change, Page, PageError, Parameter, Permission, Reply, Values};
use sidelight_admin::{AdminError, Health, Settings, spawn};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
    time::Duration,
};

static PAGES: [Page; 8] = [
    Page {
        path: "/echo",
        permission: Permission::Read,
        says: "Says the number it was given.",
        parameters: Some(&[Parameter {
            name: "number",
            says: "Any.",
            values: Values::Whole { least: 1, most: 9, default: 5 },
        }]),
        show: |ask: &Ask| {
            let body = ask.whole("number").to_string().into_bytes();
            Ok(Reply { content_type: "text/plain; charset=utf-8", encoding: None, file_name: Some("echo"), body })
        },
        change: None,
    },
    page("/busy", |_| Err(PageError::Busy { retry_after: Duration::from_secs(7) })),
    page("/missing", |_| Err(PageError::NotBuilt { feature: "clocks" })),
    page("/slow", |_| {
        BEGUN.fetch_add(1, Relaxed);
        Ok(slowly())
    }),
    Page { path: "/slow-scrape", permission: Permission::Scrape, ..page("", |_| Ok(slowly())) },
    page("/panics", |_| panic!("on purpose")),
    page("/waits", |ask| {
        BEGUN.fetch_add(1, Relaxed);
        while !ask.gone.is_said() {
            thread::sleep(Duration::from_millis(10));
        }
        LEFT.fetch_add(1, Relaxed);
        Err(PageError::Failed("nobody waits".to_owned()))
    }),
    Page {
        change: Some(Change {
            says: "Says what it was told.",
            parameters: &[],
            apply: |ask| match ask.body.as_str() {
                "no" => Err(PageError::BadParameter("allowed is yes".to_owned())),
                body => Ok(Reply::json(body.to_owned())),
            },
        }),
        ..page("/changes", |_| Ok(Reply::json("{}".to_owned())))
    },
];

const fn page(path: &'static str, show: fn(&Ask) -> Result<Reply, PageError>) -> Page {
    Page { path, permission: Permission::Profile, says: "A test's.", parameters: Some(&[]), show, change: None }
}

/// How many slow pages have begun.
static BEGUN: AtomicU32 = AtomicU32::new(0);

/// How many pages have noticed that nobody waits for them.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Longer than the tests wait for it.
fn slowly() -> Reply {
    thread::sleep(Duration::from_secs(3));
    Reply { content_type: "text/plain; charset=utf-8", encoding: None, file_name: None, body: Vec::new() }
}

fn settings(address: &str) -> Settings {
    Settings {
        address: address.parse().unwrap(),
        token: None,
        allowed_hosts: Vec::new(),
        program: "test",
        version: "0.0.0",
        commit: "unknown",
    }
}

fn port(health: &Health) -> SocketAddr {
    spawn(&settings("127.0.0.1:0"), health.clone(), PAGES.iter()).unwrap()
}

/// Status, headers and body.
fn ask(address: SocketAddr, path: &str, headers: &str) -> (u16, String, String) {
    send(address, "GET", path, headers, "")
}

fn put(address: SocketAddr, path: &str, headers: &str, body: &str) -> (u16, String, String) {
    send(address, "PUT", path, &format!("content-length: {}\r\n{headers}", body.len()), body)
}

fn send(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn a_page_answers_with_the_headers_of_the_contract() {
    let address = port(&Health::default());
    let (status, head, body) = ask(address, "/echo?number=7", "");
    assert_eq!((status, body.as_str()), (200, "7"));
    assert!(head.contains("content-disposition: attachment; filename=\"echo\""), "{head}");
    assert!(head.contains("x-content-type-options: nosniff"), "{head}");
}

#[test]
fn a_bad_query_is_told_what_is_allowed() {
    let address = port(&Health::default());
    for query in ["number=10", "number=", "number=x", "other=1", "number=%FF"] {
        let (status, head, body) = ask(address, &format!("/echo?{query}"), "");
        assert_eq!(status, 400, "{query}: {body}");
        assert!(head.contains("x-go-pprof: 1"), "{head}");
    }
    assert!(ask(address, "/echo?number=10", "").2.contains("from 1 to 9"));
}

#[test]
fn failures_have_their_status_and_one_line() {
    let address = port(&Health::default());
    let (status, head, _) = ask(address, "/busy", "");
    assert_eq!(status, 409);
    assert!(head.contains("retry-after: 7"), "{head}");
    let (status, _, body) = ask(address, "/missing", "");
    assert_eq!((status, body.as_str()), (501, "not in this build: it needs the Cargo feature `clocks`\n"));
    assert_eq!(ask(address, "/nowhere", "").0, 404);
}

#[test]
fn a_change_is_told_by_a_put_and_by_nothing_else() {
    let address = port(&Health::default());
    let (status, head, body) = put(address, "/changes", "", "yes");
    assert_eq!((status, body.as_str()), (200, "yes"), "{head}");
    assert_eq!(put(address, "/changes", "", "no").0, 400);
    assert_eq!(put(address, "/changes?seconds=1", "", "yes").0, 400, "it has no parameters");
    assert_eq!(put(address, "/changes", "", &"x".repeat(10_000)).0, 413);
    assert_eq!(put(address, "/echo", "", "yes").0, 405);
    assert_eq!(send(address, "POST", "/changes", "content-length: 3\r\n", "yes").0, 405);
    let foreign = "origin: https://evil.example\r\n";
    assert_eq!(put(address, "/changes", foreign, "yes").0, 403);
    let index = ask(address, "/", "").2;
    assert!(index.contains("Says what it was told."), "{index}");
}

#[test]
fn a_page_that_panics_is_an_answer_and_the_port_lives_on() {
    let address = port(&Health::default());
    assert_eq!(ask(address, "/panics", "").0, 500);
    assert_eq!(ask(address, "/echo", "").0, 200);
}

#[test]
fn readiness_says_why_to_those_who_may_read() {
    let health = Health::default();
    let address = port(&health);
    health.is_unwell("store", "no such file");
    let (status, _, body) = ask(address, "/readyz", "");
    assert_eq!(status, 503);
    assert!(body.contains("no such file"), "{body}");
    let foreign = "sec-fetch-site: cross-site\r\n";
    assert_eq!(ask(address, "/readyz", foreign).2, "not ready\n", "anybody learns only whether");
    health.is_well("store");
    assert_eq!(ask(address, "/readyz", "").0, 200);
    assert_eq!(ask(address, "/livez", "").0, 200);
}

#[test]
fn the_index_lists_every_page() {
    let address = port(&Health::default());
    let (_, _, body) = ask(address, "/", "");
    assert!(PAGES.iter().all(|page| body.contains(page.path) && body.contains(page.says)), "{body}");
}

#[test]
fn an_address_that_others_can_reach_needs_a_token() {
    let refused = spawn(&settings("0.0.0.0:0"), Health::default(), PAGES.iter());
    assert!(matches!(refused, Err(AdminError::NeedsToken(_))));
    let with_token = Settings { token: Some("t".into()), ..settings("0.0.0.0:0") };
    let address = spawn(&with_token, Health::default(), PAGES.iter()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], address.port()));
    assert_eq!(ask(address, "/echo", "").0, 401);
    assert_eq!(ask(address, "/echo", "authorization: Bearer t\r\n").0, 200);
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let address = port(&Health::default());
    let error = spawn(&settings(&address.to_string()), Health::default(), PAGES.iter()).unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn profiles_leave_threads_for_others_also_when_whoever_asked_has_left() {
    let address = port(&Health::default());
    for begun in 1..=2 {
        let mut leaves = TcpStream::connect(address).unwrap();
        leaves.write_all(format!("GET /slow HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
        while BEGUN.load(Relaxed) < begun {
            thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(ask(address, "/slow", "").0, 409, "two are being taken, though nobody waits for them");
    assert_eq!(ask(address, "/echo", "").0, 200);
}

#[test]
fn a_scraper_s_deadline_is_kept() {
    let address = port(&Health::default());
    let (status, _, body) = ask(address, "/slow-scrape", "x-prometheus-scrape-timeout-seconds: 0.2\r\n");
    assert_eq!((status, body.as_str()), (503, "it takes longer than the scraper waits\n"));
    assert_eq!(ask(address, "/slow-scrape", "x-prometheus-scrape-timeout-seconds: soon\r\n").0, 200);
}

#[test]
fn connections_that_only_wait_make_room_for_one_that_asks() {
    let address = port(&Health::default());
    let silent: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(ask(address, "/echo", "").0, 200);
    drop(silent);
    let keep_alive = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("GET /livez HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
        stream
    };
    let waiting: Vec<TcpStream> = (0..80).map(|_| keep_alive()).collect();
    assert_eq!(ask(address, "/echo", "").0, 200);
    drop(waiting);
}

#[test]
fn line_ends_without_a_request_win_no_time() {
    let address = port(&Health::default());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(b"\r\n\r\n\r\n").unwrap();
    let cut_off = stream.read_to_end(&mut Vec::new());
    assert!(cut_off.is_ok_and(|count| count == 0), "it is still open after thirty seconds");
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let address = port(&Health::default());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET / HT").unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest); // an end or a reset: either way it does not hang
    assert_eq!(ask(address, "/livez", "").0, 200);
}

#[test]
fn a_page_whose_asker_has_left_is_told_so() {
    let address = port(&Health::default());
    let mut asker = TcpStream::connect(address).unwrap();
    asker.write_all(b"GET /waits HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(LEFT.load(Relaxed), 0);
    drop(asker);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(LEFT.load(Relaxed), 1);
}

#[test]
fn a_head_of_a_profile_takes_none() {
    let address = port(&Health::default());
    let mut asker = TcpStream::connect(address).unwrap();
    asker.write_all(b"HEAD /busy HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    asker.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "and not 409: {said}");
}

#[test]
fn slow_heads_make_room_for_whoever_asks() {
    let address = port(&Health::default());
    let mut slow = Vec::new();
    for _ in 0..80 {
        let mut one = TcpStream::connect(address).unwrap();
        let _ = one.write_all(b"GET /echo HTTP/1.1\r\nx: ");
        slow.push(one);
    }
    thread::sleep(Duration::from_millis(200));
    for _ in 0..5 {
        assert_eq!(ask(address, "/livez", "").0, 200);
    }
}

#[test]
fn http_2_without_tls_is_not_spoken() {
    let address = port(&Health::default());
    let mut asker = TcpStream::connect(address).unwrap();
    asker.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = asker.read_to_end(&mut said);
    assert_eq!(said, b"");
}
