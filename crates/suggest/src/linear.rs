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

    /// The same head with room for features that were added after it was fitted: their weights are zero.
    #[must_use]
    pub fn widened(&self, sparse: usize, dense: usize) -> Self {
        if self.classes == 0 || sparse < self.sparse || dense < self.dense {
            return self.clone();
        }
        let mut weights = Vec::with_capacity(self.classes * (1 + sparse + dense));
        for row in self.weights.chunks_exact(self.width()) {
            weights.extend_from_slice(&row[..=self.sparse]);
            weights.resize(weights.len() + sparse - self.sparse, 0.0);
            weights.extend_from_slice(&row[1 + self.sparse..]);
            weights.resize(weights.len() + dense - self.dense, 0.0);
        }
        Self { classes: self.classes, sparse, dense, weights }
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

    /// Probabilities that each of `rows` is the right one among them; what is left is that none is (conditional logit,
    /// `McFadden` 1974). For heads of one class.
    pub fn choice(&self, rows: &[&Row]) -> Vec<f32> {
        let logits: Vec<f32> = rows.iter().map(|row| self.logit(0, row)).collect();
        let most = logits.iter().copied().fold(0.0, f32::max);
        let sum: f32 = (-most).exp() + logits.iter().map(|x| (x - most).exp()).sum::<f32>();
        logits.into_iter().map(|x| (x - most).exp() / sum).collect()
    }

    /// Fits [`Linear::choice`] to groups of rows with the right one of each, if it is among them, and a weight.
    pub fn fit_choice(
        sparse: usize,
        dense: usize,
        groups: &[(Vec<Row>, Option<usize>, f32)],
        how: &Fit,
    ) -> Self {
        let mut head = Self { classes: 1, sparse, dense, weights: vec![0.0; 1 + sparse + dense] };
        let total: f32 = groups.iter().map(|g| g.2).sum::<f32>().max(1.0);
        let mut adam = Adam::new(&head);
        let mut gradient = vec![0.0f32; head.weights.len()];
        for step in 1..=how.steps {
            gradient.fill(0.0);
            for (rows, right, weight) in groups {
                let all: Vec<&Row> = rows.iter().collect();
                for (i, (row, p)) in rows.iter().zip(head.choice(&all)).enumerate() {
                    add_to(&mut gradient, row, sparse, weight * (p - f32::from(u8::from(*right == Some(i)))));
                }
            }
            adam.step(&mut head.weights, &gradient, total, how, step);
        }
        head
    }

    /// Fits to `rows` with their class (0 or 1 where there is one class) and weight.
    pub fn fit(classes: usize, sparse: usize, dense: usize, rows: &[(Row, usize, f32)], how: &Fit) -> Self {
        let weights = vec![0.0; classes * (1 + sparse + dense)];
        Self { classes, sparse, dense, weights }.refined(rows, how)
    }

    /// Fits on from these weights, to which decay draws back.
    #[must_use]
    pub fn refined(&self, rows: &[(Row, usize, f32)], how: &Fit) -> Self {
        let (classes, sparse) = (self.classes, self.sparse);
        let mut head = self.clone();
        let width = head.width();
        let total: f32 = rows.iter().map(|r| r.2).sum::<f32>().max(1.0);
        let mut adam = Adam::new(&head);
        let mut gradient = vec![0.0f32; head.weights.len()];
        for step in 1..=how.steps {
            gradient.fill(0.0);
            for (row, class, weight) in rows {
                let p = head.probabilities(row);
                for (c, &p) in p.iter().enumerate() {
                    let target = if classes == 1 { *class as f32 } else { f32::from(u8::from(c == *class)) };
                    add_to(&mut gradient[c * width..(c + 1) * width], row, sparse, weight * (p - target));
                }
            }
            adam.step(&mut head.weights, &gradient, total, how, step);
        }
        head
    }
}

/// Adds a row's share to the gradient of its class.
fn add_to(gradient: &mut [f32], row: &Row, sparse: usize, error: f32) {
    gradient[0] += error;
    for &i in &row.active {
        gradient[1 + i as usize] += error;
    }
    for (g, x) in gradient[1 + sparse..].iter_mut().zip(&row.dense) {
        *g += error * x;
    }
}

/// Adam (Kingma and Ba 2015) with a rate that falls to a twentieth.
struct Adam {
    /// Weights of one class: bias, `sparse` binary features, then dense ones.
    row: usize,
    sparse: usize,
    /// Where decay draws to.
    start: Vec<f32>,
    m: Vec<f32>,
    v: Vec<f32>,
}

impl Adam {
    fn new(head: &Linear) -> Self {
        let n = head.weights.len();
        Self {
            row: head.width(),
            sparse: head.sparse,
            start: head.weights.clone(),
            m: vec![0.0; n],
            v: vec![0.0; n],
        }
    }

    fn step(&mut self, weights: &mut [f32], gradient: &[f32], total: f32, how: &Fit, step: usize) {
        let rate = how.rate * (1.0 - (step - 1) as f32 / how.steps as f32).max(0.05);
        let (c1, c2) = (1.0 - 0.9f32.powi(step as i32), 1.0 - 0.999f32.powi(step as i32));
        for (i, w) in weights.iter_mut().enumerate() {
            let at = i % self.row;
            let decay = if at == 0 {
                0.0
            } else if at <= self.sparse {
                how.l2_sparse
            } else {
                how.l2_dense
            };
            let g = (gradient[i] + decay * (*w - self.start[i])) / total;
            self.m[i] = 0.9 * self.m[i] + 0.1 * g;
            self.v[i] = 0.999 * self.v[i] + 0.001 * g * g;
            *w -= rate * (self.m[i] / c1) / ((self.v[i] / c2).sqrt() + 1e-8);
        }
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
    fn a_choice_prefers_what_was_right_and_may_choose_none() {
        let row = |x: f32| Row { active: vec![], dense: vec![x] };
        let groups: Vec<_> = (0..60)
            .map(|i| {
                if i % 3 == 0 {
                    (vec![row(-1.0), row(-0.8)], None, 1.0)
                } else {
                    (vec![row(-1.0), row(1.0), row(0.2)], Some(1), 1.0)
                }
            })
            .collect();
        let how = Fit { steps: 300, rate: 0.1, l2_sparse: 0.0, l2_dense: 0.0 };
        let head = Linear::fit_choice(0, 1, &groups, &how);
        let p = head.choice(&[&row(-1.0), &row(1.0), &row(0.2)]);
        assert!(p[1] > 0.8 && p.iter().sum::<f32>() < 1.0, "{p:?}");
        assert!(head.choice(&[&row(-1.0)])[0] < 0.2);
    }

    #[test]
    fn new_features_change_nothing_before_a_fit() {
        let head = Linear {
            classes: 2,
            sparse: 2,
            dense: 1,
            weights: vec![0.1, 1.0, 2.0, 3.0, 0.2, -1.0, 0.5, 0.7],
        };
        let wide = head.widened(5, 3);
        assert!(wide.is_sound());
        let row = Row { active: vec![1], dense: vec![0.3] };
        let more = Row { active: vec![1, 4], dense: vec![0.3, 9.0, 9.0] };
        assert_eq!(head.probabilities(&row), wide.probabilities(&more));
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
