//! Who sees which notes: over every route, every place and every role.

use std::collections::BTreeMap;

use overread_api::access::{OpenedKind, OpenedNote, PlacesView};
use overread_api::audit::AuditPage;
use overread_api::entry::{EntryRow, EntryView, ProgressView};
use overread_api::path::{self, fill};
use overread_api::session::UserView;
use overread_api::{ErrorCode, Page};
use overread_api_tests::{Client, PASSWORD, World};
use overread_domain::{EntryId, FieldKind, Reach, Role, Sensitivity, UserId};
use overread_server::axum::http::Method;
use overread_server::{Access, RULES};
use overread_store::NewUser;
use serde_json::{Value, json};

/// Somebody with a reach of their own, signed in.
async fn person(world: &World, id: &str, role: Role, reach: Reach) -> Client {
    let known = world.app.store.user(&"coder".into()).await.unwrap().unwrap();
    let user = NewUser {
        id: UserId::new(id),
        name: id.to_uppercase(),
        role,
        reach,
        password_hash: known.password_hash,
        must_change_password: false,
    };
    world.app.store.create_user(user).await.unwrap();
    let mut client = world.stranger();
    client.sign_in(id, PASSWORD).await.expect(200);
    client
}

fn site(name: &str) -> Reach {
    Reach { sites: Some([name.to_owned()].into()), as_written: Some(true), ..Reach::default() }
}

/// Two notes of each place, one finished, with a mark in all that a note carries.
async fn placed(world: &World) -> BTreeMap<&'static str, Vec<EntryId>> {
    let importer = world.signed_in(Role::Administrator).await;
    let mut all = BTreeMap::new();
    for (mark, meta) in [
        ("nnorth", json!({ "site": "North" })),
        ("ssouth", json!({ "site": "South", "queue": "inpatient" })),
        ("gguarded", json!({ "site": "North", "sensitivity": ["hiv", "employee"] })),
    ] {
        let mut lines = String::new();
        for n in 0..2 {
            let mut line = json!({
                "id": format!("{mark}-{n}"),
                "title": format!("{mark} visit"),
                "patient": format!("{mark}-patient"),
                "encounter": format!("{mark}-encounter"),
                "document_type": format!("{mark} note"),
                "text": format!("A 65-year-old with hypertension, {mark}. On lisinopril 10 mg."),
            });
            line.as_object_mut().unwrap().extend(meta.as_object().unwrap().clone());
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        let answer =
            importer.send("POST", path::IMPORT, Some(("application/x-ndjson", lines.into_bytes()))).await;
        all.insert(mark, answer.expect(200).json::<overread_api::import::ImportView>().entries);
    }
    world.work().await;
    // What people decide carries the mark, too, and is learned.
    let everything = Reach { sensitivity: Sensitivity::ALL.iter().copied().collect(), ..Reach::default() };
    let coder = person(world, "everything", Role::Coder, everything).await;
    for (mark, entries) in &all {
        let view = world.entry(&coder, &entries[0]).await;
        let start = view.text.find(mark).unwrap();
        let content = json!({
            "field": "diagnosis",
            "evidence": [{ "start": start, "end": start + mark.len(), "quote": mark }],
            "code": { "system": "icd-10-cm", "code": "I10" },
        });
        let mut actions: Vec<Value> =
            view.items.iter().map(|item| json!({ "action": "accept", "item": item.id })).collect();
        actions.push(json!({ "action": "add", "item": format!("a-{mark}"), "content": content }));
        coder.decide(&entries[0], 0, mark, json!(actions)).await.expect(200);
        for field in view.template.fields().filter(|field| field.required) {
            if !view.items.iter().any(|item| item.content.field == field.id) {
                let revision = world.entry(&coder, &entries[0]).await.revision;
                let empty = json!([{ "action": "confirm_empty", "field": field.id }]);
                coder.decide(&entries[0], revision, &format!("{mark}{}", field.id), empty).await.expect(200);
            }
        }
        let revision = world.entry(&coder, &entries[0]).await.revision;
        coder
            .decide(&entries[0], revision, &format!("end{mark}"), json!([{ "action": "finish" }]))
            .await
            .expect(200);
    }
    while world.app.store.learn(50).await.unwrap() > 0 {}
    all
}

/// Routes that tell of entries to who may not read them, and why that is so.
const TOLD_TO_ALL: [(&str, &str); 6] = [
    (path::AUDIT, "the trail is of the whole installation; it holds ids, never words"),
    (path::UNUSUAL, "counts by person and day"),
    (path::AUDIT_STATUS, "a sum over the trail"),
    (path::OPENED, "reasons are judged by who need not see the note"),
    (path::PLACES, "names of sites and queues, for who says what is open and who moves notes"),
    (path::MEMORY_DELETIONS, "ids of the memory, no words"),
];

