use std::collections::BTreeMap;

use overread_domain::{Action, CodeRef, DecisionId, LessonKind, RejectReason, Timestamp};
use overread_store::{MemoryFilter, MemoryRow, Store, StoreError};
use sqlx::{AnyConnection, Connection};

use crate::world::{World, accept, content, note, reject};

/// What is remembered, in the order of its words: kind, field, phrase, code, uses.
async fn remembered(store: &Store) -> Vec<String> {
    while store.learn(10).await.unwrap() > 0 {}
    let mut rows: Vec<String> = store
        .memory(&MemoryFilter::default(), 1000)
        .await
        .unwrap()
        .rows
        .into_iter()
        .map(|listed| said(&listed.row))
        .collect();
    rows.sort();
    rows
}

fn said(row: &MemoryRow) -> String {
    let code = row.code.as_ref().map_or("-", |code| code.code.as_str());
    format!("{} {} {} {code} {}", row.field, row.phrase, row.kind, row.uses)
}

pub async fn decisions_become_memory_and_are_taken_back(world: World) {
    let entry = world.entry("n1").await;
    assert!(remembered(&world.store).await.is_empty(), "what was never shown is unknown, not negative");
    let made = world.finish(&entry).await;
    assert_eq!(
        remembered(&world.store).await,
        [
            "diagnosis gout mention_rejected - 1",
            "diagnosis pneumonia code_accepted J18.1 1",
            "diagnosis pneumonia code_rejected J18.9 1",
            "diagnosis pneumonia mention_accepted - 1",
            "medication allopurinol mention_accepted - 1",
        ]
    );
    let page = world.store.memory(&MemoryFilter::default(), 10).await.unwrap();
    for listed in &page.rows {
        assert_eq!((listed.user.as_str(), &listed.entry), ("ann", &entry));
        assert!(made.decisions.iter().any(|decision| decision.id == listed.decision));
        assert_eq!(listed.row.last_at, made.decisions[0].at);
    }
    let reopened = vec![
        Action::Reopen { reason: "second look".into() },
        Action::Undo { decision: DecisionId::new(made.decisions[2].id.as_str()) },
        Action::Reject { item: "s1".into(), reason: RejectReason::Negated, comment: None },
    ];
    world.source.advance(5);
    world.decide(&entry, "bob", 5, reopened).await.unwrap();
    assert_eq!(
        remembered(&world.store).await,
        ["medication allopurinol mention_accepted - 1"],
        "a rejection that rests on the place says nothing of the words"
    );
}

pub async fn the_same_words_are_one_row_that_counts(world: World) {
    let entries = world.import((0..3).map(|n| note(&format!("n{n}"))).collect()).await;
    world.suggest_all(0.9).await;
    let mut stamp = 0;
    for (n, entry) in entries.iter().enumerate() {
        world.source.advance(10);
        world.decide(entry, "ann", 0, vec![accept(1)]).await.unwrap();
        assert_eq!(world.store.learn(5).await.unwrap(), 1);
        assert_eq!(world.store.learn(5).await.unwrap(), 0, "nothing is behind");
        let new = world.store.memory_since(stamp).await.unwrap();
        assert_eq!(new.len(), 2, "a code and a mention");
        assert!(new.iter().all(|row| row.uses == n as u64 + 1 && row.changed > stamp));
        stamp = new.last().unwrap().changed;
    }
    assert!(world.store.memory_since(stamp).await.unwrap().is_empty());
    // A decision that changes nothing about the words changes nothing in the memory.
    world.decide(&entries[0], "ann", 1, vec![accept(0)]).await.unwrap();
    assert_eq!(world.store.learn(5).await.unwrap(), 1);
    assert!(world.store.memory_since(stamp).await.unwrap().is_empty());
}

pub async fn what_was_deleted_stays_forgotten_when_made_again(world: World) {
    let entries = world.import(vec![note("n1"), note("n2")]).await;
    world.suggest_all(0.9).await;
    world.decide(&entries[0], "ann", 0, vec![accept(1), reject(2)]).await.unwrap();
    assert_eq!(remembered(&world.store).await.len(), 3);
    let filter = MemoryFilter { kind: Some(LessonKind::MentionRejected), ..MemoryFilter::default() };
    let gout = world.store.memory(&filter, 10).await.unwrap().rows.remove(0).row;
    world.source.advance(10);
    let deletion = world.store.forget(&gout.id, &"bob".into()).await.unwrap();
    assert_eq!((deletion.memory.as_str(), deletion.uses), (gout.id.as_str(), 1));
    assert_eq!(remembered(&world.store).await.len(), 2);
    assert_eq!(world.store.memory_since(gout.changed).await.unwrap()[0].uses, 0, "caches are told");
    assert!(matches!(world.store.forget(&gout.id, &"bob".into()).await, Err(StoreError::NotFound { .. })));

    world.store.unlearn().await.unwrap();
    assert!(world.store.memory(&MemoryFilter::default(), 10).await.unwrap().rows.is_empty());
    assert_eq!(remembered(&world.store).await.len(), 2, "made again without what was deleted");
    let [logged] = &world.store.memory_deletions(10).await.unwrap()[..] else { panic!() };
    assert_eq!((logged.user.as_str(), logged.memory.as_str()), ("bob", gout.id.as_str()));
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    for sql in ["DELETE FROM memory_deletions", "UPDATE memory_deletions SET at = 0"] {
        let refused = sqlx::raw_sql(sql).execute(&mut connection).await.unwrap_err();
        assert!(refused.to_string().contains("written once"), "{refused}");
    }
    connection.close().await.unwrap();

    // What is decided after a deletion counts again.
    world.source.advance(10);
    world.decide(&entries[1], "ann", 0, vec![reject(2)]).await.unwrap();
    assert!(remembered(&world.store).await.contains(&"diagnosis gout mention_rejected - 1".to_owned()));
}

