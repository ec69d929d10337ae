use std::fmt::Write as _;
use std::sync::Arc;

use overread_store::{DatabaseKey, Store, StoreError};
use overread_test_support::TestSource;
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Connection};

use crate::world::{World, accept, note};

/// Takes schema 7 back.
pub const WITHOUT_ACCESS: [&str; 21] = [
    "DROP TABLE access_grants",
    "DROP TABLE compartments",
    "ALTER TABLE users DROP COLUMN reach",
    "DROP INDEX entries_status",
    "DROP INDEX entries_type",
    "DROP INDEX entries_status_type",
    "DROP INDEX entries_confidence",
    "DROP INDEX entries_status_confidence",
    "DROP INDEX entries_type_confidence",
    "DROP INDEX entries_status_type_confidence",
    "DROP INDEX entries_search",
    "ALTER TABLE entries DROP COLUMN compartment",
    "CREATE INDEX entries_status ON entries (status, id)",
    "CREATE INDEX entries_type ON entries (document_type, id)",
    "CREATE INDEX entries_status_type ON entries (status, document_type, id)",
    "CREATE INDEX entries_confidence ON entries (confidence, id)",
    "CREATE INDEX entries_status_confidence ON entries (status, confidence, id)",
    "CREATE INDEX entries_type_confidence ON entries (document_type, confidence, id)",
    "CREATE INDEX entries_status_type_confidence ON entries (status, document_type, confidence, id)",
    "CREATE INDEX entries_search ON entries (id, search, status, document_type, confidence)",
    "UPDATE counters SET name = SUBSTR(name, 5) WHERE scope IN ('status', 'suggesting', 'document_type')",
];

async fn run(url: &str, sql: &'static str) {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

pub async fn a_second_start_keeps_what_is_there(world: World) {
    let entry = world.entry("n1").await;
    world.decide(&entry, "ann", 0, vec![accept(0)]).await.unwrap();
    world.store.close().await;
    let again = Store::open(&world.url, world.source.clone()).await.unwrap();
    again.ping().await.unwrap();
    assert_eq!(again.entry(&entry).await.unwrap().row.revision, 1);
    assert!(matches!(world.store.ping().await, Err(StoreError::Unavailable { .. })));
}

pub async fn a_newer_schema_is_refused_untouched(world: World) {
    world.store.close().await;
    run(
        &world.url,
        "INSERT INTO overread_schema (version, name, sha256, applied_at) VALUES (8, 'a', 'x', 0), (9, 'later', 'x', 0)",
    )
    .await;
    let refused = Store::open(&world.url, world.source.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::WrongSchema { found: Some(9), known: 7 }), "{refused:?}");
    assert!(refused.to_string().contains("backup"), "{refused}");

    run(&world.url, "DELETE FROM overread_schema WHERE version > 7").await;
    run(&world.url, "UPDATE overread_schema SET sha256 = 'x'").await;
    let refused = Store::open(&world.url, world.source.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { what: "schema version", .. }), "{refused:?}");
}