#[tokio::test]
async fn no_route_tells_of_what_is_outside_of_somebodys_reach() {
    let world = World::new().await;
    let entries = placed(&world).await;
    let mut asked = 0;
    for (n, role) in Role::ALL.into_iter().enumerate() {
        for (reach, hidden) in [
            (site("North"), &["ssouth", "gguarded"][..]),
            (site("South"), &["nnorth", "gguarded"]),
            (site("Nowhere"), &["nnorth", "ssouth", "gguarded"]),
            (Reach { as_written: Some(true), ..Reach::default() }, &["gguarded"]),
            (
                Reach { queues: Some([String::new()].into()), as_written: Some(true), ..Reach::default() },
                &["ssouth", "gguarded"],
            ),
        ] {
            let name = format!("p{n}-{asked}");
            let client = person(&world, &name, role, reach).await;
            for rule in RULES.iter().filter(|rule| matches!(rule.access, Access::Needs(_) | Access::SignedIn))
            {
                if TOLD_TO_ALL.iter().any(|(path, _)| *path == rule.path) {
                    continue;
                }
                for mark in hidden {
                    for entry in &entries[mark] {
                        let path = match rule.path {
                            path if path.contains("{entry}") => fill(path, &[entry.as_str()]),
                            // Jobs by their own ids.
                            path::RETRY_JOB => {
                                let record = world.app.store.entry(entry).await.unwrap();
                                fill(rule.path, &[record.job.unwrap().as_str()])
                            }
                            path::ENTRIES => format!("{}?q={mark}&limit=200", path::ENTRIES),
                            path::CORRECTIONS => format!("{}?all=true", path::CORRECTIONS),
                            path => fill(path, &[entry.as_str(), entry.as_str()]),
                        };
                        let body = match rule.path {
                            path::OPENED => json!({ "note": "x", "reason": "x" }),
                            path::DECISIONS => {
                                json!({ "expected_revision": 0, "idempotency_key": "key-matrix", "actions": [{ "action": "finish" }] })
                            }
                            path::PLACING => json!({ "site": "North" }),
                            path::SIMULATE_EDITS => json!({ "levels": {} }),
                            _ => json!({}),
                        };
                        let answer = match rule.method {
                            Method::GET | Method::DELETE => {
                                client.send(rule.method.as_str(), &path, None).await
                            }
                            _ => client.json(rule.method.as_str(), &path, &body).await,
                        };
                        asked += 1;
                        let told = format!("{} {path} as {role:?}: {}", rule.method, answer.status);
                        let text = answer.text();
                        for mark in hidden {
                            assert!(!text.contains(mark), "{told}: {text}");
                            // An error may repeat the id that was asked for.
                            for entry in entries[mark].iter().filter(|id| !path.contains(id.as_str())) {
                                assert!(!text.contains(entry.as_str()), "{told}: {text}");
                            }
                        }
                        let may = match rule.access {
                            Access::Needs(permission) => role.may(permission),
                            _ => true,
                        };
                        if may && rule.path.contains("{entry}") && rule.method != Method::DELETE {
                            assert_eq!(answer.status, 404, "{told}");
                        }
                        // One entry is enough where the path names none.
                        if !rule.path.contains('{') {
                            break;
                        }
                    }
                }
            }
        }
    }
    assert!(asked > 2_000, "{asked}");
}

#[tokio::test]
async fn what_is_within_reach_is_there() {
    let world = World::new().await;
    let entries = placed(&world).await;
    let client = person(&world, "north", Role::Coder, site("North")).await;
    let page: Page<EntryRow> = client.get(path::ENTRIES).await.expect(200).json();
    assert_eq!(page.items.len(), 2);
    assert!(page.items.iter().all(|row| row.meta.site.as_deref() == Some("North")));
    let progress: ProgressView = client.get(path::PROGRESS).await.expect(200).json();
    assert_eq!((progress.open, progress.finished, progress.document_types.len()), (1, 1, 1));
    world.entry(&client, &entries["nnorth"][0]).await;
    let lead = person(&world, "lead2", Role::QaLead, site("South")).await;
    let export = lead.get(path::CORRECTIONS).await.expect(200).text();
    assert!(export.contains("ssouth") && !export.contains("nnorth"));

    // Moved to where nobody of them looks, and back by who sees everything.
    let place = fill(path::PLACING, &[entries["nnorth"][1].as_str()]);
    client.json("PUT", &place, &json!({ "site": "North", "sensitivity": ["genetic"] })).await.expect(204);
    client.json("PUT", &place, &json!({ "site": "North" })).await.expect(404);
    let wrong = client.json("PUT", &place, &json!({ "site": "North", "sensitivity": ["other"] })).await;
    wrong.expect(422).error(ErrorCode::Invalid);
    let mut everything = world.stranger();
    everything.sign_in("everything", PASSWORD).await.expect(200);
    everything.json("PUT", &place, &json!({ "site": "North" })).await.expect(204);
    world.entry(&client, &entries["nnorth"][1]).await;
}

