//! Background jobs, with a model that works, fails, panics or is not there.

use std::sync::Arc;

use overread_api::entry::{EntryView, SuggestAgain, SuggestingState};
use overread_api::path::fill;
use overread_api::system::{JobState, JobView, ModelView, SystemView};
use overread_api::{ErrorCode, Page, path};
use overread_api_tests::{NOTE, Scripted, Trouble, World, WorldOptions, release, root};
use overread_domain::span::CodePoints;
use overread_domain::{EntryId, Role};
use overread_server::{Config, Loaded, Model};
use overread_suggest::{Options, Suggester};
use serde_json::json;

async fn imported(world: &World) -> EntryId {
    let qa = world.signed_in(Role::QaLead).await;
    let body = json!({ "id": "n1", "text": NOTE }).to_string().into_bytes();
    let answer = qa.send("POST", path::IMPORT, Some(("application/x-ndjson", body))).await.expect(200);
    answer.json::<overread_api::import::ImportView>().entries[0].clone()
}

async fn jobs(world: &World) -> Vec<JobView> {
    let qa = world.signed_in(Role::QaLead).await;
    qa.get(path::JOBS).await.expect(200).json::<Page<JobView>>().items
}

fn troubled(trouble: Trouble) -> WorldOptions {
    // No waiting between tries: the clock of the store stands still.
    let config = Config { retry_seconds: 0, ..Config::default() };
    WorldOptions { config, trouble, ..WorldOptions::default() }
}

#[tokio::test]
async fn a_job_that_fails_twice_is_done_the_third_time() {
    for trouble in [Trouble::Error(2), Trouble::Panic(2)] {
        let world = World::with(troubled(trouble)).await;
        let entry = imported(&world).await;
        world.work().await;
        let job = jobs(&world).await.remove(0);
        assert_eq!((job.state, job.attempts), (JobState::Done, 3), "{trouble:?}");
        let reviewer = world.signed_in(Role::Reviewer).await;
        assert_eq!(world.entry(&reviewer, &entry).await.items.len(), 4);
    }
}

#[tokio::test]
async fn a_job_that_always_fails_says_why_and_can_be_retried() {
    let world = World::with(troubled(Trouble::Error(3))).await;
    let entry = imported(&world).await;
    world.work().await;
    let job = jobs(&world).await.remove(0);
    assert_eq!((job.state, job.attempts), (JobState::Failed, 3));
    assert!(job.error.as_deref().is_some_and(|error| error.contains("template")), "{job:?}");
    let qa = world.signed_in(Role::QaLead).await;
    let view = world.entry(&qa, &entry).await;
    assert_eq!(view.suggesting, SuggestingState::Failed);
    assert!(view.suggesting_error.is_some() && view.may_decide, "reviewing goes on");
    let fields =
        json!([{ "action": "add", "item": "a1", "content": { "field": "diagnosis", "value": "by hand" } }]);
    let system: SystemView = qa.get(path::SYSTEM).await.expect(200).json();
    assert_eq!((system.jobs_waiting, system.jobs_failed), (0, 1));

    let retry = fill(path::RETRY_JOB, &[job.id.as_str()]);
    let again: JobView = qa.post(&retry, &json!({})).await.expect(200).json();
    assert_eq!(again.state, JobState::Queued);
    world.work().await;
    assert_eq!(world.entry(&qa, &entry).await.suggesting, SuggestingState::Done);
    qa.post(&retry, &json!({})).await.expect(409).error(ErrorCode::WrongState);
    qa.post(&fill(path::RETRY_JOB, &["j-none"]), &json!({})).await.expect(404);
    qa.decide(&entry, 0, "1", fields).await.expect(200);
}