/// Databases as every earlier version left them, with a user in each: none is lost on the way.
pub async fn every_version_rolls_forward(world: World) {
    const TEXTS: [(&str, &str); 6] = [
        ("first", include_str!("../../migrations/0001_first.sql")),
        ("memory", include_str!("../../migrations/0002_memory.sql")),
        ("edits", include_str!("../../migrations/0003_edits.sql")),
        ("codes", include_str!("../../migrations/0004_codes.sql")),
        ("audit", include_str!("../../migrations/0005_audit.sql")),
        ("sign_in", include_str!("../../migrations/0006_sign_in.sql")),
    ];
    let postgres = world.folder.is_none();
    world.store.close().await;
    for version in 1..=TEXTS.len() {
        let url = match &world.folder {
            Some(folder) => format!("sqlite:{}/v{version}.db?mode=rwc", folder.path().display()),
            None => overread_test_support::Postgres::start().database(),
        };
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        let mut sql =
            "CREATE TABLE overread_schema (version BIGINT PRIMARY KEY NOT NULL, name TEXT NOT NULL, \
                       sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL);"
                .to_owned();
        if postgres {
            sql.push_str("CREATE FUNCTION overread_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;");
        }
        for (nth, (name, text)) in TEXTS[..version].iter().enumerate() {
            let (key, bytes) = if postgres { ("TEXT COLLATE \"C\"", "BYTEA") } else { ("TEXT", "BLOB") };
            sql.push_str(&text.replace("{key}", key).replace("{bytes}", bytes));
            let hash = format!("{:x}", Sha256::digest(text.as_bytes()));
            write!(sql, "INSERT INTO overread_schema VALUES ({}, '{name}', '{hash}', 0);", nth + 1).unwrap();
        }
        sql.push_str("INSERT INTO users VALUES ('old', 'Old', 'coder', 'hash', 0, 0, 5, NULL);");
        let session = match version {
            ..6 => "('t', 'old', 0, 99999999999999, 0)",
            _ => "('t', 's1', 'old', 'open', 'password', 0, 99999999999999, 0, 0, '', '')",
        };
        write!(sql, "INSERT INTO sessions VALUES {session};").unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let plain = url.trim_end_matches("?mode=rwc");
        let store = Store::open(plain, world.source.clone()).await.unwrap();
        let old = store.user(&"old".into()).await.unwrap().unwrap();
        assert_eq!((old.name.as_str(), old.created_at.0), ("Old", 5), "{version}");
        let stays = store.session("t").await.unwrap().is_some();
        assert_eq!(stays, version >= 6, "everybody signs in once more where sessions said less");
        assert_eq!(old.reach, overread_domain::Reach::default());
        assert!(!store.factors(&old.id).await.unwrap().second());
        store.record_sign_in(&old.id).await.unwrap();
        store.close().await;
        // What was there before the change lies beside it.
        if let Some(path) = plain.strip_prefix("sqlite:") {
            let copy = format!("sqlite:{path}.schema-{version}");
            let mut connection = AnyConnection::connect(&copy).await.unwrap();
            let rows =
                sqlx::query("SELECT version FROM overread_schema").fetch_all(&mut connection).await.unwrap();
            assert_eq!(rows.len(), version);
            connection.close().await.unwrap();
        }
    }
}

pub async fn a_database_of_something_else_is_refused_untouched(world: World) {
    world.store.close().await;
    // What is left is a table that is not ours.
    run(&world.url, "DROP TABLE overread_schema").await;
    let refused = Store::open(&world.url, world.source.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::WrongSchema { found: None, .. }), "{refused:?}");
}

