use overread_domain::decision::ExceptionCause;
use overread_domain::{Action, EntryError, EntryStatus};
use overread_store::StoreError;

use crate::world::{World, accept, add, reject};

pub async fn the_row_follows_the_decisions(world: World) {
    let entry = world.entry("n1").await;
    let before = world.store.entry(&entry).await.unwrap().row;
    assert_eq!((before.suggested, before.decided, before.revision), (3, 0, 0));
    assert!((before.confidence.unwrap() - 0.9).abs() < 1e-6);
    assert_eq!(before.status, EntryStatus::Open);

    world.source.advance(5_000);
    let outcome = world.decide(&entry, "ann", 0, vec![accept(0), reject(1)]).await.unwrap();
    assert_eq!(outcome.decisions.iter().map(|d| d.revision).collect::<Vec<_>>(), [1, 2]);
    let efforts: Vec<_> = outcome.decisions.iter().map(|decision| decision.effort.active_ms).collect();
    assert_eq!(efforts, [900, 0], "the cost of a request is kept once");
    let row = &outcome.record.row;
    assert_eq!(
        (row.status, row.revision, row.decided, row.updated_at),
        (EntryStatus::InProgress, 2, 2, world.store.now())
    );
    let undo = Action::Undo { decision: outcome.decisions[1].id.clone() };
    let escalate = Action::Escalate { cause: ExceptionCause::RuleError, comment: None };
    let outcome = world.decide(&entry, "ann", 2, vec![undo, escalate]).await.unwrap();
    let row = &outcome.record.row;
    assert_eq!((row.decided, row.exception_cause), (1, Some(ExceptionCause::RuleError)));

    let stored = world.store.entry(&entry).await.unwrap();
    assert_eq!(stored.row, outcome.record.row);
    assert_eq!(stored.decisions, outcome.record.decisions);
    assert_eq!(stored.suggestion_set, outcome.record.suggestion_set);
    let progress = world.store.progress(&"ann".into(), world.store.now()).await.unwrap();
    assert_eq!((progress.exception, progress.open, progress.decisions), (1, 0, 4));
}

pub async fn a_stale_revision_gets_what_changed(world: World) {
    let entry = world.entry("n1").await;
    let made = world.decide(&entry, "ann", 0, vec![accept(0), accept(1)]).await.unwrap().decisions;
    let stale = world.decide(&entry, "bob", 1, vec![reject(2)]).await.unwrap_err();
    let StoreError::Stale { revision, changes } = stale else { panic!("{stale:?}") };
    assert_eq!((revision, changes), (2, made[1..].to_vec()));
    let ahead = world.decide(&entry, "bob", 9, vec![reject(2)]).await.unwrap_err();
    assert!(matches!(ahead, StoreError::Stale { revision: 2, changes } if changes.is_empty()));
    assert_eq!(world.store.entry(&entry).await.unwrap().decisions.len(), 2);
}

pub async fn rows_of_another_suggestion_set_are_not_decided(world: World) {
    let entry = world.entry("n1").await;
    let shown = world.store.entry(&entry).await.unwrap().suggestion_set.unwrap().id.clone();
    world.store.suggest_again(&entry).await.unwrap();
    let job = world.store.claim_job("w", 1_000).await.unwrap().unwrap();
    world.store.complete_job(&job.id, "w", world.set(&job, "m2", 0.4)).await.unwrap();
    let mut request = world.request(&entry, "ann", 0, vec![accept(0)]);
    request.suggestion_set = Some(shown);
    let refused = world.store.decide(request.clone()).await;
    assert!(matches!(refused, Err(StoreError::Stale { revision: 0, .. })), "{refused:?}");
    request.suggestion_set =
        Some(world.store.entry(&entry).await.unwrap().suggestion_set.unwrap().id.clone());
    world.store.decide(request).await.unwrap();
}

pub async fn a_repeated_request_gets_the_first_answer(world: World) {
    let entry = world.entry("n1").await;
    let request = world.request(&entry, "ann", 0, vec![accept(0), accept(1)]);
    let first = world.store.decide(request.clone()).await.unwrap();
    world.source.advance(1_000);
    world.decide(&entry, "bob", 2, vec![reject(2), Action::Finish {}]).await.unwrap();
    let again = world.store.decide(request).await.unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!(again.decisions, first.decisions);
    assert_eq!(again.record.decisions, first.record.decisions);
    assert_eq!(again.record.row, first.record.row, "as it was then, not as it is now");
    assert_eq!(world.store.entry(&entry).await.unwrap().row.revision, 4);
}

