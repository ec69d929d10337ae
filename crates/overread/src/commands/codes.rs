//! `overread codes`

use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use overread_codes::Release;
use overread_suggest::{CodeSearch, SearchOptions};
use serde_json::json;

use super::worker::bar;
use crate::cli::Codes;
use crate::parts;
use crate::settings::Settings;

pub fn run(settings: &Settings, command: &Codes) -> Result<()> {
    let release = parts::release(settings)?;
    match command {
        Codes::Search { words, limit, json, billable, semantic } => {
            search(settings, &release, &words.join(" "), *limit, *json, *billable, *semantic)
        }
        Codes::Vectors => vectors(settings, &release),
        Codes::Show { code, json } => show(&release, code, *json),
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
