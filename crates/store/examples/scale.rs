//! How fast the store answers with many entries in it:
//! `cargo run --release -p overread-store --example scale -- [ENTRIES] [DATABASE URL]`.
//!
//! Without a URL the database is an `SQLite` file in the temporary folder, removed afterwards. Each entry has a note of 600
//! words and thirty suggestions. Times are those of the whole call, synchronisation with the disk included.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use overread_domain::{
    Action, Cardinality, CodeRef, Content, Effort, EntryId, EntryStatus, Field, FieldKind, Group, ItemId,
    NoteMeta, Quoted, RejectReason, Role, Suggestion, SuggestionSet, SuggestionSetId, Template, Timestamp,
};
use overread_store::{
    ClaimedJob, DecideRequest, NewNote, NewUser, QueueFilter, QueueSort, Source, Store, StoreError,
};
use sha2::{Digest, Sha256};

const SUGGESTIONS: usize = 30;

struct Clock(AtomicU64);

impl Source for Clock {
    fn now(&self) -> Timestamp {
        Timestamp(std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as i64))
    }

    fn random(&self) -> u128 {
        u128::from(self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)) * 0x1234_5678_9abc_def1
    }
}

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1);
    let entries: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = std::env::temp_dir().join(format!("overread-scale-{}", std::process::id()));
    let url = arguments.next().unwrap_or_else(|| {
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written to");
        format!("sqlite:{}", folder.join("scale.db").display())
    });
    let store = Store::open(&url, Arc::new(Clock(AtomicU64::new(1)))).await?;
    let measured = measure(&store, entries).await;
    store.close().await;
    if folder.exists() {
        let size = std::fs::metadata(folder.join("scale.db")).map_or(0, |data| data.len());
        println!("{:<44} {:>9.0} MB", "size of the file", size as f64 / 1e6);
        std::fs::remove_dir_all(&folder).expect("the folder is ours");
    }
    measured
}

async fn measure(store: &Store, entries: usize) -> Result<(), StoreError> {
    store
        .create_user(NewUser {
            id: "ann".into(),
            name: "Ann".into(),
            reach: overread_domain::Reach::default(),
            role: Role::Reviewer,
            password_hash: String::new(),
            must_change_password: false,
        })
        .await?;
    store.put_template(&template()).await?;
    let ids = fill(store, entries).await?;
    println!("{entries} entries, {}", store.engine().as_str());

    let page = |sort, status, document_type: Option<&str>, q: Option<&str>| QueueFilter {
        status,
        document_type: document_type.map(str::to_owned),
        q: q.map(str::to_owned),
        sort,
        ids_only: false,
        after: None,
        limit: 100,
    };
    let open = Some(EntryStatus::Open);
    let some_type = Some("Type 7");
    for (name, filter) in [
        ("queue page, oldest", page(QueueSort::Oldest, None, None, None)),
        ("queue page, newest", page(QueueSort::Newest, None, None, None)),
        ("queue page, open, least sure first", page(QueueSort::Confidence, open, None, None)),
        ("queue page, open, one type", page(QueueSort::Oldest, open, some_type, None)),
        ("queue page, one type, least sure first", page(QueueSort::Confidence, None, some_type, None)),
        ("queue page, search that finds many", page(QueueSort::Oldest, None, None, Some("title 9"))),
        ("queue page, search that finds one", page(QueueSort::Oldest, None, None, Some("note-099999"))),
    ] {
        time(name, 100, async |_| store.queue(&filter).await.map(drop)).await?;
    }
    let mut deep = page(QueueSort::Oldest, None, None, None);
    deep.after = Some(ids[ids.len() / 2].to_string());
    time("queue page, in the middle", 100, async |_| store.queue(&deep).await.map(drop)).await?;
    time("progress", 100, async |_| store.progress(&"ann".into(), Timestamp(0)).await.map(drop)).await?;
    let any = QueueFilter::default();
    let place = |n: usize| &ids[n * 7919 % ids.len()];
    time("next entry", 300, async |n| store.next_entry(&"ann".into(), &any, Some(place(n))).await.map(drop))
        .await?;
    time("entry open", 300, async |n| store.entry(place(n)).await.map(drop)).await?;
    time("lease", 300, async |n| store.take_lease(place(n), &"ann".into(), 60_000).await.map(drop)).await?;
    time("decide, one row", 300, async |n| decide(store, place(n), 0, vec![accept(0)]).await).await?;
    time("decide, the rest and finish", 300, async |n| {
        let mut actions: Vec<_> =
            (1..SUGGESTIONS).map(|n| if n % 5 == 0 { reject(n) } else { accept(n) }).collect();
        actions.push(Action::Finish {});
        decide(store, place(n), 1, actions).await
    })
    .await?;
    time("accuracy of 300 finished entries", 20, async |_| {
        store.accuracy(&overread_store::AccuracyFilter::default()).await.map(drop)
    })
    .await
}

