//! What the documents say to do, done as it stands: from a fresh install to TLS, second factors and verified copies
//! (`README.md`), and back from a loss (`docs/drill.md`).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{PASSWORD, certificate, good, program, run, serving, trusting, with_input};

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code blocks of a language, in order.
fn blocks<'d>(document: &'d str, language: &str) -> Vec<&'d str> {
    let fence = format!("```{language}\n");
    document.split(fence.as_str()).skip(1).map(|rest| rest.split_once("```").expect("it ends").0).collect()
}

/// As somebody would paste it into a terminal, stopping where something fails.
fn shell(folder: &Path, script: &str) -> Output {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_overread"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = vec![binary.parent().unwrap().to_owned()];
    folders.extend(std::env::split_paths(&path));
    let environment: Vec<_> = program(folder)
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
        .collect();
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-euc", script]).env("PATH", std::env::join_paths(folders).unwrap());
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().unwrap()
}

#[test]
fn the_drill_goes_as_it_is_written() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    let note = |nth: u32| format!("{{\"id\":\"n{nth}\",\"text\":\"Invented. {}\"}}\n", "Gout. ".repeat(400));
    std::fs::write(here.join("notes.jsonl"), (0..60).map(note).collect::<String>()).unwrap();
    good(&run(here, &["import", "notes.jsonl"]));
    let add = ["user", "add", "ann", "--role", "coder", "--password-stdin"];
    good(&with_input(here, &add, &format!("{PASSWORD}\n")));
    let recipient = good(&run(here, &["keys", "identity", "copies.txt"])).trim().to_owned();
    let settings = format!("[backup]\nfolder = 'copies'\nrecipients = ['{recipient}']\n");
    std::fs::write(here.join("overread.toml"), settings).unwrap();

    let text = document("docs/drill.md");
    let steps = blocks(&text, "sh");
    let told: Vec<String> = steps.iter().map(|step| good(&shell(here, step))).collect();
    assert_eq!(told.len(), 5, "a step came or went: look at what it should say");
    assert!(told[0].starts_with("whole: 60 notes, 60 entries, "), "{}", told[0]);
    for step in [1, 3] {
        assert!(
            told[step].contains("1 users, 60 notes") && told[step].contains("whole: 60 notes"),
            "{}",
            told[step]
        );
    }
    assert!(told[1].contains("ann "), "{}", told[1]);
    let rows = |told: &str| -> u64 {
        let line = told.lines().find(|line| line.contains(" rows, whole")).expect("the trail was verified");
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    // The copy holds what was there before it; the restore is the row after.
    assert_eq!(rows(&told[1]), rows(&told[0]) + 1, "{told:?}");
    assert!(told[2].contains("page") && told[2].ends_with("status 3\n"), "{}", told[2]);
    assert!(told[3].starts_with("status 1\n"), "{}", told[3]);
    assert!(!here.join("drill").exists() && !here.join("drill.backup").exists());
    assert!(good(&run(here, &["check"])).starts_with("whole: 60 notes"), "what is in use was not touched");
}

#[test]
fn a_fresh_install_comes_to_tls_second_factors_and_a_verified_copy_by_the_readme() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    for name in ["etc", "backup"] {
        std::fs::create_dir(here.join(name)).unwrap();
    }
    let (trusted, key) = certificate();
    std::fs::write(here.join("etc/cert.pem"), &trusted).unwrap();
    std::fs::write(here.join("etc/key.pem"), key).unwrap();

    let text = document("README.md");
    let part = text.split_once("## From a fresh install").expect("the part is there").1;
    let part = part.split_once("\n## ").expect("another follows").0;
    let (commands, settings) = (blocks(part, "sh").join("\n"), blocks(part, "toml")[0]);
    let mut server = None;
    let mut done = Vec::new();
    let mut settings_written = false;
    for line in commands.lines().filter(|line| line.starts_with("overread ")) {
        let line = line.split("  #").next().unwrap().trim();
        let arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
        done.push(arguments[..arguments.len().min(2)].join(" "));
        match arguments[..] {
            ["keys", "identity", file] => {
                let recipient = good(&run(here, &["keys", "identity", file])).trim().to_owned();
                let place = |name: &str| here.join(name).display().to_string();
                let settings = settings
                    .replace("age1...", &recipient)
                    .replace("/etc/overread", &place("etc"))
                    .replace("/backup/overread", &place("backup"));
                std::fs::write(here.join("overread.toml"), settings).unwrap();
                settings_written = true;
            }
            ["user", "add", ..] => {
                assert!(settings_written);
                good(&with_input(
                    here,
                    &[&arguments[..], &["--password-stdin"]].concat(),
                    &format!("{PASSWORD}\n"),
                ));
            }
            // The one thing that differs: a port that is free here.
            ["serve"] => server = Some(serving(here, &[])),
            ["restore", ref rest @ ..] => {
                let copy = first_copy(&here.join("backup")).display().to_string();
                let told = good(&run(here, &[&["restore", copy.as_str()], &rest[1..]].concat()));
                assert!(told.contains("1 users"), "{told}");
                let check = good(&run(here, &["check", "--database", "sqlite:restored.db"]));
                assert!(check.starts_with("whole: "), "{check}");
            }
            _ => {
                good(&run(here, &arguments));
            }
        }
    }
    assert_eq!(
        done,
        [
            "keys identity",
            "user add",
            "serve",
            "keys add",
            "restore /backup/overread/overread-20261126T190500Z.backup"
        ]
    );
    let (mut server, port) = server.unwrap();
    let agent = trusting(&trusted);
    let body = serde_json::json!({ "user": "root", "password": PASSWORD }).to_string();
    let mut answer = agent
        .post(format!("https://localhost:{port}/api/v1/session"))
        .header("content-type", "application/json")
        .header("x-overread", "1")
        .send(body)
        .unwrap();
    let session: serde_json::Value =
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let copy = std::fs::read(first_copy(&here.join("backup"))).unwrap();
    assert!(copy.starts_with(b"age-encryption.org/"), "the scheduled copy is encrypted");
    assert_eq!(session["role"], "administrator", "{session}");
    assert_eq!(session["must_set_up_second_factor"], true, "{session}");
}

/// A server makes one as soon as it runs.
fn first_copy(folder: &Path) -> PathBuf {
    let began = Instant::now();
    loop {
        let mut files = std::fs::read_dir(folder).unwrap().flatten().map(|file| file.path());
        if let Some(copy) = files.find(|path| path.extension().is_some_and(|ending| ending == "backup")) {
            return copy;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "no copy was made");
        std::thread::sleep(Duration::from_millis(200));
    }
}
