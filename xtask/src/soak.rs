//! kill -9 under load: what the server said it had written must be there afterwards, once.
//!
//! Reviewers decide over HTTP as fast as they are answered. Again and again the process is killed at a random moment and
//! started anew; a request that got no answer is sent again with its idempotency key. At the end the export must hold
//! exactly the decisions that were acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use overread_api::correction::CorrectionLine;
use overread_api::entry::{Decide, Decided, EntryRow};
use overread_api::{ErrorBody, ErrorCode, Page, path};
use overread_domain::{Action, Content, EntryId, ItemId, RejectReason, Role};
use overread_e2e::product::{PASSWORD, free_port};
use overread_e2e::{Client, Product, Settings};

use crate::args::Args;
use crate::eval::release;
use crate::shell::shell;

const REVIEWERS: usize = 4;
const ENTRIES_EACH: usize = 5;

pub fn run(mut args: Args) -> Result<()> {
    let kills: u32 = args.value("--kills")?.unwrap_or(50);
    let seed: u64 = args.value("--seed")?.unwrap_or(20_260_401);
    args.done()?;
    let sh = shell()?;
    let program = release(&sh)?;
    let tally = soak(&program, kills, seed)?;
    println!(
        "{} kills, {} acknowledged decisions ({} requests sent a second time), {} lost, {} duplicated, {} that nobody sent",
        tally.kills, tally.acknowledged, tally.repeated, tally.lost, tally.duplicated, tally.unknown
    );
    println!("longest restart until /healthz: {} ms", tally.longest_restart_ms);
    ensure!(tally.lost + tally.duplicated + tally.unknown == 0, "the log is not what was acknowledged");
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    acknowledged: usize,
    repeated: usize,
    lost: usize,
    duplicated: usize,
    unknown: usize,
    longest_restart_ms: u128,
}

/// What one reviewer knows of one entry.
struct Desk {
    entry: EntryId,
    revision: u32,
    /// Rows added so far.
    rows: u32,
    /// A request without an answer.
    open: Option<Decide>,
    acknowledged: Vec<String>,
    repeated: usize,
}

