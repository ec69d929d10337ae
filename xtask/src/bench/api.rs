//! The wire with a full database.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use overread_api::code::CodeHits;
use overread_api::entry::{Decide, Decided, EntryRow, EntryView};
use overread_api::import::ImportView;
use overread_api::system::{SemanticState, SystemView};
use overread_api::{Page, path};
use overread_domain::{Action, Content, Effort, ItemId, Quoted, Role};
use overread_e2e::{Client, Product, Settings};
use serde_json::{Value, json};

use super::{Row, Times};
use crate::shell::{read, root};

const BATCH: usize = 2_000;
const REQUESTS: usize = 400;
const WANTED: [&str; 3] = ["17 ms (Label Studio 1.23: 166)", "7 ms (69)", "9 ms (90)"];

/// A server in a folder of its own, with the people that measuring needs.
pub fn product(program: &Path, folder: &Path, with_model: bool) -> Result<Product> {
    let mut settings = Settings::of(program, folder);
    settings.semantic = with_model;
    // One machine asks here what many people would.
    for limit in ["OVERREAD_REQUESTS_PER_MINUTE", "OVERREAD_SEARCHES_PER_MINUTE"] {
        settings.env.push((limit.to_owned(), "0".to_owned()));
    }
    if !with_model {
        settings.model = None;
    }
    settings.add_user("lead", Role::QaLead)?;
    settings.add_user("reviewer", Role::Reviewer)?;
    Product::serve(settings, overread_e2e::product::free_port()?)
}

/// The same with the model, once it is ready, with codes found by meaning.
pub fn with_model(program: &Path, folder: &Path) -> Result<Product> {
    let mut product = product(program, folder, true)?;
    product.until("/readyz", Duration::from_mins(2))?;
    let system: SystemView = product.signed_in("lead")?.get(path::SYSTEM)?.json()?;
    let semantic = system.releases.first().map(|release| release.semantic);
    ensure!(semantic == Some(SemanticState::Ready), "codes can't be found by meaning: {semantic:?}");
    Ok(product)
}

pub fn import(client: &Client, notes: &[Value]) -> Result<ImportView> {
    let mut body = Vec::new();
    for note in notes {
        serde_json::to_writer(&mut body, note)?;
        body.push(b'\n');
    }
    client.send("POST", path::IMPORT, Some(body), "application/x-ndjson")?.json()
}

/// The sample notes, but for the very long one.
pub fn samples() -> Result<Vec<Value>> {
    read(&root().join("samples/notes.jsonl"))?
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .filter(|note: &Result<Value>| {
            note.as_ref().map_or(true, |note| note["text"].as_str().is_some_and(|text| text.len() < 20_000))
        })
        .collect()
}

pub fn measure(program: &Path, entries: usize) -> Result<Vec<Row>> {
    let folder = std::env::temp_dir().join(format!("overread-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = full(program, &folder.join("sealed"), entries, true).and_then(|mut rows| {
        rows.extend(full(program, &folder.join("plain"), entries, false)?);
        Ok(rows)
    });
    std::fs::remove_dir_all(&folder)?;
    result
}

/// Sites that the notes come from, and those that one reviewer sees.
const SITES: usize = 40;
const OPEN_SITES: [&str; 3] = ["S01", "S02", "S03"];

