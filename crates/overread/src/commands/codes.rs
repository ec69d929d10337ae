//! `overread codes`

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use overread_codes::Release;
use overread_codes::import::{self, File, Imported, Options};
use overread_domain::span::CodePoints;
use overread_domain::{Entry, EntryStatus, ItemState};
use overread_store::QueueFilter;
use overread_suggest::{CodeSearch, SearchOptions};
use serde_json::json;

use super::worker::bar;
use crate::Exit;
use crate::cli::Codes;
use crate::parts;
use crate::settings::Settings;

pub fn run(settings: &Settings, command: &Codes) -> Result<()> {
    match command {
        Codes::Import { files, effective, system, dry_run } => {
            let options =
                Options { effective: effective.clone(), system: system.clone(), ..Options::default() };
            return bring_in(settings, files, &options, *dry_run);
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
fn bring_in(settings: &Settings, files: &[PathBuf], options: &Options, dry_run: bool) -> Result<()> {
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
    let releases = parts::books(settings).releases;
    for (result, told) in found.iter().zip(&report.results) {
        println!("{told}");
        if let Imported::Release(new) = result {
            let before = releases.iter().filter(|r| r.system() == new.system() && r.id() != new.id());
            if let Some(old) = before.max_by_key(|r| r.effective()) {
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
    }
    if dry_run {
        println!("nothing was written");
        return Ok(());
    }
    let folder = parts::code_folder(settings);
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut ready = Vec::new();
    for result in &found {
        let path = folder.join(format!("{}.ovr", result.id()));
        let unfinished = path.with_extension("part");
        std::fs::write(&unfinished, result.to_bytes()?).with_context(|| unfinished.display().to_string())?;
        ready.push((unfinished, path));
    }
    for (unfinished, path) in ready {
        std::fs::rename(&unfinished, &path).with_context(|| path.display().to_string())?;
        println!("kept as {}", path.display());
    }
    Ok(())
}

/// Entries that are not finished, with their codes that a release no longer has, no longer completes, or words otherwise.
async fn impact(settings: &Settings, id: &str) -> Result<()> {
    let releases = parts::books(settings).releases;
    let new = releases.iter().find(|r| r.id() == id).ok_or_else(|| anyhow!("no release {id:?} is loaded"))?;
    let (store, _) = parts::store(settings).await?;
    let (mut entries, mut touched) = (0u64, 0u64);
    for status in [EntryStatus::Open, EntryStatus::InProgress, EntryStatus::Exception] {
        let mut after = None;
        loop {
            let filter = QueueFilter { status: Some(status), after, limit: 500, ..QueueFilter::default() };
            let page = store.queue(&filter).await?;
            for row in page.rows {
                entries += 1;
                let record = store.entry(&row.id).await?;
                let points = CodePoints::new(&record.text);
                let suggestions = record.suggestion_set.as_ref().map_or(&[][..], |set| &set.suggestions);
                let log = record.decisions.iter().map(|d| (d.id.clone(), d.action.clone()));
                let entry = Entry::replay(&record.template, suggestions, &points, log);
                let date = overread_edits::entry_date(entry.items(), record.row.meta.service_date.as_deref());
                // Entries of before the release are coded by another.
                if date.as_deref().is_some_and(|date| date < new.effective()) {
                    continue;
                }
                let mut lines = Vec::new();
                for item in entry.items().iter().filter(|item| item.state != ItemState::Rejected) {
                    let Some(code) = item.content.code.as_ref().filter(|c| c.system == new.system()) else {
                        continue;
                    };
                    let was = releases.iter().filter(|r| r.system() == new.system() && r.id() != new.id());
                    let was = was
                        .max_by_key(|r| r.effective())
                        .and_then(|r| r.get(&code.code))
                        .map(|e| e.title().to_owned());
                    match new.get(&code.code) {
                        None => lines.push(format!("{} is gone", code.code)),
                        Some(now) if !now.billable() => {
                            lines.push(format!("{} is complete no longer", code.code));
                        }
                        Some(now) if was.as_deref().is_some_and(|was| was != now.title()) => {
                            lines.push(format!("{} is worded anew", code.code));
                        }
                        Some(_) => {}
                    }
                }
                if !lines.is_empty() {
                    touched += 1;
                    println!("{}: {}", row.id, lines.join("; "));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    println!("{touched} of {entries} entries that are not finished hold codes that {id} changes");
    Ok(())
}

fn list(settings: &Settings, json: bool) {
    let parts::Shelf { releases, lists, indices } = parts::books(settings);
    for book in &indices {
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
    for release in releases {
        let codes = release.iter().filter(|e| e.is_code()).count();
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
    for list in lists {
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
        let options = SearchOptions { limit, billable_only, semantic: true, typing: false };
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
