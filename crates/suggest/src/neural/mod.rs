//! The trained heads (`heads.safetensors`), run on the token states of one note.
//!
//! The trainer learns the same arithmetic as a graph; its test holds the two together. Letters: T tokens, F fields, S
//! spans, H hidden size, P [`PROJECTION`]. Matrices are row-major, `[out, in]`.

mod decode;
mod link;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;

pub use decode::{Decode, SpanHit};
pub use link::distance;
use overread_encoder::weights::Weights;
use overread_encoder::{Isa, Packed};
use serde::Deserialize;

use crate::LoadError;
use crate::states::dot;

/// File in the model folder, beside the encoder's weights.
pub const FILE: &str = "heads.safetensors";
/// Width of every projection, and of a phrase's vector.
pub const PROJECTION: usize = 128;
/// Classes of span widths and of link distances.
pub const BUCKETS: usize = 16;
/// Assertions, in the order of [`overread_domain::Assertion::ALL`].
pub const ASSERTIONS: usize = 6;
/// Tokens before and after a span that its assertion looks at.
pub const CONTEXT: usize = 6;
const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Header {
    format: u32,
    encoder: String,
    hidden: usize,
    projection: usize,
}

/// The heads of one encoder.
#[derive(Debug)]
pub struct Neural {
    hidden: usize,
    token_weight: Vec<f32>,
    token_bias: Vec<f32>,
    label: Packed,
    field_bias: Vec<f32>,
    span_start: Packed,
    span_end: Packed,
    span_mean: Packed,
    span_width: Vec<f32>,
    span_out: Packed,
    span_label: Packed,
    span_mix: Vec<f32>,
    assert_hidden: Packed,
    assert_out: Packed,
    phrase: Packed,
    link_head: Packed,
    link_tail: Packed,
    link_distance: Vec<f32>,
    link_out: Vec<f32>,
    version: String,
}

/// Labels of fields, projected once and folded into what token states are multiplied with.
#[derive(Debug)]
pub struct Labels {
    count: usize,
    /// `[3F, H]`: start, end, inside.
    queries: Packed,
    /// `[F, P]`, scaled.
    spans: Vec<f32>,
}

impl Labels {
    /// Number of fields F.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Start, end and inside logits of every token for every field.
#[derive(Clone, Debug)]
pub struct FieldLogits {
    fields: usize,
    /// `[T, 3F]`: start, end, inside.
    values: Vec<f32>,
}

impl FieldLogits {
    /// Number of tokens T.
    pub fn tokens(&self) -> usize {
        if self.fields == 0 { 0 } else { self.values.len() / (3 * self.fields) }
    }

    pub fn start(&self, token: usize, field: usize) -> f32 {
        self.values[token * 3 * self.fields + field]
    }

    pub fn end(&self, token: usize, field: usize) -> f32 {
        self.values[(token * 3 + 1) * self.fields + field]
    }

    pub fn inside(&self, token: usize, field: usize) -> f32 {
        self.values[(token * 3 + 2) * self.fields + field]
    }

    /// Start, end, mean inside and lowest inside logit of a span that is not empty.
    fn four(&self, span: &Range<usize>, field: usize) -> [f32; 4] {
        let (mut sum, mut low) = (0.0, f32::INFINITY);
        for token in span.clone() {
            let inside = self.inside(token, field);
            sum += inside;
            low = low.min(inside);
        }
        [self.start(span.start, field), self.end(span.end - 1, field), sum / span.len() as f32, low]
    }
}

/// What a field's label tells the model: `label: description; e.g. example, example`; parts that it lacks are left
/// out.
pub fn label_text(label: &str, description: &str, examples: &[String]) -> String {
    let mut text = label.to_owned();
    if !description.is_empty() {
        text.push_str(": ");
        text.push_str(description);
    }
    if !examples.is_empty() {
        text.push_str("; e.g. ");
        text.push_str(&examples.join(", "));
    }
    text
}

impl Neural {
    /// Reads the heads of the encoder of version `encoder` and width `hidden` from a model folder; `None` where it
    /// has none.
    pub fn load(folder: &Path, encoder: &str, hidden: usize) -> Result<Option<Self>, LoadError> {
        match std::fs::read(folder.join(FILE)) {
            Ok(bytes) => Self::parse(bytes, encoder, hidden).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(LoadError::Neural { reason: e.to_string() }),
        }
    }

