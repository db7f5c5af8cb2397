//! Dependencies that emit more series than there is room for do not take the place of the program's own. Alone in its
//! process, because it takes all the room.
#![allow(clippy::unwrap_used)] // a test may stop

mod read;

use metrics::{Key, Label, Level, Metadata, Recorder as _};
use read::{number, samples, text};
use sidelight_metrics::{CounterCell, Kind, Name, recorder::Facade, recorder::SERIES_MAX};

#[test]
fn what_finds_no_room_is_in_the_overflow_of_its_metric_and_the_program_s_own_still_has_room() {
    static OWN: CounterCell = CounterCell::new();
    let metadata = Metadata::new("test", Level::INFO, None);
    for at in 0..12 {
        for user in 0..SERIES_MAX {
            let key = Key::from_parts(format!("crowd_{at}_seconds"), vec![Label::new("user", user.to_string())]);
            Facade.register_histogram(&key, &metadata).record(1.0);
        }
    }
    OWN.add(5, || Name::new("own_total", "", Kind::Counter, []));
    assert_eq!(OWN.get(), 5);
    let all = SERIES_MAX as u64;
    for at in [0, 11] {
        let name = format!("crowd_{at}_seconds");
        let counts =
            samples(&text(&[&name])).into_iter().filter(|(sample, _)| sample.starts_with(&format!("{name}_count")));
        let total: f64 = counts.map(|(_, count)| count).sum();
        assert!((total - number(all)).abs() < 0.5, "{name}: {total}");
    }
    assert!(text(&["crowd_11_seconds_count"]).contains("otel_metric_overflow=\"true\""));
    assert!(sidelight_metrics::recorder::overflowed() > 0);
}