#[tokio::test]
async fn what_others_finished_is_not_there_for_reviewers() {
    let world = World::new().await;
    let entries = placed(&world).await;
    let client = person(&world, "north", Role::Reviewer, site("North")).await;
    let (finished, open) = (&entries["nnorth"][0], &entries["nnorth"][1]);
    let page: Page<EntryRow> = client.get(path::ENTRIES).await.expect(200).json();
    assert_eq!(page.items.iter().map(|row| &row.id).collect::<Vec<_>>(), [open]);
    for rule in RULES.iter().filter(|rule| rule.path.contains("{entry}")) {
        let Access::Needs(permission) = rule.access else { continue };
        if !Role::Reviewer.may(permission) || rule.method == Method::DELETE {
            continue;
        }
        let body = json!({ "expected_revision": 0, "idempotency_key": "key-finished", "actions": [{ "action": "finish" }] });
        let path = fill(rule.path, &[finished.as_str(), finished.as_str()]);
        let answer = match rule.method {
            Method::GET => client.get(&path).await,
            _ => client.json(rule.method.as_str(), &path, &body).await,
        };
        assert_eq!(answer.status, 404, "{} {path}", rule.method);
        assert!(!answer.text().contains("nnorth"));
    }
    let ask = json!({ "note": "nnorth-0", "reason": "Called by the ward about a bleed" });
    let opened: OpenedNote = client.post(path::OPENED, &ask).await.expect(201).json();
    assert_eq!(opened.kind, OpenedKind::Emergency);
    world.entry(&client, finished).await;
}

#[tokio::test]
async fn administrators_say_what_is_open_to_whom() {
    let world = World::new().await;
    let entries = placed(&world).await;
    let admin = world.signed_in(Role::Administrator).await;
    let places: PlacesView = admin.get(path::PLACES).await.expect(200).json();
    assert_eq!((places.sites.len(), places.queues.as_slice()), (2, &["inpatient".to_owned()][..]));
    let new = json!({ "id": "eva", "name": "Eva", "role": "reviewer", "password": "first one of all",
        "reach": { "sites": ["South"] } });
    let made: UserView = admin.post(path::USERS, &new).await.expect(201).json();
    assert!(made.reach.sites.unwrap().contains("South"));
    let wide = json!({ "reach": { "sites": ["North"], "sensitivity": ["hiv", "employee"] } });
    admin.json("PATCH", &fill(path::USER, &["reviewer"]), &wide).await.expect(200);
    let client = world.signed_in(Role::Reviewer).await;
    world.entry(&client, &entries["gguarded"][1]).await;
    // At once, in sessions that are open.
    admin.json("PATCH", &fill(path::USER, &["reviewer"]), &json!({ "reach": {} })).await.expect(200);
    client.get(&fill(path::ENTRY, &[entries["gguarded"][1].as_str()])).await.expect(404);
    let trail = trail(&world).await;
    let changed = trail.iter().find(|row| row["action"] == "user_changed").unwrap();
    assert!(changed["detail"]["reach"].as_str().is_some(), "{changed}");
    let long = json!({ "reach": { "sites": ["x".repeat(501)] } });
    admin.json("PATCH", &fill(path::USER, &["reviewer"]), &long).await.expect(422);
    let unknown = json!({ "reach": { "sensitivity": ["none"] } });
    admin.json("PATCH", &fill(path::USER, &["reviewer"]), &unknown).await.expect(422);
}

async fn trail(world: &World) -> Vec<Value> {
    let qa = world.signed_in(Role::QaLead).await;
    let page: AuditPage = qa.get(&format!("{}?limit=400", path::AUDIT)).await.expect(200).json();
    page.rows.iter().map(|row| serde_json::to_value(row).unwrap()).collect()
}

