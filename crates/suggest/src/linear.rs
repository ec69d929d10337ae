//! Multinomial logistic regression: the form of every fitted head. Scoring is exact and deterministic; fitting is
//! full-batch Adam from zero, so that equal rows give equal weights.

use serde::{Deserialize, Serialize};

/// One row: active binary features, then a dense block that follows them in the weight matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Indices below the sparse width.
    pub active: Vec<u32>,
    /// As wide as the head's dense width.
    pub dense: Vec<f32>,
}

/// Weights of a softmax over `classes`. With one class it is a logistic regression of yes against no.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// Number of outputs.
    pub classes: usize,
    /// Number of binary features.
    pub sparse: usize,
    /// Number of dense features.
    pub dense: usize,
    /// `[classes, 1 + sparse + dense]`, bias first.
    pub weights: Vec<f32>,
}

/// How to fit.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    pub steps: usize,
    pub rate: f32,
    /// Weight decay (L2) on binary features, a row of the training set.
    pub l2_sparse: f32,
    pub l2_dense: f32,
}

impl Linear {
    fn width(&self) -> usize {
        1 + self.sparse + self.dense
    }

    /// Whether the weights have the shape that the counts promise and are finite.
    pub fn is_sound(&self) -> bool {
        self.classes > 0
            && self.weights.len() == self.classes * self.width()
            && self.weights.iter().all(|w| w.is_finite())
    }

    fn logit(&self, class: usize, row: &Row) -> f32 {
        let w = &self.weights[class * self.width()..(class + 1) * self.width()];
        let active: f32 = row.active.iter().map(|&i| w.get(1 + i as usize).copied().unwrap_or(0.0)).sum();
        w[0] + active + crate::states::dot(&w[1 + self.sparse..], &row.dense)
    }

    /// Probabilities of all classes; of yes, where there is one class.
    pub fn probabilities(&self, row: &Row) -> Vec<f32> {
        let mut out: Vec<f32> = (0..self.classes).map(|class| self.logit(class, row)).collect();
        if let [only] = out.as_mut_slice() {
            *only = 1.0 / (1.0 + (-*only).exp());
            return out;
        }
        let most = out.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for value in &mut out {
            *value = (*value - most).exp();
            sum += *value;
        }
        for value in &mut out {
            *value /= sum;
        }
        out
    }

    /// Fits to `rows` with their class (0 or 1 where there is one class) and weight.
    pub fn fit(classes: usize, sparse: usize, dense: usize, rows: &[(Row, usize, f32)], how: &Fit) -> Self {
        let mut head = Self { classes, sparse, dense, weights: vec![0.0; classes * (1 + sparse + dense)] };
        let width = head.width();
        let total: f32 = rows.iter().map(|r| r.2).sum::<f32>().max(1.0);
        let (mut m, mut v) = (vec![0.0f32; head.weights.len()], vec![0.0f32; head.weights.len()]);
        let mut gradient = vec![0.0f32; head.weights.len()];
        for step in 1..=how.steps {
            gradient.fill(0.0);
            for (row, class, weight) in rows {
                let p = head.probabilities(row);
                for (c, &p) in p.iter().enumerate() {
                    let target = if classes == 1 { *class as f32 } else { f32::from(u8::from(c == *class)) };
                    let error = weight * (p - target);
                    let g = &mut gradient[c * width..(c + 1) * width];
                    g[0] += error;
                    for &i in &row.active {
                        g[1 + i as usize] += error;
                    }
                    for (g, x) in g[1 + sparse..].iter_mut().zip(&row.dense) {
                        *g += error * x;
                    }
                }
            }
            let rate = how.rate * (1.0 - (step - 1) as f32 / how.steps as f32).max(0.05);
            let (c1, c2) = (1.0 - 0.9f32.powi(step as i32), 1.0 - 0.999f32.powi(step as i32));
            for (i, w) in head.weights.iter_mut().enumerate() {
                let at = i % width;
                let decay = if at == 0 {
                    0.0
                } else if at <= sparse {
                    how.l2_sparse
                } else {
                    how.l2_dense
                };
                let g = (gradient[i] + decay * *w) / total;
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                *w -= rate * (m[i] / c1) / ((v[i] / c2).sqrt() + 1e-8);
            }
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_what_can_be_told_apart() {
        let row = |active: Vec<u32>, x: f32| Row { active, dense: vec![x] };
        let rows: Vec<_> =
            (0..60).map(|i| (row(vec![i % 3], (i as f32) / 60.0), (i % 3) as usize, 1.0)).collect();
        let how = Fit { steps: 200, rate: 0.1, l2_sparse: 0.01, l2_dense: 0.01 };
        let head = Linear::fit(3, 3, 1, &rows, &how);
        assert!(head.is_sound());
        for (row, class, _) in &rows {
            let p = head.probabilities(row);
            assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(p[*class] > 0.8, "{p:?}");
        }
    }

    #[test]
    fn one_class_is_yes_or_no() {
        let rows: Vec<_> = (0..40)
            .map(|i| (Row { active: vec![], dense: vec![i as f32 / 20.0 - 1.0] }, usize::from(i >= 20), 1.0))
            .collect();
        let head = Linear::fit(1, 0, 1, &rows, &Fit { steps: 300, rate: 0.1, l2_sparse: 0.0, l2_dense: 0.0 });
        assert!(head.probabilities(&rows[0].0)[0] < 0.2 && head.probabilities(&rows[39].0)[0] > 0.8);
    }
}
