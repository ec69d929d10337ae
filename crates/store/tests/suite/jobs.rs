use std::collections::BTreeSet;
use std::time::Duration;

use overread_store::{JobState, StoreError, SuggestingState};
use sqlx::{AnyConnection, Connection as _};

use crate::world::{World, accept, add, note};

pub async fn a_job_has_one_holder(world: World) {
    let notes = (0..40).map(|n| note(&format!("n{n}"))).collect();
    world.import(notes).await;
    let mut workers = Vec::new();
    for worker in ["w1", "w2", "w3"] {
        let store = world.store.clone();
        workers.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            while let Some(job) = store.claim_job(worker, 60_000).await.unwrap() {
                claimed.push(job.id.to_string());
            }
            claimed
        }));
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    assert_eq!(all.len(), 40);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 40);
    let counts = world.store.job_counts().await.unwrap();
    assert_eq!((counts.queued, counts.running), (0, 40));
    assert_eq!(world.store.progress(&"ann".into(), world.store.now()).await.unwrap().suggesting, 40);
}

pub async fn a_claim_that_ran_out_is_free_again(world: World) {
    let entry = world.import(vec![note("n1")]).await.remove(0);
    let first = world.store.claim_job("w1", 1_000).await.unwrap().unwrap();
    assert_eq!((first.attempt, first.text.as_str()), (1, crate::world::TEXT));
    assert!(world.store.claim_job("w2", 1_000).await.unwrap().is_none());
    world.source.advance(900);
    world.store.renew_claim(&first.id, "w1", 1_000).await.unwrap();
    world.source.advance(900);
    assert!(world.store.claim_job("w2", 1_000).await.unwrap().is_none(), "it was renewed");
    world.source.advance(100);
    let second = world.store.claim_job("w2", 1_000).await.unwrap().unwrap();
    assert_eq!((second.id.clone(), second.attempt), (first.id.clone(), 2));

    let late = world.store.complete_job(&first.id, "w1", world.set(&first, "m1", 0.9)).await;
    assert!(matches!(late, Err(StoreError::Conflict { what: "job", .. })), "{late:?}");
    assert!(world.store.renew_claim(&first.id, "w1", 1_000).await.is_err());
    assert!(world.store.fail_job(&first.id, "w1", "late", None).await.is_err());
    world.store.complete_job(&second.id, "w2", world.set(&second, "m1", 0.9)).await.unwrap();
    let record = world.store.entry(&entry).await.unwrap();
    assert_eq!((record.row.suggesting, record.row.suggested), (SuggestingState::Done, 3));
}

pub async fn a_clock_set_back_stops_nothing(world: World) {
    const DAY: i64 = 86_400_000;
    world.source.advance(DAY);
    let entries = world.import(vec![note("n1"), note("n2")]).await;
    let held = world.store.claim_job("w1", 60_000).await.unwrap().unwrap();
    world.store.take_lease(&entries[0], &"ann".into(), 300_000).await.unwrap();
    world.source.advance(-DAY);
    // One was claimed, one waits; both from tomorrow's point of view.
    let first = world.store.claim_job("w2", 60_000).await.unwrap().unwrap();
    let second = world.store.claim_job("w2", 60_000).await.unwrap().unwrap();
    assert_ne!(first.id, second.id);
    assert!(world.store.claim_job("w3", 60_000).await.unwrap().is_none(), "both are held by today's clock");
    let late = world.store.complete_job(&held.id, "w1", world.set(&held, "m1", 0.9)).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    for job in [first, second] {
        world.store.complete_job(&job.id, "w2", world.set(&job, "m1", 0.9)).await.unwrap();
    }
    let filter = overread_store::QueueFilter::default();
    let next = world.store.next_entry(&"bob".into(), &filter, None).await.unwrap();
    assert_eq!(next.as_ref(), Some(&entries[0]), "what was held in a time that did not come is handed out");
    world.store.take_lease(&entries[0], &"bob".into(), 300_000).await.unwrap();
    let other = world.store.take_lease(&entries[0], &"ann".into(), 300_000).await;
    assert!(matches!(other, Err(StoreError::Leased(_))), "{other:?}");
}

pub async fn a_job_has_one_result(world: World) {
    let entry = world.import(vec![note("n1")]).await.remove(0);
    let job = world.store.claim_job("w", 1_000).await.unwrap().unwrap();
    let (set, other) = (world.set(&job, "m1", 0.9), world.set(&job, "m1", 0.2));
    world.store.complete_job(&job.id, "w", set.clone()).await.unwrap();
    world.store.complete_job(&job.id, "w", set.clone()).await.unwrap();
    let twice = world.store.complete_job(&job.id, "w", other).await;
    assert!(matches!(twice, Err(StoreError::Conflict { what: "job", .. })), "{twice:?}");
    assert_eq!(world.store.entry(&entry).await.unwrap().suggestion_set.as_deref(), Some(&set));
    let counts = world.store.job_counts().await.unwrap();
    assert_eq!((counts.done, counts.running), (1, 0));
    let nowhere = world.store.complete_job(&"j-none".into(), "w", set).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound { .. })));
}