#[tokio::test]
async fn an_emergency_opens_one_note_for_an_hour_and_is_judged() {
    let world = World::new().await;
    let entries = placed(&world).await;
    let client = person(&world, "north", Role::Reviewer, site("North")).await;
    let south = &entries["ssouth"];
    let ask = |note: &str, reason: &str| json!({ "note": note, "reason": reason });
    client.post(path::OPENED, &ask("ssouth-1", "short")).await.expect(422);
    client.post(path::OPENED, &ask("none-1", "Called by the ward about a bleed")).await.expect(404);
    client
        .post(path::OPENED, &ask("nnorth-1", "Called by the ward about a bleed"))
        .await
        .expect(409)
        .error(ErrorCode::WrongState);
    let admin = world.signed_in(Role::Administrator).await;
    admin.post(path::OPENED, &ask("ssouth-1", "Called by the ward about a bleed")).await.expect(403);
    let opened: OpenedNote = client
        .post(path::OPENED, &ask("ssouth-1", "Called by the ward about a bleed"))
        .await
        .expect(201)
        .json();
    assert_eq!((opened.kind, opened.entries.as_slice()), (OpenedKind::Emergency, &south[1..]));
    let view = world.entry(&client, &south[1]).await;
    assert_eq!(view.opened.as_ref().map(|opened| &opened.id), Some(&opened.id));
    assert!(!view.masked && view.may_decide);
    client.get(&fill(path::ENTRY, &[south[0].as_str()])).await.expect(404);
    let mine: Vec<OpenedNote> = client.get(path::MY_OPENED).await.expect(200).json();
    assert_eq!(mine.len(), 1);
    // No token opens anything.
    let made =
        client.post(path::TOKENS, &json!({ "name": "script", "scopes": ["read_entries"], "days": 1 })).await;
    let mut script = world.stranger();
    script.bearer = made.expect(201).json::<Value>()["token"].as_str().map(str::to_owned);
    assert!(script.bearer.is_some());
    script.post(path::OPENED, &ask("gguarded-0", "Called by the ward about a bleed")).await.expect(403);

    world.source.advance(61 * 60_000);
    let back = client.post(path::UNLOCK, &json!({ "password": PASSWORD })).await.expect(200);
    let mut client = client;
    client.take_cookies(&back);
    client.get(&fill(path::ENTRY, &[south[1].as_str()])).await.expect(404);

    let lead = world.signed_in(Role::QaLead).await;
    let waiting: Page<OpenedNote> =
        lead.get(&format!("{}?waiting=true", path::OPENED)).await.expect(200).json();
    assert_eq!(waiting.items.len(), 1);
    assert_eq!(waiting.items[0].reason, "Called by the ward about a bleed");
    let judge = fill(path::JUDGEMENT, &[&opened.id]);
    lead.post(&judge, &json!({ "justified": false })).await.expect(422);
    lead.post(&judge, &json!({ "justified": false, "comment": "No call that night" })).await.expect(200);
    lead.post(&judge, &json!({ "justified": true })).await.expect(409);
    let waiting: Page<OpenedNote> =
        lead.get(&format!("{}?waiting=true", path::OPENED)).await.expect(200).json();
    assert!(waiting.items.is_empty());
    // Nobody judges their own.
    let own: OpenedNote =
        lead.post(path::OPENED, &ask("gguarded-1", "A complaint names this note")).await.expect(201).json();
    lead.post(&fill(path::JUDGEMENT, &[&own.id]), &json!({ "justified": true })).await.expect(409);
    lead.send("DELETE", &fill(path::ONE_OPENED, &[&own.id]), None).await.expect(204);
    lead.get(&fill(path::ENTRY, &[entries["gguarded"][1].as_str()])).await.expect(404);

    let trail = trail(&world).await;
    for action in ["access_opened", "access_judged", "access_ended", "access_refused"] {
        assert!(trail.iter().any(|row| row["action"] == action), "{action}");
    }
    let text = serde_json::to_string(&trail).unwrap();
    assert!(!text.contains("bleed"), "reasons may hold anything: they stay out of the trail");
}

/// Invented. Whatever of it names somebody must be nowhere in what a QA lead gets.
const LETTER: &str = "PATIENT: Adaeze Okonkwo  MRN: 00482913  DOB: 03/09/1951\n\
    Mrs. Okonkwo is a 65-year-old woman with hypertension, seen by Dr. Lars Haverkamp on 11/25/2023.\n\
    On lisinopril 10 mg. Her daughter, Chidinma, called from 218-555-0147.\n";
const NAMES: [&str; 8] =
    ["Okonkwo", "OKONKWO", "Adaeze", "Haverkamp", "Chidinma", "00482913", "11/25/2023", "218-555-0147"];

