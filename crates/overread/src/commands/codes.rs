//! `overread codes`

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use overread_api::code_system::CodeChange;
use overread_codes::Release;
use overread_codes::import::{self, File, Imported, Options};
use overread_domain::EntryId;
use overread_server::Standing;
use overread_suggest::{CodeSearch, SearchOptions};
use serde_json::json;

use super::worker::bar;
use crate::Exit;
use crate::cli::Codes;
use crate::parts;
use crate::settings::Settings;

pub fn run(settings: &Settings, command: &Codes) -> Result<()> {
    match command {
        Codes::Import { files, effective, system, dry_run, replace } => {
            let options =
                Options { effective: effective.clone(), system: system.clone(), ..Options::default() };
            return bring_in(settings, files, &options, *dry_run, *replace);
        }
        Codes::List { json } => {
            list(settings, *json);
            return Ok(());
        }
        Codes::Impact { release } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            return runtime.block_on(impact(settings, release));
        }
        _ => {}
    }
    let release = parts::release(settings)?;
    match command {
        Codes::Import { .. } | Codes::List { .. } | Codes::Impact { .. } => Ok(()),
        Codes::Search { words, limit, json, billable, semantic } => {
            search(settings, &release, &words.join(" "), *limit, *json, *billable, *semantic)
        }
        Codes::Vectors => vectors(settings, &release),
        Codes::Show { code, json } => show(&release, code, *json),
    }
}

/// Reads the files, tells what changes, and keeps the result in the data folder: all of it or nothing.
fn bring_in(
    settings: &Settings,
    files: &[PathBuf],
    options: &Options,
    dry_run: bool,
    replace: bool,
) -> Result<()> {
    let mut read = Vec::with_capacity(files.len());
    for path in files {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        read.push(File { name, bytes });
    }
    let (found, report) = import::import(read, options).map_err(|error| Exit::BadInput(error.to_string()))?;
    for (file, kind) in &report.files {
        println!("{file}: {kind}");
    }
    let shelf = parts::shelf(settings);
    let mut ready: Vec<(&str, Vec<u8>)> = Vec::new();
    for (result, told) in found.iter().zip(&report.results) {
        let bytes = result.to_bytes()?;
        println!("{told}");
        match shelf.standing(result, &bytes) {
            Standing::New => ready.push((result.id(), bytes)),
            Standing::Same => println!("  is there already with the same content"),
            Standing::Other if replace => ready.push((result.id(), bytes)),
            Standing::Other => {
                let why = "is there already with other content: two editions would be in force from one month on; \
                           --replace takes the new one";
                return Err(Exit::BadInput(format!("{} {why}", result.id())).into());
            }
            Standing::Fixed => {
                let why = "came with the product, or was named with --codes, and stays";
                return Err(Exit::BadInput(format!("{} {why}", result.id())).into());
            }
        }
        if let Imported::Release(new) = result
            && let Some(old) = shelf.before(new)
        {
            let changes = import::changes(old, new);
            println!(
                "  against {}: {} added, {} deleted, {} revised, {} complete or no longer",
                old.id(),
                changes.added.len(),
                changes.deleted.len(),
                changes.revised.len(),
                changes.completeness.len()
            );
        }
    }
    if dry_run {
        println!("nothing was written");
        return Ok(());
    }
    let ready: Vec<(&str, &[u8])> = ready.iter().map(|(id, bytes)| (*id, bytes.as_slice())).collect();
    for path in shelf.keep(&ready).context("keeping code systems")? {
        println!("kept as {}", path.display());
    }
    Ok(())
}

/// What a release changes for entries that are not finished.
async fn impact(settings: &Settings, id: &str) -> Result<()> {
    let shelf = parts::shelf(settings);
    let new = shelf
        .books
        .releases
        .iter()
        .find(|r| r.id() == id)
        .ok_or_else(|| anyhow!("no release {id:?} is loaded"))?;
    let (store, _) = parts::store(settings).await?;
    let found = overread_server::impact(&store, new, shelf.before(new).map(AsRef::as_ref)).await?;
    for code in &found.codes {
        let what = match code.change {
            CodeChange::Deleted => "is gone",
            CodeChange::Incomplete => "is complete no longer",
            CodeChange::Revised => "is worded anew",
        };
        let entries: Vec<&str> = code.examples.iter().map(EntryId::as_str).collect();
        println!("{} {what}, on {} entries: {}", code.code, code.entries, entries.join(" "));
    }
    println!(
        "{} of {} entries that {id} will judge and that are not finished hold codes that it changes",
        found.touched, found.entries
    );
    Ok(())
}

