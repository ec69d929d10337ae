//! Decisions that must not be taken.

use overread_api::entry::{Decided, LeaseView};
use overread_api::path::fill;
use overread_api::{ErrorCode, path};
use overread_api_tests::{Answer, Client, NOTE, World};
use overread_domain::{EntryId, Role};
use serde_json::{Value, json};

use crate::review::quoted;

async fn add(client: &Client, entry: &EntryId, content: Value) -> Answer {
    let action = json!([{ "action": "add", "item": "a1", "content": content }]);
    client.decide(entry, 0, "add", action).await
}

#[tokio::test]
async fn a_stale_revision_is_told_what_changed() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let other = world.signed_in(Role::Coder).await;
    reviewer.decide(&entry, 0, "1", json!([{ "action": "accept", "item": "s0" }])).await.expect(200);
    reviewer.decide(&entry, 1, "2", json!([{ "action": "accept", "item": "s1" }])).await.expect(200);
    world.source.advance(3_600_000);
    let other = {
        let _ = other;
        world.signed_in(Role::Coder).await
    };
    let stale = other.decide(&entry, 1, "3", json!([{ "action": "accept", "item": "s2" }])).await.expect(409);
    let error = stale.error(ErrorCode::StaleRevision);
    assert_eq!(error.changes.len(), 1);
    assert_eq!((error.changes[0].user.as_str(), error.changes[0].revision), ("reviewer", 2));
    let ahead = other.decide(&entry, 9, "4", json!([{ "action": "accept", "item": "s2" }])).await.expect(409);
    ahead.error(ErrorCode::StaleRevision);
    other.decide(&entry, 2, "5", json!([{ "action": "accept", "item": "s2" }])).await.expect(200);
}

#[tokio::test]
async fn a_quote_that_is_not_there_is_refused_with_both() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let mut wrong = quoted(NOTE, "hypertension");
    wrong["quote"] = json!("hypotension!");
    let answer =
        add(&reviewer, &entry, json!({ "field": "diagnosis", "evidence": [wrong] })).await.expect(422);
    let error = answer.error(ErrorCode::QuoteMismatch);
    let quotes = error.quotes.expect("both quotes");
    assert_eq!((quotes.expected.as_str(), quotes.found.as_str()), ("hypotension!", "hypertension"));
    assert!(!error.message.contains("hyper"), "{}", error.message);
    assert!(error.places[0].field.is_some());

    for (start, end) in [(5, 5_000), (5, 5), (9, 3)] {
        let off = json!({ "start": start, "end": end, "quote": "x" });
        let answer = add(&reviewer, &entry, json!({ "field": "diagnosis", "evidence": [off] })).await;
        answer.expect(422).error(ErrorCode::Invalid);
    }
    // Bytes or UTF-16 units instead of code points miss by the characters before.
    let at = NOTE.find("hypertension").unwrap();
    let bytes = json!({ "start": at, "end": at + 12, "quote": "hypertension" });
    let answer = add(&reviewer, &entry, json!({ "field": "diagnosis", "evidence": [bytes] })).await;
    answer.expect(422).error(ErrorCode::QuoteMismatch);
    assert_eq!(world.entry(&reviewer, &entry).await.revision, 0, "nothing was written");
}

#[tokio::test]
async fn codes_must_exist_be_billable_and_well_written() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let content = |system: &str, code: &str| {
        json!({ "field": "diagnosis", "evidence": [quoted(NOTE, "hypertension")],
            "code": { "system": system, "code": code } })
    };
    for (system, code, told) in [
        ("icd-10-cm", "Q99.99X", "no such code"),
        ("icd-10-cm", "E11", "not billable"),
        ("icd-10-cm", "i10", "written I10"),
        ("icd-10-cm", "E1122", "written E11.22"),
        ("icd-10-cm", "A00-A09", "no such code"),
        ("snomed", "38341003", "another system"),
    ] {
        let error = add(&reviewer, &entry, content(system, code)).await.expect(422).error(ErrorCode::Invalid);
        assert_eq!(error.places[0].field.as_deref(), Some("actions[0].content.code"), "{code}");
        assert!(error.places[0].message.contains(told), "{code}: {}", error.places[0].message);
    }
    add(&reviewer, &entry, content("icd-10-cm", "I15.9")).await.expect(200);
}

