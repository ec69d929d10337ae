//! Tokens per second of the encoder, for comparison with `bench/onnx_peer.py` on the same machine.
//!
//! ```text
//! cargo run --release -p overread-encoder --example throughput -- models/minilm-base
//! ```

use overread_encoder::{Encode, Encoder};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "models/minilm-base".into());
    let start = Instant::now();
    let encoder = Encoder::load(&folder)?;
    println!("loaded in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);

    let vocab = encoder.config().vocab_size as u32;
    for (batch, length) in [(32, 256), (32, 128), (8, 512), (4, 256), (1, 256), (1, 16)] {
        // Any ids cost the same; these spread over the table.
        let sequences: Vec<Vec<u32>> = (0..batch)
            .map(|b| (0..length).map(|i| ((b * 7919 + i * 104_729) as u32) % vocab).collect())
            .collect();
        let mut seconds: Vec<f64> = (0..7)
            .map(|_| {
                let start = Instant::now();
                encoder.forward(&sequences).map(|_| start.elapsed().as_secs_f64())
            })
            .collect::<Result<_, _>>()?;
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        println!(
            "{batch:>3} x {length:<4} {:>8.0} tokens/s  {:>8.2} ms (median of 7, best {:.0} tokens/s)",
            (batch * length) as f64 / median,
            median * 1e3,
            (batch * length) as f64 / seconds[0],
        );
    }

    let text = "The quick brown fox jumps over the lazy dog near the old mill. ".repeat(70);
    let start = Instant::now();
    let tokens = encoder.tokenizer().encode(&text)?;
    println!("tokenize {} pieces: {:.2} ms", tokens.len(), start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let states = encoder.token_states(&text)?;
    println!("states of {} pieces: {:.2} ms", states.tokens.len(), start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
