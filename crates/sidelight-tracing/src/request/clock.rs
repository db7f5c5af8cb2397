//! The moment that durations are taken from, and time as people and programs read it: RFC 3339, UTC, microseconds. Knows no
//! time zone.

use quanta::Instant;
use std::{
    io::Write as _,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

/// As the clock's own `Instant::now`, but on a thread that ends as well: nothing of the thread is looked at.
#[inline]
pub(crate) fn now() -> Instant {
    static CLOCK: OnceLock<quanta::Clock> = OnceLock::new();
    CLOCK.get_or_init(quanta::Clock::new).now()
}

/// Writes times, and remembers the last second: within it only the fraction is new.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    second: Option<u64>,
    text: [u8; TEXT],
}

const TEXT: usize = b"YYYY-MM-DDThh:mm:ss.uuuuuuZ".len();

/// A time.
pub(crate) fn text(time: SystemTime) -> String {
    let mut text = Vec::new();
    Clock::default().write(&mut text, time);
    String::from_utf8(text).unwrap_or_default()
}

impl Clock {
    pub(crate) fn write(&mut self, to: &mut Vec<u8>, time: SystemTime) {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.second != Some(since.as_secs()) {
            self.second = Some(since.as_secs());
            self.text = *b"0000-00-00T00:00:00.000000Z";
            date(&mut self.text, since.as_secs());
        }
        let mut rest = since.subsec_micros();
        for place in (TEXT - 7..TEXT - 1).rev() {
            self.text[place] = b'0' + (rest % 10).to_le_bytes()[0];
            rest /= 10;
        }
        to.extend_from_slice(&self.text);
    }
}

/// Days to a civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn date(mut to: &mut [u8], second: u64) {
    let (days, second) = (second / 86_400 + 719_468, second % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    // there is room until the year 9999
    let _ = write!(to, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
}
