//! Measures what the project promises and puts it in one table. Run it on a quiet machine: figures of a busy one say
//! nothing.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::args::Args;
use crate::shell::{have, root, shell, step, target, write};
use crate::{eval, frontend};

pub mod api;
mod keyboard;
mod paint;
mod suggest;

const SECTIONS: [&str; 9] =
    ["encoder", "suggest", "codes", "lookup", "api", "memory", "wasm", "paint", "keyboard"];

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    section: &'static str,
    what: String,
    measured: String,
    wanted: &'static str,
}

impl Row {
    pub fn new(
        section: &'static str,
        what: impl Into<String>,
        measured: impl Into<String>,
        wanted: &'static str,
    ) -> Self {
        Self { section, what: what.into(), measured: measured.into(), wanted }
    }
}

pub fn run(mut args: Args) -> Result<()> {
    let only: Option<String> = args.value("--only")?;
    let entries: usize = args.value("--entries")?.unwrap_or(100_000);
    args.done()?;
    let only: Vec<String> = only.iter().flat_map(|names| names.split(',')).map(str::to_owned).collect();
    if let Some(unknown) = only.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
        bail!("no part \"{unknown}\"; there are {}", SECTIONS.join(", "));
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|other| other == name);
    let sh = shell()?;
    frontend::build(false)?;
    let program = eval::release(&sh)?;
    eval::vectors(&sh, &program)?;
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for section in SECTIONS.into_iter().filter(|section| wanted(section)) {
        let measured = step(section, || match section {
            "encoder" => encoder(&sh),
            "suggest" => suggest::measure(&sh, &program),
            "codes" => codes(&sh, &program),
            "lookup" => lookup(&sh, &program),
            "api" => api::measure(&program, entries),
            "memory" => suggest::memory(&program),
            "wasm" => wasm(),
            "keyboard" => keyboard::measure(&program),
            _ => paint::measure(&program),
        });
        match measured {
            Ok(more) => rows.extend(more),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    let table = table(&sh, &rows, &failed)?;
    print!("{table}");
    write(&target().join("bench.md"), &table)?;
    if failed.is_empty() { Ok(()) } else { bail!("not measured: {}", failed.join("; ")) }
}

fn table(sh: &Shell, rows: &[Row], failed: &[String]) -> Result<String> {
    let commit = cmd!(sh, "git rev-parse --short HEAD").quiet().ignore_stderr().read().unwrap_or_default();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches(['\t', ':', ' ']);
    let cores = std::thread::available_parallelism()?;
    let mut out = format!(
        "Commit {commit}, {cores} cores, {cpu}\n\n| part | what | measured | wanted |\n|---|---|---|---|\n"
    );
    for row in rows {
        writeln!(out, "| {} | {} | {} | {} |", row.section, row.what, row.measured, row.wanted)?;
    }
    for failure in failed {
        writeln!(out, "\nNot measured: {failure}")?;
    }
    Ok(out)
}

/// Tokens a second, and ONNX Runtime's and PyTorch's on the same weights where they are installed.
fn encoder(sh: &Shell) -> Result<Vec<Row>> {
    let model = "models/overread-minilm";
    let own =
        cmd!(sh, "cargo run --locked --release --quiet -p overread-encoder --example throughput -- {model}")
            .read()?;
    let mut rows: Vec<Row> = own
        .lines()
        .filter_map(|line| line.split_once(" tokens/s").map(|(left, _)| left))
        .filter_map(|left| left.trim().rsplit_once(' '))
        .map(|(shape, speed)| {
            Row::new("encoder", format!("own, {}", squeeze(shape)), format!("{speed} tokens/s"), "")
        })
        .collect();
    if rows.is_empty() {
        bail!("the encoder's example printed no speed:\n{own}");
    }
    let peer = root().join("crates/encoder/bench/onnx_peer.py");
    if !have("python3")
        || cmd!(sh, "python3 -c 'import onnxruntime, torch, transformers'")
            .quiet()
            .ignore_stderr()
            .run()
            .is_err()
    {
        rows.push(Row::new(
            "encoder",
            "ONNX Runtime, PyTorch",
            "not measured: pip install torch transformers onnx onnxruntime safetensors",
            "own 1.2 times ONNX float32",
        ));
        return Ok(rows);
    }
    let theirs = cmd!(sh, "python3 {peer} {model}").ignore_stderr().read()?;
    rows.extend(theirs.lines().filter_map(|line| line.split_once(" tokens/s")).filter_map(|(left, _)| {
        let (what, speed) = left.trim().rsplit_once(' ')?;
        Some(Row::new("encoder", squeeze(what), format!("{speed} tokens/s"), ""))
    }));
    Ok(rows)
}

/// Look-up by words on one core, as a library and over HTTP.
fn codes(sh: &Shell, program: &std::path::Path) -> Result<Vec<Row>> {
    let release = "data/icd-10-cm/2026-04.ovr";
    let out = cmd!(
        sh,
        "cargo run --locked --release --quiet -p overread-codes --example search_bench -- {release}"
    )
    .read()?;
    let mut rows: Vec<Row> = out
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(what, figures)| {
            let wanted = if what == "load" { "under 300 ms" } else { "1,000/s; p99 10 ms" };
            Row::new("codes", what, figures, wanted)
        })
        .collect();
    rows.extend(api::code_search(program)?);
    Ok(rows)
}

