//! People at work: each decides on entries of their own over HTTP and remembers what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use overread_api::correction::CorrectionLine;
use overread_api::entry::{Decide, Decided, EntryRow};
use overread_api::{ErrorBody, ErrorCode, Page, path};
use overread_domain::{Action, Content, EntryId, ItemId, RejectReason, Role};
use overread_e2e::product::PASSWORD;
use overread_e2e::{Client, Product, Settings};

/// What was acknowledged, and what the log makes of it.
#[derive(Debug, Default)]
pub struct Tally {
    pub acknowledged: usize,
    /// Requests that were sent a second time, having had no answer or one that the database is away.
    pub repeated: usize,
    pub lost: usize,
    pub duplicated: usize,
    pub unknown: usize,
    /// How long each acknowledged request took, sorted.
    pub times: Vec<Duration>,
}

impl Tally {
    pub fn percentile(&self, percent: usize) -> Duration {
        let place = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(place).copied().unwrap_or_default()
    }

    /// One line, and an error where the log is not what was acknowledged.
    pub fn report(&self, fault: &str, more: &str) -> Result<()> {
        println!(
            "{fault}: {} acknowledged decisions ({} requests sent a second time), {} lost, {} duplicated, {} that nobody \
             sent; {more}",
            self.acknowledged, self.repeated, self.lost, self.duplicated, self.unknown
        );
        let fine = self.lost + self.duplicated + self.unknown == 0;
        ensure!(fine, "{fault}: the log is not what was acknowledged");
        Ok(())
    }
}

#[derive(Debug)]
pub struct Office {
    pub lead: Client,
    pub reviewers: Vec<Reviewer>,
}

#[derive(Debug)]
pub struct Reviewer {
    pub client: Client,
    name: String,
    /// An entry of theirs; the desks are theirs alone while they work.
    pub first: EntryId,
    desks: Mutex<Vec<Desk>>,
    /// Requests acknowledged so far.
    pub done: AtomicUsize,
}

/// What one reviewer knows of one entry.
#[derive(Debug)]
struct Desk {
    entry: EntryId,
    revision: u32,
    /// Rows added so far.
    rows: u32,
    /// A request without an answer.
    open: Option<Decide>,
    acknowledged: Vec<String>,
    repeated: usize,
    times: Vec<Duration>,
}

/// A server's settings under load: no limits on requests, no model unless it is asked for.
pub fn settings(program: &Path, folder: &Path, database: Option<&str>) -> Settings {
    let mut settings = Settings::of(program, folder);
    // Suggestions would only slow the load down.
    settings.model = None;
    // One machine asks here what many people would.
    for limit in ["OVERREAD_REQUESTS_PER_MINUTE", "OVERREAD_SEARCHES_PER_MINUTE"] {
        settings.env.push((limit.to_owned(), "0".to_owned()));
    }
    if let Some(url) = database {
        settings.env.push(("OVERREAD_DATABASE".to_owned(), url.to_owned()));
    }
    settings
}

fn name(number: usize) -> String {
    format!("reviewer{number}")
}

/// The people, before anything serves.
pub fn hire(settings: &Settings, reviewers: usize) -> Result<()> {
    settings.add_user("lead", Role::QaLead)?;
    // A password's hash takes a core for a while.
    for pair in (0..reviewers).collect::<Vec<_>>().chunks(2) {
        std::thread::scope(|scope| -> Result<()> {
            let adding: Vec<_> =
                pair.iter().map(|n| scope.spawn(|| settings.add_user(&name(*n), Role::Reviewer))).collect();
            adding.into_iter().try_for_each(|adding| adding.join().expect("no panic"))
        })?;
    }
    Ok(())
}

impl Office {
    /// Imports notes and deals their entries out; the people sit at the servers in turn.
    pub fn open(servers: &[&Product], reviewers: usize, entries_each: usize) -> Result<Self> {
        let lead = servers[0].signed_in("lead")?;
        let mut notes = String::new();
        for number in 0..reviewers * entries_each {
            let note = serde_json::json!({ "id": format!("soak-{number}"), "text": format!("Gout, note {number}.") });
            notes.push_str(&note.to_string());
            notes.push('\n');
        }
        lead.send("POST", path::IMPORT, Some(notes.into_bytes()), "application/x-ndjson")?
            .json::<overread_api::import::ImportView>()?;
        let mut rows = entries(&lead)?;
        rows.retain(|row| row.note.as_str().starts_with("soak-"));
        ensure!(rows.len() == reviewers * entries_each, "{} entries", rows.len());
        let reviewers = rows
            .chunks(entries_each)
            .enumerate()
            .map(|(number, rows)| {
                let client = servers[number % servers.len()].signed_in(&name(number))?;
                let desks = Mutex::new(rows.iter().map(Desk::new).collect());
                let first = rows[0].id.clone();
                Ok(Reviewer { client, name: name(number), first, desks, done: AtomicUsize::new(0) })
            })
            .collect::<Result<_>>()?;
        Ok(Self { lead, reviewers })
    }