fn list(settings: &Settings, json: bool) {
    let shelf = parts::shelf(settings);
    for book in &shelf.indices {
        if json {
            let line = json!({
                "id": book.id, "book": book.kind, "title": book.title, "effective": book.effective,
                "lines": book.lines.len(),
            });
            println!("{line}");
        } else {
            println!("{:<34} from {}  {} lines (book)", book.id, book.effective, book.lines.len());
        }
    }
    for release in &shelf.books.releases {
        let (codes, _) = shelf.counts(release);
        if json {
            let line = json!({
                "id": release.id(), "system": release.system(), "title": release.title(),
                "effective": release.effective(), "codes": codes, "sha256": release.content_hash(),
            });
            println!("{line}");
        } else {
            println!("{:<24} from {}  {codes} codes", release.id(), release.effective());
        }
    }
    for list in &shelf.books.lists {
        if json {
            let line = json!({
                "id": list.id, "list": list.kind, "title": list.title, "effective": list.effective,
                "codes": list.rows.len(),
            });
            println!("{line}");
        } else {
            println!("{:<24} from {}  {} codes (list)", list.id, list.effective, list.rows.len());
        }
    }
}

fn vectors(settings: &Settings, release: &Arc<Release>) -> Result<()> {
    let search = CodeSearch::of(&parts::suggester(settings, release)?);
    if parts::load_vectors(&search, settings) {
        eprintln!("{} has its vectors", release.id());
        return Ok(());
    }
    let bar = bar(0, "terms");
    let mut progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    search.build_vectors(&mut progress, &|| false)?;
    search.save(&parts::vector_folder(settings))?;
    bar.finish_and_clear();
    eprintln!("{} can be searched by meaning", release.id());
    Ok(())
}

struct Found {
    code: String,
    title: String,
    billable: bool,
    matched: Option<String>,
    score: f32,
}

fn search(
    settings: &Settings,
    release: &Arc<Release>,
    words: &str,
    limit: usize,
    json: bool,
    billable_only: bool,
    semantic: bool,
) -> Result<()> {
    let hits: Vec<Found> = if semantic {
        let search = CodeSearch::of(&parts::suggester(settings, release)?);
        ensure!(
            parts::load_vectors(&search, settings),
            "no vectors in the data folder: `overread codes vectors` makes them"
        );
        let options = SearchOptions { limit, billable_only, semantic: true, typing: false, within: None };
        let (hits, _) = search.search(words, &options)?;
        hits.into_iter()
            .map(|hit| Found {
                code: hit.code,
                title: hit.title,
                billable: hit.billable,
                matched: hit.matched,
                score: hit.score,
            })
            .collect()
    } else {
        let options = overread_codes::Options { limit, billable_only, ..Default::default() };
        release
            .search(words, &options)
            .into_iter()
            .map(|hit| Found {
                matched: (hit.matched_term != hit.title && hit.matched_term != hit.code)
                    .then_some(hit.matched_term),
                code: hit.code,
                title: hit.title,
                billable: hit.billable,
                score: hit.score,
            })
            .collect()
    };
    for hit in hits {
        if json {
            let line = json!({
                "system": release.system(), "release": release.id(), "code": hit.code, "title": hit.title,
                "billable": hit.billable, "matched": hit.matched, "score": hit.score,
            });
            println!("{line}");
        } else {
            let open = if hit.billable { "" } else { "  (not billable)" };
            let matched = hit.matched.map(|matched| format!("  [{matched}]")).unwrap_or_default();
            println!("{:<9} {}{matched}{open}", hit.code, hit.title);
        }
    }
    Ok(())
}

fn show(release: &Release, code: &str, json: bool) -> Result<()> {
    let entry = release.get(code).ok_or_else(|| anyhow!("{} has no code \"{code}\"", release.id()))?;
    let mut above: Vec<_> = entry.ancestors().collect();
    above.reverse();
    let notes: Vec<_> = entry.all_notes().collect();
    if json {
        let link = |e: &overread_codes::Entry<'_>| json!({"code": e.code(), "title": e.title(), "billable": e.billable()});
        let line = json!({
            "system": release.system(), "release": release.id(), "code": entry.code(), "title": entry.title(),
            "billable": entry.billable(),
            "ancestors": above.iter().map(link).collect::<Vec<_>>(),
            "children": entry.children().map(|e| link(&e)).collect::<Vec<_>>(),
            "notes": notes.iter().map(|n| json!({"kind": n.kind, "text": n.text, "at": n.entry.code()})).collect::<Vec<_>>(),
        });
        println!("{line}");
        return Ok(());
    }
    for (depth, entry) in above.iter().enumerate() {
        println!("{}{} {}", "  ".repeat(depth), entry.code(), entry.title());
    }
    let billable = if entry.billable() { "billable" } else { "not billable" };
    println!(
        "{}{} {}  ({billable}, {})",
        "  ".repeat(above.len()),
        entry.code(),
        entry.title(),
        release.id()
    );
    for child in entry.children() {
        println!("{}{} {}", "  ".repeat(above.len() + 1), child.code(), child.title());
    }
    for note in notes {
        let from = if note.entry == entry { String::new() } else { format!(" (at {})", note.entry.code()) };
        let kind = serde_json::to_value(note.kind)?.as_str().unwrap_or_default().replace('_', " ");
        println!("  {kind}{from}: {}", note.text);
    }
    for choice in entry.seventh_characters() {
        println!("  7th character {}: {}", choice.character, choice.meaning);
    }
    Ok(())
}