fn soak(program: &Path, kills: u32, seed: u64) -> Result<Tally> {
    let folder = std::env::temp_dir().join(format!("overread-soak-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut settings = Settings::of(program, &folder);
    // Suggestions would only slow the load down.
    settings.model = None;
    // One machine asks here what many people would.
    for limit in ["OVERREAD_REQUESTS_PER_MINUTE", "OVERREAD_SEARCHES_PER_MINUTE"] {
        settings.env.push((limit.to_owned(), "0".to_owned()));
    }
    settings.add_user("lead", Role::QaLead)?;
    for reviewer in 0..REVIEWERS {
        settings.add_user(&format!("reviewer{reviewer}"), Role::Reviewer)?;
    }
    let port = free_port()?;
    let mut product = Product::serve(settings, port)?;
    let lead = product.signed_in("lead")?;
    let desks = desks(&lead)?;
    let clients: Vec<Client> = (0..REVIEWERS)
        .map(|reviewer| {
            let client = product.client();
            client.sign_in(&format!("reviewer{reviewer}"), PASSWORD)?;
            Ok(client)
        })
        .collect::<Result<_>>()?;
    let mut tally = Tally::default();
    let mut random = Random(seed);
    for round in 0..=kills {
        let stop = AtomicBool::new(false);
        let broken = std::thread::scope(|scope| -> Result<Vec<anyhow::Error>> {
            let workers: Vec<_> = clients
                .iter()
                .zip(&desks)
                .map(|(client, desks)| scope.spawn(|| work(client, desks, &stop)))
                .collect();
            std::thread::sleep(Duration::from_millis(40 + random.below(400)));
            if round < kills {
                product.kill()?;
                stop.store(true, Ordering::Relaxed);
                let started = Instant::now();
                product.serve_again()?;
                tally.longest_restart_ms = tally.longest_restart_ms.max(started.elapsed().as_millis());
                tally.kills += 1;
            } else {
                stop.store(true, Ordering::Relaxed);
            }
            Ok(workers.into_iter().filter_map(|worker| worker.join().expect("no panic").err()).collect())
        })?;
        if let Some(error) = broken.into_iter().next() {
            return Err(error.context(format!("round {round}")));
        }
        eprint!("\r    kill {} of {kills}", tally.kills);
    }
    eprintln!();
    // What is still without an answer is settled before counting.
    for (client, desks) in clients.iter().zip(&desks) {
        for desk in desks.lock().expect("no panic while locked").iter_mut().filter(|desk| desk.open.is_some())
        {
            send(client, desk)?;
        }
    }
    count(&lead, &desks, &mut tally)?;
    drop(product);
    std::fs::remove_dir_all(&folder)?;
    Ok(tally)
}

/// Imports notes and deals their entries out.
fn desks(lead: &Client) -> Result<Vec<Mutex<Vec<Desk>>>> {
    let mut notes = String::new();
    for number in 0..REVIEWERS * ENTRIES_EACH {
        let note =
            serde_json::json!({ "id": format!("soak-{number}"), "text": format!("Gout, note {number}.") });
        notes.push_str(&note.to_string());
        notes.push('\n');
    }
    lead.send("POST", path::IMPORT, Some(notes.into_bytes()), "application/x-ndjson")?
        .json::<overread_api::import::ImportView>()?;
    let page: Page<EntryRow> = lead.get(&format!("{}?limit=200", path::ENTRIES))?.json()?;
    ensure!(page.items.len() == REVIEWERS * ENTRIES_EACH, "{} entries", page.items.len());
    Ok(page
        .items
        .chunks(ENTRIES_EACH)
        .map(|rows| {
            let desk = |row: &EntryRow| Desk {
                entry: row.id.clone(),
                revision: row.revision,
                rows: 0,
                open: None,
                acknowledged: Vec::new(),
                repeated: 0,
            };
            Mutex::new(rows.iter().map(desk).collect())
        })
        .collect())
}

/// Decides on one entry after the other until told to stop or the server is gone.
fn work(client: &Client, desks: &Mutex<Vec<Desk>>, stop: &AtomicBool) -> Result<()> {
    let mut desks = desks.lock().expect("no panic while locked");
    loop {
        for desk in desks.iter_mut() {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if desk.open.is_none() {
                desk.open = Some(next(desk));
            }
            if !send(client, desk)? {
                return Ok(());
            }
        }
    }
}

/// Adds a row; every third request also rejects one of the rows before, in the same breath.
fn next(desk: &mut Desk) -> Decide {
    desk.rows += 1;
    let content = Content {
        field: "history".into(),
        evidence: vec![overread_domain::Quoted { start: 0, end: 4, quote: "Gout".into() }],
        ..Content::default()
    };
    let mut actions = vec![Action::Add { item: ItemId::new(format!("a{}", desk.rows)), content }];
    if desk.rows.is_multiple_of(3) {
        let item = ItemId::new(format!("a{}", desk.rows - 1));
        actions.push(Action::Reject { item, reason: RejectReason::Duplicate, comment: None });
    }
    Decide {
        expected_revision: desk.revision,
        idempotency_key: format!("{}-{}", desk.entry, desk.rows),
        actions,
        effort: overread_domain::Effort::default(),
        suggestions_shown: true,
        suggestion_set: None,
    }
}

/// Sends the open request. False when no answer came: it stays open and is sent again with the same key.
fn send(client: &Client, desk: &mut Desk) -> Result<bool> {
    let Some(request) = desk.open.take() else { return Ok(true) };
    ensure!(request.expected_revision == desk.revision, "a desk moved on with a request open");
    let address = path::fill(path::DECISIONS, &[desk.entry.as_str()]);
    let Ok(answer) = client.post(&address, &request) else {
        desk.repeated += 1;
        desk.open = Some(request);
        return Ok(false);
    };
    match answer.status {
        200..300 => {
            let decided: Decided = answer.json()?;
            ensure!(decided.decisions.len() == request.actions.len(), "an answer with other decisions");
            desk.revision = decided.revision;
            desk.acknowledged.extend(decided.decisions.iter().map(|decision| decision.id.to_string()));
            Ok(true)
        }
        // While the server comes up it may be away for a moment.
        503 => {
            desk.open = Some(request);
            Ok(false)
        }
        status => {
            let error: Option<ErrorBody> = serde_json::from_slice(&answer.body).ok();
            let code = error.map_or(ErrorCode::Internal, |error| error.code);
            bail!("{}: status {status} ({code:?}) at revision {}", desk.entry, request.expected_revision)
        }
    }
}

/// Compares the export with what was acknowledged.
fn count(lead: &Client, desks: &[Mutex<Vec<Desk>>], tally: &mut Tally) -> Result<()> {
    let export = lead.get(&format!("{}?all=true&without_text=true", path::CORRECTIONS))?;
    ensure!(export.status == 200, "export: status {}", export.status);
    let mut exported: BTreeMap<String, usize> = BTreeMap::new();
    for line in export.text().lines() {
        let line: CorrectionLine = serde_json::from_str(line).context("reading the export")?;
        for decision in line.decisions {
            *exported.entry(decision.id.to_string()).or_default() += 1;
        }
    }
    let mut acknowledged = BTreeSet::new();
    for desks in desks {
        for desk in desks.lock().expect("no panic while locked").iter() {
            tally.repeated += desk.repeated;
            for id in &desk.acknowledged {
                tally.acknowledged += 1;
                tally.duplicated += usize::from(!acknowledged.insert(id.clone()));
                tally.lost += usize::from(!exported.contains_key(id));
            }
        }
    }
    tally.duplicated += exported.values().filter(|times| **times > 1).count();
    tally.unknown = exported.keys().filter(|id| !acknowledged.contains(*id)).count();
    Ok(())
}

/// xorshift64* (Vigna 2016): when to kill, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}
