//! One ranking from several: reciprocal rank fusion (Cormack, Clarke, Büttcher 2009,
//! <https://dl.acm.org/doi/10.1145/1571941.1572114>). Looks at ranks only, so scores of different kinds need no common
//! scale.

use std::collections::HashMap;

/// The paper's constant: how much the first places stand out.
const K: f64 = 60.0;

/// Each item of any ranking with the sum of `weight / (60 + rank)`, rank 1 being the best; the highest sum first, equal
/// sums by the item.
pub(crate) fn fuse(rankings: &[(f64, Vec<i64>)]) -> Vec<(i64, f64)> {
    let mut scores: HashMap<i64, f64> = HashMap::new();
    for (weight, ranking) in rankings {
        let mut rank = 0.0;
        for item in ranking {
            rank += 1.0;
            *scores.entry(*item).or_default() += weight / (K + rank);
        }
    }
    let mut fused: Vec<(i64, f64)> = scores.into_iter().collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_find_comes_before_what_one_finds() {
        let order: Vec<i64> =
            fuse(&[(1.0, vec![1, 2, 3]), (1.0, vec![4, 2, 5])]).into_iter().map(|(item, _)| item).collect();
        assert_eq!(order, [2, 1, 4, 3, 5]);
    }

    #[test]
    fn a_ranking_that_weighs_less_moves_less() {
        assert_eq!(fuse(&[(1.0, vec![1, 2]), (0.5, vec![2, 1])])[0].0, 1);
    }

    #[test]
    fn the_sum_is_the_paper_s() {
        let fused = fuse(&[(1.0, vec![7]), (1.0, vec![9, 7])]);
        assert!((fused[0].1 - (1.0 / 61.0 + 1.0 / 62.0)).abs() < 1e-12);
        assert_eq!(fuse(&[]), []);
    }
}
