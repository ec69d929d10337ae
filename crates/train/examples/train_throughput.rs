//! Training speed: forward, backward and `AdamW` on a model folder, beside `bench/torch_train_peer.py`.
//!
//! ```text
//! cargo run --release -p overread-train --example train_throughput -- models/overread-minilm \
//!     [16x128,8x256] [all,nowords,last2] [f32,bf16] [--peer PYTHON]
//! ```
//!
//! Each figure is the median of some steps after two to warm up; each case runs in a process of its own, so that
//! the peak of memory is its own. With `--peer` the same cases run in PyTorch, in turn with ours, so that a busy
//! machine disturbs both alike.

use overread_encoder::{HalfIsa, ModelFolder, TrainableBert};
use overread_train::optim::{AdamW, Group};
use std::error::Error;
use std::process::Command;
use std::time::Instant;

const WARM: usize = 2;
const STEPS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|a| a == "--case") {
        return case(&args[1], &args[2], &args[3], &args[4]);
    }
    let mut peer = None;
    if let Some(at) = args.iter().position(|a| a == "--peer") {
        peer = Some(args.get(at + 1).ok_or("--peer needs a Python that has torch")?.clone());
        args.drain(at..at + 2);
    }
    let get = |at: usize, default: &str| args.get(at).cloned().unwrap_or_else(|| default.to_owned());
    let (folder, shapes) = (get(0, "models/overread-minilm"), get(1, "16x128,8x256"));
    let (trained, precisions) = (get(2, "all,nowords,last2"), get(3, "f32"));
    for shape in shapes.split(',') {
        for trained in trained.split(',') {
            for precision in precisions.split(',') {
                let me = std::env::current_exe()?;
                run(Command::new(me).args(["--case", &folder, shape, trained, precision]))?;
            }
            if let Some(python) = &peer {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../encoder/bench/torch_train_peer.py");
                run(Command::new(python).args([script, &folder, shape, trained]))?;
            }
        }
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    if command.status()?.success() { Ok(()) } else { Err("a case failed".into()) }
}

fn case(folder: &str, shape: &str, trained: &str, precision: &str) -> Result<(), Box<dyn Error>> {
    let (batch, length) = shape.split_once('x').ok_or("a shape is BATCHxLENGTH")?;
    let (batch, length): (u32, u32) = (batch.parse()?, length.parse()?);
    let folder = ModelFolder::open(folder)?;
    let layers = folder.config.num_hidden_layers;
    let select = |name: &str| match trained {
        "nowords" => !name.starts_with("embeddings.word_embeddings"),
        "last2" => (layers - 2..layers).any(|layer| name.starts_with(&format!("encoder.layer.{layer}."))),
        _ => true,
    };
    let bert = TrainableBert::load(&folder.config, &folder.weights, select)?;
    let bert = match precision {
        "f32" => bert,
        "bf16" => bert.with_half(Some(HalfIsa::best())),
        other => return Err(format!("precision {other} is not known").into()),
    };
    let vars = bert.vars().iter().map(|(name, var)| (name.clone(), var.clone()));
    let mut optimizer = AdamW::new(vars, vec![Group::new("", 1e-5, 0.01)], 1.0)?;
    let vocab = folder.config.vocab_size as u32;
    // Any ids cost the same; these spread over the table.
    let sequences: Vec<Vec<u32>> =
        (0..batch).map(|b| (0..length).map(|i| (b * 7919 + i * 104_729) % vocab).collect()).collect();
    let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();

    let mut parts = Vec::new();
    let cpu = cpu_seconds();
    for _ in 0..WARM + STEPS {
        let start = Instant::now();
        let states = bert.forward_packed(&sequences, None)?;
        let loss = states.sqr()?.mean_all()?;
        let forward = start.elapsed().as_secs_f64();
        let gradients = loss.backward()?;
        let backward = start.elapsed().as_secs_f64();
        optimizer.step(&gradients, 1.0)?;
        parts.push([start.elapsed().as_secs_f64(), forward, backward - forward]);
    }
    let cpu = cpu_seconds().zip(cpu).map_or(0.0, |(a, b)| a - b) / (WARM + STEPS) as f64;
    let median = |which: usize| {
        let mut values: Vec<f64> = parts[WARM..].iter().map(|p| p[which]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (all, tokens) = (median(0), f64::from(batch * length));
    println!(
        "{shape:<8} {trained:<8} own {precision:<5} {:>7.0} tokens/s {:>7.2} examples/s, {:>7.0} tokens per CPU second \
         (step {:.0} ms: forward {:.0}, backward {:.0}, AdamW {:.0}), peak {:.0} MB",
        tokens / all,
        f64::from(batch) / all,
        tokens / cpu,
        all * 1e3,
        median(1) * 1e3,
        median(2) * 1e3,
        (all - median(1) - median(2)) * 1e3,
        peak().unwrap_or(0.0),
    );
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

/// Most memory that was resident at once, in MB.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}
