//! Uses every public item once; runs under all eight feature sets, so that the twins cannot part.

#![allow(clippy::unwrap_used, clippy::default_constructed_unit_structs)] // a test may stop; twins are made alike

use sidelight::{
    Catalog, Context, CorrelationId, Counter, Described, FEATURES, Failure, Gauge, Histogram, InContext as _,
    Instrument, Kind, LogFormat, Operation, Outcome, Output, Page, Profiling, Propagators, Settings, catalog, labels,
    metrics::{Items, Probe, Seconds, Stopwatch, sample, watch_runtime},
    page::{Accepts, Gone, PageError, Permission},
    tracing::{Carrier, Incoming, Value, note},
};
use std::{
    any::Any,
    cell::RefCell,
    thread,
    time::{Duration, Instant},
};

sidelight::allocator!();

labels! {
    /// What was looked at.
    pub enum Thing = "thing" { /// A book.
        Book = "book", /// A map.
        Map = "map" }
    /// Who looked.
    pub interned Who = "who", at most 2;
}

/// How looking fails.
#[derive(Debug)]
pub enum Blind {
    /// It was dark.
    Dark,
}

impl Failure for Blind {
    const NAMES: &'static [&'static str] = &["dark"];
    fn index(&self) -> usize {
        match self {
            Self::Dark => 0,
        }
    }
}

catalog! {
    /// One look.
    pub LOOK: Operation<(Thing, Who), Blind> = "surface.look";
    /// Looks counted.
    pub LOOKS: Counter<Thing> = "surface.looks";
    /// Eyes open.
    pub EYES: Gauge<()> = "surface.eyes";
    /// How long eyes were open.
    pub OPEN: Histogram<Thing, Seconds> = "surface.open";
    /// Things in one look.
    pub AT_ONCE: Histogram<(), Items> = "surface.at_once";
    /// Things that somebody else counts.
    pub COUNTED: Counter<()> = "surface.counted";
}

fn settings() -> Settings {
    Settings {
        service_name: "surface".into(),
        version: "0".into(),
        commit: "c0ffee".into(),
        environment: "test".into(),
        resource: Vec::new(),
        log_filter: "off".into(),
        log_format: LogFormat::Json,
        log_output: Output::Stderr,
        sample_rate: 1.0,
        export: false,
        propagators: Propagators::default(),
        profiling: Profiling::Off,
        created: false,
    }
}

/// One request with more operations than are kept of one, which is 64.
async fn too_much_in_one_request() {
    let context = Context::begin(&Incoming::default());
    let looks = async {
        for _ in 0..70 {
            let _ = LOOK.observe((Thing::Map, Who::none()), async { Ok(()) }).await;
        }
    };
    context.scope(looks).await;
}

fn page(path: &str) -> Result<String, PageError> {
    let page: &Page = sidelight::pages().find(|page| page.path == path).unwrap();
    let reply = page.answer(
        [("no_such_parameter".into(), "1".into())].into_iter().filter(|_| page.parameters.is_none()),
        Accepts::default(),
        Gone::default(),
    );
    reply.map(|reply| String::from_utf8_lossy(&reply.body).into_owned())
}

/// Whether the feature is on.
fn on(feature: &str) -> bool {
    FEATURES.iter().any(|(name, on)| *name == feature && *on)
}

#[tokio::test]
async fn an_operation_gives_back_what_its_future_gives() {
    Who::intern(["ann", "bob", "one-too-many"]);
    let seen = LOOK.observe((Thing::Book, Who::named("ann")), async { Ok(7) }).await;
    assert!(matches!(seen, Ok(7)));
    let seen = LOOK.observe((Thing::Map, Who::none()), async { Err::<(), _>(Blind::Dark) }).await;
    assert_eq!(seen.failure(), Some(0));
}

#[test]
fn an_operation_may_end_with_its_thread() {
    thread_local! {
        static LAST: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
    }
    let thread = thread::spawn(|| {
        LAST.with_borrow_mut(|last| *last = None); // before the clock is read: it is dropped after all that comes later
        LAST.with_borrow_mut(|last| *last = Some(Box::new(LOOK.begin((Thing::Map, Who::none())))));
    });
    assert!(thread.join().is_ok());
}