    /// Parses `heads.safetensors`. Refused are heads of another encoder or format, and tensors that are absent, of
    /// another shape, or not finite.
    pub fn parse(bytes: Vec<u8>, encoder: &str, hidden: usize) -> Result<Self, LoadError> {
        let bad = |reason: String| LoadError::Neural { reason };
        let version = overread_encoder::sha256_hex(&bytes);
        let file = Weights::parse(FILE, bytes).map_err(|e| bad(e.to_string()))?;
        let header = file.described("overread").ok_or_else(|| bad("has no \"overread\" header".into()))?;
        let header: Header = serde_json::from_str(header).map_err(|e| bad(format!("header: {e}")))?;
        let sizes = (header.format, header.hidden, header.projection);
        if sizes != (FORMAT, hidden, PROJECTION) {
            let (format, h, p) = sizes;
            return Err(bad(format!(
                "is of format {format} for {h} hidden numbers and projections of {p}; wanted are format {FORMAT}, {hidden} and {PROJECTION}"
            )));
        }
        if header.encoder != encoder {
            let short = |v: &str| v.get(..12).unwrap_or(v).to_owned();
            let (found, wanted) = (short(&header.encoder), short(encoder));
            return Err(bad(format!("was trained with encoder {found}, this one is {wanted}")));
        }
        Self::from_tensors(hidden, version, |name, shape| {
            file.get(name, shape).map_err(|e| bad(format!("tensor {name}: {e}")))
        })
    }

    /// Builds the heads from what `get` hands out by name and shape; `version` names them.
    pub fn from_tensors<E>(
        hidden: usize,
        version: String,
        get: impl Fn(&str, &[usize]) -> Result<Vec<f32>, E>,
    ) -> Result<Self, E> {
        let isa = Isa::best();
        let (h, p) = (hidden, PROJECTION);
        let packed = |name: &str, bias: Option<&str>, out: usize, inner: usize| -> Result<Packed, E> {
            let weight = get(&format!("{name}.weight"), &[out, inner])?;
            let bias = match bias {
                Some(bias) => get(bias, &[out])?,
                None => vec![0.0; out],
            };
            Ok(Packed::new(isa, &weight, &bias, out, inner))
        };
        Ok(Self {
            hidden,
            token_weight: get("field.token.weight", &[3 * p, h])?,
            token_bias: get("field.token.bias", &[3 * p])?,
            label: packed("field.label", Some("field.label.bias"), 3 * p, h)?,
            field_bias: get("field.bias", &[3])?,
            // The bias of the sum stands with its last part.
            span_start: packed("span.start", None, p, h)?,
            span_end: packed("span.end", None, p, h)?,
            span_mean: packed("span.mean", Some("span.bias"), p, h)?,
            span_width: get("span.width", &[BUCKETS, p])?,
            span_out: packed("span.out", Some("span.out.bias"), p, p)?,
            span_label: packed("span.label", Some("span.label.bias"), p, h)?,
            span_mix: get("span.mix", &[5])?,
            assert_hidden: packed("assert.hidden", Some("assert.hidden.bias"), p, 3 * h)?,
            assert_out: packed("assert.out", Some("assert.out.bias"), ASSERTIONS, p)?,
            phrase: packed("phrase", None, p, h)?,
            link_head: packed("link.head", Some("link.bias"), p, h)?,
            link_tail: packed("link.tail", None, p, h)?,
            link_distance: get("link.distance", &[BUCKETS, p])?,
            link_out: get("link.out", &[p])?,
            version,
        })
    }

    /// Hash of the file, or what the maker called it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Numbers that were trained.
    pub fn parameters(&self) -> u64 {
        let (h, p, b) = (self.hidden as u64, PROJECTION as u64, BUCKETS as u64);
        let fields = 6 * p * h + 6 * p + 3;
        let spans = 4 * p * h + 3 * p + b * p + p * p + 5;
        let assertions = 3 * p * h + p + ASSERTIONS as u64 * (p + 1);
        let links = 2 * p * h + b * p + 2 * p;
        fields + spans + assertions + links + p * h
    }

    /// Projects labels; `means` holds, for each field, the mean of the encoder's states over its label text `[H]`.
    pub fn labels(&self, means: &[Vec<f32>]) -> Labels {
        let (h, p, count) = (self.hidden, PROJECTION, means.len());
        let flat: Vec<f32> = means.iter().flatten().copied().collect();
        let mut projected = vec![0.0; count * 3 * p];
        self.label.apply(&flat, &mut projected);
        let scale = 1.0 / (p as f32).sqrt();
        // <W h + b, l> = <h, W'l> + <b, l>: with labels fewer than projections are wide, the right side is cheaper.
        let mut queries = vec![0.0f32; 3 * count * h];
        let mut biases = vec![0.0f32; 3 * count];
        for (field, label) in projected.chunks_exact(3 * p).enumerate() {
            for (k, l) in label.chunks_exact(p).enumerate() {
                let query = &mut queries[(k * count + field) * h..][..h];
                for (j, l) in l.iter().enumerate() {
                    let row = &self.token_weight[(k * p + j) * h..][..h];
                    for (q, w) in query.iter_mut().zip(row) {
                        *q += l * scale * w;
                    }
                }
                let own = dot(&self.token_bias[k * p..(k + 1) * p], l) * scale;
                biases[k * count + field] = own + self.field_bias[k];
            }
        }
        let mut spans = vec![0.0; count * p];
        self.span_label.apply(&flat, &mut spans);
        for x in &mut spans {
            *x *= scale;
        }
        Labels { count, queries: Packed::new(Isa::best(), &queries, &biases, 3 * count, h), spans }
    }

