//! Everything that must hold, from nothing: installs, builds and runs every test.

use std::time::Instant;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::args::Args;
use crate::shell::{have, shell, target};
use crate::{eval, frontend, setup};

/// Steps with their verdict; a failed one does not hide what the later ones say.
struct Report {
    lines: Vec<(String, bool, f32)>,
}

impl Report {
    fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        eprintln!("==> {name}");
        let started = Instant::now();
        let result = work();
        if let Err(error) = &result {
            eprintln!("    {name}: {error:#}");
        }
        self.lines.push((name.to_owned(), result.is_ok(), started.elapsed().as_secs_f32()));
        result.is_ok()
    }

    fn close(self) -> Result<()> {
        println!("\n{:<52} {:>8}", "step", "seconds");
        for (name, fine, seconds) in &self.lines {
            println!("{name:<52} {seconds:>8.1}  {}", if *fine { "passed" } else { "FAILED" });
        }
        let failed = self.lines.iter().filter(|(_, fine, _)| !fine).count();
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.lines.len());
        }
        Ok(())
    }
}

pub fn run(mut args: Args) -> Result<()> {
    let browser = !args.flag("--no-browser");
    let install = !args.flag("--no-install");
    args.done()?;
    let sh = shell()?;
    let mut report = Report { lines: Vec::new() };
    if install && !report.step("install what is missing", || installs(&sh, browser)) {
        return report.close();
    }
    let page = report.step("build the page", || frontend::build(false));
    // Binaries and tests in one call: apart, cargo would pick other features for what they share and compile it twice.
    let built = report.step("build binaries and tests", || {
        Ok(cmd!(sh, "cargo build --locked --workspace --bins --tests").run()?)
    });
    let program = target().join("debug/overread");
    if built && browser {
        report.step("vectors of codes", || eval::vectors(&sh, &program));
    }
    if page && built {
        report.step("tests", || tests(&sh, browser));
        report.step("documentation tests", || {
            Ok(cmd!(sh, "cargo test --locked --workspace --doc --quiet").run()?)
        });
    }
    report.step("domain, api and codes for the browser", || {
        Ok(cmd!(
            sh,
            "cargo check --locked --quiet --target wasm32-unknown-unknown
                -p overread-domain -p overread-api -p overread-codes"
        )
        .run()?)
    });
    report.close()
}

fn installs(sh: &Shell, browser: bool) -> Result<()> {
    setup::wasm_target(sh)?;
    setup::postgres(sh)?;
    if browser {
        setup::browser(sh)?;
        setup::axe(sh)?;
        setup::provider(sh)?;
    }
    Ok(())
}

fn tests(sh: &Shell, browser: bool) -> Result<()> {
    // Without a browser everything else still runs.
    let without: &[&str] = if browser { &[] } else { &["--exclude", "overread-e2e"] };
    if have("cargo-nextest") {
        cmd!(sh, "cargo nextest run --locked --workspace --no-fail-fast {without...}").run()?;
    } else {
        cmd!(sh, "cargo test --locked --workspace --lib --bins --tests --no-fail-fast {without...}").run()?;
    }
    Ok(())
}
