//! What histograms measure in: the unit, and the bounds that go with it.

use super::layout::Layout;
use std::sync::LazyLock;

/// Upper bounds, in seconds, of every duration histogram: the conventions' own bounds for MCP, HTTP and database
/// durations between them, with finer steps below ten milliseconds, where an embedded store answers.
pub const DURATION_BOUNDS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Upper bounds of everything that is counted: tokens (the conventions' own bounds: powers of four), texts, bytes.
pub const SIZE_BOUNDS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// From a microsecond to more than an hour; what takes longer is in the native bucket above.
pub(crate) static SECONDS: LazyLock<Layout> = LazyLock::new(|| Layout::new(DURATION_BOUNDS, -20, 12));
/// From 1/16 to 2^30.
pub(crate) static SIZES: LazyLock<Layout> = LazyLock::new(|| Layout::new(SIZE_BOUNDS, -4, 30));

/// What a histogram measures in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Durations, in seconds.
    Seconds,
    /// Anything that is counted.
    Sizes,
}

impl Scale {
    /// The scale that goes with a name: durations are told by their unit, as Prometheus' conventions ask.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name.ends_with("_seconds") || name.ends_with(".seconds") { Self::Seconds } else { Self::Sizes }
    }

    /// The bounds, and the table that finds them.
    #[must_use]
    pub fn layout(self) -> &'static Layout {
        match self {
            Self::Seconds => &SECONDS,
            Self::Sizes => &SIZES,
        }
    }

    /// The classic bounds.
    #[must_use]
    pub fn bounds(self) -> &'static [f64] {
        self.layout().classic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asked_for_bounds_are_among_the_bounds() {
        for asked in [0.1, 0.5, 1.0, 2.0, 5.0] {
            assert!(DURATION_BOUNDS.contains(&asked));
        }
    }

    #[test]
    fn only_what_is_called_seconds_is_a_duration() {
        assert_eq!(Scale::of("dep_wait_seconds"), Scale::Seconds);
        assert_eq!(Scale::of("dep_body_bytes"), Scale::Sizes);
    }
}