    /// Logits of every token for every field; `states` is `[T, H]`.
    pub fn field_logits(&self, states: &[f32], labels: &Labels) -> FieldLogits {
        let tokens = states.len() / self.hidden;
        let mut values = vec![0.0; tokens * 3 * labels.count];
        if !values.is_empty() {
            labels.queries.apply(states, &mut values);
        }
        FieldLogits { fields: labels.count, values }
    }

    /// Vectors `[S, P]` of spans of tokens (none empty), for [`Neural::span_logit`].
    pub fn span_vectors(&self, states: &[f32], spans: &[Range<usize>]) -> Vec<f32> {
        let (h, p) = (self.hidden, PROJECTION);
        if spans.is_empty() {
            return Vec::new();
        }
        let gather = |at: fn(&Range<usize>) -> usize| -> Vec<f32> {
            spans.iter().flat_map(|s| &states[at(s) * h..(at(s) + 1) * h]).copied().collect()
        };
        let mut u = vec![0.0; spans.len() * p];
        let mut part = vec![0.0; spans.len() * p];
        self.span_mean.apply(&means(states, h, spans), &mut u);
        self.span_start.apply(&gather(|s| s.start), &mut part);
        add(&mut u, &part);
        self.span_end.apply(&gather(|s| s.end - 1), &mut part);
        add(&mut u, &part);
        for (row, span) in u.chunks_exact_mut(p).zip(spans) {
            let bucket = (span.len() - 1).min(BUCKETS - 1);
            add(row, &self.span_width[bucket * p..(bucket + 1) * p]);
        }
        gelu(&mut u);
        self.span_out.apply(&u, &mut part);
        part
    }

    /// Logit that `span`, of vector `vector` `[P]`, belongs to `field`.
    pub fn span_logit(
        &self,
        vector: &[f32],
        span: &Range<usize>,
        field: usize,
        labels: &Labels,
        logits: &FieldLogits,
    ) -> f32 {
        let label = &labels.spans[field * PROJECTION..(field + 1) * PROJECTION];
        let four = logits.four(span, field);
        let mix = &self.span_mix;
        dot(vector, label) + four.iter().zip(mix).map(|(x, m)| x * m).sum::<f32>() + mix[4]
    }

    /// Logits of the six assertions of each span; context ends at `bounds`.
    pub fn assertion_logits(
        &self,
        states: &[f32],
        spans: &[Range<usize>],
        bounds: &Range<usize>,
    ) -> Vec<[f32; ASSERTIONS]> {
        if spans.is_empty() {
            return Vec::new();
        }
        let h = self.hidden;
        let mut x = Vec::with_capacity(spans.len() * 3 * h);
        for span in spans {
            let before = span.start.saturating_sub(CONTEXT).max(bounds.start)..span.start;
            let after = span.end..(span.end + CONTEXT).min(bounds.end).max(span.end);
            x.extend(means(states, h, &[span.clone(), before, after]));
        }
        let mut hidden = vec![0.0; spans.len() * PROJECTION];
        self.assert_hidden.apply(&x, &mut hidden);
        gelu(&mut hidden);
        let mut out = vec![0.0; spans.len() * ASSERTIONS];
        self.assert_out.apply(&hidden, &mut out);
        out.as_chunks().0.to_vec()
    }

    /// Vectors of length 1 by which spans find their codes, each `[PROJECTION]`.
    pub fn phrases(&self, states: &[f32], spans: &[Range<usize>]) -> Vec<Vec<f32>> {
        if spans.is_empty() {
            return Vec::new();
        }
        let mut out = vec![0.0; spans.len() * PROJECTION];
        self.phrase.apply(&means(states, self.hidden, spans), &mut out);
        out.chunks_exact(PROJECTION)
            .map(|row| {
                let length = (dot(row, row) + 1e-12).sqrt();
                row.iter().map(|x| x / length).collect()
            })
            .collect()
    }
}

/// Means `[n, hidden]` of ranges of rows; zeros for an empty one.
fn means(states: &[f32], hidden: usize, ranges: &[Range<usize>]) -> Vec<f32> {
    let mut out = vec![0.0f32; ranges.len() * hidden];
    for (out, range) in out.chunks_exact_mut(hidden).zip(ranges) {
        for row in states[range.start * hidden..range.end.max(range.start) * hidden].chunks_exact(hidden) {
            add(out, row);
        }
        let share = 1.0 / range.len().max(1) as f32;
        for x in out {
            *x *= share;
        }
    }
    out
}

fn add(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
}

/// `x Φ(x)` with the error function to 1.5e-7 (Abramowitz and Stegun 7.1.26).
fn gelu(values: &mut [f32]) {
    for x in values {
        let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * z);
        let poly = t
            * (0.254_829_6 + t * (-0.284_496_72 + t * (1.421_413_8 + t * (-1.453_152_1 + t * 1.061_405_4))));
        let erf = (1.0 - poly * (-z * z).exp()).copysign(*x);
        *x *= 0.5 * (1.0 + erf);
    }
}
