//! The Prometheus text format 0.0.4. Names, help and labels come in already valid: see [`crate::Family`].

use crate::{Family, Series, Snapshot, Value};
use std::fmt::Write as _;

/// The exact type of what [`render`] gives.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Renders families in the order of their names, and series in the order of their labels. Families of one name
/// become one; where their kinds differ, the first in the list stays and the others are left out.
#[must_use]
pub fn render(mut families: Vec<Family>) -> String {
    families.sort_by(|a, b| a.name.cmp(&b.name)); // stable: the first of a name stays the first
    let mut page = String::with_capacity(PAGE_BYTES);
    let mut rest = families.into_iter().peekable();
    while let Some(mut family) = rest.next() {
        while let Some(same) = rest.next_if(|next| next.name == family.name) {
            if same.kind == family.kind {
                family.series.extend(same.series);
            }
        }
        family.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        write_family(&mut page, &family);
    }
    page
}

/// What a page of a small server takes; a larger one grows it.
const PAGE_BYTES: usize = 32 * 1024;

fn write_family(page: &mut String, family: &Family) {
    let Family { name, help, kind, .. } = family;
    if !help.is_empty() {
        put(page, format_args!("# HELP {name} {help}\n"));
    }
    put(page, format_args!("# TYPE {name} {}\n", kind.word()));
    for series in &family.series {
        write_series(page, name, series);
    }
}

fn write_series(page: &mut String, name: &str, series: &Series) {
    let labels = &series.labels;
    match &series.value {
        Value::Counter(total) => {
            write_name(page, name, "", labels, None);
            put(page, format_args!("{total}\n"));
        }
        Value::Gauge(number) => {
            write_name(page, name, "", labels, None);
            put(page, format_args!("{number}\n"));
        }
        Value::Histogram(snapshot) => write_histogram(page, name, labels, snapshot),
    }
}

fn write_histogram(page: &mut String, name: &str, labels: &[(String, String)], snapshot: &Snapshot) {
    let mut count = 0;
    let bounds = snapshot.bounds.iter().map(ToString::to_string);
    for (bound, bucket) in bounds.chain(["+Inf".to_owned()]).zip(&snapshot.counts) {
        count += bucket;
        write_name(page, name, "_bucket", labels, Some(&bound));
        put(page, format_args!("{count}\n"));
    }
    write_name(page, name, "_sum", labels, None);
    put(page, format_args!("{}\n", snapshot.sum));
    write_name(page, name, "_count", labels, None);
    put(page, format_args!("{count}\n"));
}

fn write_name(page: &mut String, name: &str, ending: &str, labels: &[(String, String)], bound: Option<&str>) {
    page.push_str(name);
    page.push_str(ending);
    let own = labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    for (place, (key, value)) in own.chain(bound.map(|bound| ("le", bound))).enumerate() {
        page.push(if place == 0 { '{' } else { ',' });
        put(page, format_args!("{key}=\"{value}\""));
    }
    page.push_str(if labels.is_empty() && bound.is_none() { " " } else { "} " });
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = page.write_fmt(text); // a String takes everything
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HistogramCell, Kind, label};
    use proptest::prelude::*;

    fn counter(name: &str, labels: &[(&str, &str)], total: u64) -> Family {
        let labels = labels.iter().map(|(key, value)| label(key, value)).collect();
        let series = vec![Series { labels, value: Value::Counter(total) }];
        Family::new(name, "Help.", Kind::Counter, series)
    }

    #[test]
    fn series_and_families_come_in_a_stable_order() {
        let page = render(vec![
            counter("b_total", &[("x", "2")], 2),
            counter("a_total", &[], 7),
            counter("b_total", &[("x", "1")], 1),
        ]);
        let wanted = "# HELP a_total Help.\n# TYPE a_total counter\na_total 7\n\
                      # HELP b_total Help.\n# TYPE b_total counter\nb_total{x=\"1\"} 1\nb_total{x=\"2\"} 2\n";
        assert_eq!(page, wanted);
    }

    #[test]
    fn a_histogram_is_cumulated_and_its_count_is_its_last_bucket() {
        let cell = HistogramCell::new(&[0.5, 1.0]);
        for value in [0.25, 0.75, 4.0] {
            cell.observe(value);
        }
        let series = vec![Series { labels: vec![], value: Value::from(&cell) }];
        let page = render(vec![Family::new("d_seconds", "", Kind::Histogram, series)]);
        let wanted = "# TYPE d_seconds histogram\nd_seconds_bucket{le=\"0.5\"} 1\nd_seconds_bucket{le=\"1\"} 2\n\
                      d_seconds_bucket{le=\"+Inf\"} 3\nd_seconds_sum 5\nd_seconds_count 3\n";
        assert_eq!(page, wanted);
    }

    #[test]
    fn dots_become_underscores_and_values_are_escaped() {
        let page = render(vec![counter("cache.requests_total", &[("a.b", "say \"hi\"\n\\")], 1)]);
        assert!(page.contains("cache_requests_total{a_b=\"say \\\"hi\\\"\\n\\\\\"} 1\n"), "{page}");
    }

    proptest! {
        #[test]
        fn no_label_value_can_break_a_line(value in any::<String>()) {
            let page = render(vec![counter("a_total", &[("k", &value)], 1)]);
            prop_assert_eq!(page.lines().count(), 3);
            let line = page.lines().last().unwrap();
            let whole = line.starts_with("a_total{k=\"") && line.ends_with("\"} 1");
            prop_assert!(whole, "{line:?}");
        }
    }
}