/// Everything on an encrypted database; on a plain one what it is compared with.
fn full(program: &Path, folder: &Path, entries: usize, sealed: bool) -> Result<Vec<Row>> {
    std::fs::create_dir_all(folder)?;
    let mut settings = Settings::of(program, folder);
    settings.semantic = false;
    settings.model = None;
    for limit in ["OVERREAD_REQUESTS_PER_MINUTE", "OVERREAD_SEARCHES_PER_MINUTE"] {
        settings.env.push((limit.to_owned(), "0".to_owned()));
    }
    settings.env.push(("OVERREAD_ENCRYPT_DATABASE".to_owned(), sealed.to_string()));
    settings.add_user("lead", Role::QaLead)?;
    settings.add_user_reaching("masked", Role::QaLead, &[])?;
    settings.add_user("reviewer", Role::Reviewer)?;
    let sites = OPEN_SITES.map(|site| ["--site", site]).concat();
    settings.add_user_reaching("narrow", Role::Reviewer, &sites)?;
    let product = Product::serve(settings, overread_e2e::product::free_port()?)?;
    let lead = product.signed_in("lead")?;
    let samples = samples()?;
    let mut filling = Times::default();
    for start in (0..entries).step_by(BATCH) {
        let notes: Vec<Value> = (start..entries.min(start + BATCH))
            .map(|number| {
                let mut note = samples[number % samples.len()].clone();
                note["id"] = json!(format!("n{number:06}"));
                note["site"] = json!(format!("S{:02}", number % SITES));
                note
            })
            .collect();
        let view = filling.measure(|| import(&lead, &notes))?;
        ensure!(view.imported as usize == notes.len(), "imported {} of {}", view.imported, notes.len());
        eprint!("\r    {} of {entries} notes", start + notes.len());
    }
    eprintln!();
    let reviewer = product.signed_in("reviewer")?;
    let (mut first, mut later, mut filtered) = (Times::default(), Times::default(), Times::default());
    let mut ids = Vec::new();
    let mut after: Option<String> = None;
    for number in 0..REQUESTS {
        let page: Page<EntryRow> =
            first.measure(|| reviewer.get(&format!("{}?limit=100", path::ENTRIES))?.json())?;
        ensure!(page.items.len() == entries.min(100), "a page of {}", page.items.len());
        let cursor = after.as_deref().map(|key| format!("&after={}", path::encode(key))).unwrap_or_default();
        let page: Page<EntryRow> =
            later.measure(|| reviewer.get(&format!("{}?limit=100{cursor}", path::ENTRIES))?.json())?;
        ids.extend(page.items.iter().step_by(7).map(|row| row.id.clone()));
        after = page.next;
        let query = format!(
            "{}?limit=100&status=open&document_type=discharge%20summary&q=n0{:02}",
            path::ENTRIES,
            number % 100
        );
        filtered.measure(|| reviewer.get(&query)?.json::<Page<EntryRow>>())?;
    }
    let (mut open, mut decide, mut next, mut progress) =
        (Times::default(), Times::default(), Times::default(), Times::default());
    for id in ids.iter().take(REQUESTS) {
        let view: EntryView =
            open.measure(|| reviewer.get(&path::fill(path::ENTRY, &[id.as_str()]))?.json())?;
        let quote: String = view.text.chars().take(4).collect();
        let content = Content {
            field: "history".into(),
            evidence: vec![Quoted { start: 0, end: quote.chars().count(), quote }],
            ..Content::default()
        };
        let request = Decide {
            expected_revision: view.revision,
            idempotency_key: format!("bench-{id}"),
            actions: vec![Action::Add { item: ItemId::new("a1"), content }],
            effort: Effort::default(),
            suggestions_shown: true,
            suggestion_set: None,
        };
        let address = path::fill(path::DECISIONS, &[id.as_str()]);
        decide.measure(|| reviewer.post(&address, &request)?.json::<Decided>())?;
        next.measure(|| reviewer.get(&format!("{}?after_entry={id}", path::NEXT_ENTRY))?.json::<Value>())?;
        progress.measure(|| reviewer.get(path::PROGRESS)?.json::<Value>())?;
    }
    let how = if sealed { "" } else { ", database not encrypted" };
    let what = |name: &str| format!("{name}, {entries} entries{how}");
    if !sealed {
        return Ok(vec![
            Row::new("api", what("queue, first 100"), first.say(), WANTED[0]),
            Row::new("api", what("open an entry"), open.say(), WANTED[1]),
            Row::new("api", what("decide"), decide.say(), WANTED[2]),
        ]);
    }
    let mut rows = vec![
        Row::new("api", format!("import of {BATCH} notes"), filling.say(), ""),
        Row::new("api", what("queue, first 100"), first.say(), WANTED[0]),
        Row::new("api", what("queue, later 100"), later.say(), WANTED[0]),
        Row::new("api", what("queue, three filters"), filtered.say(), WANTED[0]),
        Row::new("api", what("progress"), progress.say(), ""),
        Row::new("api", what("open an entry"), open.say(), WANTED[1]),
        Row::new("api", what("next entry"), next.say(), WANTED[1]),
        Row::new("api", what("decide"), decide.say(), WANTED[2]),
    ];
    rows.extend(narrow(&product, entries)?);
    Ok(rows)
}

