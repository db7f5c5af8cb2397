//! The forms of a page, from series that are recorded through the `metrics` facade and through cells of our own. Each test
//! has names of its own, because the registry is the process's.
#![allow(clippy::unwrap_used)] // a test may stop

mod read;

use metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram, with_local_recorder};
use read::{Family, page, protobuf, samples, text};
use sidelight_metrics::{
    CounterCell, Exemplar, Form, GaugeCell, HistogramCell, Kind, Name, Probe, Scale, recorder::Facade,
};
use std::{
    sync::Mutex,
    thread,
    time::{Duration, SystemTime},
};

fn name(name: &'static str, kind: Kind, labels: &'static [(&'static str, &'static str)]) -> impl Fn() -> Name + Copy {
    move || Name::new(name, "Some help.", kind, labels.iter().copied())
}

#[test]
fn what_a_dependency_emits_stands_on_the_page() {
    with_local_recorder(&Facade, || {
        describe_counter!("dep_things_total", "Things of a dependency.");
        counter!("dep_things_total", "kind" => "a").increment(2);
        gauge!("dep_level").set(1.5);
        gauge!("dep_level").decrement(0.5);
        histogram!("dep_wait_seconds").record(0.3);
        histogram!("dep_body_bytes").record(5000);
    });
    let page = text(&["dep_things", "dep_level", "dep_wait_seconds", "dep_body_bytes"]);
    for line in [
        "# HELP dep_things_total Things of a dependency.",
        "dep_things_total{kind=\"a\"} 2",
        "dep_level 1",
        "dep_wait_seconds_bucket{le=\"0.2\"} 0",
        "dep_wait_seconds_bucket{le=\"0.5\"} 1",
        "dep_wait_seconds_count 1",
        "dep_body_bytes_bucket{le=\"4096\"} 0",
        "dep_body_bytes_bucket{le=\"16384\"} 1",
    ] {
        assert!(page.lines().any(|it| it == line), "{line} is missing in\n{page}");
    }
}

#[test]
fn a_handle_that_is_held_is_never_forgotten() {
    let held = with_local_recorder(&Facade, || counter!("held_total"));
    held.increment(1);
    assert!(text(&["held_total"]).contains("held_total 1\n"));
    held.increment(1);
    held.absolute(2);
    assert!(text(&["held_total"]).contains("held_total 2\n"));
    held.absolute(9);
    assert!(text(&["held_total"]).contains("held_total 9\n"));
}

#[test]
fn families_and_series_come_in_a_stable_order_each_under_one_head() {
    static B: [CounterCell; 2] = [CounterCell::new(), CounterCell::new()];
    static A: CounterCell = CounterCell::new();
    B[1].add(2, name("order_b_total", Kind::Counter, &[("x", "2")]));
    A.add(7, name("order_a_total", Kind::Counter, &[]));
    B[0].add(1, name("order_b_total", Kind::Counter, &[("x", "1")]));
    let wanted = "# HELP order_a_total Some help.\n# TYPE order_a_total counter\norder_a_total 7\n\
                  # HELP order_b_total Some help.\n# TYPE order_b_total counter\norder_b_total{x=\"1\"} 1\norder_b_total{x=\"2\"} 2\n";
    assert_eq!(text(&["order_b_total", "order_a_total"]), wanted);
}

#[test]
fn openmetrics_names_a_counter_without_its_ending_and_ends_the_page() {
    static COUNTER: CounterCell = CounterCell::new();
    static WAIT: HistogramCell = HistogramCell::new();
    COUNTER.add(3, || Name::new("om_things_total", "Say \"hi\".", Kind::Counter, [("k", "v")]));
    WAIT.observe(0.7, name("om_wait_seconds", Kind::Histogram, &[]), Scale::Seconds);
    let exemplar =
        Exemplar { trace: 0xabc, span: 0xd, value: 0.7, at: SystemTime::UNIX_EPOCH + Duration::from_millis(1500) };
    WAIT.remember(exemplar);
    with_local_recorder(&Facade, || counter!("om_odd").increment(1));
    let page = String::from_utf8(page(Form::OpenMetrics, &["om_things", "om_wait_seconds", "om_odd"])).unwrap();
    for line in [
        "# HELP om_things Say \\\"hi\\\".",
        "# TYPE om_things counter",
        "om_things_total{k=\"v\"} 3",
        "# TYPE om_odd unknown",
        "om_odd 1",
        "# TYPE om_wait_seconds histogram",
        "# UNIT om_wait_seconds seconds",
        "om_wait_seconds_bucket{le=\"0.5\"} 0",
        "om_wait_seconds_bucket{le=\"1.0\"} 1 # {trace_id=\"00000000000000000000000000000abc\",span_id=\"000000000000000d\"} 0.7 1.500",
        "om_wait_seconds_bucket{le=\"+Inf\"} 1",
    ] {
        assert!(page.lines().any(|it| it == line), "{line} is missing in\n{page}");
    }
    assert!(page.ends_with("\n# EOF\n"));
    assert!(!text(&["om_wait_seconds"]).contains("trace_id"), "text 0.0.4 has no exemplars");
}

