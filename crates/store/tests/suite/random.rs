//! Many operations in an order that a seed repeats; afterwards everything kept must equal what it was kept from.

use std::collections::{BTreeMap, BTreeSet};

use overread_domain::decision::ExceptionCause;
use overread_domain::{Action, DecisionId, EntryId, ItemId, ItemState, Placing, RejectReason};
use overread_store::{CorrectionFilter, MemoryFilter, MemoryListed, QueueFilter, StoreError};
use sqlx::{AnyConnection, Connection, Row};

use crate::world::{World, content, note_of};

pub async fn counters_equal_what_they_count(world: World) {
    let mut entries: Vec<EntryId> = Vec::new();
    let mut step = 0;
    // What a sequence reaches depends on what was locked at the time; every one goes on until something is finished.
    while step < 400 || (step < 4_000 && (step % 20 > 0 || !has_finished(&world).await)) {
        step += 1;
        world.source.advance(100);
        if step % 9 == 0 {
            world.store.learn(3).await.unwrap();
        }
        let draw = |end| world.source.below(end);
        // Among ever more entries none would ever be finished: then only a few are decided on.
        let settling = step > 400;
        match draw(12) {
            0 | 1 if !settling => {
                let notes = (0..=draw(3))
                    .map(|n| {
                        let kind = ["A", "B", "C"][draw(3)];
                        note_of(
                            &format!("n{step}-{n}"),
                            crate::world::TEXT,
                            None,
                            (draw(4) > 0).then_some(kind),
                        )
                    })
                    .collect();
                let dry = draw(5) == 0;
                let made = world.store.import_notes(notes, "short", dry).await.unwrap();
                if !dry {
                    entries.extend(made.entries);
                }
            }
            2 | 3 => {
                if let Some(job) = world.store.claim_job("w", 1_000).await.unwrap() {
                    match draw(4) {
                        0 => {}
                        1 => world.store.fail_job(&job.id, "w", "no", None).await.unwrap(),
                        2 => {
                            let later = world.store.now().plus_millis(300);
                            world.store.fail_job(&job.id, "w", "no", Some(later)).await.unwrap();
                        }
                        _ => {
                            let set = world.set(&job, "m1", draw(10) as f32 / 10.0);
                            world.store.complete_job(&job.id, "w", set).await.unwrap();
                        }
                    }
                }
            }
            4 => {
                let failed = world.store.jobs(None, None, 5).await.unwrap().rows;
                for job in failed {
                    allowed(world.store.retry_job(&job.id).await);
                }
            }
            5 if !entries.is_empty() && draw(2) == 0 => {
                let place = Placing { site: ["", "North", "South"][draw(3)].into(), ..Placing::default() };
                world.store.place_entry(&entries[draw(entries.len())], &place).await.unwrap();
            }
            5 if !entries.is_empty() => {
                allowed(world.store.suggest_again(&entries[draw(entries.len())]).await);
            }
            _ if entries.is_empty() => {}
            _ => {
                let some = if settling { entries.len().min(8) } else { entries.len() };
                let entry = &entries[draw(some)];
                let record = world.store.entry(entry).await.unwrap();
                let last = record.decisions.last().map(|decision| decision.id.clone());
                let actions =
                    (0..=draw(3)).map(|n| action(&world, &format!("a{step}-{n}"), last.as_ref())).collect();
                let revision = record.row.revision.saturating_sub(u32::from(draw(10) == 0));
                let user = ["ann", "bob"][draw(2)];
                allowed(world.decide(entry, user, revision, actions).await);
            }
        }
    }
    counters_match(&world).await;
    rows_match(&world).await;
    memory_follows(&world).await;
}

async fn has_finished(world: &World) -> bool {
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    let sql = "SELECT COUNT(*) AS n FROM entries WHERE status = 'finished'";
    let row = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    row.get::<i64, _>("n") > 0
}

/// What is learned along the way is what is learned of the whole log at once.
async fn memory_follows(world: &World) {
    let rows = async || {
        while world.store.learn(8).await.unwrap() > 0 {}
        let page = world.store.memory(&MemoryFilter::default(), 1000).await.unwrap();
        let row = |listed: MemoryListed| (listed.row.id, listed.row.uses, listed.decision);
        page.rows.into_iter().map(row).collect::<BTreeSet<_>>()
    };
    let along = rows().await;
    assert!(!along.is_empty());
    world.store.unlearn().await.unwrap();
    assert_eq!(rows().await, along);
}

