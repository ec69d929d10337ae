//! Who did what is on record, in a chain that shows what was done to it.

use overread_api::ErrorCode;
use overread_api::audit::{AuditPage, AuditReview, AuditRow, AuditStatus};
use overread_api::path::{self, fill};
use overread_api_tests::{Client, NOTE, World};
use overread_domain::{AuditAction, Role};
use serde_json::json;

async fn trail(client: &Client, query: &str) -> Vec<AuditRow> {
    client.get(&format!("{}{query}", path::AUDIT)).await.expect(200).json::<AuditPage>().rows
}

#[tokio::test]
async fn what_people_do_is_on_record_without_a_word_of_the_note() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let lead = world.signed_in(Role::QaLead).await;
    let admin = world.signed_in(Role::Administrator).await;
    let view = world.entry(&reviewer, &entry).await;
    reviewer
        .decide(&entry, view.revision, "d1", json!([{ "action": "accept", "item": "s0" }]))
        .await
        .expect(200);
    // The same request again is not a second deed.
    reviewer
        .decide(&entry, view.revision, "d1", json!([{ "action": "accept", "item": "s0" }]))
        .await
        .expect(200);
    reviewer.get(&format!("{}?q=hypertension", path::ENTRIES)).await.expect(200);
    reviewer.get(path::USERS).await.expect(403);
    lead.get(path::CORRECTIONS).await.expect(200);
    let carl = json!({ "id": "carl", "name": "Carl", "role": "coder", "password": "four tall towers" });
    admin.post(path::USERS, &carl).await.expect(201);
    admin.json("PATCH", &fill(path::USER, &["carl"]), &json!({ "disabled": true })).await.expect(200);
    let wrong = json!({ "user": "reviewer", "password": "wrong wrong wrong" });
    world.stranger().post(path::SESSION, &wrong).await.expect(401);
    reviewer.send("DELETE", path::SESSION, None).await.expect(204);

    let rows = trail(&lead, "?limit=200").await;
    let of = |action: AuditAction| rows.iter().filter(|row| row.action == action).collect::<Vec<_>>();
    let who = |row: &AuditRow| row.user.as_ref().map(ToString::to_string).unwrap_or_default();
    let viewed = of(AuditAction::EntryViewed);
    assert_eq!((viewed.len(), who(viewed[0]).as_str()), (1, "reviewer"));
    assert_eq!(viewed[0].subject.as_deref(), Some(entry.as_str()));
    assert!(viewed[0].detail.contains_key("suggestion_set"), "what was suggested was shown, too");
    let decided = of(AuditAction::Decided);
    assert_eq!((decided.len(), decided[0].detail["actions"].as_str()), (1, "accept"));
    assert_eq!(of(AuditAction::EntriesSearched).len(), 2, "one by the test's own set-up");
    assert_eq!(of(AuditAction::AccessRefused)[0].detail["route"], format!("GET {}", path::USERS));
    let refused = of(AuditAction::SignInRefused);
    assert_eq!(
        (refused.len(), &refused[0].user, refused[0].subject.as_deref()),
        (1, &None, Some("reviewer"))
    );
    assert_eq!(of(AuditAction::UserChanged)[0].detail["disabled"], "true");
    assert_eq!(of(AuditAction::UserCreated)[0].subject.as_deref(), Some("carl"));
    for action in [
        AuditAction::SignedIn,
        AuditAction::SignedOut,
        AuditAction::NotesImported,
        AuditAction::CorrectionsExported,
        AuditAction::AuditViewed,
    ] {
        assert!(!of(action).is_empty(), "{action:?}");
    }
    assert!(rows.iter().all(|row| !row.request.is_empty() && !row.address.is_empty()));
    let whole = serde_json::to_string(&rows).unwrap();
    for word in ["hypertension", "lisinopril", "wrong wrong", "four tall", "Café"] {
        assert!(!whole.contains(word), "{word}");
    }

    assert!(trail(&lead, "?user=carl").await.is_empty(), "he did nothing yet");
    let his = trail(&lead, "?subject=carl").await;
    // The search for him is on record, and is not about him.
    assert_eq!(
        his.iter().map(|row| row.action).collect::<Vec<_>>(),
        [AuditAction::UserChanged, AuditAction::UserCreated]
    );
    let page: AuditPage =
        lead.get(&format!("{}?limit=2&action=signed_in", path::AUDIT)).await.expect(200).json();
    let rest = trail(&lead, &format!("?limit=9&action=signed_in&before={}", page.next.unwrap())).await;
    assert!(rest.iter().all(|row| row.seq < page.rows[1].seq) && !rest.is_empty());
}

