//! Into which slot of a histogram a value falls. The slots are finer than any one format asks for: their bounds are the
//! classic bounds *and* the bounds of native buckets (schema 3: eight to each doubling, so a quantile is right within 9 %),
//! so one count serves both. Classic and native buckets are sums of slots, made when somebody reads.
//!
//! Bounds are inclusive (`le`), as in all formats of Prometheus.

/// Native buckets to each doubling: schema 3.
const PER_OCTAVE: i32 = 8;
/// The schema of the native buckets, for the protobuf form.
pub(crate) const SCHEMA: i32 = 3;
/// Rows of the table to each doubling; no more than [`CLOSE`] bounds lie in one row.
const ROWS_PER_OCTAVE: i64 = 16;
/// Rows of a table: enough for 34 doublings, and one above every bound. All tables are of one length, so that no length has
/// to be looked up.
const ROWS: usize = 34 * 16 + 2;
/// Bounds that are looked at in a row.
const CLOSE: usize = 2;

/// The bounds of a histogram, and the table that finds them.
#[derive(Debug)]
pub struct Layout {
    pub(crate) table: Table,
    /// Every bound, rising.
    bounds: Vec<f64>,
    /// The classic bounds.
    classic: &'static [f64],
    /// How a line says each classic bound, and that there is none, in both text forms.
    pub(crate) words: Vec<Words>,
    /// For each classic bound the slot that it ends.
    ends: Vec<usize>,
    /// For each slot its native bucket; the first slot has none.
    native: Vec<i32>,
}

/// The last label of a bucket's line, up to its number.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) prometheus: String,
    /// Floats in one form, so that `1` and `1.0` are not two series.
    pub(crate) open_metrics: String,
}

impl Words {
    fn of(bound: f64) -> Self {
        if bound.is_finite() {
            Self { prometheus: format!("le=\"{bound}\"}} "), open_metrics: format!("le=\"{bound:?}\"}} ") }
        } else {
            let none = "le=\"+Inf\"} ".to_owned();
            Self { prometheus: none.clone(), open_metrics: none }
        }
    }
}

/// Finds the slot of a value: by the exponent and four bits of the mantissa, and then by two comparisons.
#[derive(Debug)]
pub(crate) struct Table {
    /// The number of the first row: the exponent and four bits of the mantissa of its lower end.
    base: i64,
    rows: Box<[Row; ROWS]>,
}

impl Table {
    /// The slot of a value that is a number.
    #[inline]
    pub(crate) fn slot(&self, value: f64) -> usize {
        #[allow(clippy::cast_possible_wrap)] // on purpose: negative values are below every row
        let row = ((value.to_bits() as i64) >> 48) - self.base;
        let row = &self.rows[usize::try_from(row).unwrap_or(0).min(ROWS - 1)];
        row.first + usize::from(value > row.ends[0]) + usize::from(value > row.ends[1])
    }
}

/// The values of one sixteenth of a doubling: which slot is the first that they may fall into, and where it and the next
/// one end.
#[derive(Clone, Copy, Debug)]
struct Row {
    first: usize,
    ends: [f64; CLOSE],
}

impl Layout {
    /// Classic bounds, and native buckets from 2^`low` to 2^`high`. Classic bounds must lie between the two and differ by
    /// more than a sixteenth; there are at most 34 doublings between them.
    pub(crate) fn new(classic: &'static [f64], low: i32, high: i32) -> Self {
        let native = (low * PER_OCTAVE..=high * PER_OCTAVE).map(bound);
        let mut bounds: Vec<f64> = native.chain(classic.iter().copied()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let base = i64::from(low + EXPONENT_BIAS) * ROWS_PER_OCTAVE;
        let row = |row: usize| {
            let row = i64::try_from(row).unwrap_or_default();
            let from = f64::from_bits(u64::try_from((base + row) << 48).unwrap_or_default());
            let first = bounds.partition_point(|bound| *bound < from);
            Row { first, ends: [0, 1].map(|next| bounds.get(first + next).copied().unwrap_or(f64::INFINITY)) }
        };
        let last = high * PER_OCTAVE + 1; // what is above every bound
        let native = |slot: usize| {
            let index = bounds.get(slot).map(|end| (low * PER_OCTAVE..last).find(|index| bound(*index) >= *end));
            index.flatten().unwrap_or(last)
        };
        Self {
            table: Table { base, rows: Box::new(std::array::from_fn(row)) },
            words: classic.iter().copied().chain([f64::INFINITY]).map(Words::of).collect(),
            ends: classic.iter().map(|end| bounds.partition_point(|bound| bound < end)).collect(),
            native: (0..=bounds.len()).map(native).collect(),
            bounds,
            classic,
        }
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> usize {
        self.native.len()
    }

    /// The classic bounds, rising.
    pub(crate) fn classic(&self) -> &'static [f64] {
        self.classic
    }

    /// The classic bucket of a value: the last one is for what is above every bound.
    pub(crate) fn bucket(&self, value: f64) -> usize {
        self.classic.partition_point(|bound| *bound < value)
    }

    /// The counts up to each classic bound.
    pub(crate) fn cumulated<'a>(&'a self, slots: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        let (mut at, mut count) = (0, 0);
        self.ends.iter().map(move |end| {
            count += slots[at..=*end].iter().sum::<u64>();
            at = end + 1;
            count
        })
    }