fn action(world: &World, id: &str, last: Option<&DecisionId>) -> Action {
    let item = ItemId::suggested(world.source.below(3));
    match world.source.below(9) {
        0..=2 => Action::Accept { item },
        3 | 4 => Action::Reject { item, reason: RejectReason::Wrong, comment: None },
        5 => Action::Add { item: id.into(), content: content("medication", "allopurinol") },
        6 => match last {
            Some(last) => Action::Undo { decision: last.clone() },
            None => Action::Escalate { cause: ExceptionCause::Escalated, comment: None },
        },
        7 => Action::Finish {},
        _ => Action::Reopen { reason: "again".into() },
    }
}

/// Refusals by the rules are part of the game; failures of the database are not.
fn allowed<T>(answer: Result<T, StoreError>) {
    if let Err(error) = answer {
        assert!(
            matches!(
                error,
                StoreError::Entry(_)
                    | StoreError::Conflict { .. }
                    | StoreError::Stale { .. }
                    | StoreError::Leased(_)
            ),
            "{error:?}"
        );
    }
}

async fn counters_match(world: &World) {
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    let mut counted: BTreeMap<(String, String), i64> = BTreeMap::new();
    for (scope, sql) in [
        (
            "status",
            "SELECT compartment || ' ' || status AS name, COUNT(*) AS n FROM entries GROUP BY compartment, status",
        ),
        (
            "suggesting",
            "SELECT compartment || ' ' || suggesting AS name, COUNT(*) AS n FROM entries GROUP BY compartment, suggesting",
        ),
        (
            "document_type",
            "SELECT compartment || ' ' || document_type AS name, COUNT(*) AS n FROM entries \
             WHERE document_type IS NOT NULL GROUP BY compartment, document_type",
        ),
        ("template", "SELECT template_id AS name, COUNT(*) AS n FROM entries GROUP BY template_id"),
        ("job", "SELECT state AS name, COUNT(*) AS n FROM jobs GROUP BY state"),
    ] {
        for row in sqlx::query(sql).fetch_all(&mut connection).await.unwrap() {
            counted.insert((scope.into(), row.get("name")), row.get("n"));
        }
    }
    let kept: BTreeMap<(String, String), i64> =
        sqlx::query("SELECT scope, name, n FROM counters WHERE n <> 0 AND scope <> 'memory'")
            .fetch_all(&mut connection)
            .await
            .unwrap()
            .iter()
            .map(|row| ((row.get("scope"), row.get("name")), row.get("n")))
            .collect();
    assert_eq!(kept, counted);
    assert!(counted.len() > 10, "the sequence reached little: {counted:?}");
    // An entry's row says what its latest job says.
    let apart = sqlx::query(
        "SELECT COUNT(*) AS n FROM entries e JOIN jobs j ON j.id = e.job_id WHERE j.state <> e.suggesting",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(apart.get::<i64, _>("n"), 0);
    connection.close().await.unwrap();
}

/// Every row is what a replay of its decisions makes of it, and outcomes are those of the finished entries.
async fn rows_match(world: &World) {
    use overread_domain::span::CodePoints;
    let mut corrections = world.store.corrections(CorrectionFilter { all: true, since: None });
    let (mut finished, mut outcomes) = (0, 0);
    while let Some(record) = corrections.next().await.unwrap() {
        let points = CodePoints::new(&record.text);
        let suggestions = record.suggestion_set.as_ref().map_or(&[][..], |set| &set.suggestions);
        let log = record.decisions.iter().map(|d| (d.id.clone(), d.action.clone()));
        let entry = overread_domain::Entry::replay(&record.template, suggestions, &points, log);
        let decided = entry
            .items()
            .iter()
            .filter(|item| item.id.suggestion_index().is_some() && item.state != ItemState::Suggested)
            .count() as u32;
        let row = &record.row;
        assert_eq!((row.status, row.revision, row.decided), (entry.status(), entry.revision(), decided));
        assert_eq!(row.exception_cause, entry.exception_cause());
        if row.status == overread_domain::EntryStatus::Finished {
            finished += 1;
            outcomes += overread_domain::outcome::outcomes(&entry, suggestions).len() as i64;
        }
    }
    assert!(finished > 0, "the sequence finished nothing");
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    let row = sqlx::query("SELECT COUNT(*) AS n, COUNT(DISTINCT entry_id) AS entries FROM outcomes")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!((row.get::<i64, _>("n"), row.get::<i64, _>("entries")), (outcomes, finished));
    connection.close().await.unwrap();
    let filter = QueueFilter {
        status: Some(overread_domain::EntryStatus::Finished),
        limit: 1_000,
        ..QueueFilter::default()
    };
    assert_eq!(world.store.queue(&filter).await.unwrap().rows.len() as i64, finished);
}