/// Look-up beside `SQLite` FTS5 and tantivy, with the official files of the folder of corpora.
fn lookup(sh: &Shell, program: &std::path::Path) -> Result<Vec<Row>> {
    let data = root().join("../shared/data");
    if !data.join("icd10cm.tar.gz").is_file() {
        eprintln!("    left out: the official files are not in {}", data.display());
        return Ok(Vec::new());
    }
    let folder = target().join("lookup-data");
    sh.create_dir(&folder)?;
    for name in ["icd10cm", "icd10pcs_2025", "hcpcs_2019"] {
        let archive = data.join(format!("{name}.tar.gz"));
        cmd!(sh, "tar xzf {archive} -C {folder}").run()?;
    }
    let cm = folder.join("icd10cm");
    let index = cm.join("2025_wbdill/ICD10CM/output/ICD10CM_2025_Index.csv");
    // The index's own lines as a system of their own, so that as many terms are searched as in a full installation.
    let lines = folder.join("index-lines.csv");
    let mut text = String::from("code,title\n");
    for (nth, line) in sh.read_file(&index)?.lines().skip(1).enumerate() {
        let words = line.replace(['"', ','], " ");
        let _ = writeln!(text, "L{nth},\"{words}\"");
    }
    sh.write_file(&lines, text)?;
    let kept = folder.join("kept");
    let tables = folder.join("icd10pcs_2025/data/icd10pcs_tables_2025.xml");
    let hcpcs = folder.join("hcpcs_2019/data-raw/2019-Alpha-Numeric-HCPCS-File.zip");
    cmd!(sh, "{program} --data-dir {kept} codes import {tables}").quiet().ignore_stdout().run()?;
    cmd!(sh, "{program} --data-dir {kept} codes import {hcpcs} --effective 2019-01-01")
        .quiet()
        .ignore_stdout()
        .run()?;
    cmd!(sh, "{program} --data-dir {kept} codes import {lines} --system index-lines --effective 2025-10-01")
        .quiet()
        .ignore_stdout()
        .run()?;
    let target = target().join("lookup");
    cmd!(
        sh,
        "cargo build --locked --release --quiet --manifest-path bench/lookup/Cargo.toml --target-dir {target}"
    )
    .run()?;
    let bench = target.join("release/overread-bench-lookup");
    let (tabular, list) = (cm.join("icd10c-tabular-April-1-2026.xml"), cm.join("code-list-April-2026.txt"));
    let more: Vec<PathBuf> = sh.read_dir(kept.join("codes"))?;
    let measure = || -> Result<String> {
        let more = &more;
        Ok(cmd!(sh, "{bench} data/icd-10-cm/2026-04.ovr {tabular} {list} {index} {more...}").read()?)
    };
    let out = measure()?;
    eprintln!("{out}");
    let busy = while_suggesting(program, measure)?;
    eprintln!("While suggestions are computed:\n{busy}");
    let rows = out.lines().filter_map(|line| {
        let engine =
            ["overread", "FTS5", "tantivy"].into_iter().find(|name| line.contains(&format!(" {name} ")))?;
        let (what, figures) = line.split_once(engine)?;
        let figures = squeeze(figures);
        Some(Row::new(
            "lookup",
            format!("{}, {engine}: MRR, hit@1, @5, @10, p50 ms, p99 ms", what.trim()),
            figures,
            "",
        ))
    });
    let speed = |out: &str, when: &str| -> Vec<Row> {
        out.lines()
            .filter(|line| {
                line.contains(" terms of ") && line.contains("loaded") || line.contains("keystrokes")
            })
            .filter_map(|line| {
                let (what, figures) = line.split_once(": ")?;
                let what = format!("{what}{when}");
                Some(Row::new("lookup", what, figures, "under 500 ms, 120 MB; p99 10 ms"))
            })
            .collect()
    };
    Ok(rows.chain(speed(&out, "")).chain(speed(&busy, ", while suggestions are computed")).collect())
}