#[test]
fn an_operation_may_begin_after_the_last_of_its_thread() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            let look = LOOK.begin((Thing::Map, Who::none()));
            note("thing", "map");
            drop((look, Context::current()));
        }
    }
    thread_local! {
        static LAST: Last = const { Last };
    }
    let thread = thread::spawn(|| {
        LAST.with(|_| ()); // first, so that it is dropped last
        drop((LOOK.begin((Thing::Map, Who::none())), Context::current()));
    });
    assert!(thread.join().is_ok());
}

#[test]
fn a_stopwatch_goes_as_the_kernels_clock_does() {
    let before = Instant::now();
    let stopwatch = Stopwatch::start();
    let started = Instant::now();
    thread::sleep(Duration::from_millis(200));
    let stopped = Instant::now();
    let elapsed = stopwatch.elapsed();
    let (least, most) = (stopped - started, before.elapsed());
    let is_right = least.mul_f64(0.99) <= elapsed && elapsed <= most.mul_f64(1.01);
    assert_eq!(is_right, on("metrics"), "{least:?} {elapsed:?} {most:?}");
}

#[tokio::test]
async fn what_happened_is_on_the_page_or_the_page_names_the_missing_feature() {
    let running = sidelight::start(&settings(), &[CATALOG]).unwrap();
    let probes = [Probe::new(|| COUNTED.raise((), 7)), watch_runtime()];
    LOOKS.add(Thing::Map, 2);
    OPEN.record(Thing::Book, Stopwatch::start().elapsed());
    AT_ONCE.record((), 5);
    EYES.set((), 3);
    EYES.add((), -1);
    match page("/metrics") {
        Ok(text) => {
            assert!(on("metrics"));
            for line in [
                "surface_looks_total{thing=\"map\"} 2",
                "surface_looks_total{thing=\"book\"} 0",
                "surface_eyes 2",
                "# HELP surface_eyes Eyes open.",
                "surface_open_seconds_count{thing=\"book\"} 1",
                "surface_open_seconds_count{thing=\"map\"} 0",
                "surface_at_once_bucket{le=\"4\"} 0",
                "surface_at_once_bucket{le=\"16\"} 1",
                "surface_counted_total 7",
            ] {
                assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
            }
        }
        Err(error) => {
            assert!(!on("metrics"));
            assert_eq!(error, PageError::NotBuilt { feature: "metrics" });
        }
    }
    if on("metrics") {
        too_much_in_one_request().await;
        let truncated = sample("sidelight_dropped_total{signal=\"traces\",reason=\"truncated\"}");
        assert_eq!(truncated, Some(if on("tracing") { 6.0 } else { 0.0 }));
    }
    let panics = tokio::spawn(LOOK.observe((Thing::Map, Who::none()), async {
        assert!(FEATURES.is_empty(), "on purpose");
        Ok(())
    }));
    assert!(panics.await.is_err());
    let failed = sample("surface_look_duration_seconds_count{thing=\"map\",error_type=\"_OTHER\"}");
    assert_eq!(failed, on("metrics").then_some(1.0), "a panic is an error, and not cancelled");
    assert_eq!(sample("surface_eyes"), on("metrics").then_some(2.0));
    assert_eq!(sample("surface_eye"), None);
    drop((running, probes));
}

#[test]
fn a_profile_that_may_not_be_taken_says_which_feature_or_setting_is_missing() {
    let wanted = if on("profiling") {
        PageError::SwitchedOff { setting: "ENABLE_PROFILING" }
    } else {
        PageError::NotBuilt { feature: "profiling" }
    };
    for path in ["/debug/pprof/profile", "/debug/pprof/heap", "/debug/pprof/allocs"] {
        assert_eq!(page(path), Err(wanted.clone()), "{path}");
    }
    assert!(sidelight::pages().all(|page| page.permission != Permission::Anyone));
}

