//! Losses that ignore what is not known.

use candle_core::{D, Device, Tensor};

use super::TrainError;

/// Sum of binary cross entropies of `logits` against `targets` (0 to 1), each weighted; weights of 0 leave out what
/// nobody annotated. All of one shape.
pub fn binary(logits: &Tensor, targets: &Tensor, weights: &Tensor) -> Result<Tensor, TrainError> {
    // max(x, 0) - x y + ln(1 + e^-|x|), which neither overflows nor loses digits.
    let soft = ((logits.abs()?.neg()?.exp()? + 1.0)?).log()?;
    let each = ((logits.relu()? - (logits * targets)?)? + soft)?;
    Ok((each * weights)?.sum_all()?)
}

/// Mean cross entropy of `logits` `[n, classes]` against `classes`.
pub fn classes(logits: &Tensor, classes: &[u32]) -> Result<Tensor, TrainError> {
    let n = classes.len();
    let index = Tensor::from_slice(classes, (n, 1), &Device::Cpu)?;
    let chosen = logits.gather(&index, D::Minus1)?;
    let total = log_sum(logits)?;
    Ok((total - chosen)?.mean_all()?)
}

/// Contrastive loss (`InfoNCE`, van den Oord et al. 2018) of `queries` `[n, d]` against `keys` `[m, d]`: `right` names,
/// for each query, the keys that mean the same; all others are wrong. With several right keys it is the mean over
/// them, each against the wrong ones only.
pub fn contrastive(
    queries: &Tensor,
    keys: &Tensor,
    right: &[Vec<usize>],
    temperature: f64,
) -> Result<Tensor, TrainError> {
    contrastive_but(queries, keys, right, temperature, None)
}

/// [`contrastive`] where the keys marked 1 in `left_out` `[n * m]` are neither right nor wrong for that query.
pub fn contrastive_but(
    queries: &Tensor,
    keys: &Tensor,
    right: &[Vec<usize>],
    temperature: f64,
    left_out: Option<&[f32]>,
) -> Result<Tensor, TrainError> {
    let (n, m) = (queries.dim(0)?, keys.dim(0)?);
    let scores = (queries.matmul(&keys.t()?)? / temperature)?;
    let mut positive = vec![0.0f32; n * m];
    let mut weight = vec![0.0f32; n * m];
    let asking = right.iter().filter(|r| !r.is_empty()).count().max(1);
    for (row, right) in right.iter().enumerate() {
        for &key in right {
            positive[row * m + key] = 1.0;
            weight[row * m + key] = 1.0 / (right.len() * asking) as f32;
        }
    }
    let mut aside = positive;
    for (a, left_out) in aside.iter_mut().zip(left_out.into_iter().flatten()) {
        *a = a.max(*left_out);
    }
    let aside = Tensor::from_vec(aside, (n, m), &Device::Cpu)?;
    let weight = Tensor::from_vec(weight, (n, m), &Device::Cpu)?;
    let max = scores.max_keepdim(D::Minus1)?.detach();
    let shifted = scores.broadcast_sub(&max)?;
    let e = shifted.exp()?;
    let wrong = (&e * (1.0 - &aside)?)?.sum_keepdim(D::Minus1)?;
    // For each right key: -ln(e / (e + wrong)).
    let each = ((e.broadcast_add(&wrong)? + 1e-12)?.log()? - &shifted)?;
    Ok((each * weight)?.sum_all()?)
}

/// `ln Σ exp` over the last dimension, which stays as 1.
fn log_sum(x: &Tensor) -> Result<Tensor, TrainError> {
    let max = x.max_keepdim(D::Minus1)?.detach();
    let sum = x.broadcast_sub(&max)?.exp()?.sum_keepdim(D::Minus1)?;
    Ok((sum.log()? + max)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(t: &Tensor) -> f32 {
        t.to_scalar::<f32>().unwrap()
    }

    fn tensor(values: &[f32], shape: (usize, usize)) -> Tensor {
        Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn unknown_cells_cost_nothing_and_extreme_logits_stay_finite() {
        let logits = tensor(&[200.0, -200.0, 0.0, 50.0], (2, 2));
        let targets = tensor(&[1.0, 0.0, 1.0, 0.0], (2, 2));
        let weights = tensor(&[1.0, 1.0, 1.0, 0.0], (2, 2));
        let found = value(&binary(&logits, &targets, &weights).unwrap());
        assert!((found - std::f32::consts::LN_2).abs() < 1e-6, "{found}");
    }

    #[test]
    fn classes_are_the_negative_log_likelihood() {
        let logits = tensor(&[1.0, 2.0, 3.0, 0.0, 0.0, 0.0], (2, 3));
        let found = value(&classes(&logits, &[2, 0]).unwrap());
        let first = (1f32.exp() + 2f32.exp() + 3f32.exp()).ln() - 3.0;
        assert!((found - f32::midpoint(first, 3f32.ln())).abs() < 1e-6);
    }

    #[test]
    fn a_query_without_a_right_key_asks_nothing() {
        let queries = tensor(&[1.0, 0.0, 0.0, 1.0], (2, 2));
        let keys = tensor(&[1.0, 0.0, 0.0, 1.0, 0.6, 0.8], (3, 2));
        let both = value(&contrastive(&queries, &keys, &[vec![0], vec![]], 0.1).unwrap());
        let wrong = (0f32).exp() + (6f32).exp();
        let expected = -((10f32).exp() / ((10f32).exp() + wrong)).ln();
        assert!((both - expected).abs() < 1e-4, "{both} {expected}");
    }
}
