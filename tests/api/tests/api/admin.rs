//! Users, templates, codes.

use overread_api::code::{CodeHits, CodeView, NoteKind};
use overread_api::path::fill;
use overread_api::session::UserView;
use overread_api::system::{SystemView, TemplateRow};
use overread_api::{ErrorCode, path};
use overread_api_tests::{NOTE, PASSWORD, World};
use overread_domain::{Role, Template};
use serde_json::{Value, json};

#[tokio::test]
async fn users_are_added_changed_and_shut_out() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let user = json!({ "id": "eva.m", "name": "Eva", "role": "coder", "password": "first one of all" });
    let added = admin.post(path::USERS, &user).await.expect(201);
    assert!(!added.text().contains("argon2") && !added.text().contains("password_hash"));
    assert!(added.json::<UserView>().must_change_password);
    admin.post(path::USERS, &user).await.expect(409).error(ErrorCode::Conflict);
    for (key, value) in [("id", "no spaces"), ("name", " "), ("password", "short"), ("role", "king")] {
        let mut bad = user.clone();
        bad["id"] = json!("other");
        bad[key] = json!(value);
        admin.post(path::USERS, &bad).await.expect(422).error(ErrorCode::Invalid);
    }
    let eva = fill(path::USER, &["eva.m"]);
    let changed =
        admin.json("PATCH", &eva, &json!({ "name": "Eva M.", "role": "qa_lead" })).await.expect(200);
    let view: UserView = changed.json();
    assert_eq!((view.name.as_str(), view.role), ("Eva M.", Role::QaLead));

    let mut client = world.stranger();
    client.sign_in("eva.m", "first one of all").await.expect(200);
    admin.json("PATCH", &eva, &json!({ "password": "another first one" })).await.expect(200);
    client.get(path::SESSION).await.expect(401);
    client.sign_in("eva.m", "another first one").await.expect(200);
    admin.json("PATCH", &eva, &json!({ "disabled": true })).await.expect(200);
    client.get(path::SESSION).await.expect(401);
    client.sign_in("eva.m", "another first one").await.expect(401);
    admin.json("PATCH", &fill(path::USER, &["nobody"]), &json!({ "name": "x" })).await.expect(404);
    let users: Vec<UserView> = admin.get(path::USERS).await.expect(200).json();
    assert_eq!(users.len(), 5);
    assert!(users.iter().any(|user| user.last_sign_in.is_some()));
}

#[tokio::test]
async fn administrators_cannot_shut_themselves_out() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let own = fill(path::USER, &["administrator"]);
    for change in [json!({ "disabled": true }), json!({ "role": "coder" })] {
        admin.json("PATCH", &own, &change).await.expect(409).error(ErrorCode::WrongState);
    }
    admin.json("PATCH", &own, &json!({ "name": "Root" })).await.expect(200);
}

#[tokio::test]
async fn a_role_that_was_taken_away_is_gone_at_once() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let qa = world.signed_in(Role::QaLead).await;
    qa.get(path::ACCURACY).await.expect(200);
    admin.json("PATCH", &fill(path::USER, &["qa_lead"]), &json!({ "role": "reviewer" })).await.expect(200);
    qa.get(path::ACCURACY).await.expect(403);
}

