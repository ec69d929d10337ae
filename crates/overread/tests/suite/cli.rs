//! Arguments, files, exit status.

use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::{PASSWORD, certificate, good, program, run, serving, trusting, with_input};

#[test]
fn bad_input_ends_with_status_2_and_the_line() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bad.jsonl");
    std::fs::write(&file, "{\"id\":\"a\",\"text\":\"Zebraquux\"}\n{\"id\":\"b\"\n").unwrap();
    for arguments in [
        &["suggest", "--input", "bad.jsonl", "--output", "out.jsonl"][..],
        &["import", "bad.jsonl"],
        &["import", "bad.jsonl", "--dry-run"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("bad.jsonl, line 2"), "{told}");
        assert!(!told.contains("Zebraquux"), "{told}");
    }
    assert!(!folder.path().join("out.jsonl").exists());
}

#[test]
fn suggestions_come_in_the_order_of_the_notes_and_point_into_them() {
    let folder = TempDir::new().unwrap();
    let notes = [
        ("b", "😷 A 65-year-old woman with hypertension.\r\nBP 150/90. She takes lisinopril 10 mg daily."),
        ("a", "Second note: 40-year-old man with asthma."),
    ];
    let line =
        |(id, text): &(&str, &str)| serde_json::json!({ "id": id, "text": text, "other": 1 }).to_string();
    let lines = notes.iter().map(line).collect::<Vec<_>>().join("\n");
    std::fs::write(folder.path().join("in.jsonl"), lines).unwrap();
    good(&run(folder.path(), &["suggest", "--input", "in.jsonl", "--output", "out.jsonl"]));
    let written = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    for ((id, text), line) in notes.iter().zip(&lines) {
        assert_eq!(line["id"], *id);
        assert_eq!(line["text_sha256"].as_str().unwrap().len(), 64);
        assert_eq!(line["code_release"], "icd-10-cm-2026-04");
        let suggestions = line["suggestions"].as_array().unwrap();
        assert!(suggestions.iter().any(|s| s["field"] == "age"), "{line}");
        for place in suggestions.iter().chain(line["codes"].as_array().unwrap()) {
            let evidence = place["evidence"].as_array().map_or_else(|| vec![place.clone()], Clone::clone);
            for quoted in evidence.iter().filter(|quoted| quoted["quote"].is_string()) {
                let (start, end) = (quoted["start"].as_u64().unwrap(), quoted["end"].as_u64().unwrap());
                let there: String = text.chars().skip(start as usize).take((end - start) as usize).collect();
                assert_eq!(quoted["quote"], there);
            }
        }
    }
}

#[test]
fn users_are_kept_and_passwords_are_no_arguments() {
    let folder = TempDir::new().unwrap();
    let add = ["user", "add", "eva", "--name", "Eva M.", "--role", "qa_lead", "--password-stdin"];
    good(&with_input(folder.path(), &add, &format!("{PASSWORD}\n")));
    assert!(!with_input(folder.path(), &add, PASSWORD).status.success(), "the id is taken");
    let weak =
        with_input(folder.path(), &["user", "add", "tom", "--role", "coder", "--password-stdin"], "short\n");
    assert!(String::from_utf8_lossy(&weak.stderr).contains("at least 12"));
    let argument = run(folder.path(), &["user", "add", "tom", "--role", "coder", "--password", PASSWORD]);
    assert_eq!(argument.status.code(), Some(2));
    let silent = run(folder.path(), &["user", "add", "tom", "--role", "coder"]);
    assert!(String::from_utf8_lossy(&silent.stderr).contains("--password-stdin"));
    good(&run(folder.path(), &["user", "disable", "eva"]));
    let listed = good(&run(folder.path(), &["user", "list", "--json"]));
    let eva: Value = serde_json::from_str(listed.trim()).unwrap();
    assert_eq!(
        (&eva["id"], &eva["role"], &eva["disabled"]),
        (&"eva".into(), &"qa_lead".into(), &true.into())
    );
    assert_eq!(eva["must_change_password"], true);
    good(&with_input(
        folder.path(),
        &["user", "set-password", "eva", "--password-stdin"],
        "four small boats\n",
    ));
    let trail = good(&run(folder.path(), &["audit", "export"]));
    let done: Vec<String> = trail
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].as_str().unwrap().to_owned())
        .filter(|action| action.starts_with("user_"))
        .collect();
    assert_eq!(done, ["user_created", "user_changed", "user_changed"]);
}

#[test]
fn imports_once_and_refuses_another_text() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("one.txt", "A plain note.\r\n");
    write("two.jsonl", "{\"id\":\"two\",\"text\":\"Another.\"}\n");
    let import = ["import", "one.txt", "two.jsonl"];
    assert!(good(&run(folder.path(), &import)).starts_with("2 notes imported, 0"));
    assert!(good(&run(folder.path(), &import)).starts_with("0 notes imported, 2"));
    write("two.jsonl", "{\"id\":\"three\",\"text\":\"New.\"}\n{\"id\":\"two\",\"text\":\"Changed.\"}\n");
    let refused = run(folder.path(), &import);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("two.jsonl, line 2"));
    write("two.jsonl", "{\"id\":\"three\",\"text\":\"New.\"}\n");
    assert!(good(&run(folder.path(), &["import", "two.jsonl"])).starts_with("1 notes imported"));
    assert_eq!(good(&run(folder.path(), &["export", "corrections"])), "");
}

