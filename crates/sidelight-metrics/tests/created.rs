//! When counters and histograms began, and in which unit they are. In a process of its own: what `OpenMetrics` says of it is
//! one setting.
#![allow(clippy::unwrap_used)] // a test may stop

mod read;

use read::{page, protobuf};
use sidelight_metrics::{CounterCell, Form, HistogramCell, Kind, Name, Scale, say_created};
use std::time::{SystemTime, UNIX_EPOCH};

static THINGS: CounterCell = CounterCell::new();
static WAIT: HistogramCell = HistogramCell::new();

#[test]
fn counters_and_histograms_say_when_they_began_and_in_which_unit_they_are() {
    let seconds = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let before = seconds();
    THINGS.add(3, || Name::new("things_bytes_total", "", Kind::Counter, [("k", "v")]));
    WAIT.observe(0.7, || Name::new("wait_seconds", "", Kind::Histogram, [] as [(&str, &str); 0]), Scale::Seconds);
    let names = ["things_bytes_total", "wait_seconds"];
    let [things, wait] = <[_; 2]>::try_from(protobuf(&names)).unwrap();
    assert_eq!((things.unit.as_str(), wait.unit.as_str()), ("bytes", "seconds"));
    let counted = things.metrics[0].counter.unwrap();
    let began = [counted.created, wait.metrics[0].histogram.as_ref().unwrap().created].map(|it| it.unwrap().seconds);
    assert!(began.iter().all(|began| (before..=seconds()).contains(began)), "{began:?}");

    let written = || String::from_utf8(page(Form::OpenMetrics, &names)).unwrap();
    assert!(written().contains("# UNIT things_bytes bytes\n") && !written().contains("_created"));
    say_created(true);
    let page = written();
    say_created(false);
    for (began, line) in [(began[0], "things_bytes_created{k=\"v\"} "), (began[1], "wait_seconds_created ")] {
        let said = page.lines().find_map(|it| it.strip_prefix(line)).unwrap_or_else(|| panic!("{line} in {page}"));
        assert_eq!(said.split('.').next().unwrap(), began.to_string());
    }
}