#[tokio::test]
async fn unknown_rows_fields_and_attributes_are_refused() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let evidence = || json!([quoted(NOTE, "fever")]);
    for content in [
        json!({ "field": "nothing", "evidence": evidence() }),
        json!({ "field": "diagnosis", "evidence": evidence(), "attributes": { "nothing": quoted(NOTE, "fever") } }),
        json!({ "field": "diagnosis" }),
        json!({ "field": "sex", "value": "perhaps" }),
        json!({ "field": "medication", "value": "x", "code": { "system": "icd-10-cm", "code": "I10" } }),
        json!({ "field": "final_code", "evidence": evidence() }),
        json!({ "field": "diagnosis", "value": "x".repeat(5000) }),
        json!({ "field": "diagnosis", "value": "a\u{0}b" }),
    ] {
        let answer = add(&reviewer, &entry, content.clone()).await;
        assert_eq!(answer.status, 422, "{content} {}", answer.text());
        answer.error(ErrorCode::Invalid);
    }
    for action in [
        json!({ "action": "accept", "item": "s99" }),
        json!({ "action": "accept", "item": "a1" }),
        json!({ "action": "confirm_empty", "field": "nothing" }),
        json!({ "action": "add", "item": "s1", "content": { "field": "diagnosis", "value": "x" } }),
        json!({ "action": "conjure" }),
    ] {
        let answer = reviewer.decide(&entry, 0, "1", json!([action])).await;
        assert_eq!(answer.status, 422, "{action} {}", answer.text());
    }
    let undo = json!([{ "action": "undo", "decision": "d-none" }]);
    reviewer.decide(&entry, 0, "2", undo).await.expect(409).error(ErrorCode::WrongState);
    let occupied = json!([{ "action": "confirm_empty", "field": "diagnosis" }]);
    reviewer.decide(&entry, 0, "3", occupied).await.expect(409).error(ErrorCode::WrongState);
    reviewer.decide(&EntryId::new("e-none"), 0, "4", json!([{ "action": "finish" }])).await.expect(404);
}

#[tokio::test]
async fn several_actions_stand_or_fall_together() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let actions = json!([{ "action": "accept", "item": "s0" }, { "action": "accept", "item": "s99" }]);
    reviewer.decide(&entry, 0, "1", actions).await.expect(422);
    assert_eq!(world.entry(&reviewer, &entry).await.revision, 0);
    let many = vec![json!({ "action": "confirm_empty", "field": "allergy" }); 201];
    reviewer.decide(&entry, 0, "2", json!(many)).await.expect(422).error(ErrorCode::Invalid);
    reviewer.decide(&entry, 0, "3", json!([])).await.expect(422).error(ErrorCode::Invalid);
    let body =
        json!({ "expected_revision": 0, "idempotency_key": "short", "actions": [{ "action": "finish" }] });
    let answer = reviewer.post(&fill(path::DECISIONS, &[entry.as_str()]), &body).await.expect(422);
    assert_eq!(answer.error(ErrorCode::Invalid).places[0].field.as_deref(), Some("idempotency_key"));
}

#[tokio::test]
async fn a_lease_keeps_others_out_until_it_ends() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let coder = world.signed_in(Role::Coder).await;
    let lease = fill(path::LEASE, &[entry.as_str()]);
    let held: LeaseView = reviewer.post(&lease, &json!({})).await.expect(200).json();
    assert_eq!(held.lease.until.since(world.app.now()), world.app.config.lease_seconds * 1000);
    coder.post(&lease, &json!({})).await.expect(409).error(ErrorCode::Leased);
    assert!(!world.entry(&coder, &entry).await.may_decide);
    let accept = || json!([{ "action": "accept", "item": "s0" }]);
    coder.decide(&entry, 0, "1", accept()).await.expect(409).error(ErrorCode::Leased);
    reviewer.send("DELETE", &lease, None).await.expect(204);
    coder.post(&lease, &json!({})).await.expect(200);
    reviewer.decide(&entry, 0, "2", accept()).await.expect(409).error(ErrorCode::Leased);
    world.source.advance(world.app.config.lease_seconds * 1000 + 1);
    let decided: Decided = reviewer.decide(&entry, 0, "3", accept()).await.expect(200).json();
    assert_eq!(decided.revision, 1);
    reviewer.post(&fill(path::LEASE, &["e-none"]), &json!({})).await.expect(404);
}

#[tokio::test]
async fn nul_and_endless_queries_are_refused() {
    let world = World::new().await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    reviewer.get(&fill(path::ENTRY, &["a\0b"])).await.expect(404).error(ErrorCode::NotFound);
    for q in ["a%00b", "%00"] {
        let answer = reviewer.get(&format!("{}?q={q}", path::ENTRIES)).await;
        answer.expect(400).error(ErrorCode::BadRequest);
    }
    reviewer.get(&format!("{}?q={}", path::ENTRIES, "%C3%A4".repeat(400))).await.expect(200);
    let answer = reviewer.get(&format!("{}?q={}", path::ENTRIES, "a".repeat(401))).await;
    answer.expect(422).error(ErrorCode::Invalid);
    let answer = world.stranger().sign_in("cod\0er", "a long password").await;
    answer.expect(401).error(ErrorCode::WrongCredentials);
}