/// What it costs that somebody sees little of all there is, or sees it masked.
fn narrow(product: &Product, entries: usize) -> Result<Vec<Row>> {
    let (reviewer, masked) = (product.signed_in("narrow")?, product.signed_in("masked")?);
    let (mut first, mut open, mut finished, mut as_masked) =
        (Times::default(), Times::default(), Times::default(), Times::default());
    let all: Page<EntryRow> = reviewer.get(&format!("{}?limit=200", path::ENTRIES))?.json()?;
    let within = |row: &EntryRow| row.meta.site.as_deref().is_some_and(|site| OPEN_SITES.contains(&site));
    ensure!(all.items.iter().all(within), "a note of another site");
    for number in 0..REQUESTS {
        first.measure(|| reviewer.get(&format!("{}?limit=100", path::ENTRIES))?.json::<Page<EntryRow>>())?;
        let list = format!("{}?limit=100&status=finished", path::ENTRIES);
        finished.measure(|| reviewer.get(&list)?.json::<Page<EntryRow>>())?;
        let entry = path::fill(path::ENTRY, &[all.items[number % all.items.len()].id.as_str()]);
        open.measure(|| reviewer.get(&entry)?.json::<EntryView>())?;
        as_masked.measure(|| masked.get(&entry)?.json::<EntryView>())?;
    }
    let what = |name: &str| format!("{name}, {} of {SITES} sites, {entries} entries", OPEN_SITES.len());
    Ok(vec![
        Row::new("api", what("queue, first 100"), first.say(), WANTED[0]),
        Row::new("api", what("queue, finished by oneself"), finished.say(), WANTED[0]),
        Row::new("api", what("open an entry"), open.say(), WANTED[1]),
        Row::new("api", format!("open an entry, masked, {entries} entries"), as_masked.say(), WANTED[1]),
    ])
}

/// Look-up over HTTP, by words alone and with meaning.
pub fn code_search(program: &Path) -> Result<Vec<Row>> {
    let folder = std::env::temp_dir().join(format!("overread-bench-codes-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let product = with_model(program, &folder)?;
    let reviewer = product.signed_in("reviewer")?;
    let queries = read(&root().join("crates/codes/data/phrases.tsv"))?;
    let queries: Vec<&str> =
        queries.lines().filter_map(|line| line.split('\t').next()).take(REQUESTS).collect();
    let mut rows = Vec::new();
    for (semantic, what) in [(false, "over HTTP, by words"), (true, "over HTTP, with meaning")] {
        let mut times = Times::default();
        let mut with_meaning = false;
        for query in &queries {
            let asked = json!({ "q": query, "semantic": semantic });
            let hits: CodeHits = times.measure(|| reviewer.post(path::CODES, &asked)?.json())?;
            with_meaning |= hits.semantic;
        }
        let said = if semantic && !with_meaning {
            "the index of meanings is not ready".to_owned()
        } else {
            times.say()
        };
        rows.push(Row::new("codes", what, said, "p99 10 ms"));
    }
    drop(product);
    std::fs::remove_dir_all(&folder)?;
    Ok(rows)
}