    /// What is not above this is in the zero bucket of the native form; so are negative values, which it has no place for.
    pub(crate) fn zero_threshold(&self) -> f64 {
        self.bounds[0]
    }

    /// The native buckets that are not empty, rising: index and count.
    pub(crate) fn native(&self, slots: &[u64]) -> Vec<(i32, u64)> {
        let mut buckets: Vec<(i32, u64)> = Vec::new();
        for (index, count) in self.native.iter().zip(slots).skip(1).filter(|(_, count)| **count > 0) {
            match buckets.last_mut() {
                Some((last, sum)) if last == index => *sum += count,
                _ => buckets.push((*index, *count)),
            }
        }
        buckets
    }
}

/// What an exponent of 0 is stored as.
const EXPONENT_BIAS: i32 = 1023;

/// The upper bound of a native bucket: 2^(index / 8), by the same eight numbers that Prometheus has for schema 3
/// (`nativeHistogramBounds` in its client library).
#[allow(clippy::excessive_precision, clippy::unreadable_literal)] // as they stand there
fn bound(index: i32) -> f64 {
    const EIGHTHS: [f64; 8] = [
        1.0,
        1.0905077326652577,
        1.1892071150027210,
        1.2968395546510096,
        std::f64::consts::SQRT_2,
        1.5422108254079407,
        1.6817928305074290,
        1.8340080864093424,
    ];
    let eighth = EIGHTHS[usize::try_from(index.rem_euclid(PER_OCTAVE)).unwrap_or_default()];
    eighth * 2f64.powi(index.div_euclid(PER_OCTAVE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::scale::{DURATION_BOUNDS, SECONDS, SIZES};
    use proptest::prelude::*;

    fn searched(layout: &Layout, value: f64) -> usize {
        layout.bounds.partition_point(|bound| *bound < value)
    }

    #[test]
    fn every_bound_and_its_neighbours_fall_where_a_search_says() {
        for layout in [&*SECONDS, &*SIZES] {
            for bound in &layout.bounds {
                for value in [bound.next_down(), *bound, bound.next_up()] {
                    assert_eq!(layout.table.slot(value), searched(layout, value), "{value}");
                }
            }
        }
    }

    #[test]
    fn a_table_is_long_enough_for_every_scale() {
        for layout in [&*SECONDS, &*SIZES] {
            let last = layout.table.rows[ROWS - 1];
            assert_eq!((last.first, last.ends), (layout.bounds.len(), [f64::INFINITY; CLOSE]));
        }
    }

    #[test]
    fn values_beyond_both_ends_have_a_slot() {
        let last = SECONDS.slots() - 1;
        for (value, slot) in
            [(0.0, 0), (-0.0, 0), (-5.0, 0), (f64::NEG_INFINITY, 0), (f64::MAX, last), (f64::INFINITY, last)]
        {
            assert_eq!(SECONDS.table.slot(value), slot, "{value}");
        }
    }

    #[test]
    fn classic_counts_are_sums_of_slots() {
        let mut slots = vec![0; SECONDS.slots()];
        for value in [0.0004, 0.0005, 0.3, 1.0, 1.5, 400.0] {
            slots[SECONDS.table.slot(value)] += 1;
        }
        let counts: Vec<u64> = SECONDS.cumulated(&slots).collect();
        let up_to = |bound: f64| counts[DURATION_BOUNDS.iter().position(|it| *it >= bound).unwrap()];
        assert_eq!([0.0005, 0.2, 0.5, 1.0, 2.0, 300.0].map(up_to), [2, 2, 3, 4, 5, 5]);
    }

    #[test]
    fn a_native_bucket_holds_what_is_within_its_bounds() {
        let mut slots = vec![0; SECONDS.slots()];
        for value in [1e-9, 1.0, 1.01, 1.05, 1.1] {
            slots[SECONDS.table.slot(value)] += 1;
        }
        // 1.0 ends bucket 0; 1.01 and 1.05 are up to 2^(1/8) = 1.09; 1.1 is in the next; the first is zero's
        assert_eq!(SECONDS.native(&slots), [(0, 1), (1, 2), (2, 1)]);
        assert_eq!(slots[0], 1);
    }

    proptest! {
        #[test]
        fn a_table_finds_what_a_search_finds(value in any::<f64>().prop_filter("a number", |it| !it.is_nan())) {
            for layout in [&*SECONDS, &*SIZES] {
                prop_assert_eq!(layout.table.slot(value), searched(layout, value));
            }
        }

        #[test]
        fn a_table_finds_what_a_search_finds_where_most_values_are(exponent in -25.0..12.0f64) {
            let value = exponent.exp2();
            prop_assert_eq!(SECONDS.table.slot(value), searched(&SECONDS, value));
        }
    }
}