/// Runs something while another process suggests for the sample notes, over and over.
fn while_suggesting<T>(program: &std::path::Path, run: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let suggesting = scope.spawn(|| -> Result<usize> {
            let mut rounds = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let status = std::process::Command::new(program)
                    .args(["suggest", "--input", "samples/notes.jsonl", "--output"])
                    .arg(target().join("lookup-suggested.jsonl"))
                    .current_dir(root())
                    .stdout(std::process::Stdio::null())
                    .stderr(std::process::Stdio::null())
                    .status()?;
                anyhow::ensure!(status.success(), "suggesting failed beside the look-up");
                rounds += 1;
            }
            Ok(rounds)
        });
        let out = run();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        let rounds = suggesting.join().map_err(|_| anyhow::anyhow!("suggesting panicked"))??;
        anyhow::ensure!(rounds > 0, "nothing was suggested beside the look-up");
        out
    })
}

fn wasm() -> Result<Vec<Row>> {
    Ok(frontend::sizes()?
        .into_iter()
        .map(|size| {
            let name = PathBuf::from(&size.name);
            let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let figures = format!("{} kB, brotli {} kB", size.raw / 1000, size.brotli / 1000);
            Row::new("wasm", name, figures, "")
        })
        .collect())
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Times of one kind of request.
#[derive(Debug, Default)]
pub struct Times {
    all: Vec<Duration>,
}

impl Times {
    pub fn measure<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let result = work()?;
        self.all.push(started.elapsed());
        Ok(result)
    }

    pub fn add(&mut self, time: Duration) {
        self.all.push(time);
    }

    /// The time that this share of all stayed under.
    fn at(&self, share: f64) -> Duration {
        let mut sorted = self.all.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }

    pub fn say(&self) -> String {
        let ms = |share| format!("{:.1}", self.at(share).as_secs_f64() * 1e3);
        format!("p50 {} ms, p95 {} ms, p99 {} ms (n {})", ms(0.5), ms(0.95), ms(0.99), self.all.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut times = Times::default();
        for ms in (1..=101).rev() {
            times.add(Duration::from_millis(ms));
        }
        assert_eq!(times.at(0.5), Duration::from_millis(51));
        assert_eq!(times.at(0.95), Duration::from_millis(96));
        assert_eq!(times.at(1.0), Duration::from_millis(101));
        assert_eq!(Times::default().at(0.5), Duration::ZERO);
    }
}
