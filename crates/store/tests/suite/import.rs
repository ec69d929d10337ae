use overread_store::{QueueFilter, StoreError};
use sqlx::{AnyConnection, Connection};

use crate::world::{TEMPLATE, World, accept, note, note_of};

pub async fn the_same_note_again_changes_nothing(world: World) {
    let first = world.store.import_notes(vec![note("n1"), note("n2")], TEMPLATE, false).await.unwrap();
    assert_eq!((first.imported, first.unchanged, first.entries.len()), (2, 0, 2));
    assert!(first.entries[0] < first.entries[1], "ids rise in the order of the notes");
    let again =
        world.store.import_notes(vec![note("n2"), note("n3"), note("n3")], TEMPLATE, false).await.unwrap();
    assert_eq!((again.imported, again.unchanged, again.entries.len()), (1, 2, 1));
    assert_eq!(world.store.progress(&"ann".into(), world.store.now()).await.unwrap().open, 3);
    assert_eq!(world.store.job_counts().await.unwrap().queued, 3);
}

pub async fn another_text_under_a_known_id_refuses_the_whole_request(world: World) {
    world.import(vec![note("n1")]).await;
    let notes = vec![note("n2"), note_of("n1", "Other words.", None, None)];
    let refused = world.store.import_notes(notes, TEMPLATE, false).await.unwrap_err();
    let StoreError::Conflict { what, id, index, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!((*what, id.as_str(), *index), ("note", "n1", Some(1)));
    assert!(!refused.to_string().contains("Other"), "{refused}");
    let left = world.store.queue(&QueueFilter { limit: 10, ..QueueFilter::default() }).await.unwrap();
    assert_eq!(left.rows.len(), 1, "nothing is half imported");

    let mut wrong_hash = note("n4");
    wrong_hash.text.push(' ');
    assert!(matches!(
        world.store.import_notes(vec![wrong_hash], TEMPLATE, false).await,
        Err(StoreError::Conflict { .. })
    ));
    let no_template = world.store.import_notes(vec![note("n5")], "none", false).await;
    assert!(matches!(no_template, Err(StoreError::NotFound { what: "template", .. })));
}

pub async fn a_dry_run_keeps_nothing(world: World) {
    let outcome = world.store.import_notes(vec![note("n1")], TEMPLATE, true).await.unwrap();
    assert_eq!(outcome.imported, 1);
    assert!(matches!(world.store.entry(&outcome.entries[0]).await, Err(StoreError::NotFound { .. })));
    assert_eq!(world.store.job_counts().await.unwrap().queued, 0);
}

pub async fn texts_come_back_to_the_byte(world: World) {
    let text = "\u{feff}A\r\n\tB\u{a0}e\u{301} \u{1f9ec}\u{0}\u{202e}end  \r";
    let entry = world.import(vec![note_of("n\u{e9} 1", text, Some("A\u{0}B"), Some("Type \u{1f600}"))]).await;
    let record = world.store.entry(&entry[0]).await.unwrap();
    assert_eq!(record.text, text);
    assert_eq!(record.row.meta.title.as_deref(), Some("A\u{0}B"));
    assert_eq!(record.row.meta.document_type.as_deref(), Some("Type \u{1f600}"));
    assert_eq!((record.row.note.as_str(), record.row.words), ("n\u{e9} 1", 4));
}

pub async fn what_is_written_once_cannot_be_changed(world: World) {
    let entry = world.entry("n1").await;
    world.decide(&entry, "ann", 0, vec![accept(0)]).await.unwrap();
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    for statement in [
        "UPDATE notes SET sha256 = 'x'",
        "DELETE FROM notes",
        "UPDATE suggestion_sets SET body = '{}'",
        "DELETE FROM suggestion_sets",
        "UPDATE decisions SET user_id = 'bob'",
        "DELETE FROM decisions",
    ] {
        let refused = sqlx::query(statement).execute(&mut connection).await.unwrap_err();
        assert!(refused.to_string().contains("is written once"), "{statement}: {refused}");
    }
    connection.close().await.unwrap();
    assert_eq!(world.store.entry(&entry).await.unwrap().decisions.len(), 1);
}

pub async fn a_damaged_text_is_noticed(world: World) {
    let entry = world.entry("n1").await;
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    let (off, body) = match world.store.engine() {
        overread_store::Engine::Sqlite => ("DROP TRIGGER notes_no_update", "X'41'"),
        overread_store::Engine::Postgres => ("ALTER TABLE notes DISABLE TRIGGER ALL", "'\\x41'"),
    };
    sqlx::raw_sql(off).execute(&mut connection).await.unwrap();
    let damage = sqlx::AssertSqlSafe(format!("UPDATE notes SET body = {body}"));
    sqlx::raw_sql(damage).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let noticed = world.store.entry(&entry).await;
    assert!(matches!(noticed, Err(StoreError::Corrupt { what: "note", .. })), "{noticed:?}");
    assert!(world.decide(&entry, "ann", 0, vec![accept(0)]).await.is_err());
}
