use std::collections::BTreeMap;

use overread_encoder::Tokens;
use proptest::prelude::*;

use super::*;
use overread_encoder::TokenStates;

const H: usize = 16;

/// Numbers that look random and are the same everywhere.
fn noise(seed: u64, n: usize, scale: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 2.0 * scale
        })
        .collect()
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn tensors(h: usize) -> Tensors {
    let p = PROJECTION;
    let shapes: &[(&str, &[usize])] = &[
        ("field.token.weight", &[3 * p, h]),
        ("field.token.bias", &[3 * p]),
        ("field.label.weight", &[3 * p, h]),
        ("field.label.bias", &[3 * p]),
        ("field.bias", &[3]),
        ("span.start.weight", &[p, h]),
        ("span.end.weight", &[p, h]),
        ("span.mean.weight", &[p, h]),
        ("span.width", &[BUCKETS, p]),
        ("span.bias", &[p]),
        ("span.out.weight", &[p, p]),
        ("span.out.bias", &[p]),
        ("span.label.weight", &[p, h]),
        ("span.label.bias", &[p]),
        ("span.mix", &[5]),
        ("assert.hidden.weight", &[p, 3 * h]),
        ("assert.hidden.bias", &[p]),
        ("assert.out.weight", &[ASSERTIONS, p]),
        ("assert.out.bias", &[ASSERTIONS]),
        ("phrase.weight", &[p, h]),
        ("link.head.weight", &[p, h]),
        ("link.tail.weight", &[p, h]),
        ("link.distance", &[BUCKETS, p]),
        ("link.bias", &[p]),
        ("link.out", &[p]),
    ];
    shapes
        .iter()
        .enumerate()
        .map(|(i, (name, shape))| {
            let n = shape.iter().product();
            ((*name).to_owned(), (shape.to_vec(), noise(i as u64 + 1, n, 0.4)))
        })
        .collect()
}

fn file(tensors: &Tensors, header: &str) -> Vec<u8> {
    let mut entries = serde_json::Map::new();
    entries.insert("__metadata__".into(), serde_json::json!({"overread": header}));
    let mut data: Vec<u8> = Vec::new();
    for (name, (shape, values)) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        entries.insert(
            name.clone(),
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}),
        );
    }
    let mut json = serde_json::to_vec(&entries).unwrap();
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut out = (json.len() as u64).to_le_bytes().to_vec();
    out.extend(json);
    out.extend(data);
    out
}

fn header(encoder: &str, hidden: usize) -> String {
    serde_json::json!({"format": 1, "encoder": encoder, "hidden": hidden, "projection": PROJECTION})
        .to_string()
}

fn heads() -> (Neural, Tensors) {
    let tensors = tensors(H);
    let heads = Neural::parse(file(&tensors, &header("e1", H)), "e1", H).unwrap();
    (heads, tensors)
}

/// `W x + b` the slow way.
fn affine(t: &Tensors, name: &str, x: &[f32]) -> Vec<f32> {
    let (shape, w) = &t[&format!("{name}.weight")];
    let bias = t.get(&format!("{name}.bias")).map_or_else(|| vec![0.0; shape[0]], |b| b.1.clone());
    let row = |i: usize| w[i * shape[1]..(i + 1) * shape[1]].iter().zip(x).map(|(a, b)| a * b).sum::<f32>();
    (0..shape[0]).map(|i| row(i) + bias[i]).collect()
}

fn states(n: usize) -> Vec<f32> {
    noise(77, n * H, 1.0)
}

#[test]
fn field_logits_are_products_of_projected_tokens_and_labels() {
    let (heads, t) = heads();
    let states = states(7);
    let means: Vec<Vec<f32>> = (0..3).map(|f| noise(90 + f, H, 1.0)).collect();
    let labels = heads.labels(&means);
    let logits = heads.field_logits(&states, &labels);
    assert_eq!(logits.tokens(), 7);
    for (token, state) in states.chunks_exact(H).enumerate() {
        let projected = affine(&t, "field.token", state);
        for (field, mean) in means.iter().enumerate() {
            let label = affine(&t, "field.label", mean);
            let found = [logits.start(token, field), logits.end(token, field), logits.inside(token, field)];
            for (k, found) in found.into_iter().enumerate() {
                let at = k * PROJECTION..(k + 1) * PROJECTION;
                let product: f32 = projected[at.clone()].iter().zip(&label[at]).map(|(a, b)| a * b).sum();
                let expected = product / (PROJECTION as f32).sqrt() + t["field.bias"].1[k];
                assert!((found - expected).abs() < 1e-3, "{found} {expected}");
            }
        }
    }
}

#[test]
fn span_logits_follow_the_contract() {
    let (heads, t) = heads();
    let states = states(9);
    let mean = noise(5, H, 1.0);
    let labels = heads.labels(std::slice::from_ref(&mean));
    let logits = heads.field_logits(&states, &labels);
    let spans = [2..3, 0..9, 4..6];
    let vectors = heads.span_vectors(&states, &spans);
    for (span, vector) in spans.iter().zip(vectors.chunks_exact(PROJECTION)) {
        let row = |i: usize| &states[i * H..(i + 1) * H];
        let mut middle = vec![0.0; H];
        for i in span.clone() {
            middle.iter_mut().zip(row(i)).for_each(|(m, x)| *m += x / span.len() as f32);
        }
        let mut u = affine(&t, "span.start", row(span.start));
        add(&mut u, &affine(&t, "span.end", row(span.end - 1)));
        add(&mut u, &affine(&t, "span.mean", &middle));
        add(&mut u, &t["span.bias"].1);
        let bucket = (span.len() - 1).min(15);
        add(&mut u, &t["span.width"].1[bucket * PROJECTION..][..PROJECTION]);
        gelu(&mut u);
        let v = affine(&t, "span.out", &u);
        let l = affine(&t, "span.label", &mean);
        let inside: Vec<f32> = span.clone().map(|i| logits.inside(i, 0)).collect();
        let numbers = [
            logits.start(span.start, 0),
            logits.end(span.end - 1, 0),
            inside.iter().sum::<f32>() / inside.len() as f32,
            inside.iter().copied().fold(f32::INFINITY, f32::min),
            1.0,
        ];
        let mixed: f32 = numbers.iter().zip(&t["span.mix"].1).map(|(a, b)| a * b).sum();
        let expected = dot(&v, &l) / (PROJECTION as f32).sqrt() + mixed;
        let found = heads.span_logit(vector, span, 0, &labels, &logits);
        assert!((found - expected).abs() < 1e-3, "{found} {expected}");
    }
}

