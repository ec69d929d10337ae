//! Builds, tests, demo, bench and eval. `cargo xtask` alone lists the commands.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::args::Args;

mod args;
mod bench;
mod conform;
mod demo;
mod deny;
mod eval;
mod frontend;
mod fuzz;
mod setup;
mod shell;
mod soak;
mod suite;
mod tidy;
mod train;

const USAGE: &str = "\
cargo xtask COMMAND

  demo      build all, fill a database with sample notes and suggestions, serve it
              --port N (8080)  --no-serve  --fresh (start from an empty database)
  test      everything, from nothing: installs what is missing, builds, runs every test
              --no-browser  --no-install
  frontend  build the page into frontend/dist
              --dev (fast build, large file)  --force
  tidy      import rules, licences, banned and unused dependencies, file sizes, leftovers
  bench     measure; one table on stdout and in target/bench.md
              --only NAME[,NAME] (encoder suggest codes lookup api memory wasm paint)
  eval      suggest and score the reference notes
              --model DIR
  train     make the shipped model anew from base weights and corpora (hours); goes on where it was broken off
              --base DIR  --data DIR (../shared/data)  --output DIR (target/train)
  soak      faults under load, and what was lost: kill -9, slow disk, database gone, clock, damaged files, many people,
            two servers and three workers killed at random, memory of an hour (about an hour and a half in all)
              --only NAME[,NAME] (kills slow outage clock damage crowd servers memory)
              --kills N (50)  --decisions N (10000)  --servers-minutes N (10)  --memory-minutes N (60)  --people N (200)
  conform   every route against openapi.json by schemathesis, as each role and as nobody
              --examples N (25)  --seed N
  fuzz      feed the readers of bytes from outside, coverage-guided, without a nightly toolchain
              --only NAME (notes code_import code_files note_references edits suggest)  --seconds N (60)
  setup     only install what test and demo need
";

fn main() -> ExitCode {
    match forget_cargo().and_then(|()| run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Starts this program anew without what `cargo run` told it of itself: ring asks for the names of these variables when it is
/// built, and is compiled anew, with all that stands on it, whenever they differ from those of the build before.
fn forget_cargo() -> Result<()> {
    if env::var_os("CARGO_PKG_NAME").is_none() {
        return Ok(());
    }
    let mut again = Command::new(env::current_exe()?);
    again.args(env::args_os().skip(1));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            again.env_remove(&name);
        }
    }
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut again).into());
    #[cfg(not(unix))]
    std::process::exit(again.status()?.code().unwrap_or(1));
}

fn run() -> Result<()> {
    let mut args = Args::from_env();
    let Some(command) = args.command() else {
        print!("{USAGE}");
        return Ok(());
    };
    match command.as_str() {
        "demo" => demo::run(args),
        "test" => suite::run(args),
        "frontend" => frontend::run(args),
        "tidy" => tidy::run(args),
        "bench" => bench::run(args),
        "eval" => eval::run(args),
        "train" => train::run(args),
        "soak" => soak::run(args),
        "conform" => conform::run(args),
        "fuzz" => fuzz::run(args),
        "setup" => setup::run(args),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => bail!("no command \"{other}\"\n\n{USAGE}"),
    }
}
