//! Code systems that come and go while the server runs, and the edition of a day.

use overread_api::ErrorCode;
use overread_api::code::{BookView, CodeHits, CodeView, MyCodes, NoteKind, QuestionView};
use overread_api::code_system::{CodeChange, CodeSystems, HoldingKind, ImportStanding, ImportedCodes};
use overread_api::entry::Decided;
use overread_api::path::{self, fill};
use overread_api_tests::{Client, World};
use overread_domain::Role;
use serde_json::json;

/// A later edition with four codes: one of today's is gone, one worded anew, one has codes below it now.
const TABULAR: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
<version>2031</version>
<chapter><name>9</name><desc>Diseases of the circulatory system (I00-I99)</desc>
<sectionIndex><sectionRef first="I10" last="I1A" id="I10-I1A">Hypertensive diseases</sectionRef></sectionIndex>
<section id="I10-I1A"><desc>Hypertensive diseases (I10-I1A)</desc>
<diag><name>I10</name><desc>High blood pressure</desc></diag>
<diag><name>I15</name><desc>Secondary hypertension</desc>
<diag><name>I15.0</name><desc>Renovascular hypertension</desc>
<diag><name>I15.01</name><desc>Renovascular hypertension of the left kidney</desc></diag>
<diag><name>I15.02</name><desc>Renovascular hypertension of the right kidney</desc></diag>
</diag></diag>
</section></chapter>
</ICD10CM.tabular>
"#;
const LIST: &str = "I10     High blood pressure\nI15     Secondary hypertension\n\
    I150    Renovascular hypertension\nI1501   Renovascular hypertension of the left kidney\n\
    I1502   Renovascular hypertension of the right kidney\n";
const WARDS: &str =
    "code,title,parent\nICU,Intensive care unit,\nICU1,Intensive care unit one,ICU\nER,Emergency room,\n";

const EDGE: &str = "------overread-test";

fn form(files: &[(&str, &str)]) -> (String, Vec<u8>) {
    let part = |(name, text): &(&str, &str)| {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=";
        format!("{EDGE}\r\n{head}\"{name}\"\r\n\r\n{text}\r\n")
    };
    let parts: String = files.iter().map(part).collect();
    (format!("multipart/form-data; boundary={}", &EDGE[2..]), format!("{parts}{EDGE}--\r\n").into_bytes())
}

async fn send(client: &Client, query: &str, files: &[(&str, &str)]) -> overread_api_tests::Answer {
    let (kind, body) = form(files);
    client.send("POST", &format!("{}{query}", path::CODE_SYSTEMS), Some((&kind, body))).await
}

