use overread_domain::{AuditAction, UserId};
use overread_store::{Event, Origin, Store, StoreError};

use crate::world::{TEXT, World, accept, note_of};

/// Finished and unfinished entries, memory, an audit trail that was signed off: something in every table that can have it.
async fn lived_in(world: &World) {
    let first = world.entry("n1").await;
    world.finish(&first).await;
    let text = format!("{TEXT}\0\u{1f637}");
    let second = world.import(vec![note_of("n2", &text, None, Some("clinic note"))]).await.remove(0);
    world.suggest_all(0.9).await;
    world.decide(&second, "bob", 0, vec![accept(0)]).await.unwrap();
    while world.store.learn(10).await.unwrap() > 0 {}
    let phrases = world.store.memory_without_vector("space", 9).await.unwrap();
    let vectors: Vec<(String, Vec<f32>)> = phrases.into_iter().map(|p| (p, vec![0.5, -1.25])).collect();
    world.store.put_memory_vectors("space", &vectors).await.unwrap();
    let ann = UserId::new("ann");
    for nth in 0..3 {
        let origin = Origin { request: format!("r{nth}"), address: "192.0.2.7".into() };
        world.store.record(Event::new(AuditAction::EntryViewed, Some(&ann), &origin)).await.unwrap();
    }
    let chain = world.store.verify_audit().await.unwrap().unwrap();
    world.store.review_audit(&chain, &ann, "looked through").await.unwrap();
    world.store.put_edit_levels(0, &overread_domain::RuleLevels::default(), "a trial", &ann).await.unwrap();
    world.store.set_favourite(&ann, &overread_domain::CodeRef::icd10cm("I10"), true).await.unwrap();
}

async fn copy(store: &Store) -> Vec<u8> {
    let mut out = Vec::new();
    store.back_up(&mut out).await.unwrap();
    out
}

async fn empty(world: &World) -> Store {
    let url = match &world.folder {
        Some(folder) => format!("sqlite:{}/{}.db", folder.path().display(), world.store.new_id("other")),
        None => overread_test_support::Postgres::start().database(),
    };
    Store::open(&url, world.source.clone()).await.unwrap()
}

pub async fn a_copy_comes_back_whole(world: World) {
    lived_in(&world).await;
    let bytes = copy(&world.store).await;
    let other = empty(&world).await;
    let restored = other.restore(&mut bytes.as_slice()).await.unwrap();
    assert!(
        restored.rows["decisions"] >= 6 && restored.rows["memory_vectors"] > 0 && restored.rows["audit"] == 3
    );
    // A copy of the copy is the same, line by line, but for the time at its head.
    let again = copy(&other).await;
    let rows = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.pop();
        lines.sort();
        lines
    };
    assert_eq!(rows(&bytes), rows(&again));
    assert_eq!(other.verify_audit().await.unwrap().unwrap().rows, 3);
    assert_eq!(other.progress(&UserId::new("ann"), overread_domain::Timestamp(0)).await.unwrap().finished, 1);
    // It lives on.
    let entry =
        world.store.queue(&overread_store::QueueFilter { limit: 9, ..Default::default() }).await.unwrap();
    let open = entry.rows.iter().find(|row| row.decided == 1).unwrap();
    let record = other.entry(&open.id).await.unwrap();
    assert_eq!(record.text, world.store.entry(&open.id).await.unwrap().text);
    other.decide(world.request(&open.id, "bob", record.row.revision, vec![accept(1)])).await.unwrap();
    other.record(Event::new(AuditAction::SignedIn, None, &Origin::default())).await.unwrap();
    assert_eq!(other.verify_audit().await.unwrap().unwrap().rows, 4);
    other.close().await;
}

pub async fn what_is_not_a_whole_copy_is_refused_and_leaves_nothing(world: World) {
    lived_in(&world).await;
    let bytes = copy(&world.store).await;
    let text = String::from_utf8(bytes.clone()).unwrap();
    let other = empty(&world).await;
    let lines: Vec<&str> = text.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n") + "\n";
    let cut = text[..text.len() / 2].to_owned();
    let changed = text.replacen("\"name\":\"ANN\"", "\"name\":\"EVE\"", 1);
    assert!(changed != text);
    let dropped: Vec<&str> =
        lines.iter().enumerate().filter(|(n, _)| *n != 5).map(|(_, line)| *line).collect();
    let dropped = dropped.join("\n") + "\n";
    let newer = text.replacen("\"schema\":", "\"schema\":9", 1);
    let foreign = text.replacen("overread-backup", "something-else", 1);
    let evil = text.replacen("{\"t\":\"users\",\"r\":{\"", "{\"t\":\"users\",\"r\":{\"x) VALUES (1); --", 1);
    assert!(evil != text);
    for (copy, why) in [
        (String::new(), "it is empty"),
        ("not a backup\n".to_owned(), "line 1"),
        (without_end, "cut short"),
        (cut, "line"),
        (changed, "SHA-256"),
        (dropped, ""),
        (newer, "schema version"),
        (foreign, "not one that this program can read"),
        (evil, "line 2 holds a value of no known kind"),
    ] {
        let error = other.restore(&mut copy.as_bytes()).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(other.users().await.unwrap().is_empty(), "nothing is left of them");
    assert_eq!(other.verify_audit().await.unwrap().unwrap().rows, 0);
    other.restore(&mut bytes.as_slice()).await.unwrap();
    let twice = other.restore(&mut bytes.as_slice()).await.unwrap_err();
    assert!(twice.to_string().contains("empty database"), "{twice}");
    other.close().await;
}

pub async fn a_copy_of_one_engine_comes_back_on_the_other(world: World) {
    lived_in(&world).await;
    let bytes = copy(&world.store).await;
    let folder = tempfile::tempdir().unwrap();
    let url = match &world.folder {
        Some(_) => overread_test_support::Postgres::start().database(),
        None => format!("sqlite:{}/other.db", folder.path().display()),
    };
    let other = Store::open(&url, world.source.clone()).await.unwrap();
    other.restore(&mut bytes.as_slice()).await.unwrap();
    assert_eq!(other.verify_audit().await.unwrap().unwrap().rows, 3);
    assert_eq!(other.users().await.unwrap().len(), 2);
    other.close().await;
}

pub async fn a_copy_is_of_one_moment(world: World) {
    let entries = world.import((0..20).map(|n| crate::world::note(&format!("n{n}"))).collect()).await;
    world.suggest_all(0.9).await;
    let writer = {
        let (store, source) = (world.store.clone(), entries.clone());
        let requests: Vec<_> =
            source.iter().map(|entry| world.request(entry, "ann", 0, vec![accept(0), accept(1)])).collect();
        tokio::spawn(async move {
            for request in requests {
                store.decide(request).await.unwrap();
            }
        })
    };
    for _ in 0..5 {
        let bytes = copy(&world.store).await;
        let other = empty(&world).await;
        other.restore(&mut bytes.as_slice()).await.unwrap();
        // Revisions and decisions were written together, and are there together.
        for entry in &entries {
            let record = other.entry(entry).await.unwrap();
            assert_eq!(record.row.revision as usize, record.decisions.len());
        }
        other.close().await;
    }
    writer.await.unwrap();
}