pub async fn a_key_serves_one_request(world: World) {
    let (entry, other) = (world.entry("n1").await, world.entry("n2").await);
    let request = world.request(&entry, "ann", 0, vec![accept(0)]);
    world.store.decide(request.clone()).await.unwrap();
    let mut changed = request.clone();
    changed.actions = vec![reject(0)];
    assert!(matches!(world.store.decide(changed).await, Err(StoreError::KeyReused)));
    let mut elsewhere = request.clone();
    elsewhere.entry = other;
    assert!(matches!(world.store.decide(elsewhere).await, Err(StoreError::KeyReused)));
    let mut another_person = request;
    another_person.user = "bob".into();
    another_person.expected_revision = 1;
    another_person.actions = vec![accept(1)];
    world.store.decide(another_person).await.unwrap();
}

pub async fn an_illegal_action_keeps_none_of_its_request(world: World) {
    let entry = world.entry("n1").await;
    let refused = world.decide(&entry, "ann", 0, vec![accept(0), Action::Finish {}]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Entry(EntryError::Unfinished { .. })), "{refused:?}");
    let record = world.store.entry(&entry).await.unwrap();
    assert_eq!((record.decisions.len(), record.row.status), (0, EntryStatus::Open));
    assert!(matches!(world.decide(&entry, "ann", 0, vec![]).await, Err(StoreError::Invalid { .. })));
    let many = vec![accept(0); 201];
    assert!(matches!(world.decide(&entry, "ann", 0, many).await, Err(StoreError::Invalid { .. })));
    let nowhere = world.decide(&"e-none".into(), "ann", 0, vec![accept(0)]).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound { what: "entry", .. })));
}

pub async fn a_lease_keeps_others_out_until_it_ends(world: World) {
    let (store, entry) = (&world.store, world.entry("n1").await);
    let lease = store.take_lease(&entry, &"ann".into(), 60_000).await.unwrap();
    assert_eq!(store.entry(&entry).await.unwrap().row.lease, Some(lease.clone()));
    let refused = store.take_lease(&entry, &"bob".into(), 60_000).await;
    assert!(matches!(refused, Err(StoreError::Leased(held)) if held == lease));
    let refused = world.decide(&entry, "bob", 0, vec![accept(0)]).await;
    assert!(matches!(refused, Err(StoreError::Leased(held)) if held == lease));

    world.source.advance(30_000);
    let renewed = store.take_lease(&entry, &"ann".into(), 60_000).await.unwrap();
    assert!(renewed.until > lease.until);
    store.release_lease(&entry, &"bob".into()).await.unwrap();
    assert!(store.entry(&entry).await.unwrap().row.lease.is_some(), "only its holder gives it back");
    world.decide(&entry, "ann", 0, vec![accept(0)]).await.unwrap();
    assert!(store.entry(&entry).await.unwrap().row.lease.is_some(), "it stays while work goes on");

    world.source.advance(60_000);
    assert_eq!(store.entry(&entry).await.unwrap().row.lease, None);
    world.decide(&entry, "bob", 1, vec![accept(1)]).await.unwrap();
    store.take_lease(&entry, &"bob".into(), 60_000).await.unwrap();
    world.decide(&entry, "bob", 2, vec![reject(2), Action::Finish {}]).await.unwrap();
    assert_eq!(store.entry(&entry).await.unwrap().row.lease, None, "nothing is left to do");
    let nowhere = store.take_lease(&"e-none".into(), &"ann".into(), 1).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound { .. })));
}

pub async fn of_two_at_the_same_moment_one_wins(world: World) {
    let entry = world.entry("n1").await;
    for revision in 0..20 {
        let one =
            world.request(&entry, "ann", revision, vec![add(&format!("a{revision}"), "diagnosis", "gout")]);
        let two =
            world.request(&entry, "bob", revision, vec![add(&format!("ab{revision}"), "diagnosis", "gout")]);
        let (store, other) = (world.store.clone(), world.store.clone());
        let one = tokio::spawn(async move { store.decide(one).await });
        let two = tokio::spawn(async move { other.decide(two).await });
        let answers = [one.await.unwrap(), two.await.unwrap()];
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        let lost = answers.into_iter().find_map(Result::err).unwrap();
        assert!(matches!(lost, StoreError::Stale { changes, .. } if changes.len() == 1));
    }
    let decisions = world.store.entry(&entry).await.unwrap().decisions;
    assert_eq!(decisions.iter().map(|d| d.revision).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

pub async fn of_two_equal_requests_at_the_same_moment_both_get_one_answer(world: World) {
    let entry = world.entry("n1").await;
    for revision in 0..20 {
        let request =
            world.request(&entry, "ann", revision, vec![add(&format!("a{revision}"), "diagnosis", "gout")]);
        let (store, again, other) = (world.store.clone(), request.clone(), world.store.clone());
        let one = tokio::spawn(async move { store.decide(request).await });
        let two = tokio::spawn(async move { other.decide(again).await });
        let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
        assert_eq!(one.decisions, two.decisions);
        assert!(one.repeated != two.repeated);
    }
    assert_eq!(world.store.entry(&entry).await.unwrap().decisions.len(), 20);
}