#[tokio::test]
async fn a_system_of_ones_own_comes_and_goes_while_the_server_runs() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let coder = world.signed_in(Role::Coder).await;
    let query = "?system=ward-units&effective=2026-01-01";
    send(&coder, query, &[("wards.csv", WARDS)]).await.expect(403);

    let checked: ImportedCodes =
        send(&admin, &format!("{query}&dry_run=true"), &[("wards.csv", WARDS)]).await.expect(200).json();
    assert!(!checked.kept);
    assert_eq!(checked.results[0].standing, ImportStanding::New);
    let words = json!({ "q": "intensive", "system": "ward-units" });
    coder.post(path::CODES, &words).await.expect(404);

    let kept: ImportedCodes = send(&admin, query, &[("wards.csv", WARDS)]).await.expect(200).json();
    assert!(kept.kept && kept.results[0].id == "ward-units-2026-01");
    let hits: CodeHits = coder.post(path::CODES, &words).await.expect(200).json();
    assert!(hits.hits.iter().any(|hit| hit.code == "ICU1"), "{hits:?}");
    let all: CodeHits =
        coder.post(path::CODES, &json!({ "q": "icu", "system": "all" })).await.expect(200).json();
    assert!(all.hits.iter().any(|hit| hit.system == "ward-units"), "{all:?}");

    // The same file again is nothing new; another one under the same name has to be asked for.
    let again: ImportedCodes = send(&admin, query, &[("wards.csv", WARDS)]).await.expect(200).json();
    assert_eq!(again.results[0].standing, ImportStanding::Same);
    let other = WARDS.replace("Emergency room", "Emergency department");
    let conflict = send(&admin, query, &[("wards.csv", &other)]).await.expect(409);
    assert!(conflict.error(ErrorCode::Conflict).message.contains("ward-units-2026-01"));
    let replaced: ImportedCodes =
        send(&admin, &format!("{query}&replace=true"), &[("wards.csv", &other)]).await.expect(200).json();
    assert_eq!(replaced.results[0].standing, ImportStanding::Replaces);
    let er: CodeView = coder.get(&fill(path::CODE, &["ward-units", "ER"])).await.expect(200).json();
    assert_eq!(er.title, "Emergency department");

    let systems: CodeSystems = coder.get(path::CODE_SYSTEMS).await.expect(200).json();
    let wards = systems.items.iter().find(|item| item.id == "ward-units-2026-01").unwrap();
    assert!(wards.imported && wards.in_force && wards.kind == HoldingKind::Release && wards.size == 3);
    let shipped = systems.items.iter().find(|item| item.id == "icd-10-cm-2026-04").unwrap();
    assert!(!shipped.imported && !shipped.sources.is_empty());

    coder.send("DELETE", &fill(path::CODE_SYSTEM, &["ward-units-2026-01"]), None).await.expect(403);
    for foreign in ["icd-10-cm-2026-04", "nothing", "../test"] {
        admin.send("DELETE", &fill(path::CODE_SYSTEM, &[foreign]), None).await.expect(404);
    }
    admin.send("DELETE", &fill(path::CODE_SYSTEM, &["ward-units-2026-01"]), None).await.expect(204);
    coder.post(path::CODES, &words).await.expect(404);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place_and_nothing_is_kept() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let twice = format!("{WARDS}ER,Emergency room again,\n");
    let query = "?system=ward-units&effective=2026-01-01";
    let files = [("codes.txt", LIST), ("tabular.xml", TABULAR), ("wards.csv", twice.as_str())];
    let body = send(&admin, query, &files).await.expect(422).error(ErrorCode::Invalid);
    let place = &body.places[0];
    assert_eq!((place.file.as_deref(), place.line), (Some("wards.csv"), Some(5)), "{body:?}");
    send(&admin, "", &[("note.txt", "No code at all, just words.\n")]).await.expect(422);
    send(&admin, "?effective=tomorrow", &[("wards.csv", WARDS)]).await.expect(422);
    send(&admin, "", &[]).await.expect(422);
    admin.post(path::CODE_SYSTEMS, &json!({})).await.expect(415);
    let systems: CodeSystems = admin.get(path::CODE_SYSTEMS).await.expect(200).json();
    assert_eq!(systems.items.len(), 1, "{systems:?}");
    // What ships is not replaced, whatever is asked.
    let shipped = "?effective=2026-04-01&replace=true";
    send(&admin, shipped, &[("codes.txt", LIST), ("tabular.xml", TABULAR)]).await.expect(409);
}