pub async fn two_programs_may_start_at_once(world: World) {
    world.store.close().await;
    let url = match &world.folder {
        Some(folder) => format!("sqlite:{}/other.db", folder.path().display()),
        None => overread_test_support::Postgres::start().database(),
    };
    let starts = (0..4).map(|_| {
        let (url, source) = (url.clone(), world.source.clone());
        tokio::spawn(async move { Store::open(&url, source).await })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_file_of_another_kind_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    let text = "Dear colleague, ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let url = format!("sqlite:{}", path.display());
    let refused = Store::open(&url, Arc::new(TestSource::new(1))).await.unwrap_err();
    assert!(matches!(refused, StoreError::WrongSchema { found: None, .. }), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn an_unreachable_server_is_unavailable() {
    for url in [
        "postgres://nobody@127.0.0.1:1/none",
        "postgres://nobody@localhost/none?host=/no/such/folder",
        "sqlite:/no/such/folder/x.db",
    ] {
        let refused = Store::open(url, Arc::new(TestSource::new(1))).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable { .. }), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn memory_is_a_database_too() {
    let source = Arc::new(TestSource::new(1));
    let store = Store::open("sqlite::memory:", source).await.unwrap();
    store.put_template(&crate::world::template()).await.unwrap();
    let made = store.import_notes(vec![note("n1")], "short", false).await.unwrap();
    assert_eq!(store.entry(&made.entries[0]).await.unwrap().text, crate::world::TEXT);
}

#[tokio::test]
async fn an_encrypted_file_opens_with_its_key_alone_and_shows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealed.db");
    let url = format!("sqlite:{}", path.display());
    let source = Arc::new(TestSource::new(1));
    let key = DatabaseKey::new([7; 32]);
    let store = Store::open_sealed(&url, source.clone(), Some(&key)).await.unwrap();
    assert!(store.is_sealed());
    store.put_template(&crate::world::template()).await.unwrap();
    let made = store.import_notes(vec![note("n1")], "short", false).await.unwrap();
    // Neither in the file nor in its journal, while it is open and after.
    let shows = || {
        std::fs::read_dir(folder.path()).unwrap().flatten().any(|file| {
            let bytes = std::fs::read(file.path()).unwrap();
            let has = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
            has(b"pneumonia") || has(b"SQLite format") || has(b"CREATE TABLE")
        })
    };
    assert!(!shows());
    store.close().await;
    assert!(!shows());
    for wrong in [None, Some(&DatabaseKey::new([8; 32]))] {
        assert!(Store::open_sealed(&url, source.clone(), wrong).await.is_err());
    }
    let wrong = Store::open_sealed(&url, source.clone(), Some(&DatabaseKey::new([8; 32]))).await.unwrap_err();
    assert!(matches!(wrong, StoreError::WrongKey), "{wrong:?}");
    let again = Store::open_sealed(&url, source.clone(), Some(&key)).await.unwrap();
    assert_eq!(again.entry(&made.entries[0]).await.unwrap().text, crate::world::TEXT);
    again.close().await;

    // The copy before a change of the schema is encrypted as well.
    let mut connection = AnyConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let unlock = format!("PRAGMA key = \"x'{}'\"", "07".repeat(32));
    sqlx::raw_sql(sqlx::AssertSqlSafe(unlock)).execute(&mut connection).await.unwrap();
    for sql in WITHOUT_ACCESS {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
    for table in [
        "totp",
        "recovery_codes",
        "passkeys",
        "challenges",
        "invitations",
        "api_tokens",
        "identities",
        "sessions",
    ] {
        let sql = sqlx::AssertSqlSafe(format!("DROP TABLE {table}"));
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
    sqlx::raw_sql("CREATE TABLE sessions (x TEXT); DELETE FROM overread_schema WHERE version > 5")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let again = Store::open_sealed(&url, source.clone(), Some(&key)).await.unwrap();
    assert_eq!(again.entry(&made.entries[0]).await.unwrap().text, crate::world::TEXT);
    again.close().await;
    assert!(folder.path().join("sealed.db.schema-5").metadata().unwrap().len() > 4096);
    assert!(!shows());

    // One changed byte in a page is noticed, not read.
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes.chunks_mut(4096).skip(1) {
        page[100] ^= 1;
    }
    std::fs::write(&path, bytes).unwrap();
    let damaged = match Store::open_sealed(&url, source.clone(), Some(&key)).await {
        Ok(store) => store.entry(&made.entries[0]).await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(damaged.is_err());

    // A file that is not encrypted is not taken for one that is.
    let plain = format!("sqlite:{}", folder.path().join("plain.db").display());
    Store::open(&plain, source.clone()).await.unwrap().close().await;
    assert!(matches!(Store::open_sealed(&plain, source, Some(&key)).await, Err(StoreError::WrongKey)));
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::sqlite().await;
    world.entry("n1").await;
    for file in std::fs::read_dir(world.folder.as_ref().unwrap().path()).unwrap().flatten() {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.path().display());
    }
}

/// `SQLite` answers a full disk and a full page limit alike: `SQLITE_FULL`.
#[tokio::test]
async fn a_full_disk_loses_nothing_and_is_said() {
    let world = World::sqlite().await;
    let entry = world.entry("n1").await;
    world.decide(&entry, "ann", 0, vec![accept(0)]).await.unwrap();
    let mut full = 0;
    for n in 0..40 {
        // Again and again: the limit belongs to a connection, and one that met a full disk is replaced by one without.
        world.store.limit_pages(1).await.unwrap();
        let mut big = note(&format!("big{n}"));
        big = crate::world::note_of(big.id.as_str(), &"words ".repeat(20_000), None, None);
        match world.store.import_notes(vec![big], "short", false).await {
            Ok(_) => {}
            Err(StoreError::StorageFull) => full += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(full > 0);
    let kept = world.store.progress(&"ann".into(), world.store.now()).await.unwrap();
    assert_eq!(kept.open + kept.in_progress, 41 - full, "each import was whole or nothing");
    let record = world.store.entry(&entry).await.unwrap();
    assert_eq!((record.decisions.len(), record.row.revision), (1, 1));
    world.store.limit_pages(1_000_000).await.unwrap();
    world.decide(&entry, "ann", 1, vec![accept(1)]).await.unwrap();
    world.import(vec![note("n2")]).await;
    assert_eq!(world.store.entry(&entry).await.unwrap().decisions.len(), 2);
}
