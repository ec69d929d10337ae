//! Tokens per second of the encoder, for comparison with `bench/onnx_peer.py` on the same machine.
//!
//! ```text
//! cargo run --release -p overread-encoder --example throughput -- models/overread-minilm [threads [32x256,32x128 [f32|bf16|int8|kernels]]]
//! ```
//!
//! `kernels` runs 8 x 256 on everything that the CPU has instead of what a precision would choose.
//! On Linux it also prints tokens per second of CPU time and thread, which a busy machine disturbs less.

use overread_encoder::{Encode, Encoder, Engine, Kernel, ModelFolder, Options, Precision};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "models/overread-minilm".into());
    let start = Instant::now();
    let threads = std::env::args().nth(2).map_or(Ok(0), |t| t.parse())?;
    if std::env::args().nth(4).as_deref() == Some("kernels") {
        return kernels(&folder, threads);
    }
    let precision = match std::env::args().nth(4).as_deref() {
        None | Some("auto") => Precision::Auto,
        Some("f32") => Precision::F32,
        Some("bf16") => Precision::Bf16,
        Some("int8") => Precision::Int8,
        Some(other) => return Err(format!("no precision {other}").into()),
    };
    let encoder = Encoder::load_with(&folder, Options { threads, precision, ..Options::default() })?;
    println!("loaded in {:.0} ms, runs in {:?}", start.elapsed().as_secs_f64() * 1e3, encoder.precision());

    let vocab = encoder.config().vocab_size as u32;
    let shapes = std::env::args().nth(3).unwrap_or_else(|| "32x256,32x128,8x512,4x256,1x256,1x16".into());
    for shape in shapes.split(',') {
        let (batch, length) = shape.split_once('x').ok_or("a shape is BATCHxLENGTH")?;
        let (batch, length): (u32, u32) = (batch.parse()?, length.parse()?);
        // Any ids cost the same; these spread over the table.
        let sequences: Vec<Vec<u32>> =
            (0..batch).map(|b| (0..length).map(|i| (b * 7919 + i * 104_729) % vocab).collect()).collect();
        let before = cpu_seconds();
        let mut seconds: Vec<f64> = (0..7)
            .map(|_| {
                let start = Instant::now();
                encoder.forward(&sequences).map(|_| start.elapsed().as_secs_f64())
            })
            .collect::<Result<_, _>>()?;
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        let cpu = cpu_seconds().zip(before).map_or(0.0, |(a, b)| a - b);
        println!(
            "{batch:>3} x {length:<4} {:>8.0} tokens/s  {:>8.2} ms (median of 7, best {:.0} tokens/s, {:.0} per CPU second)",
            f64::from(batch * length) / median,
            median * 1e3,
            f64::from(batch * length) / seconds[0],
            f64::from(7 * batch * length) / cpu,
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

/// 8 x 256 tokens on every kernel there is.
fn kernels(folder: &str, threads: usize) -> Result<(), Box<dyn std::error::Error>> {
    let folder = ModelFolder::open(folder)?;
    let sequences: Vec<Vec<u32>> = (0..8)
        .map(|b| (0..256).map(|i| (b * 7919 + i * 104_729) % folder.config.vocab_size as u32).collect())
        .collect();
    for kernel in Kernel::available() {
        let get = |name: &str, shape: &[usize]| folder.weights.get(name, shape);
        let engine = Engine::new(&folder.config, kernel, threads, get)?;
        let mut seconds = Vec::new();
        for _ in 0..5 {
            let start = Instant::now();
            engine.forward(&sequences, |_, _| ())?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        println!("{kernel:?}: {:.0} tokens/s (median of 5)", 2048.0 / seconds[2]);
    }
    Ok(())
}

/// CPU time of all threads so far.
fn cpu_seconds() -> Option<f64> {
    let mut nanoseconds = 0.0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let line = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += line.split_whitespace().next()?.parse::<f64>().ok()?;
    }
    Some(nanoseconds / 1e9)
}
