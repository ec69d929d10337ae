//! From scores to probabilities that mean what they say, and to thresholds.

/// Isotonic regression (pool adjacent violators; Ayer et al. 1955) of `(said, right)`, as knots of a rising line. Pools
/// are drawn towards what was said by `prior` imagined cases, so that few cases do not give probabilities of 0 and 1.
pub(super) fn isotonic(mut scored: Vec<(f32, bool)>, prior: f32) -> Vec<(f32, f32)> {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    // (sum of right, weight, sum of said)
    let mut pools: Vec<(f32, f32, f32)> = Vec::new();
    // Blocks of equal size first: a pool of one case is all noise.
    let size = (scored.len() / 25).max(8);
    for block in scored.chunks(size) {
        let said: f32 = block.iter().map(|s| s.0).sum();
        let right = block.iter().filter(|s| s.1).count() as f32;
        let n = block.len() as f32;
        pools.push((right + prior * said / n, n + prior, said + prior * said / n));
        while let [.., a, b] = pools.as_slice() {
            if a.0 / a.1 <= b.0 / b.1 {
                break;
            }
            let joined = (a.0 + b.0, a.1 + b.1, a.2 + b.2);
            pools.truncate(pools.len() - 2);
            pools.push(joined);
        }
    }
    let mut knots: Vec<(f32, f32)> = Vec::new();
    for (right, weight, said) in pools {
        let round = |x: f32| ((x * 1e4).round() / 1e4).clamp(0.0, 1.0);
        let knot = (round(said / weight), round(right / weight));
        if knots.last().is_none_or(|last| last.0 < knot.0 && last.1 <= knot.1) {
            knots.push(knot);
        }
    }
    // Beyond the outermost pools the line goes on to certainty, slowly.
    if let (Some(&first), Some(&last)) = (knots.first(), knots.last()) {
        if first.0 > 0.0 {
            knots.insert(0, (0.0, (first.1 * 0.5).min(first.1)));
        }
        if last.0 < 1.0 {
            knots.push((1.0, last.1 + (1.0 - last.1) * 0.5));
        }
    }
    knots
}

/// The confidence from which showing gives the best F1; `scored` is (confidence, right), `total` what there is.
pub(super) fn best_threshold(mut scored: Vec<(f32, bool)>, total: usize) -> f32 {
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut tp, mut best) = (0.0, (0.0, 0.5));
    for (i, (p, ok)) in scored.iter().enumerate() {
        tp += f32::from(u8::from(*ok));
        let f1 = 2.0 * tp / (i as f32 + 1.0 + total as f32);
        let last = scored.get(i + 1).is_none_or(|next| next.0 < *p);
        if last && f1 > best.0 {
            best = (f1, *p);
        }
    }
    // Drawn to what calibrated probabilities would ask for (Lipton et al. 2014: half of the best F1), since few notes
    // make the optimum jump.
    let calibrated = best.0 / 2.0;
    ((best.1 * 0.5 + calibrated * 0.5) * 1000.0).floor() / 1000.0
}

/// Slope and offset of a logistic from `(logit, right)` (Platt 1999), by Newton's method with a little ridge.
pub(super) fn platt(scored: &[(f32, bool)]) -> (f32, f32) {
    let (mut a, mut b) = (1.0f64, 0.0f64);
    for _ in 0..40 {
        let (mut ga, mut gb) = (0.05 * (a - 1.0), 0.05 * b);
        let (mut haa, mut hab, mut hbb) = (0.05f64, 0.0f64, 0.05f64);
        for (x, right) in scored {
            let x = f64::from(*x);
            let p = 1.0 / (1.0 + (-(a * x + b)).exp());
            let e = p - f64::from(u8::from(*right));
            let w = (p * (1.0 - p)).max(1e-6);
            ga += e * x;
            gb += e;
            haa += w * x * x;
            hab += w * x;
            hbb += w;
        }
        let determinant = haa * hbb - hab * hab;
        if determinant.abs() < 1e-12 {
            break;
        }
        let (da, db) = ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant);
        (a, b) = (a - da.clamp(-1.0, 1.0), b - db.clamp(-1.0, 1.0));
        if da.abs() + db.abs() < 1e-7 {
            break;
        }
    }
    (a as f32, b as f32)
}

/// The share of probability that candidates must add up to so that the right one is among them in `wanted` of all
/// cases where it is there at all; `cases` holds the probabilities, best first, and the place of the right one.
pub(super) fn mass(cases: &[(Vec<f32>, usize)], wanted: f32) -> Option<f32> {
    // The mass that is passed before the right one is met: a set that goes on while less was passed holds it.
    let mut needed: Vec<f32> = cases
        .iter()
        .map(|(p, right)| {
            let total: f32 = p.iter().sum();
            p[..*right].iter().sum::<f32>() / total.max(1e-9)
        })
        .collect();
    needed.sort_by(f32::total_cmp);
    // The conformal quantile: (n + 1) times the wanted share, rounded up.
    let at = ((needed.len() as f32 + 1.0) * wanted).ceil() as usize;
    needed.get(at.checked_sub(1)?).map(|m| (m + 1e-3).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isotonic_lines_rise_and_tell_the_truth() {
        // Says p, is right in p squared.
        let scored: Vec<(f32, bool)> = (0..2000)
            .map(|i| {
                let p = (i as f32 + 0.5) / 2000.0;
                (p, (i * 7919 % 2000) as f32 / 2000.0 < p * p)
            })
            .collect();
        let knots = isotonic(scored, 2.0);
        assert!(knots.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1), "{knots:?}");
        for (said, meant) in &knots[1..knots.len() - 1] {
            assert!((said * said - meant).abs() < 0.12, "{said} {meant}");
        }
    }

    #[test]
    fn platt_finds_slope_and_offset() {
        let scored: Vec<(f32, bool)> = (0..4000)
            .map(|i| {
                let x = (i % 80) as f32 / 10.0 - 4.0;
                let p = 1.0 / (1.0 + (-(0.5 * x - 1.0)).exp());
                (x, (i * 7919 % 4000) as f32 / 4000.0 < p)
            })
            .collect();
        let (a, b) = platt(&scored);
        assert!((a - 0.5).abs() < 0.1 && (b + 1.0).abs() < 0.15, "{a} {b}");
    }

    #[test]
    fn mass_holds_the_right_one_as_often_as_wanted() {
        let cases: Vec<(Vec<f32>, usize)> =
            (0..100).map(|i| (vec![0.5, 0.3, 0.1, 0.1], if i < 80 { 0 } else { 1 + i % 3 })).collect();
        let mass = mass(&cases, 0.9).unwrap();
        let kept = cases
            .iter()
            .filter(|(p, right)| p[..*right].iter().sum::<f32>() < mass * p.iter().sum::<f32>())
            .count();
        assert!(kept >= 90, "{kept}");
    }
}
