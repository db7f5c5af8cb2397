//! What an operator changes while the program runs: which lines are written, and how many requests are traced. Each change
//! reverts by itself, so that what was switched on at night is not still on in the morning.

use crate::{log::set_gate, request};
use serde_json::json;
use std::{
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tracing_subscriber::filter::Targets;

/// What was set at the start, and until when it is changed.
#[derive(Debug, Default)]
struct Settings {
    filter: Setting<String>,
    rate: Setting<f64>,
}

#[derive(Debug, Default)]
struct Setting<T> {
    start: T,
    now: T,
    until: Option<Instant>,
}

impl<T: Clone> Setting<T> {
    fn begin(&mut self, value: T) {
        (self.start, self.now, self.until) = (value.clone(), value, None);
    }
    fn change(&mut self, value: T, until: Instant) {
        (self.now, self.until) = (value, Some(until));
    }
    /// Goes back if it is time; gives what it goes back to.
    fn revert(&mut self, now: Instant) -> Option<T> {
        self.until.take_if(|until| *until <= now)?;
        self.now = self.start.clone();
        Some(self.start.clone())
    }
}

static SETTINGS: OnceLock<(Mutex<Settings>, Condvar)> = OnceLock::new();

fn settings() -> (MutexGuard<'static, Settings>, &'static Condvar) {
    let (settings, changed) = SETTINGS.get_or_init(|| {
        // a process that cannot have one more thread has other troubles than a filter that stays
        let _ = thread::Builder::new().name("sidelight-revert".into()).spawn(revert);
        Default::default()
    });
    (settings.lock().unwrap_or_else(PoisonError::into_inner), changed)
}

/// Remembers what was set at the start.
pub(crate) fn begin(filter: &str, rate: f64) {
    let (mut settings, _) = settings();
    settings.filter.begin(filter.to_owned());
    settings.rate.begin(rate);
    request::set_rate(rate);
}

/// Reads directives; the sentence says what is allowed.
/// [`Targets`] alone would take a slip for the name of a target, a blank for a part of it, and be silent from then on.
pub(crate) fn parse(filter: &str) -> Result<Targets, String> {
    let directives: Vec<&str> = filter.split(',').map(str::trim).collect();
    let parsed =
        if directives.iter().all(|text| is_directive(text)) { directives.join(",").parse().ok() } else { None };
    parsed.ok_or_else(|| {
        format!(
            "invalid value {filter:?}: allowed are levels (off, error, warn, info, debug, trace) and target=level, \
             separated by commas, for example info,rmcp=warn"
        )
    })
}

fn is_directive(text: &str) -> bool {
    let is_level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
    let is_target = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-.".contains(&byte))
    };
    text.split_once('=').map_or_else(|| is_level(text), |(target, level)| is_target(target) && is_level(level))
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Changes for so long which lines are written.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn set_filter(filter: &str, lasts: Duration) -> Result<(), String> {
    let targets = parse(filter)?;
    let (mut settings, changed) = settings();
    settings.filter.change(filter.trim().to_owned(), Instant::now() + lasts);
    set_gate(targets);
    changed.notify_all();
    Ok(())
}

/// Changes for so long the share of requests, 0 to 1, that are sampled.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn set_rate(rate: &str, lasts: Duration) -> Result<(), String> {
    let parsed = rate.trim().parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    let parsed = parsed.ok_or_else(|| format!("invalid value {rate:?}: allowed is a number from 0 to 1"))?;
    let (mut settings, changed) = settings();
    settings.rate.change(parsed, Instant::now() + lasts);
    request::set_rate(parsed);
    changed.notify_all();
    Ok(())
}

/// Which lines are written, as JSON.
#[must_use]
pub fn filter() -> String {
    let (settings, _) = settings();
    let Setting { start, now, until } = &settings.filter;
    page(&json!({ "filter": now, "reverts_to": start, "reverts_in_seconds": left(*until) }))
}

/// How many requests are traced, as JSON.
#[must_use]
pub fn rate() -> String {
    let (settings, _) = settings();
    let Setting { start, now, until } = &settings.rate;
    page(&json!({ "rate": now, "reverts_to": start, "reverts_in_seconds": left(*until) }))
}

fn page(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn left(until: Option<Instant>) -> Option<u64> {
    until.map(|until| until.saturating_duration_since(Instant::now()).as_secs_f64().ceil()).map(whole)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most a day
fn whole(seconds: f64) -> u64 {
    seconds as u64
}

/// The thread that reverts.
fn revert() {
    let (settings, changed) = SETTINGS.wait();
    let mut now = settings.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let moment = Instant::now();
        if let Some(filter) = now.filter.revert(moment)
            && let Ok(targets) = parse(&filter)
        {
            set_gate(targets);
            tracing::info!(filter = filter, "the log filter is again what it was at the start");
        }
        if let Some(rate) = now.rate.revert(moment) {
            request::set_rate(rate);
            tracing::info!(rate = rate, "the sampling rate is again what it was at the start");
        }
        let next = [now.filter.until, now.rate.until].into_iter().flatten().min();
        now = match next {
            Some(next) => {
                let wait = next.saturating_duration_since(Instant::now());
                changed.wait_timeout(now, wait).unwrap_or_else(PoisonError::into_inner).0
            }
            None => changed.wait(now).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_goes_back_by_itself_and_not_before() {
        let (mut setting, now) = (Setting::default(), Instant::now());
        setting.begin("info".to_owned());
        setting.change("debug".to_owned(), now + Duration::from_secs(5));
        assert_eq!((setting.revert(now), setting.now.as_str()), (None, "debug"));
        assert_eq!(setting.revert(now + Duration::from_secs(5)).as_deref(), Some("info"));
        assert_eq!((setting.now.as_str(), setting.until), ("info", None));
    }

    #[test]
    fn blanks_around_directives_mean_nothing() {
        for filter in ["info,rmcp=warn", " info , rmcp=warn ", "rmcp=warn, info"] {
            let targets = parse(filter).unwrap();
            let passed = ["rmcp", "mcp"].map(|target| targets.would_enable(target, &tracing::Level::INFO));
            assert_eq!(passed, [false, true], "{filter:?}");
        }
    }

    #[test]
    fn what_is_no_filter_and_no_rate_is_refused_with_what_is_allowed() {
        let lasts = Duration::from_secs(1);
        for bad in [
            "info,mcp=loud",
            "inof",
            "",
            "banana",
            "info;rmcp=warn",
            "=",
            "info=",
            "[x]=info",
            "info\nx",
            "3",
            "a b=info",
        ] {
            assert!(set_filter(bad, lasts).unwrap_err().contains("debug, trace"), "{bad}");
        }
        for good in ["info", "INFO,rmcp=warn", "off,sidelight_admin::mount=trace"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-0.1", "1.1", "NaN", "many"] {
            assert!(set_rate(bad, lasts).unwrap_err().contains("0 to 1"), "{bad}");
        }
    }
}