#[tokio::test]
async fn a_whole_trail_is_signed_off_once() {
    let world = World::new().await;
    let lead = world.signed_in(Role::QaLead).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    for path in [path::AUDIT, path::AUDIT_STATUS] {
        reviewer.get(path).await.expect(403);
    }
    let status: AuditStatus = lead.get(path::AUDIT_STATUS).await.expect(200).json();
    let hash = status.hash.clone().unwrap();
    assert!(status.rows >= 4 && status.broken.is_none() && status.reviews.is_empty());
    let sign =
        |rows: u64, hash: &str, comment: &str| json!({ "rows": rows, "hash": hash, "comment": comment });
    lead.post(path::AUDIT_REVIEWS, &sign(status.rows, &hash, " ")).await.expect(422);
    lead.post(path::AUDIT_REVIEWS, &sign(status.rows, "other", "x"))
        .await
        .expect(409)
        .error(ErrorCode::WrongState);
    lead.post(path::AUDIT_REVIEWS, &sign(status.rows + 99, &hash, "x")).await.expect(409);
    let signed: AuditReview = lead
        .post(path::AUDIT_REVIEWS, &sign(status.rows, &hash, "November, all sign-ins"))
        .await
        .expect(200)
        .json();
    assert_eq!((signed.seq, signed.user.as_str()), (status.rows, "qa_lead"));
    lead.post(path::AUDIT_REVIEWS, &sign(status.rows, &hash, "again")).await.expect(409);
    let after: AuditStatus = lead.get(path::AUDIT_STATUS).await.expect(200).json();
    assert_eq!((after.reviews, after.broken), (vec![signed], None));
    lead.get(&format!("{}?limit=501", path::AUDIT)).await.expect(422);
    lead.get(&format!("{}?action=nothing", path::AUDIT)).await.expect(400);
}

#[tokio::test]
async fn what_a_page_asks_for_again_by_itself_is_on_record_once_for_each_thing_it_shows() {
    let world = World::new().await;
    let entry = world.note("n1", "A 65-year-old with hypertension.").await;
    let path = fill(path::ENTRY, &[entry.as_str()]);
    let lead = world.signed_in(Role::QaLead).await;
    let views = async || {
        let rows = trail(&lead, "?limit=400").await;
        rows.iter().filter(|row| row.action == AuditAction::EntryViewed).count()
    };
    let mut page = world.signed_in(Role::Coder).await;
    page.by_itself = true;
    // Nobody opened it before: also a page by itself leaves a row.
    for _ in 0..5 {
        page.get(&path).await.expect(200);
    }
    assert_eq!(views().await, 1);
    // Other suggestions came: they were shown, and that is on record.
    lead.post(&fill(path::SUGGEST_AGAIN, &[entry.as_str()]), &json!({})).await.expect(200);
    world.work().await;
    for _ in 0..5 {
        page.get(&path).await.expect(200);
    }
    assert_eq!(views().await, 2);
    let mut other = world.signed_in(Role::Coder).await;
    other.by_itself = true;
    other.get(&path).await.expect(200);
    assert_eq!(views().await, 3, "another session");
    page.by_itself = false;
    page.get(&path).await.expect(200);
    page.get(&path).await.expect(200);
    assert_eq!(views().await, 5, "what a person asks for is on record each time");
    let view = world.entry(&other, &entry).await;
    let item = &view.items[0].id;
    other.decide(&entry, 0, "key-view", json!([{ "action": "accept", "item": item }])).await.expect(200);
    page.by_itself = true;
    page.get(&path).await.expect(200);
    assert_eq!(views().await, 6, "what somebody else decided was shown");
}