#[tokio::test]
async fn retries_wait_longer_each_time() {
    let config = Config { retry_seconds: 5, ..Config::default() };
    let world =
        World::with(WorldOptions { config, trouble: Trouble::Error(9), ..WorldOptions::default() }).await;
    imported(&world).await;
    let mut waits = Vec::new();
    for _ in 0..2 {
        let before = jobs(&world).await.remove(0).attempts;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let app = world.app.clone();
        let worker = tokio::spawn(async move { overread_server::run_workers(&app, stopped, false).await });
        let job = loop {
            let job = jobs(&world).await.remove(0);
            if job.attempts > before && job.state == JobState::Queued {
                break job;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        stop.send_replace(true);
        worker.await.unwrap();
        waits.push(job.due_at.since(world.app.now()));
        world.source.advance(*waits.last().unwrap());
    }
    assert_eq!(waits, [5_000, 20_000]);
}

#[tokio::test]
async fn the_job_of_a_killed_worker_comes_back_when_its_claim_ends() {
    let world = World::new().await;
    imported(&world).await;
    let claim_ms = world.app.config.claim_seconds * 1000;
    let claimed = world.app.store.claim_job("killed", claim_ms).await.unwrap().expect("a job");
    assert!(world.app.store.claim_job("other", claim_ms).await.unwrap().is_none());
    world.source.advance(claim_ms + 1);
    world.work().await;
    let job = jobs(&world).await.remove(0);
    assert_eq!((job.id, job.state, job.attempts), (claimed.id, JobState::Done, 2));
}

#[tokio::test]
async fn without_a_model_reviewing_goes_on() {
    let why = "models/none: config.json is missing";
    let model = Model::unavailable(why);
    let world = World::with(WorldOptions { model: Some(model.clone()), ..WorldOptions::default() }).await;
    let entry = imported(&world).await;
    let qa = world.signed_in(Role::QaLead).await;
    let system: SystemView = qa.get(path::SYSTEM).await.expect(200).json();
    assert_eq!(system.model, ModelView::Unavailable { message: why.to_owned() });
    assert_eq!(system.jobs_waiting, 1);
    qa.get("/readyz").await.expect(200);
    let view: EntryView = world.entry(&qa, &entry).await;
    assert_eq!((view.suggesting, view.suggesting_error.as_deref()), (SuggestingState::Queued, Some(why)));
    let by_hand =
        json!([{ "action": "add", "item": "a1", "content": { "field": "diagnosis", "value": "by hand" } }]);
    qa.decide(&entry, 0, "1", by_hand).await.expect(200);
    qa.post(path::CODES, &serde_json::json!({ "q": "hypertension" })).await.expect(200);
    // The model comes later; what was decided stays.
    model.set_ready(Loaded { suggest: Arc::new(Scripted::new(Trouble::None)), searches: Vec::new() });
    world.work().await;
    let view = world.entry(&qa, &entry).await;
    assert_eq!((view.revision, view.items.len()), (1, 1), "suggestions don't come under decisions");
}

#[tokio::test]
async fn suggestions_are_asked_for_again_until_something_is_decided() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let qa = world.signed_in(Role::QaLead).await;
    let again = fill(path::SUGGEST_AGAIN, &[entry.as_str()]);
    let first = world.entry(&qa, &entry).await.suggestions.unwrap().id;
    let asked: SuggestAgain = qa.post(&again, &json!({})).await.expect(200).json();
    assert_eq!(asked.state, JobState::Queued);
    world.work().await;
    assert_ne!(world.entry(&qa, &entry).await.suggestions.unwrap().id, first);
    qa.decide(&entry, 0, "1", json!([{ "action": "accept", "item": "s0" }])).await.expect(200);
    qa.post(&again, &json!({})).await.expect(409).error(ErrorCode::WrongState);
    qa.post(&fill(path::SUGGEST_AGAIN, &["e-none"]), &json!({})).await.expect(404);
}

#[tokio::test]
async fn jobs_are_listed_by_state() {
    let world = World::new().await;
    world.note("n1", NOTE).await;
    let qa = world.signed_in(Role::QaLead).await;
    let list = |query: &str| {
        let (qa, path) = (qa.clone(), format!("{}?{query}", path::JOBS));
        async move { qa.get(&path).await.expect(200).json::<Page<JobView>>().items.len() }
    };
    assert_eq!((list("state=done").await, list("state=failed").await, list("limit=1").await), (1, 0, 1));
    qa.get(&format!("{}?limit=0", path::JOBS)).await.expect(422);
    qa.get(&format!("{}?state=Zebraquux", path::JOBS)).await.expect(400).error(ErrorCode::BadRequest);
}

#[tokio::test]
async fn the_model_that_ships_suggests_with_evidence() {
    let folder = root().join("models/overread-minilm");
    let suggester = Suggester::load(&folder, release(), Options::default()).expect("the model ships");
    let version = overread_suggest::Suggest::model(&suggester).version.clone();
    let model = Model::ready(Loaded { suggest: Arc::new(suggester), searches: Vec::new() });
    let world = World::with(WorldOptions { model: Some(model), ..WorldOptions::default() }).await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let view = world.entry(&reviewer, &entry).await;
    let set = view.suggestions.expect("suggested");
    assert_eq!(set.model, version);
    assert!(view.items.iter().any(|item| item.content.field == "age"), "{:?}", view.items);
    let points = CodePoints::new(&view.text);
    for suggestion in &set.suggestions {
        for quoted in &suggestion.content.evidence {
            points.resolve(quoted).expect("evidence stands in the note");
        }
    }
    let accept: Vec<_> =
        view.items.iter().take(1).map(|i| json!({ "action": "accept", "item": i.id })).collect();
    reviewer.decide(&entry, 0, "1", json!(accept)).await.expect(200);
}

#[tokio::test]
async fn a_damaged_model_folder_is_told_and_not_loaded() {
    const READ: [&str; 8] = [
        "config.json",
        "sentence_bert_config.json",
        "tokenizer.json",
        "model.safetensors",
        "heads.safetensors",
        "heads.json",
        "labels.json",
        "reports.json",
    ];
    let folder = std::env::temp_dir().join(format!("overread-damaged-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let shipped = root().join("models/overread-minilm");
    for file in READ.into_iter().chain(["manifest.json"]) {
        std::fs::copy(shipped.join(file), folder.join(file)).unwrap();
    }
    let load =
        || Suggester::load(&folder, release(), Options::default()).map(|_| ()).map_err(|e| e.to_string());
    load().unwrap();
    for file in READ {
        let path = folder.join(file);
        std::fs::remove_file(&path).unwrap();
        let missing = load().unwrap_err();
        let mut bytes = std::fs::read(shipped.join(file)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let damaged = load().unwrap_err();
        std::fs::copy(shipped.join(file), &path).unwrap();
        assert!(missing.contains(file) && damaged.contains(file), "{file}: {missing}; {damaged}");
        assert_ne!(missing, damaged);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
