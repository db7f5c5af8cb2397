//! Quantiles of a few hundred measurements. Interpolates nothing: what it gives was measured.

/// The value that this share of the measurements is not above; `None` where there are none.
pub(crate) fn quantile(measured: &mut [f64], share: f64) -> Option<f64> {
    measured.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // hundreds
    let at = (measured.len().saturating_sub(1) as f64 * share) as usize;
    measured.get(at).copied()
}

/// What is shown of measurements on a machine that is shared: nearly undisturbed, and not the luckiest.
pub(crate) const UNDISTURBED: f64 = 0.1;
/// Where two threads disturb each other on purpose.
pub(crate) const MEDIAN: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_measurements() {
        let mut measured = [3.0, 1.0, 2.0, 5.0, 4.0];
        assert_eq!([0.0, 0.5, 1.0].map(|share| quantile(&mut measured, share)), [Some(1.0), Some(3.0), Some(5.0)]);
        assert_eq!(quantile(&mut [], 0.5), None);
    }
}
