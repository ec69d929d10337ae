//! Keys: of the installation, and of the database's file.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{good, program, run, serving};

const NOTE: &str = "{\"id\":\"n1\",\"text\":\"Zebraquux syndrome.\"}\n";

fn installation() -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("notes.jsonl"), NOTE).unwrap();
    good(&run(folder.path(), &["import", "notes.jsonl"]));
    folder
}

#[track_caller]
fn opens(here: &Path) {
    assert!(good(&run(here, &["import", "notes.jsonl"])).starts_with("0 notes imported, 1"));
}

#[test]
fn a_new_database_is_encrypted_and_its_key_is_changed_while_it_is_used() {
    let folder = TempDir::new().unwrap();
    let text = "{\"id\":\"n1\",\"text\":\"Zebraquux syndrome.\"}\n";
    std::fs::write(folder.path().join("notes.jsonl"), text).unwrap();
    good(&run(folder.path(), &["import", "notes.jsonl"]));
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let holds = |bytes: &[u8], words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    assert!(!holds(&read("overread.db"), b"Zebraquux") && !holds(&read("overread.db"), b"SQLite"));
    let sealed = read("overread.db.key");
    let old = good(&run(folder.path(), &["keys", "list"])).split_whitespace().next().unwrap().to_owned();
    assert!(good(&run(folder.path(), &["keys", "add"])).contains("key of the database"));
    assert_ne!(sealed, read("overread.db.key"));
    good(&run(folder.path(), &["keys", "remove", &old]));
    assert!(good(&run(folder.path(), &["import", "notes.jsonl"])).starts_with("0 notes imported, 1"));
    // Without its keys it can't be opened, and says so.
    std::fs::rename(folder.path().join("overread.keys"), folder.path().join("away")).unwrap();
    let refused = run(folder.path(), &["user", "list"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("does not hold"), "{told}");
}

#[test]
fn a_key_that_is_needed_is_not_taken_out_and_changes_are_on_record() {
    let folder = installation();
    let here = folder.path();
    let old = good(&run(here, &["keys", "list"])).split_whitespace().next().unwrap().to_owned();
    let sealed = std::fs::read(here.join("overread.db.key")).unwrap();
    good(&run(here, &["keys", "add"]));
    // As a copy of the file from before would bring it back.
    std::fs::write(here.join("overread.db.key"), &sealed).unwrap();
    let refused = run(here, &["keys", "remove", &old]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("still seals"), "{told}");
    opens(here);
    good(&run(here, &["keys", "add"]));
    good(&run(here, &["keys", "remove", &old]));
    good(&run(here, &["keys", "database"]));
    let trail = good(&run(here, &["audit", "export"]));
    let changes: Vec<Value> = trail
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| row["action"] == "keys_changed")
        .collect();
    let what: Vec<&str> = changes.iter().map(|row| row["detail"]["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["added", "added", "removed", "database"]);
    assert_eq!(changes[2]["detail"]["key"], old.as_str());
}

#[test]
fn the_files_own_key_is_changed_while_nobody_uses_it() {
    let folder = installation();
    let here = folder.path();
    let (before, sealed) = (
        std::fs::read(here.join("overread.db")).unwrap(),
        std::fs::read(here.join("overread.db.key")).unwrap(),
    );
    let (mut server, _) = serving(here, &[]);
    let refused = run(here, &["keys", "database"]);
    server.kill().unwrap();
    server.wait().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("end servers and workers"), "{told}");
    assert_eq!(std::fs::read(here.join("overread.db.key")).unwrap(), sealed);
    assert!(!here.join("overread.db.key.next").exists());
    opens(here);

    good(&run(here, &["keys", "database"]));
    opens(here);
    assert!(good(&run(here, &["check"])).starts_with("whole: 1 notes"));
    let after = std::fs::read(here.join("overread.db")).unwrap();
    let same = (1..before.len().min(after.len()) / 4096)
        .filter(|nth| before[nth * 4096..][..4096] == after[nth * 4096..][..4096])
        .count();
    assert_eq!(same, 0, "no page is as it was");
    // The key from before opens nothing any more.
    let new = std::fs::read(here.join("overread.db.key")).unwrap();
    std::fs::write(here.join("overread.db.key"), &sealed).unwrap();
    assert!(!run(here, &["user", "list"]).status.success());
    std::fs::write(here.join("overread.db.key"), &new).unwrap();
    opens(here);

    let plain = TempDir::new().unwrap();
    std::fs::write(plain.path().join("overread.toml"), "encrypt_database = false\n").unwrap();
    let refused = run(plain.path(), &["keys", "database"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is not encrypted"));
}

#[test]
fn cut_off_at_any_moment_the_file_opens_with_one_of_its_keys() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    let text = "gout of the knee ".repeat(500);
    let notes: Vec<String> =
        (0..400).map(|nth| format!("{{\"id\":\"n{nth}\",\"text\":\"Invented. {text}\"}}\n")).collect();
    std::fs::write(here.join("notes.jsonl"), notes.concat()).unwrap();
    good(&run(here, &["import", "notes.jsonl"]));
    let whole = good(&run(here, &["check"]));
    let sealed = || std::fs::read(here.join("overread.db.key")).unwrap();
    let started = std::time::Instant::now();
    good(&run(here, &["keys", "database"]));
    let takes = started.elapsed();
    let mut changed = 0;
    for nth in 1..=12 {
        let key = sealed();
        let mut child = program(here)
            .args(["keys", "database"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs_f64(takes.as_secs_f64() * f64::from(nth) / 11.0));
        let _ = child.kill();
        child.wait().unwrap();
        let check = good(&run(here, &["check"]));
        assert_eq!(check.split(", ").next(), whole.split(", ").next(), "{nth}");
        changed += usize::from(sealed() != key);
    }
    assert!(changed > 0, "the last one has the time it needs");
}