#[tokio::test]
async fn qa_leads_see_masks_until_they_say_why() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let admin = world.signed_in(Role::Administrator).await;
    let line = json!({
        "id": "n1", "title": "Letter on Adaeze Okonkwo", "patient": "Okonkwo 00482913", "encounter": "V-00482913",
        "service_date": "2023-11-25", "text": LETTER,
    });
    admin
        .send("POST", path::IMPORT, Some(("application/x-ndjson", line.to_string().into_bytes())))
        .await
        .expect(200);
    world.work().await;
    let page: Page<EntryRow> = coder.get(path::ENTRIES).await.expect(200).json();
    let entry = page.items[0].id.clone();
    let seen = world.entry(&coder, &entry).await;
    let place = |words: &str| {
        let start = LETTER.find(words).unwrap();
        json!({ "start": start, "end": start + words.len(), "quote": words })
    };
    let content = json!({ "field": "complaint", "evidence": [place("seen by Dr. Lars Haverkamp on 11/25/2023")], "value": "Okonkwo on 2023-11-25" });
    let field = seen.template.fields().find(|field| field.kind == FieldKind::Text).unwrap().id.clone();
    let mut content = content;
    content["field"] = json!(field);
    coder
        .decide(&entry, 0, "one", json!([
            { "action": "add", "item": "a1", "content": content },
            { "action": "reject", "item": seen.items[0].id, "reason": "family", "comment": "ask Chidinma" },
        ]))
        .await
        .expect(200);

    let lead = person(&world, "masked", Role::QaLead, Reach::default()).await;
    let address = fill(path::ENTRY, &[entry.as_str()]);
    let answer = lead.get(&address).await.expect(200);
    let view: EntryView = answer.json();
    assert!(view.masked && !view.may_decide);
    let all = [
        answer.text(),
        lead.get(path::ENTRIES).await.expect(200).text(),
        lead.get(&format!("{}?all=true", path::CORRECTIONS)).await.expect(200).text(),
    ];
    for (n, text) in all.iter().enumerate() {
        for name in NAMES {
            assert!(!text.contains(name), "{name} in answer {n}: {text}");
        }
        assert!(!text.contains("2023-11-25"), "answer {n}: {text}");
    }
    // The medicine and every place in it are there.
    assert!(
        view.text.contains("hypertension")
            && view.text.contains("lisinopril 10 mg")
            && view.text.contains("65-year-old")
    );
    assert_eq!(view.items.len(), seen.items.len() + 1);
    let points = overread_domain::span::CodePoints::new(&view.text);
    for item in &view.items {
        for place in item.content.evidence.iter().chain(item.content.attributes.values()) {
            points.resolve(place).unwrap();
        }
    }
    for suggestion in &view.suggestions.as_ref().unwrap().suggestions {
        for place in &suggestion.content.evidence {
            points.resolve(place).unwrap();
        }
    }
    // Titles are not searched for names.
    for (q, found) in [("okonkwo", 0), ("n1", 1), ("N1", 1)] {
        let page: Page<EntryRow> = lead.get(&format!("{}?q={q}", path::ENTRIES)).await.expect(200).json();
        assert_eq!(page.items.len(), found, "{q}");
    }
    lead.decide(&entry, view.revision, "two", json!([{ "action": "accept", "item": seen.items[1].id }]))
        .await
        .expect(403);
    lead.post(&fill(path::LEASE, &[entry.as_str()]), &json!({})).await.expect(403);

    // The export of what is masked can be read again: places and hashes are of its own text.
    let first: Value = serde_json::from_str(all[2].lines().next().unwrap()).unwrap();
    let text = first["text"].as_str().unwrap();
    assert_eq!(first["text_sha256"], overread_intake::sha256_hex(text.as_bytes()).as_str());

    let opened: OpenedNote = lead
        .post(path::OPENED, &json!({ "note": "n1", "reason": "The two reviewers disagree on it" }))
        .await
        .expect(201)
        .json();
    assert_eq!(opened.kind, OpenedKind::AsWritten);
    let view = world.entry(&lead, &entry).await;
    assert!(!view.masked && view.may_decide && view.text == LETTER);
    lead.decide(&entry, view.revision, "three", json!([{ "action": "accept", "item": seen.items[1].id }]))
        .await
        .expect(200);
    lead.send("DELETE", &fill(path::ONE_OPENED, &[&opened.id]), None).await.expect(204);
    assert!(world.entry(&lead, &entry).await.masked);
    let trail = trail(&world).await;
    let viewed: Vec<&Value> =
        trail.iter().filter(|row| row["action"] == "entry_viewed" && row["user"] == "masked").collect();
    assert!(viewed.iter().any(|row| row["detail"]["masked"] == "true"), "{viewed:?}");
    assert!(viewed.iter().any(|row| row["detail"]["opened"] == opened.id.as_str()), "{viewed:?}");
}
