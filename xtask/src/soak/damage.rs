//! A database file and a model with bytes that nobody wrote: noticed, named, brought back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use overread_api::path;
use overread_api::system::{ModelView, SystemView};
use overread_e2e::product::free_port;
use overread_e2e::{Product, Settings};

use super::office::{Office, Random, hire, settings};
use super::{AT_ONCE, Folder, Plan};
use crate::shell::root;

const REVIEWERS: usize = 2;
const FLIPS: usize = 200;

pub fn run(plan: &Plan) -> Result<()> {
    database(plan, true)?;
    database(plan, false)?;
    model(plan)
}

fn database(plan: &Plan, sealed: bool) -> Result<()> {
    let folder = Folder::new("damage")?;
    let mut settings = settings(&plan.program, folder.path(), None);
    settings.env.push(("OVERREAD_ENCRYPT_DATABASE".to_owned(), sealed.to_string()));
    hire(&settings, REVIEWERS)?;
    let product = Product::serve(settings.clone(), free_port()?)?;
    let office = Office::open(&[&product], REVIEWERS, 20)?;
    office.work(AT_ONCE, || {
        std::thread::sleep(Duration::from_secs(3));
        Ok(())
    })?;
    let tally = office.count()?;
    // The export that counted is in the trail, the copy's own row comes after the copy.
    product.stop()?;
    let copy = folder.path().join("copy.backup");
    settings.run(&["backup", &copy.display().to_string()])?;
    let file = folder.path().join("overread.db");
    let whole = fs::read(&file)?;
    let said = settings.run(&["check"])?;
    ensure!(said.status.success(), "a sound database is called damaged");
    let mut random = Random(plan.seed);
    let (mut check, mut refused) = (0, 0);
    let mut missed = Vec::new();
    for _ in 0..FLIPS {
        let place = random.below(whole.len() as u64) as usize;
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << random.below(8);
        put(&file, &bytes)?;
        let output = settings.command().arg("check").output()?;
        match output.status.code() {
            Some(0) => missed.push(place),
            Some(3) => check += 1,
            // The file can't be opened at all.
            Some(1) => refused += 1,
            code => anyhow::bail!("check ended with {code:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    // From the copy, into a new file.
    let mut restored = settings.clone();
    let url = format!("sqlite:{}", folder.path().join("restored.db").display());
    restored.env.push(("OVERREAD_DATABASE".to_owned(), url));
    restored.run(&["restore", &copy.display().to_string()])?;
    let said = String::from_utf8(restored.run(&["check"])?.stdout)?;
    let lines = restored.run(&["export", "corrections", "--all", "--without-text"])?.stdout;
    let decisions: usize = String::from_utf8(lines)?
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line)?;
            Ok(line["decisions"].as_array().context("decisions")?.len())
        })
        .sum::<Result<usize>>()?;
    ensure!(decisions == tally.acknowledged, "restored {decisions} of {} decisions", tally.acknowledged);
    println!(
        "one bit of the {} SQLite file turned, {FLIPS} times: {check} named by `overread check`, {refused} not opened at all, \
         {} unnoticed; restored from the copy: {decisions} of {} decisions, {}",
        if sealed { "encrypted" } else { "plain" },
        missed.len(),
        tally.acknowledged,
        said.trim()
    );
    ensure!(!sealed || missed.is_empty(), "unnoticed at {missed:?}");
    Ok(())
}

fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    for ending in ["-wal", "-shm"] {
        let mut beside = file.as_os_str().to_owned();
        beside.push(ending);
        let _ = fs::remove_file(beside);
    }
    Ok(fs::write(file, bytes)?)
}

/// Each file of the model in turn: the server says that it can't suggest, and reviewing goes on.
fn model(plan: &Plan) -> Result<()> {
    let mut random = Random(plan.seed);
    let source = root().join("models/overread-minilm");
    let names: Vec<_> = fs::read_dir(&source)?
        .map(|file| Ok(file?.path()))
        .filter(|file: &Result<std::path::PathBuf>| file.as_ref().is_ok_and(|file| file.is_file()))
        .collect::<Result<_>>()?;
    let (mut named, mut ignored) = (Vec::new(), Vec::new());
    for damaged in &names {
        let folder = Folder::new("model")?;
        let model = folder.path().join("model");
        fs::create_dir_all(&model)?;
        for file in &names {
            fs::copy(file, model.join(file.file_name().context("a name")?))?;
        }
        let name = damaged.file_name().context("a name")?.display().to_string();
        let target = model.join(&name);
        let mut bytes = fs::read(&target)?;
        let place = random.below(bytes.len() as u64) as usize;
        bytes[place] ^= 1 << random.below(8);
        fs::write(&target, bytes)?;
        let mut settings: Settings = settings(&plan.program, folder.path(), None);
        settings.model = Some(model);
        hire(&settings, REVIEWERS)?;
        let product = Product::serve(settings, free_port()?)?;
        let office = Office::open(&[&product], REVIEWERS, 2)?;
        let lead = product.signed_in("lead")?;
        let mut problem = None;
        for _ in 0..100 {
            let system: SystemView = lead.get(path::SYSTEM)?.json()?;
            match system.model {
                ModelView::Loading => {}
                ModelView::Ready { .. } => break,
                ModelView::Unavailable { message } => {
                    problem = Some(message);
                    break;
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        office.work(AT_ONCE, || {
            std::thread::sleep(Duration::from_millis(500));
            Ok(())
        })?;
        let tally = office.count()?;
        ensure!(tally.acknowledged > 0 && tally.lost == 0, "no reviewing beside a damaged {name}");
        if problem.is_some() { named.push(name) } else { ignored.push(name) }
    }
    println!(
        "one bit of a file of the model turned: refused and said for {}; served for {}; reviewing went on in all",
        named.join(", "),
        if ignored.is_empty() { "none".to_owned() } else { ignored.join(", ") }
    );
    Ok(())
}
