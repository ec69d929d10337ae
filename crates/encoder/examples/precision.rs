//! How near token states of other precisions come to f32, and what they cost on one note and on short terms.
//!
//! ```text
//! cargo run --release -p overread-encoder --example precision -- models/overread-minilm TEXT_FILE...
//! ```
//!
//! Each file is read as text and cut into windows of 256.

use overread_encoder::{Encode, Encoder, Options, Precision};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: precision MODEL_FOLDER TEXT_FILE...")?;
    let texts = args.map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let load = |precision| Encoder::load_with(&folder, Options { precision, ..Options::default() });
    let exact = load(Precision::F32)?;
    let expected = texts.iter().map(|text| exact.token_states(text)).collect::<Result<Vec<_>, _>>()?;
    println!("auto is {:?}", load(Precision::Auto)?.precision());
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let encoder = load(precision)?;
        let (mut sum, mut worst, mut count) = (0.0f64, 1.0f32, 0u32);
        for (text, expected) in texts.iter().zip(&expected) {
            let found = encoder.token_states(text)?;
            for (a, b) in found.states.chunks(found.hidden).zip(expected.states.chunks(found.hidden)) {
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
                let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
                sum += f64::from(cosine);
                worst = worst.min(cosine);
                count += 1;
            }
        }
        println!(
            "{precision:?}: {count} states, cosine with f32 {:.6} on average, {worst:.6} at worst",
            sum / f64::from(count)
        );

        let vocab = encoder.config().vocab_size as u32;
        let ids =
            |n: u32, seed: u32| (0..n).map(|i| (seed * 7919 + i * 104_729) % vocab).collect::<Vec<u32>>();
        let note: Vec<Vec<u32>> =
            [245, 245, 245, 245].iter().zip(0..).map(|(n, seed)| ids(*n, seed)).collect();
        let terms: Vec<Vec<u32>> = (0..256).map(|seed| ids(10, seed)).collect();
        for (name, sequences) in [("note of 980 pieces", &note), ("256 terms of 8 pieces", &terms)] {
            let mut times = Vec::new();
            for _ in 0..15 {
                let start = Instant::now();
                encoder.forward(sequences)?;
                times.push(start.elapsed());
            }
            times.sort_unstable();
            println!("{precision:?}: {name}: median {:.2?}, best {:.2?}", times[times.len() / 2], times[0]);
        }
    }
    Ok(())
}
