//! The page: `overread-frontend` for wasm32, wasm-bindgen, wasm-opt, file names that carry their content's hash.
//!
//! `frontend/index.html` and everything in `frontend/static` go into `frontend/dist`. The compiled page is known to them
//! as `overread.js` and `overread_bg.wasm`; every such name in quotes is replaced by its hashed one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use wasm_bindgen_cli_support::Bindgen;
use xshell::{Shell, cmd};

use crate::args::Args;
use crate::setup;
use crate::shell::{files_below, read, root, shell, step, target, write};

mod assets;

pub const DIST: &str = "frontend/dist";
/// What the page is made of; anything else may change without a new build.
const INPUTS: [&str; 6] =
    ["frontend/src", "frontend/static", "crates/api", "crates/domain", "xtask/src/frontend", ".cargo"];
const INPUT_FILES: [&str; 5] =
    ["frontend/Cargo.toml", "frontend/index.html", "Cargo.toml", "Cargo.lock", "xtask/src/frontend.rs"];

pub fn run(mut args: Args) -> Result<()> {
    let dev = args.flag("--dev");
    let force = args.flag("--force");
    args.done()?;
    if force && stamp().is_file() {
        std::fs::remove_file(stamp())?;
    }
    build(dev)
}

/// What the built page was made of.
fn stamp() -> PathBuf {
    target().join("page.inputs")
}

/// Builds what is not built yet.
pub fn build(dev: bool) -> Result<()> {
    let sh = shell()?;
    let inputs = fingerprint(dev)?;
    let built = root().join(DIST).join("index.html").is_file();
    if built && std::fs::read_to_string(stamp()).is_ok_and(|stamp| stamp == inputs) {
        eprintln!("==> page: unchanged");
        return Ok(());
    }
    setup::wasm_target(&sh)?;
    let wasm = step("page: compile", || compile(&sh, dev))?;
    let (js, wasm) = step("page: bind and optimise", || bind(&sh, &wasm, dev))?;
    let mut files = BTreeMap::from([
        (assets::JS.to_owned(), js),
        (assets::WASM.to_owned(), wasm),
        ("index.html".to_owned(), index(&read(&root().join("frontend/index.html"))?).into_bytes()),
    ]);
    let folder = root().join("frontend/static");
    for path in files_below(&folder)? {
        let name = path.strip_prefix(&folder)?.to_string_lossy().replace('\\', "/");
        let content = std::fs::read(&path).with_context(|| path.display().to_string())?;
        if files.insert(name.clone(), content).is_some() {
            bail!("frontend/static/{name} has the name of a file that the build makes");
        }
    }
    let files = assets::hashed(files)?;
    let dist = root().join(DIST);
    sh.remove_path(&dist)?;
    for (name, content) in &files {
        write(&dist.join(name), content)?;
        // The server sends these to who accepts them, so that nothing is compressed while somebody waits.
        if name.starts_with("assets/") && is_code(Path::new(name)) {
            write(&dist.join(format!("{name}.br")), compressed(content, if dev { 4 } else { 11 })?)?;
        }
    }
    write(&stamp(), &inputs)?;
    for size in sizes()? {
        eprintln!("    {}: {} kB, brotli {} kB", size.name, size.raw / 1000, size.brotli / 1000);
    }
    Ok(())
}

/// The page without its hints for trunk, which serves it while it is worked on.
fn index(html: &str) -> String {
    html.lines()
        .filter(|line| !line.contains("data-trunk"))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Raw and compressed length of one file of the page, in bytes.
#[derive(Debug)]
pub struct Size {
    pub name: String,
    pub raw: u64,
    pub brotli: u64,
}

/// The sizes of the built page's code and styles.
pub fn sizes() -> Result<Vec<Size>> {
    let dist = root().join(DIST);
    let mut sizes = Vec::new();
    for path in files_below(&dist)? {
        let name = path.strip_prefix(&dist)?.display().to_string();
        let Ok(packed) = std::fs::metadata(dist.join(format!("{name}.br"))) else { continue };
        sizes.push(Size { name, raw: std::fs::metadata(&path)?.len(), brotli: packed.len() });
    }
    Ok(sizes)
}

fn is_code(path: &Path) -> bool {
    path.extension().is_some_and(|kind| ["wasm", "js", "css", "svg"].iter().any(|known| kind == *known))
}

fn compressed(mut content: &[u8], quality: i32) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality, ..Default::default() };
    brotli::BrotliCompress(&mut content, &mut packed, &params)?;
    Ok(packed)
}

fn fingerprint(dev: bool) -> Result<String> {
    let mut hash = Sha256::new();
    let mut files: Vec<PathBuf> = INPUT_FILES.iter().map(|file| root().join(file)).collect();
    for folder in INPUTS {
        files.extend(files_below(&root().join(folder))?);
    }
    for file in files {
        let content = std::fs::read(&file).unwrap_or_default();
        let name = file.strip_prefix(root())?.to_string_lossy().into_owned();
        hash.update(format!("{name} {}\n", content.len()));
        hash.update(&content);
    }
    Ok(format!("{} {}", if dev { "dev" } else { "wasm" }, assets::hex(&hash.finalize())))
}

/// Compiles and finds out from cargo where the module lies.
fn compile(sh: &Shell, dev: bool) -> Result<PathBuf> {
    let profile = if dev { "dev" } else { "wasm" };
    let messages = cmd!(
        sh,
        "cargo build --locked --package overread-frontend --target wasm32-unknown-unknown --profile {profile}
            --message-format json-render-diagnostics"
    )
    .read()?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["target"]["name"].as_str().is_some_and(|name| name.contains("frontend")))
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.extension().is_some_and(|kind| kind == "wasm"))
        .context("overread-frontend made no wasm file; it needs a binary or `crate-type = [\"cdylib\"]`")
}

/// The module's glue and the module itself, small.
fn bind(sh: &Shell, module: &Path, dev: bool) -> Result<(Vec<u8>, Vec<u8>)> {
    let folder = target().join("page");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .out_name("overread")
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(!dev)
        .remove_producers_section(true)
        .generate(&folder)?;
    if folder.join("snippets").is_dir() {
        bail!("a dependency brings JavaScript of its own (snippets), which the page does not ship");
    }
    let js = std::fs::read(folder.join(assets::JS))?;
    let file = folder.join(assets::WASM);
    if !dev && let Some(tool) = setup::wasm_opt(sh) {
        let small = folder.join("small.wasm");
        // What rustc's wasm32 target may emit; `-all` would allow what browsers of 2024 lack.
        let features = [
            "--enable-bulk-memory",
            "--enable-bulk-memory-opt",
            "--enable-multivalue",
            "--enable-mutable-globals",
            "--enable-nontrapping-float-to-int",
            "--enable-reference-types",
            "--enable-sign-ext",
            "--enable-call-indirect-overlong",
        ];
        // A script of node without the executable bit.
        let optimised = cmd!(sh, "node {tool} -Oz {features...} {file} -o {small}").run();
        match optimised {
            Ok(()) => return Ok((js, std::fs::read(small)?)),
            Err(error) => eprintln!("    wasm-opt is skipped: {error}"),
        }
    }
    Ok((js, std::fs::read(file)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_for_trunk_do_not_ship() {
        assert_eq!(index("<a>\n<link data-trunk rel=\"rust\" />\n<b>"), "<a>\n<b>\n");
    }
}