#[test]
fn protobuf_has_the_classic_buckets_and_the_native_ones_side_by_side() {
    static WAIT: HistogramCell = HistogramCell::new();
    for value in [1e-9, 0.7, 0.7, 1.0, 10_000.0] {
        WAIT.observe(value, name("pb_wait_seconds", Kind::Histogram, &[("k", "say \"hi\"\n\\")]), Scale::Seconds);
    }
    WAIT.remember(Exemplar { trace: 0xabc, span: 0xd, value: 0.7, at: SystemTime::now() });
    let [family] = <[Family; 1]>::try_from(protobuf(&["pb_wait_seconds"])).unwrap();
    assert_eq!((family.name.as_str(), family.help.as_str(), family.kind), ("pb_wait_seconds", "Some help.", 4));
    let metric = &family.metrics[0];
    assert_eq!((metric.labels[0].name.as_str(), metric.labels[0].value.as_str()), ("k", "say \"hi\"\n\\"));
    let it = metric.histogram.as_ref().unwrap();
    let at = |bound: f64| it.buckets.iter().find(|bucket| bucket.upper_bound >= bound).unwrap();
    assert_eq!((at(0.5).cumulative_count, at(1.0).cumulative_count, at(f64::INFINITY).cumulative_count), (1, 4, 5));
    let exemplar = at(1.0).exemplar.as_ref().unwrap();
    assert_eq!((exemplar.value, exemplar.labels[0].value.len(), exemplar.labels.len()), (0.7, 32, 2));
    assert_eq!((it.count, it.schema, it.zero_count), (5, 3, 1));
    // 0.7 is up to 2^(-4/8) = 0.7071, 1.0 up to 2^0; 10,000 is above the highest bound, 2^12
    assert_eq!(it.native(), [(-4, 2), (0, 1), (97, 1)]);
}

#[test]
fn only_what_is_asked_for_is_on_the_page() {
    static ONE: HistogramCell = HistogramCell::new();
    ONE.observe(0.1, name("only_wait_seconds", Kind::Histogram, &[]), Scale::Seconds);
    for asked in ["only_wait_seconds", "only_wait_seconds_bucket", "only_wait_seconds_count", "only_wait_seconds_sum"] {
        assert!(text(&[asked]).contains("only_wait_seconds_count 1"), "{asked}");
    }
    assert_eq!(text(&["only_wait_second", "nobody"]), "");
    assert_eq!(page(Form::OpenMetrics, &["nobody"]), b"# EOF\n");
}

/// The count of conflicts is the process's: whoever asks how it grows has it alone.
static CONFLICTS: Mutex<()> = Mutex::new(());

#[test]
fn another_kind_or_the_same_series_again_does_not_spoil_the_page() {
    static COUNTER: CounterCell = CounterCell::new();
    static GAUGE: GaugeCell = GaugeCell::new();
    static AGAIN: CounterCell = CounterCell::new();
    let _one = CONFLICTS.lock();
    let before = sidelight_metrics::conflicts();
    COUNTER.add(1, name("same_total", Kind::Counter, &[]));
    GAUGE.set(2, name("same_total", Kind::Gauge, &[]));
    AGAIN.add(3, name("same_total", Kind::Counter, &[]));
    assert_eq!(text(&["same_total"]), "# HELP same_total Some help.\n# TYPE same_total counter\nsame_total 1\n");
    assert_eq!(sidelight_metrics::conflicts() - before, 2);
}