#[test]
fn codes_are_found_and_shown() {
    let folder = TempDir::new().unwrap();
    let found = good(&run(folder.path(), &["codes", "search", "kidney", "stone", "--limit", "2", "--json"]));
    let hits: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(hits.len(), 2);
    assert_eq!((&hits[0]["code"], &hits[0]["system"]), (&"N20.0".into(), &"icd-10-cm".into()));
    let shown = good(&run(folder.path(), &["codes", "show", "E1122"]));
    assert!(shown.contains("E11.22") && shown.contains("billable"), "{shown}");
    assert_eq!(run(folder.path(), &["codes", "show", "nothing"]).status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn who_has_read_enough_closes_the_pipe_and_nothing_is_said() {
    let folder = TempDir::new().unwrap();
    let mut child =
        program(folder.path()).arg("openapi").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // More than a pipe holds is still to come.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(141), &b""[..]));
}

#[test]
fn a_foreign_database_is_refused_untouched() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("notes.db");
    std::fs::write(
        &file,
        "this is a letter, not a database, and a long one at that; nobody may write into it",
    )
    .unwrap();
    let before = std::fs::read(&file).unwrap();
    let output = run(folder.path(), &["user", "list", "--database", "sqlite:notes.db"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn settings_come_from_the_file_and_its_mistakes_are_named() {
    let folder = TempDir::new().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("overread.toml"), text).unwrap();
    write("database = 'sqlite:here.db'\n[server]\nnote_bytes = 10\n");
    std::fs::write(folder.path().join("n.txt"), "more than ten bytes").unwrap();
    let refused = run(folder.path(), &["import", "n.txt"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("more than the 10 allowed"));
    good(&run(folder.path(), &["import", "n.txt", "--set", "note_bytes=100"]));
    assert!(folder.path().join("here.db").is_file());
    write("databse = 'x'\n");
    let wrong = run(folder.path(), &["user", "list"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("databse"));
}

#[test]
fn a_backup_comes_back_and_what_is_none_is_refused() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    good(&with_input(
        here,
        &["user", "add", "ann", "--role", "coder", "--password-stdin"],
        &format!("{PASSWORD}\n"),
    ));
    std::fs::write(here.join("notes.jsonl"), "{\"id\":\"a\",\"text\":\"Zebraquux \u{1f637}\"}\n").unwrap();
    good(&run(here, &["import", "notes.jsonl"]));
    std::fs::create_dir(here.join("codes")).unwrap();
    std::fs::write(here.join("codes/hcc-v28.ovr"), [7; 3000]).unwrap();
    let told = good(&run(here, &["backup", "monday.backup"]));
    assert!(told.contains("1 users, 1 notes") && told.contains("found whole"), "{told}");
    assert!(told.contains("imported code systems: hcc-v28\n"), "{told}");
    // Neither the half-written copy nor the scratch database stays.
    for ending in ["part", "check"] {
        assert!(!here.join(format!("monday.backup.{ending}")).exists(), "{ending}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(here.join("monday.backup")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "it holds notes");
    }
    assert_eq!(run(here, &["backup", "monday.backup"]).status.code(), Some(2), "nothing is overwritten");

    let other = ["--database", "sqlite:other.db"];
    let told = good(&run(here, &[&["restore", "monday.backup"], &other[..]].concat()));
    assert!(told.contains("1 users, 1 notes"), "{told}");
    let elsewhere = ["--data-dir", "elsewhere", "--database", "sqlite:fourth.db"];
    good(&run(here, &[&["restore", "monday.backup"], &elsewhere[..]].concat()));
    assert_eq!(std::fs::read(here.join("elsewhere/codes/hcc-v28.ovr")).unwrap(), [7; 3000]);
    let twice = run(here, &[&["restore", "monday.backup"], &other[..]].concat());
    assert_eq!(twice.status.code(), Some(2), "{}", String::from_utf8_lossy(&twice.stderr));
    let again = good(&run(here, &[&["import", "notes.jsonl"], &other[..]].concat()));
    assert!(again.contains("1 were there already"), "{again}");
    let whole = good(&run(here, &[&["audit", "verify"], &other[..]].concat()));
    assert!(whole.contains("2 rows, whole"), "the user and the restore are on record: {whole}");
    let trail = good(&run(here, &["audit", "export", "--format", "fhir"]));
    let events: Vec<Value> = trail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        events.iter().map(|e| e["subtype"][0]["code"].as_str().unwrap()).collect::<Vec<_>>(),
        ["user_created", "backup_made", "audit_exported"]
    );

    let bytes = std::fs::read(here.join("monday.backup")).unwrap();
    std::fs::write(here.join("cut.backup"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(here.join("note.backup"), "Zebraquux").unwrap();
    for copy in ["cut.backup", "note.backup"] {
        let refused = run(here, &["restore", copy, "--database", "sqlite:third.db"]);
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && !told.contains("Zebraquux"), "{told}");
        let notes =
            good(&run(here, &["import", "notes.jsonl", "--dry-run", "--database", "sqlite:third.db"]));
        assert!(notes.contains("1 notes would be imported"), "nothing of it is there: {notes}");
    }
}

/// Asks the server over TLS, trusting one certificate alone.
fn ask(port: u16, trusted: &str) -> Result<(u16, String), ureq::Error> {
    let agent = trusting(trusted);
    let mut answer = agent.get(format!("https://localhost:{port}/healthz")).call()?;
    let hsts = answer.headers().contains_key("strict-transport-security");
    assert!(hsts, "who serves over TLS says so");
    Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
}

#[test]
fn serves_over_tls_takes_a_new_certificate_in_and_refuses_what_does_not_fit() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let ((one, one_key), (two, two_key)) = (certificate(), certificate());
    write("cert.pem", &one);
    write("overread.toml", "tls_certificate = 'cert.pem'\ntls_key = 'key.pem'\n");
    for (key, told) in [(two_key.as_str(), "not that of the certificate"), ("nonsense", "no private key")] {
        write("key.pem", key);
        let refused = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(told), "{said}");
        assert!(!said.contains("PRIVATE"), "{said}");
    }
    write("key.pem", &one_key);
    let (mut server, port) = serving(folder.path(), &[]);
    assert_eq!(ask(port, &one).unwrap().0, 200);
    assert!(ask(port, &two).is_err(), "another certificate is not trusted");
    write("key.pem", &two_key);
    write("cert.pem", &two);
    let began = std::time::Instant::now();
    while ask(port, &two).is_err() {
        assert!(began.elapsed().as_secs() < 60, "the new certificate is not taken in");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_damaged_database_is_named_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let note = r#"{"id":"n1","text":"Invented. Gout of the left knee."}"#;
    std::fs::write(here.join("notes.jsonl"), note).unwrap();
    good(&run(here, &["import", "notes.jsonl"]));
    let whole = good(&run(here, &["check"]));
    assert!(whole.starts_with("whole: 1 notes, 1 entries, "), "{whole}");
    let file = here.join("overread.db");
    let bytes = std::fs::read(&file).unwrap();
    for part in 1..8 {
        let mut damaged = bytes.clone();
        damaged[bytes.len() * part / 8 + 100] ^= 4;
        std::fs::write(&file, &damaged).unwrap();
        let output = run(here, &["check"]);
        let (told, error) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(3), "{told}{error}");
        assert!(told.contains("page") && error.contains("overread restore"), "{told}{error}");
        assert!(!told.contains("Gout") && !error.contains("Gout"));
    }
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(good(&run(here, &["check"])), whole);
}

#[test]
fn an_encrypted_copy_comes_back_with_its_identity_alone() {
    let folder = TempDir::new().unwrap();
    let text = "{\"id\":\"n1\",\"text\":\"Zebraquux syndrome.\"}\n";
    std::fs::write(folder.path().join("notes.jsonl"), text).unwrap();
    good(&run(folder.path(), &["import", "notes.jsonl"]));
    let recipient = good(&run(folder.path(), &["keys", "identity", "key.txt"])).trim().to_owned();
    good(&run(folder.path(), &["keys", "identity", "other.txt"]));
    let made = good(&run(folder.path(), &["backup", "a.backup", "--recipient", &recipient]));
    assert!(made.contains("opened again, restored"), "{made}");
    assert!(std::fs::read(folder.path().join("a.backup")).unwrap().starts_with(b"age-encryption.org/"));
    let refused = run(folder.path(), &["backup", "b.backup", "--recipient", "age1nonsense"]);
    assert_eq!(refused.status.code(), Some(2));
    let restore = |arguments: &[&str]| {
        let mut all = vec!["restore", "a.backup", "--database", "sqlite:back.db"];
        all.extend(arguments);
        run(folder.path(), &all)
    };
    assert_eq!(restore(&[]).status.code(), Some(2));
    assert_eq!(restore(&["--identity", "other.txt"]).status.code(), Some(2));
    // A byte that was changed on the way.
    let whole = std::fs::read(folder.path().join("a.backup")).unwrap();
    let mut damaged = whole.clone();
    let place = damaged.len() - 40;
    damaged[place] ^= 1;
    std::fs::write(folder.path().join("a.backup"), damaged).unwrap();
    assert!(!restore(&["--identity", "key.txt"]).status.success());
    std::fs::write(folder.path().join("a.backup"), whole).unwrap();
    assert!(good(&restore(&["--identity", "key.txt"])).contains("1 notes"));
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".part") || name.contains(".check"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}