#[tokio::test]
async fn an_edition_tells_what_it_changes_and_holds_from_its_day_on() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let lead = world.signed_in(Role::QaLead).await;
    let coder = world.signed_in(Role::Coder).await;
    // One stay before the edition, one after it; both with the same three codes.
    let mut entries = Vec::new();
    for (id, date) in [("before", "2026-05-04"), ("after", "2030-11-04")] {
        let line = json!({ "id": id, "text": "High blood pressure.", "service_date": date }).to_string();
        lead.send("POST", path::IMPORT, Some(("application/x-ndjson", line.into_bytes()))).await.expect(200);
        world.work().await;
        let page: overread_api::Page<overread_api::entry::EntryRow> =
            lead.get(&format!("{}?q={id}", path::ENTRIES)).await.expect(200).json();
        let entry = page.items[0].id.clone();
        let revision = world.entry(&coder, &entry).await.revision;
        let add = |item: &str, code: &str| {
            json!({ "action": "add", "item": item, "content": { "field": "final_code", "value": null,
                "code": { "system": "icd-10-cm", "code": code }, "evidence": [] } })
        };
        let decided: Decided = coder
            .decide(
                &entry,
                revision,
                &format!("add-{id}"),
                json!([add("a1", "I10"), add("a2", "I15.0"), add("a3", "E11.9")]),
            )
            .await
            .expect(200)
            .json();
        assert_eq!(decided.coded_on.as_deref(), Some(date));
        entries.push(entry);
    }
    let files = [("codes.txt", LIST), ("tabular.xml", TABULAR)];
    let checked: ImportedCodes = send(&admin, "?dry_run=true", &files).await.expect(200).json();
    let result = &checked.results[0];
    assert_eq!((result.id.as_str(), result.effective.as_str()), ("icd-10-cm-2030-10", "2030-10-01"));
    let changes = result.changes.as_ref().unwrap();
    assert_eq!(changes.against, "icd-10-cm-2026-04");
    assert_eq!(changes.added.codes, ["I15.01", "I15.02"]);
    assert!(changes.revised.codes.contains(&"I10".to_owned()));
    assert_eq!(changes.completeness.codes, ["I15.0"]);
    assert!(changes.deleted.count > 90_000 && changes.deleted.codes.len() == 200);
    let impact = result.impact.as_ref().unwrap();
    // Only the stay that the edition will judge is counted; administrators are not told which it is.
    assert_eq!((impact.entries, impact.touched), (1, 1));
    let told: Vec<(&str, CodeChange)> = impact.codes.iter().map(|c| (c.code.as_str(), c.change)).collect();
    for wanted in
        [("E11.9", CodeChange::Deleted), ("I10", CodeChange::Revised), ("I15.0", CodeChange::Incomplete)]
    {
        assert!(told.contains(&wanted), "{told:?}");
    }
    assert!(impact.codes.iter().all(|code| code.entries == 1 && code.examples.is_empty()));

    send(&admin, "", &files).await.expect(200);
    let shelf = world.app.shelf();
    let new = shelf.books.release("icd-10-cm", "2030-11-04").unwrap();
    let found =
        overread_server::impact(&world.app.store, new, shelf.before(new).map(AsRef::as_ref)).await.unwrap();
    assert_eq!(found.codes[0].examples, [entries[1].clone()], "the command names the entries");

    // Each entry is judged by the edition of its day.
    let rules = |view: &overread_api::entry::EntryView| -> Vec<String> {
        view.findings.iter().map(|finding| finding.rule.clone()).collect()
    };
    let (before, after) = (world.entry(&coder, &entries[0]).await, world.entry(&coder, &entries[1]).await);
    assert!(!rules(&before).contains(&"C-101".to_owned()), "{:?}", rules(&before));
    assert!(rules(&after).contains(&"C-101".to_owned()), "{:?}", rules(&after));
    assert_eq!(before.coded_on.as_deref(), Some("2026-05-04"));

    // And looked up in it.
    let on = |day: &str| json!({ "q": "I15.01", "on": day });
    let old: CodeHits = coder.post(path::CODES, &on("2026-05-04")).await.expect(200).json();
    let new: CodeHits = coder.post(path::CODES, &on("2030-11")).await.expect(200).json();
    assert!(old.hits.iter().all(|hit| hit.code != "I15.01"), "{old:?}");
    assert_eq!(new.hits[0].code, "I15.01");
    let code = fill(path::CODE, &["icd-10-cm", "I15.0"]);
    assert!(coder.get(&format!("{code}?on=2026-05-04")).await.expect(200).json::<CodeView>().billable);
    assert!(!coder.get(&format!("{code}?on=2030-11-04")).await.expect(200).json::<CodeView>().billable);
    coder.get(&format!("{code}?on=yesterday")).await.expect(422).error(ErrorCode::Invalid);
    let question: QuestionView = coder
        .post(&fill(path::QUESTIONS, &["icd-10-cm", "I15.0"]), &json!({ "said": "left", "on": "2030-11-04" }))
        .await
        .expect(200)
        .json();
    assert_eq!(question.at.code, "I15.01");
}

#[tokio::test]
async fn what_another_process_imports_counts_without_a_restart() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let folder = world.app.shelf().folder().unwrap().to_owned();
    let options = overread_codes::import::Options {
        system: Some("ward-units".into()),
        effective: Some("2026-01-01".into()),
        ..Default::default()
    };
    let file = overread_codes::import::File { name: "wards.csv".into(), bytes: WARDS.into() };
    let (found, _) = overread_codes::import::import(vec![file], &options).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ward-units-2026-01.ovr"), found[0].to_bytes().unwrap()).unwrap();
    // A file that is broken is left out, the others count.
    std::fs::write(folder.join("broken-2026-01.ovr"), b"OVRL nonsense").unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let app = world.app.clone();
    let follower = tokio::spawn(async move { overread_server::run_workers(&app, stopped, false).await });
    let mut found = false;
    for _ in 0..120 {
        let answer = coder.post(path::CODES, &json!({ "q": "ICU", "system": "ward-units" })).await;
        found = answer.status == 200;
        if found {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    stop.send_replace(true);
    follower.await.unwrap();
    assert!(found);
}

#[tokio::test]
async fn the_tabular_list_is_a_book() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let book = |query: &str| {
        let (coder, path) = (coder.clone(), format!("{}{query}", fill(path::BOOK, &["tabular"])));
        async move { coder.get(&path).await.expect(200).json::<BookView>() }
    };
    let top = book("?limit=3").await;
    assert_eq!((top.lines[0].codes[0].as_str(), top.lines[0].level), ("1", 0));
    let diabetes = book("?code=E11.2&limit=4").await;
    let codes: Vec<&str> = diabetes.lines.iter().map(|line| line.codes[0].as_str()).collect();
    assert_eq!(codes, ["E11.2", "E11.21", "E11.22", "E11.29"]);
    assert!(diabetes.lines[2].notes.iter().any(|note| note.kind == NoteKind::UseAdditionalCode));
    // Codes made by a 7th character stand in the note of the code above them.
    let wrist = book("?code=S52.531A&limit=3").await;
    assert_eq!(wrist.lines[0].codes[0], "S52.531");
    let fractures = book("?code=S52&limit=1").await;
    assert!(fractures.lines[0].notes.iter().any(|note| note.kind == NoteKind::SeventhCharacter));
    assert!(wrist.lines.iter().all(|line| line.codes[0].len() < 8));
    let found = book("?q=kidney%20stone").await;
    assert!(found.lines.iter().any(|line| line.codes[0] == "N20.0" && !line.above.is_empty()));
    coder.get(&format!("{}?code=nothing", fill(path::BOOK, &["tabular"]))).await.expect(404);
    coder.get(&fill(path::BOOK, &["tabular:nothing"])).await.expect(404);
    let line = coder.get(&fill(path::CODE, &["icd-10-cm", "E11.22"])).await.json::<CodeView>().line;
    assert_eq!(book(&format!("?line={line}&limit=1")).await.lines[0].codes[0], "E11.22");
}