    /// All work while `meanwhile` runs, each with a pause between two requests that `pause` names.
    pub fn work<T>(
        &self,
        pause: &(dyn Fn() -> Duration + Sync),
        meanwhile: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let stop = &stop;
            let working: Vec<_> = self
                .reviewers
                .iter()
                .map(|reviewer| scope.spawn(move || reviewer.work(stop, pause)))
                .collect();
            let result = meanwhile();
            stop.store(true, Ordering::Relaxed);
            for work in working {
                work.join().expect("no panic")?;
            }
            result
        })
    }

    /// Requests acknowledged so far.
    pub fn done(&self) -> usize {
        self.reviewers.iter().map(|reviewer| reviewer.done.load(Ordering::Relaxed)).sum()
    }

    /// Settles what is still without an answer and compares the export with what was acknowledged.
    pub fn count(&self) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut acknowledged = BTreeSet::new();
        let mut duplicated = 0;
        for reviewer in &self.reviewers {
            for desk in reviewer.desks.lock().expect("no panic while locked").iter_mut() {
                let started = Instant::now();
                while desk.open.is_some() && !reviewer.send(desk)? {
                    ensure!(
                        started.elapsed() < Duration::from_mins(1),
                        "{}: no answer for a minute",
                        desk.entry
                    );
                    std::thread::sleep(Duration::from_millis(200));
                }
                tally.repeated += desk.repeated;
                tally.times.append(&mut desk.times);
                for id in &desk.acknowledged {
                    tally.acknowledged += 1;
                    duplicated += usize::from(!acknowledged.insert(id.clone()));
                }
            }
        }
        tally.times.sort();
        let address = format!("{}?all=true&without_text=true", path::CORRECTIONS);
        let mut export = self.lead.get(&address)?;
        if export.status == 401 {
            self.lead.sign_in("lead", PASSWORD)?;
            export = self.lead.get(&address)?;
        }
        ensure!(export.status == 200, "export: status {}", export.status);
        let mut exported: BTreeMap<String, usize> = BTreeMap::new();
        for line in export.text().lines() {
            let line: CorrectionLine = serde_json::from_str(line).context("reading the export")?;
            for decision in line.decisions {
                *exported.entry(decision.id.to_string()).or_default() += 1;
            }
        }
        tally.lost = acknowledged.iter().filter(|id| !exported.contains_key(*id)).count();
        tally.duplicated = duplicated + exported.values().filter(|times| **times > 1).count();
        tally.unknown = exported.keys().filter(|id| !acknowledged.contains(*id)).count();
        Ok(tally)
    }
}

/// Every entry of the queue.
fn entries(client: &Client) -> Result<Vec<EntryRow>> {
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let page: Page<EntryRow> = client.get(&format!("{}?limit=200{after}", path::ENTRIES))?.json()?;
        rows.extend(page.items);
        let Some(next) = page.next else { return Ok(rows) };
        after = format!("&after={next}");
    }
}

impl Desk {
    fn new(row: &EntryRow) -> Self {
        Self {
            entry: row.id.clone(),
            revision: row.revision,
            rows: 0,
            open: None,
            acknowledged: Vec::new(),
            repeated: 0,
            times: Vec::new(),
        }
    }

    /// Adds a row; every third request also rejects one of the rows before, in the same breath.
    fn next(&mut self) -> Decide {
        self.rows += 1;
        let content = Content {
            field: "history".into(),
            evidence: vec![overread_domain::Quoted { start: 0, end: 4, quote: "Gout".into() }],
            ..Content::default()
        };
        let mut actions = vec![Action::Add { item: ItemId::new(format!("a{}", self.rows)), content }];
        if self.rows.is_multiple_of(3) {
            let item = ItemId::new(format!("a{}", self.rows - 1));
            actions.push(Action::Reject { item, reason: RejectReason::Duplicate, comment: None });
        }
        Decide {
            expected_revision: self.revision,
            idempotency_key: format!("{}-{}", self.entry, self.rows),
            actions,
            effort: overread_domain::Effort::default(),
            suggestions_shown: true,
            suggestion_set: None,
        }
    }
}

impl Reviewer {
    /// Decides on one entry after the other until told to stop.
    fn work(&self, stop: &AtomicBool, pause: &(dyn Fn() -> Duration + Sync)) -> Result<()> {
        let mut desks = self.desks.lock().expect("no panic while locked");
        loop {
            for desk in desks.iter_mut() {
                let pause = pause();
                let started = Instant::now();
                while started.elapsed() < pause && !stop.load(Ordering::Relaxed) {
                    std::thread::sleep(pause.min(Duration::from_millis(50)));
                }
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if desk.open.is_none() {
                    desk.open = Some(desk.next());
                }
                if !self.send(desk)? {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    /// Sends the open request. False when no answer came: it stays open and is sent again with the same key.
    fn send(&self, desk: &mut Desk) -> Result<bool> {
        let Some(request) = desk.open.take() else { return Ok(true) };
        ensure!(request.expected_revision == desk.revision, "a desk moved on with a request open");
        let address = path::fill(path::DECISIONS, &[desk.entry.as_str()]);
        let started = Instant::now();
        let Ok(answer) = self.client.post(&address, &request) else {
            desk.repeated += 1;
            desk.open = Some(request);
            return Ok(false);
        };
        match answer.status {
            200..300 => {
                let decided: Decided = answer.json()?;
                ensure!(decided.decisions.len() == request.actions.len(), "an answer with other decisions");
                desk.times.push(started.elapsed());
                desk.revision = decided.revision;
                desk.acknowledged.extend(decided.decisions.iter().map(|decision| decision.id.to_string()));
                self.done.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
            // The database is away for a while.
            503 => {
                desk.repeated += 1;
                desk.open = Some(request);
                Ok(false)
            }
            // Where the clock jumped, a session has ended.
            401 => {
                desk.open = Some(request);
                self.client.sign_in(&self.name, PASSWORD)?;
                Ok(false)
            }
            status => {
                let error: Option<ErrorBody> = serde_json::from_slice(&answer.body).ok();
                let code = error.map_or(ErrorCode::Internal, |error| error.code);
                bail!("{}: status {status} ({code:?}) at revision {}", desk.entry, request.expected_revision)
            }
        }
    }
}

/// xorshift64* (Vigna 2016): when to kill, the same for the same seed.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}