async fn decide(
    store: &Store,
    entry: &EntryId,
    revision: u32,
    actions: Vec<Action>,
) -> Result<(), StoreError> {
    let request = DecideRequest {
        entry: entry.clone(),
        user: "ann".into(),
        expected_revision: revision,
        idempotency_key: store.new_id("k"),
        actions,
        effort: Effort::default(),
        suggestions_shown: true,
        suggestion_set: None,
    };
    store.decide(request).await.map(drop)
}

fn accept(n: usize) -> Action {
    Action::Accept { item: ItemId::suggested(n) }
}

fn reject(n: usize) -> Action {
    Action::Reject { item: ItemId::suggested(n), reason: RejectReason::Wrong, comment: None }
}

async fn time(
    name: &str,
    times: usize,
    mut call: impl AsyncFnMut(usize) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut millis = Vec::with_capacity(times);
    for n in 0..times {
        let start = Instant::now();
        call(n).await?;
        millis.push(start.elapsed().as_secs_f64() * 1e3);
    }
    millis.sort_by(f64::total_cmp);
    let at = |part: f64| millis[((times - 1) as f64 * part) as usize];
    println!("{name:<44} p50 {:>7.2} ms   p95 {:>7.2} ms   max {:>7.2} ms", at(0.5), at(0.95), at(1.0));
    Ok(())
}

async fn fill(store: &Store, entries: usize) -> Result<Vec<EntryId>, StoreError> {
    let start = Instant::now();
    let mut ids = Vec::with_capacity(entries);
    for first in (0..entries).step_by(1_000) {
        let notes = (first..entries.min(first + 1_000)).map(note).collect();
        ids.extend(store.import_notes(notes, "scale", false).await?.entries);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{:<44} {:>9.0} a second", "notes imported, a thousand at a time", entries as f64 / seconds);
    let start = Instant::now();
    while let Some(job) = store.claim_job("w", 60_000).await? {
        store.complete_job(&job.id, "w", set(store, &job)).await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{:<44} {:>9.0} a second", "jobs claimed and completed, one by one", entries as f64 / seconds);
    Ok(ids)
}

fn note(n: usize) -> NewNote {
    let mut text = format!("Note {n}.");
    for word in 0..600 {
        text.push_str([" fever", " cough", " denies", " pneumonia", " the"][(n + word) % 5]);
    }
    NewNote {
        id: overread_domain::NoteId::new(format!("note-{n:06}")),
        sha256: format!("{:x}", Sha256::digest(text.as_bytes())),
        text,
        meta: NoteMeta {
            title: Some(format!("Title {n}")),
            document_type: Some(format!("Type {}", n % 20)),
            ..NoteMeta::default()
        },
    }
}

fn set(store: &Store, job: &ClaimedJob) -> SuggestionSet {
    let words = ["fever", "cough", "denies", "pneumonia"];
    let suggestions = (0..SUGGESTIONS)
        .map(|n| {
            let quote = words[n % words.len()];
            let start = job.text.find(quote).expect("the word stands in every note");
            Suggestion {
                content: Content {
                    field: "diagnosis".into(),
                    evidence: vec![Quoted { start, end: start + quote.len(), quote: quote.into() }],
                    code: Some(CodeRef::icd10cm(format!("J{n:02}.9"))),
                    ..Content::default()
                },
                candidates: vec![],
                confidence: (store.new_id("c").len() * n % 97) as f32 / 97.0,
                shown: true,
                remembered: false,
            }
        })
        .collect();
    SuggestionSet {
        id: SuggestionSetId::new(store.new_id("s")),
        model: "scale".into(),
        code_release: "scale".into(),
        template: job.template.id.clone(),
        template_version: job.template.version,
        threshold: 0.0,
        memory: None,
        made_at: store.now(),
        took_ms: 1,
        read_until: None,
        suggestions,
    }
}

fn template() -> Template {
    let field = Field {
        id: "diagnosis".into(),
        label: "Diagnosis".into(),
        description: String::new(),
        examples: vec![],
        kind: FieldKind::Condition,
        cardinality: Cardinality::Many,
        required: false,
        assertion: false,
        code_system: Some("icd-10-cm".into()),
        attributes: vec![],
    };
    Template {
        id: "scale".into(),
        version: 0,
        name: "Scale".into(),
        groups: vec![Group { label: "All".into(), fields: vec![field] }],
    }
}