#[tokio::test]
async fn a_code_of_icd_9_leads_to_what_took_its_place() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let search = |q: &str| {
        let (admin, query) = (admin.clone(), json!({ "q": q }));
        async move { admin.post(path::CODES, &query).await.expect(200).json::<CodeHits>().hits }
    };
    assert!(search("250.00").await.iter().all(|hit| hit.code != "E11.9"));
    let gem = "25000   E119   10000\nV1009   Z8501  10000\nE8859   W010XXA 10000\n";
    send(&admin, "?effective=2017-10-01", &[("2018_I9gem.txt", gem)]).await.expect(200);
    let found = search("250.00").await;
    assert_eq!((found[0].code.as_str(), found[0].matched.as_deref()), ("E11.9", Some("ICD-9-CM 250.00")));
    assert_eq!(search("v10.09").await[0].code, "Z85.01");
    // What is a code of now is asked for first.
    assert_eq!(search("E11.9").await[0].code, "E11.9");
    assert!(
        search("hypertension").await.iter().all(|hit| !hit
            .matched
            .as_deref()
            .unwrap_or("")
            .contains("ICD-9"))
    );
}

#[tokio::test]
async fn a_search_may_keep_to_one_chapter() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let search = |query: serde_json::Value| {
        let coder = coder.clone();
        async move { coder.post(path::CODES, &query).await.expect(200).json::<CodeHits>() }
    };
    let all = search(json!({ "q": "hypertension", "limit": 50 })).await;
    let within = search(json!({ "q": "hypertension", "limit": 50, "under": "15" })).await;
    assert!(all.hits.iter().any(|hit| hit.code.starts_with('I')));
    assert!(!within.hits.is_empty() && within.hits.iter().all(|hit| hit.code.starts_with('O')), "{within:?}");
    let block = search(json!({ "q": "pregnancy", "under": "O10-O16" })).await;
    assert!(block.hits.iter().all(|hit| hit.code.starts_with("O1")), "{block:?}");
    coder.post(path::CODES, &json!({ "q": "x", "under": "QQ" })).await.expect(404);
}

#[tokio::test]
async fn codes_that_go_together_come_from_finished_entries() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    for (id, codes) in [
        ("one", vec!["I10", "E11.9"]),
        ("two", vec!["I10", "E11.9", "Z79.4"]),
        ("three", vec!["I10", "J45.909"]),
    ] {
        let entry = world.note(id, "A visit of somebody.").await;
        let revision = world.entry(&coder, &entry).await.revision;
        let mut actions: Vec<serde_json::Value> = codes
            .iter()
            .enumerate()
            .map(|(nth, code)| {
                json!({ "action": "add", "item": format!("a{nth}"), "content": { "field": "final_code",
                    "value": null, "code": { "system": "icd-10-cm", "code": code }, "evidence": [] } })
            })
            .collect();
        for field in ["age", "sex", "diagnosis", "medication", "allergy"] {
            actions.push(json!({ "action": "confirm_empty", "field": field }));
        }
        actions.push(json!({ "action": "finish" }));
        coder.decide(&entry, revision, &format!("finish-{id}"), json!(actions)).await.expect(200);
    }
    let view: CodeView = coder.get(&fill(path::CODE, &["icd-10-cm", "I10"])).await.expect(200).json();
    let beside: Vec<(&str, u64, u64)> =
        view.beside.iter().map(|b| (b.code.as_str(), b.entries, b.of)).collect();
    // What stood beside it once is no habit.
    assert_eq!(beside, [("E11.9", 2, 3)]);
    let mine: MyCodes = coder.get(path::MY_CODES).await.expect(200).json();
    assert!(mine.recent.iter().any(|hit| hit.code == "J45.909"));
}