#[test]
fn a_family_whose_samples_are_called_as_another_s_is_left_out() {
    let _one = CONFLICTS.lock();
    let before = sidelight_metrics::conflicts();
    with_local_recorder(&Facade, || {
        counter!("clash_total").increment(1);
        gauge!("clash").set(1.0);
        histogram!("clash_wait_seconds").record(1.0);
        gauge!("clash_wait_seconds_count").set(1.0);
    });
    let page = text(&["clash_total", "clash", "clash_wait_seconds", "clash_wait_seconds_count"]);
    let families: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_eq!(families, ["clash_total counter", "clash_wait_seconds histogram"]);
    assert_eq!(sidelight_metrics::conflicts() - before, 2);
}

#[test]
fn label_sets_that_are_equal_once_they_are_valid_are_one_series() {
    with_local_recorder(&Facade, || {
        counter!("alike.things_total", "p" => "a\\\"b").increment(1);
        counter!("alike_things_total", "p" => "a\"b").increment(5);
        gauge!("alike_seconds_total").increment(0.5);
    });
    let page = text(&["alike_things_total", "alike_seconds_total"]);
    let wanted = "# TYPE alike_seconds_total counter\nalike_seconds_total 0.5\n\
                  # TYPE alike_things_total counter\nalike_things_total{p=\"a\\\"b\"} 6\n";
    assert_eq!(page, wanted);
}

#[test]
fn a_unit_that_is_described_decides_the_bounds() {
    with_local_recorder(&Facade, || {
        describe_histogram!("described_latency", Unit::Seconds, "How long.");
        histogram!("described_latency").record(0.3);
    });
    assert!(text(&["described_latency"]).contains("described_latency_bucket{le=\"0.5\"} 1\n"));
}

#[test]
fn a_probe_that_panics_does_not_take_the_page_away() {
    static COUNT: CounterCell = CounterCell::new();
    let _wrong = Probe::new(|| panic!("on purpose"));
    let right = Probe::new(|| COUNT.raise(7, name("probed_total", Kind::Counter, &[])));
    for _ in 0..2 {
        assert!(text(&["probed_total"]).contains("probed_total 7\n"));
    }
    drop(right);
}

#[test]
fn label_sets_beyond_the_limit_are_one_series_and_nothing_is_lost() {
    let most = sidelight_metrics::recorder::SERIES_MAX as u64;
    with_local_recorder(&Facade, || {
        for user in 0..most + 50 {
            counter!("crowd_total", "user" => user.to_string()).increment(1);
        }
        counter!("crowd_total", "user" => "3").increment(1);
    });
    let page = text(&["crowd_total"]);
    assert!(page.contains("crowd_total{otel_metric_overflow=\"true\"} 50\n"));
    assert!(page.contains("crowd_total{user=\"3\"} 2\n"), "those that have a series keep it");
    let samples = samples(&page);
    assert_eq!(samples.len() as u64, most + 1);
    assert!((samples.values().sum::<f64>() - read::number(most + 51)).abs() < 1e-9);
    assert!(sidelight_metrics::recorder::overflowed() >= 50);
}

#[test]
fn no_counter_goes_back_and_every_histogram_keeps_its_promises_under_load() {
    static COUNT: CounterCell = CounterCell::new();
    static WAIT: HistogramCell = HistogramCell::new();
    const EACH: u32 = 200_000;
    let record = || {
        for at in 0..EACH {
            COUNT.add(1, name("load_total", Kind::Counter, &[]));
            WAIT.observe(f64::from(at % 1000) / 500.0, name("load_wait_seconds", Kind::Histogram, &[]), Scale::Seconds);
        }
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(record), scope.spawn(record)];
        let (mut count, mut waits) = (0.0, 0.0);
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            let samples = samples(&text(&["load_total", "load_wait_seconds"]));
            let now = samples.get("load_total").copied().unwrap_or(0.0);
            assert!(now >= count, "{now} after {count}");
            count = now;
            let mut last = 0.0;
            for bound in sidelight_metrics::DURATION_BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]) {
                let up_to = samples.get(&format!("load_wait_seconds_bucket{{le=\"{bound}\"}}")).copied().unwrap_or(0.0);
                assert!(up_to >= last, "buckets are cumulative");
                last = up_to;
            }
            assert!((last - samples.get("load_wait_seconds_count").copied().unwrap_or(0.0)).abs() < 0.5);
            assert!(last >= waits);
            waits = last;
        }
    });
    let samples = samples(&text(&["load_total", "load_wait_seconds"]));
    assert!((samples["load_total"] - f64::from(2 * EACH)).abs() < 0.5);
    assert!((samples["load_wait_seconds_sum"] - f64::from(2 * EACH) * 0.999).abs() < 1e-3);
}