pub async fn failed_jobs_wait_or_stay_failed(world: World) {
    let store = &world.store;
    let entry = world.import(vec![note("n1")]).await.remove(0);
    let job = store.claim_job("w", 1_000).await.unwrap().unwrap();
    store.fail_job(&job.id, "w", "no model", Some(store.now().plus_millis(500))).await.unwrap();
    assert!(store.claim_job("w", 1_000).await.unwrap().is_none(), "not due yet");
    world.source.advance(500);
    let job = store.claim_job("w", 1_000).await.unwrap().unwrap();
    assert_eq!(job.attempt, 2);
    store.fail_job(&job.id, "w", "no model", None).await.unwrap();
    let record = store.entry(&entry).await.unwrap();
    assert_eq!((record.job_state, record.job_error.as_deref()), (Some(JobState::Failed), Some("no model")));
    let next = store.next_entry(&"ann".into(), &overread_store::QueueFilter::default(), None).await.unwrap();
    assert_eq!(next, Some(entry.clone()), "it can be filled in by hand");

    let failed = store.jobs(Some(JobState::Failed), None, 10).await.unwrap().rows;
    assert_eq!((failed.len(), failed[0].attempts, failed[0].entry.clone()), (1, 2, entry));
    assert_eq!(store.retry_job(&job.id).await.unwrap().state, JobState::Queued);
    assert!(matches!(store.retry_job(&job.id).await, Err(StoreError::Conflict { .. })));
    let again = store.claim_job("w", 1_000).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempt), (job.id, 1));
}

/// A refused request lets go of its row only after the answer.
pub async fn a_job_that_is_let_go_of_is_claimed(world: World) {
    world.import(vec![note("n1")]).await;
    let mut other = AnyConnection::connect(&world.url).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("UPDATE jobs SET attempts = attempts").execute(&mut *held).await.unwrap();
    let let_go = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        held.rollback().await.unwrap();
    };
    let (claimed, ()) = tokio::join!(world.store.claim_job("w", 1_000), let_go);
    assert!(claimed.unwrap().is_some());
}

pub async fn suggestions_stay_once_somebody_decided(world: World) {
    let (store, entry) = (&world.store, world.entry("n1").await);
    world.decide(&entry, "ann", 0, vec![accept(0)]).await.unwrap();
    assert!(matches!(store.suggest_again(&entry).await, Err(StoreError::Conflict { what: "entry", .. })));

    // Somebody works by hand while suggestions are awaited: rows do not appear below their hands.
    let waiting = world.import(vec![note("n2")]).await.remove(0);
    let job = store.claim_job("w", 1_000).await.unwrap().unwrap();
    let by_hand = vec![add("a1", "age", "65-year-old")];
    world.decide(&waiting, "ann", 0, by_hand).await.unwrap();
    store.complete_job(&job.id, "w", world.set(&job, "m1", 0.9)).await.unwrap();
    let record = store.entry(&waiting).await.unwrap();
    assert!(record.suggestion_set.is_none());
    assert_eq!((record.row.suggested, record.row.suggesting), (0, SuggestingState::Done));
    world.decide(&waiting, "ann", 1, vec![overread_domain::Action::Finish {}]).await.unwrap();
}

pub async fn new_suggestions_replace_undecided_ones(world: World) {
    let (store, entry) = (&world.store, world.entry("n1").await);
    let old = store.entry(&entry).await.unwrap().suggestion_set.unwrap();
    store.take_lease(&entry, &"bob".into(), 1_000).await.unwrap();
    assert!(matches!(store.suggest_again(&entry).await, Err(StoreError::Leased(_))));
    world.source.advance(1_000);
    let job = store.suggest_again(&entry).await.unwrap();
    assert_eq!(store.suggest_again(&entry).await.unwrap().id, job.id, "one is on its way");
    let row = store.entry(&entry).await.unwrap().row;
    assert_eq!((row.suggested, row.confidence, row.suggesting), (0, None, SuggestingState::Queued));
    let stale = world.decide(&entry, "ann", 0, vec![accept(0)]).await;
    assert!(matches!(stale, Err(StoreError::Entry(_))), "the old rows are gone");
    let claimed = store.claim_job("w", 1_000).await.unwrap().unwrap();
    assert_eq!(claimed.id, job.id);
    store.complete_job(&claimed.id, "w", world.set(&claimed, "m2", 0.5)).await.unwrap();
    let record = store.entry(&entry).await.unwrap();
    assert_ne!(record.suggestion_set.unwrap().id, old.id);
    assert_eq!(
        store.accuracy(&overread_store::AccuracyFilter::default()).await.unwrap().models,
        ["m2", "m1"]
    );
}
