//! Fuzz targets, with coverage instrumentation that needs no nightly toolchain.

use anyhow::{Result, bail};
use xshell::cmd;

use crate::args::Args;
use crate::shell::{root, shell, target};

const TARGETS: [&str; 6] = ["notes", "code_import", "code_files", "note_references", "edits", "suggest"];

/// What `cargo fuzz` passes, but for the sanitizer.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1";

pub fn run(mut args: Args) -> Result<()> {
    let only: Option<String> = args.value("--only")?;
    let seconds: u32 = args.value("--seconds")?.unwrap_or(60);
    args.done()?;
    let wanted: Vec<&str> =
        TARGETS.into_iter().filter(|name| only.as_deref().is_none_or(|o| o == *name)).collect();
    if wanted.is_empty() {
        bail!("no target of that name; there are {}", TARGETS.join(", "));
    }
    let sh = shell()?;
    let folder = target().join("fuzz");
    let features: &[&str] = if wanted.contains(&"suggest") { &["--features", "model"] } else { &[] };
    for name in wanted {
        let corpus = folder.join("corpus").join(name);
        sh.create_dir(&corpus)?;
        // A program is no build script: the flags must not reach those.
        cmd!(
            sh,
            "cargo build --release --manifest-path fuzz/Cargo.toml --target x86_64-unknown-linux-gnu
                --target-dir {folder} --bin {name} {features...}"
        )
        .env("RUSTFLAGS", FLAGS)
        .run()?;
        let program = folder.join("x86_64-unknown-linux-gnu/release").join(name);
        let (time, found) =
            (format!("-max_total_time={seconds}"), format!("-artifact_prefix={}/", folder.display()));
        // Written by hand, one of each form: what a file is, its content says.
        let seeds = root().join("fuzz/seeds").join(name);
        let seeds: &[std::path::PathBuf] = if seeds.is_dir() { &[seeds] } else { &[] };
        cmd!(
            sh,
            "{program} {corpus} {seeds...} {time} {found} -rss_limit_mb=4096 -max_len=20000 -print_final_stats=1"
        )
        .run()?;
    }
    Ok(())
}