#[test]
fn assertions_see_six_tokens_on_either_side_and_nothing_beyond_the_bounds() {
    let (heads, _) = heads();
    let mut states = states(20);
    let span = 9..11;
    let all = 0..20;
    let before = heads.assertion_logits(&states, std::slice::from_ref(&span), &all);
    let edges = heads.assertion_logits(&states, std::slice::from_ref(&span), &span);
    for x in &mut states[..3 * H] {
        *x += 1.0;
    }
    for x in &mut states[17 * H..] {
        *x -= 1.0;
    }
    assert_eq!(before, heads.assertion_logits(&states, std::slice::from_ref(&span), &all));
    states[3 * H] += 1.0;
    assert_ne!(before, heads.assertion_logits(&states, std::slice::from_ref(&span), &all));
    assert_eq!(edges, heads.assertion_logits(&states, std::slice::from_ref(&span), &span));
}

#[test]
fn phrases_have_length_one_and_links_know_their_side() {
    let (heads, _) = heads();
    let states = states(12);
    for vector in heads.phrases(&states, &[0..1, 3..12]) {
        assert!((dot(&vector, &vector) - 1.0).abs() < 1e-4);
    }
    assert_eq!(distance(&(3..5), &(5..6)), 0);
    assert_eq!(distance(&(3..5), &(8..9)), 3);
    assert_eq!(distance(&(8..9), &(3..5)), 11);
    assert_eq!(distance(&(90..91), &(3..5)), 15);
    let links = heads.link_logits(&states, &[(0..2, 4..5), (4..5, 0..2)]);
    assert!(links.iter().all(|l| l.is_finite()) && (links[0] - links[1]).abs() > 1e-4);
}

#[test]
fn refuses_what_does_not_belong_to_the_encoder() {
    let good = tensors(H);
    let reason = |bytes: Vec<u8>| match Neural::parse(bytes, "e1", H) {
        Err(LoadError::Neural { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason(file(&good, &header("e2", H))).contains("trained with encoder e2"));
    assert!(reason(file(&good, &header("e1", 8))).contains("8 hidden"));
    assert!(reason(file(&good, "{}")).contains("header"));
    assert!(reason(b"nothing".to_vec()).contains("heads.safetensors"));
    let mut short = good.clone();
    short.remove("link.out");
    assert!(reason(file(&short, &header("e1", H))).contains("link.out"));
    let mut odd = good.clone();
    odd.insert("span.mix".into(), (vec![4], vec![0.0; 4]));
    assert!(reason(file(&odd, &header("e1", H))).contains("span.mix"));
    let mut nan = good;
    nan.get_mut("span.bias").unwrap().1[3] = f32::NAN;
    assert!(reason(file(&nan, &header("e1", H))).contains("span.bias"));
}

#[test]
fn label_texts_leave_out_what_a_field_lacks() {
    let examples = ["35%".to_owned(), "40 percent".to_owned()];
    assert_eq!(
        label_text("Ejection fraction", "of the heart", &examples),
        "Ejection fraction: of the heart; e.g. 35%, 40 percent"
    );
    assert_eq!(label_text("Ward", "", &[]), "Ward");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn decoded_spans_are_whole_words_that_do_not_overlap(seed in 1u64..10_000, n in 1usize..60, edge in -4.0f32..1.0) {
        let (heads, _) = heads();
        // Words of one to three pieces of two bytes.
        let words: Vec<u32> = (0..n as u32).map(|i| i / (1 + (i % 3))).scan(0, |most, w| { *most = w.max(*most); Some(*most) }).collect();
        let tokens = Tokens { ids: vec![0; n], offsets: (0..n).map(|i| (i * 2, i * 2 + 2)).collect(), words: words.clone() };
        let states = TokenStates { tokens, states: noise(seed, n * H, 2.0), hidden: H };
        let labels = heads.labels(&[noise(seed + 1, H, 2.0), noise(seed + 2, H, 2.0)]);
        let logits = heads.field_logits(&states.states, &labels);
        let how = Decode { edge, ..Decode::default() };
        for hits in heads.decode(&states, &labels, &logits, &how) {
            for (i, hit) in hits.iter().enumerate() {
                let t = &hit.tokens;
                prop_assert!(t.start < t.end && t.len() <= how.width + 2);
                prop_assert!(t.start == 0 || words[t.start - 1] != words[t.start]);
                prop_assert!(t.end == n || words[t.end] != words[t.end - 1]);
                prop_assert_eq!(&hit.bytes, &(t.start * 2..t.end * 2));
                prop_assert!(hits[..i].iter().all(|o| o.logit >= hit.logit && (o.tokens.end <= t.start || t.end <= o.tokens.start)));
            }
        }
    }
}
