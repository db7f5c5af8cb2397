//! The forms of the page, as a scraper asks for them. What stands in them is judged in `sidelight-metrics` and, by the real
//! scrapers, end to end.

use super::search;
use crate::{
    running::{Server, has},
    wire::{Reply, request},
};
use flate2::read::GzDecoder;
use std::io::Read as _;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROTOBUF: &str = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// `None` in a build without the page.
fn scrape(server: &Server, method: &str, query: &str, headers: &str) -> Option<Reply> {
    let reply = request(server.admin()?, method, &format!("/metrics{query}"), headers, b"");
    has("metrics").then_some(reply)
}

#[test]
fn a_scraper_gets_the_form_that_it_asks_for_most() {
    let server = Server::start();
    drop(search(&server));
    for (accept, wanted) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", OPEN_METRICS),
        (PROTOBUF, PROTOBUF),
        ("application/json", "text/plain; version=0.0.4; charset=utf-8"),
    ] {
        let Some(reply) = scrape(&server, "GET", "", &format!("accept: {accept}\r\n")) else { return };
        let wanted = wanted.to_lowercase(); // as the test reads heads
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(wanted.as_str())), "{accept}");
        let name = b"mcp_server_requests";
        assert!(reply.body.windows(name.len()).any(|window| window == name), "{accept}");
        assert_eq!(reply.body.ends_with(b"# EOF\n"), accept.starts_with("application/openmetrics"));
    }
}

#[test]
fn a_scraper_that_takes_gzip_gets_it_and_no_other_packing_is_used() {
    let server = Server::start();
    let Some(packed) = scrape(&server, "GET", "", "accept-encoding: zstd, br, gzip\r\n") else { return };
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut page = String::new();
    GzDecoder::new(&*packed.body).read_to_string(&mut page).unwrap();
    assert!(page.contains("\nsidelight_ready ") && page.len() > packed.body.len());
    let plain = scrape(&server, "GET", "", "accept-encoding: zstd, br\r\n").unwrap();
    assert_eq!(plain.header("content-encoding"), None);
    assert!(plain.text().contains("\nsidelight_ready "));
}

#[test]
fn a_head_has_no_body_and_a_page_only_what_is_asked_for() {
    let server = Server::start();
    let Some(head) = scrape(&server, "HEAD", "", "") else { return };
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let some = scrape(&server, "GET", "?name[]=sidelight_ready&name%5B%5D=sidelight_series", "").unwrap().text();
    let families: Vec<&str> = some.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_eq!(families, ["sidelight_ready gauge", "sidelight_series gauge"]);
    assert_eq!(scrape(&server, "GET", "?name=sidelight_ready", "").unwrap().status, 400, "no such parameter");
    assert_eq!(scrape(&server, "POST", "", "").unwrap().status, 405);
}