#[tokio::test]
async fn a_context_follows_the_future_and_the_blocking_thread() {
    let id = CorrelationId::generate();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let carrier = Carrier { traceparent: Some(traceparent), ..Carrier::default() };
    let carriers = [carrier, Carrier::default()];
    let context = Context::begin(&Incoming { carriers, correlation_id: Some(&id), lasting: true });
    let here = || Context::current().headers().into_iter().find(|it| it.0 == "traceparent").map(|it| it.1);
    assert_eq!(context.sql_comment(), None, "it is not sampled");
    let seen = context.clone().scope(async move { tokio::spawn(async move { here() }.in_current_context()).await });
    let wanted = on("tracing").then(|| traceparent.to_owned());
    assert_eq!(seen.await.unwrap(), wanted);
    assert_eq!(context.run(here), wanted);
}

#[test]
fn what_was_begun_ends_well_badly_or_not_at_all() {
    Context::begin(&Incoming::default()).run(|| {
        let begin = || LOOK.begin((Thing::Book, Who::none()));
        begin().end(&Ok(()), &[("surface.rows", Value::from(3_u32)), ("surface.word", "w".into())]);
        begin().end(&Err(Blind::Dark), &[]);
        drop(begin());
        assert!(matches!(LOOK.run((Thing::Book, Who::none()), || Ok::<_, Blind>(7)), Ok(7)));
        note("surface.outside", 7_u64);
    });
    for error in ["dark", "cancelled"] {
        let name = format!("surface_look_duration_seconds_count{{thing=\"book\",error_type=\"{error}\"}}");
        assert_eq!(sample(&name), on("metrics").then_some(1.0), "{error}");
    }
}

#[test]
fn a_change_is_made_and_shown_or_the_page_names_the_missing_feature() {
    let put = |path: &str, body: &str, seconds: &'static str| {
        let page = sidelight::pages().find(|page| page.path == path).unwrap();
        let query = [("seconds".into(), seconds.into())].into_iter().filter(|_| on("tracing"));
        page.put(query, body.to_owned()).unwrap()
    };
    for (path, good, bad) in
        [("/log/filter", "off,surface=error", "info,surface=loud"), ("/trace/sampling", "0.5", "2")]
    {
        match put(path, good, "60") {
            Ok(reply) => {
                let shown = String::from_utf8(reply.body).unwrap();
                assert!(
                    on("tracing") && shown.contains(good) && shown.contains("\"reverts_in_seconds\": 60"),
                    "{shown}"
                );
                assert_eq!(page(path).unwrap(), shown);
                assert!(matches!(put(path, bad, "60"), Err(PageError::BadParameter(why)) if why.contains("allowed")));
                assert!(matches!(put(path, good, "0"), Err(PageError::BadParameter(_))), "each change ends");
            }
            Err(error) => {
                assert!(!on("tracing"));
                assert_eq!(error, PageError::NotBuilt { feature: "tracing" });
            }
        }
    }
    let without = sidelight::pages().find(|page| page.path == "/metrics").unwrap();
    assert!(without.put(std::iter::empty(), String::new()).is_none(), "not every page can be changed");
}

#[test]
fn a_catalogue_lists_what_is_built_in() {
    let catalog: Catalog = CATALOG;
    assert_eq!(catalog.len(), 6);
    let kinds: Vec<Kind> = catalog.iter().filter_map(|it| it.definition()).map(|it| it.kind).collect();
    let wanted = match (on("metrics"), on("tracing")) {
        (true, _) => {
            vec![Kind::Operation, Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::Histogram, Kind::Counter]
        }
        (false, true) => vec![Kind::Operation],
        (false, false) => vec![],
    };
    assert_eq!(kinds, wanted);
    let looks: &dyn Instrument = &LOOKS;
    looks.show();
    let series: Vec<Described> = sidelight::described(&[CATALOG]);
    let of_looks = series.iter().find(|it| it.series == "surface_look_duration_seconds");
    assert_eq!(of_looks.map(|it| it.labels.join(" ")), on("metrics").then(|| "thing who error_type".to_owned()));
    assert_eq!(series.iter().any(|it| it.series == "surface_open_seconds"), on("metrics"));
}

#[test]
fn lines_take_words_and_values() {
    let name = String::from("x");
    sidelight::info!("one line", rows = 3, name = name, ok = true);
    sidelight::warn!("one line");
    sidelight::error!("one line", share = 0.5);
    sidelight::debug!("one line");
    sidelight::audit!("one line", name = name);
}