pub async fn pages_and_filters_hold_together(world: World) {
    let entries = world.import((0..4).map(|n| note(&format!("n{n}"))).collect()).await;
    world.suggest_all(0.9).await;
    for (n, entry) in entries.iter().enumerate() {
        world.source.advance(10);
        let mut corrected = content("diagnosis", "pneumonia");
        corrected.code = Some(CodeRef::icd10cm(format!("J18.{n}")));
        let correct = Action::Correct { item: "s1".into(), content: corrected };
        world.decide(entry, "ann", 0, vec![correct]).await.unwrap();
    }
    let all = remembered(&world.store).await;
    let mut seen = Vec::new();
    let mut filter = MemoryFilter::default();
    loop {
        let page = world.store.memory(&filter, 2).await.unwrap();
        seen.extend(page.rows.iter().map(|listed| said(&listed.row)));
        assert!(page.rows.len() <= 2);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, all);
    let count = async |filter: MemoryFilter| world.store.memory(&filter, 100).await.unwrap().rows.len();
    let by = MemoryFilter::default;
    assert_eq!(count(MemoryFilter { q: Some(" PNEU".into()), ..by() }).await, all.len());
    assert_eq!(count(MemoryFilter { q: Some("_neu".into()), ..by() }).await, 0, "no wildcards");
    assert_eq!(count(MemoryFilter { code: Some("j18.2".into()), ..by() }).await, 1);
    assert_eq!(
        count(MemoryFilter { code: Some("18".into()), ..by() }).await,
        0,
        "codes from their beginning"
    );
    assert_eq!(count(MemoryFilter { field: Some("medication".into()), ..by() }).await, 0);
    let kind = MemoryFilter { kind: Some(LessonKind::MentionAccepted), ..by() };
    assert_eq!(count(kind).await, 1);
    let foreign = MemoryFilter { after: Some("x".into()), ..by() };
    assert!(matches!(world.store.memory(&foreign, 5).await, Err(StoreError::Invalid { .. })));
}

pub async fn a_database_from_before_learns_what_it_holds(world: World) {
    let entry = world.entry("n1").await;
    world.finish(&entry).await;
    let expected = remembered(&world.store).await;
    let counted = world.store.progress(&"ann".into(), Timestamp(0)).await.unwrap();
    world.store.close().await;
    // As the first schema left it.
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    let first = [
        "DROP TABLE memory_uses",
        "DROP TABLE memory_deletions",
        "DROP TABLE memory_vectors",
        "DROP TABLE memory",
        "DROP INDEX entries_behind",
        "ALTER TABLE entries DROP COLUMN learned",
        "DROP TABLE edit_levels",
        "DROP TABLE favourites",
        "DROP INDEX outcomes_code",
        "DROP TABLE totp",
        "DROP TABLE recovery_codes",
        "DROP TABLE passkeys",
        "DROP TABLE challenges",
        "DROP TABLE invitations",
        "DROP TABLE api_tokens",
        "DROP TABLE identities",
        "DROP TABLE audit",
        "DROP TABLE audit_head",
        "DROP TABLE audit_reviews",
        "DELETE FROM overread_schema WHERE version > 1",
    ];
    for sql in crate::schema::WITHOUT_ACCESS.into_iter().chain(first) {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let again = Store::open(&world.url, world.source.clone()).await.unwrap();
    assert_eq!(remembered(&again).await, expected);
    assert_eq!(again.progress(&"ann".into(), Timestamp(0)).await.unwrap(), counted);
    assert_eq!(counted.finished, 1);
    again.close().await;
}

pub async fn many_learners_count_once(world: World) {
    let entries = world.import((0..12).map(|n| note(&format!("n{n}"))).collect()).await;
    world.suggest_all(0.9).await;
    for entry in &entries {
        world.decide(entry, "ann", 0, vec![accept(1), accept(2)]).await.unwrap();
    }
    let learners: Vec<_> = (0..4)
        .map(|_| {
            let store = world.store.clone();
            tokio::spawn(async move { while store.learn(3).await.unwrap() > 0 {} })
        })
        .collect();
    for learner in learners {
        learner.await.unwrap();
    }
    let page = world.store.memory(&MemoryFilter::default(), 100).await.unwrap();
    let uses: BTreeMap<String, u64> =
        page.rows.iter().map(|listed| (said(&listed.row), listed.row.uses)).collect();
    assert_eq!(uses.len(), 4);
    assert!(uses.values().all(|n| *n == 12), "{uses:?}");
}

pub async fn vectors_are_kept_by_what_made_them(world: World) {
    let entry = world.entry("n1").await;
    world.finish(&entry).await;
    remembered(&world.store).await;
    let waiting = world.store.memory_without_vector("one", 10).await.unwrap();
    assert_eq!(waiting, ["allopurinol", "gout", "pneumonia"]);
    let made: Vec<(String, Vec<f32>)> =
        waiting.iter().map(|key| (key.clone(), vec![0.5, -1.25, key.len() as f32])).collect();
    world.store.put_memory_vectors("one", &made[..2]).await.unwrap();
    assert_eq!(world.store.memory_without_vector("one", 10).await.unwrap(), ["pneumonia"]);
    assert_eq!(world.store.memory_without_vector("two", 1).await.unwrap(), ["allopurinol"]);
    world.store.put_memory_vectors("one", &made).await.unwrap();
    assert_eq!(world.store.memory_vectors("one").await.unwrap(), made);
    assert!(world.store.memory_vectors("two").await.unwrap().is_empty());
}