#[tokio::test]
async fn a_template_gets_a_new_version_and_old_entries_keep_theirs() {
    let world = World::new().await;
    let old = world.note("n1", NOTE).await;
    let admin = world.signed_in(Role::Administrator).await;
    let address = fill(path::TEMPLATE, &["encounter-abstract"]);
    let mut template: Template = admin.get(&address).await.expect(200).json();
    template.groups[0].fields[0].label = "Age of the patient".into();
    let saved: Template = admin.json("PUT", &address, &template).await.expect(200).json();
    assert_eq!(saved.version, template.version + 1);
    let new = world.note("n2", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    assert_eq!(world.entry(&reviewer, &old).await.template.version, template.version);
    assert_eq!(world.entry(&reviewer, &new).await.template.version, saved.version);
    let rows: Vec<TemplateRow> = reviewer.get(path::TEMPLATES).await.expect(200).json();
    assert_eq!((rows.len(), rows[0].version, rows[0].entries), (1, saved.version, 2));

    let mut broken = template.clone();
    broken.groups[0].fields[0].label = " ".into();
    admin.json("PUT", &address, &broken).await.expect(422).error(ErrorCode::Invalid);
    let mut unknown = template.clone();
    unknown.groups[0].fields[0].code_system = Some("snomed".into());
    let error = admin.json("PUT", &address, &unknown).await.expect(422).error(ErrorCode::Invalid);
    assert_eq!(error.places[0].field.as_deref(), Some("code_system"));
    admin.json("PUT", &fill(path::TEMPLATE, &["other"]), &template).await.expect(422);
    reviewer.json("PUT", &address, &template).await.expect(403);
    reviewer.get(&fill(path::TEMPLATE, &["nothing"])).await.expect(404);
}

#[tokio::test]
async fn codes_are_found_by_name_words_and_beginning() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let search = |query: Value| {
        let coder = coder.clone();
        async move { coder.post(path::CODES, &query).await.expect(200).json::<CodeHits>() }
    };
    let stones = search(json!({ "q": "stone kidney" })).await;
    assert_eq!((stones.hits[0].code.as_str(), stones.release.as_str()), ("N20.0", "icd-10-cm-2026-04"));
    assert!(!stones.semantic, "no model, no meaning");
    assert_eq!(search(json!({ "q": "e1122", "limit": 1 })).await.hits[0].code, "E11.22");
    assert!(
        search(json!({ "q": "diabetes", "billable": true, "limit": 50 }))
            .await
            .hits
            .iter()
            .all(|hit| hit.billable)
    );
    assert!(search(json!({ "q": "" })).await.hits.is_empty());
    coder.post(path::CODES, &json!({ "q": "x", "system": "snomed" })).await.expect(404);
    coder.post(path::CODES, &json!({ "q": "x", "limit": 101 })).await.expect(422);
    coder.post(path::CODES, &json!({ "q": "x".repeat(500) })).await.expect(422);

    let view: CodeView = coder.get(&fill(path::CODE, &["icd-10-cm", "E11.22"])).await.expect(200).json();
    assert!(view.billable);
    let above: Vec<&str> = view.ancestors.iter().map(|link| link.code.as_str()).collect();
    assert_eq!(&above[above.len() - 2..], ["E11", "E11.2"]);
    assert!(view.siblings.iter().any(|link| link.code == "E11.21"));
    assert!(view.notes.iter().any(|note| note.kind == NoteKind::UseAdditionalCode));
    assert!(view.notes.iter().any(|note| note.inherited_from.as_deref() == Some("E11")));
    let parent: CodeView = coder.get(&fill(path::CODE, &["icd-10-cm", "E11.2"])).await.expect(200).json();
    assert!(!parent.billable && parent.children.iter().any(|link| link.code == "E11.22"));
    coder.get(&fill(path::CODE, &["icd-10-cm", "X99.999"])).await.expect(404).error(ErrorCode::NotFound);
    coder.get(&fill(path::CODE, &["snomed", "1"])).await.expect(404);
}

#[tokio::test]
async fn the_system_page_names_releases_and_database() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let system: SystemView = admin.get(path::SYSTEM).await.expect(200).json();
    assert_eq!(system.database, "SQLite");
    let release = &system.releases[0];
    assert_eq!((release.id.as_str(), release.effective_from.as_str()), ("icd-10-cm-2026-04", "2026-04-01"));
    assert!(release.billable > 70_000 && release.codes > release.billable);
    let raw: Value = admin.get(path::SYSTEM).await.json();
    assert_eq!(raw["model"]["state"], "ready");
    assert!(!raw.to_string().contains(PASSWORD));
}
