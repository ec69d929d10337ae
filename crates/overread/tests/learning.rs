//! Learning from corrections, with the model that ships and the invented notes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overread"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OVERREAD_")) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env("OVERREAD_CODES", root().join("data/icd-10-cm/2026-04.ovr"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

/// The shortest of the invented notes, with their reference entries.
fn samples(count: usize) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("samples/reference.jsonl")).unwrap();
    let mut notes: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    notes.sort_by_key(|note| note["text"].as_str().unwrap().len());
    notes.truncate(count);
    notes
}

fn write(path: &Path, lines: &[Value]) {
    let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n";
    std::fs::write(path, text).unwrap();
}

/// What a person who knows the reference entry adds to it: one line a condition.
fn corrections(notes: &[Value], visit: u64) -> Vec<Value> {
    let mut out = Vec::new();
    for (number, note) in notes.iter().enumerate() {
        let text = note["text"].as_str().unwrap();
        let spans = note["spans"].as_array().unwrap().iter();
        let conditions =
            spans.filter(|span| ["diagnosis", "history"].contains(&span["field"].as_str().unwrap()));
        for (place, span) in conditions.enumerate() {
            let mut content = json!({
                "field": span["field"],
                "evidence": [{ "start": span["start"], "end": span["end"], "quote": span["quote"] }],
            });
            if let Some(code) = span["code"].as_str() {
                content["code"] = json!({ "system": "icd-10-cm", "code": code });
            }
            let mut line = json!({
                "format": "overread-corrections", "version": 1, "note": note["id"],
                "text_sha256": format!("{:x}", Sha256::digest(text.as_bytes())),
                "entry": format!("{visit}-{number}"), "template": "encounter-abstract", "template_version": 1,
                "finished": false, "model": null, "code_release": null,
                "outcome": {
                    "kind": "added", "field": span["field"], "item": format!("a{place}"),
                    "decision": format!("d{number}-{place}"), "content": content,
                },
                "user": "ann", "at": visit * 1000 + number as u64, "suggestions_shown": false,
                "active_ms": 0, "keystrokes": 0, "decisions": [],
            });
            if place == 0 {
                line["text"] = json!(text);
            }
            out.push(line);
        }
    }
    out
}

#[test]
fn corrections_make_a_candidate_that_the_gate_promotes() {
    let folder = TempDir::new().unwrap();
    let notes = samples(13);
    write(&folder.path().join("gold.jsonl"), &notes);
    // The same notes come again: what was added the first time must be there the second time.
    let twice = [corrections(&notes, 1), corrections(&notes, 2)].concat();
    write(&folder.path().join("corrections.jsonl"), &twice);
    let base = root().join("models/overread-minilm");
    let arguments = ["train", "--from", base.to_str().unwrap(), "--corrections", "corrections.jsonl"];
    let rest = ["--output", "candidate", "--gold", "gold.jsonl", "--milliseconds", "60000"];
    let output = run(folder.path(), &[&arguments[..], &rest].concat());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.starts_with("# Promoted"), "{told}");
    let read = |name: &str| -> Value {
        let text = std::fs::read_to_string(folder.path().join("candidate").join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let record = read("training.json");
    assert_eq!((record["entries_taught"].as_u64(), record["entries_held_out"].as_u64()), (Some(21), Some(5)));
    assert_eq!(record["promoted"], json!(true));
    let on = &read("gate.json")["corrections"];
    assert!(on["gained"].as_u64().unwrap() > on["lost"].as_u64().unwrap());

    // The folder is one like any other: suggesting from it names the memory.
    let note = json!({ "id": "x", "text": notes[0]["text"] });
    write(&folder.path().join("in.jsonl"), &[note]);
    let output =
        run(folder.path(), &["suggest", "--model", "candidate", "--input", "in.jsonl", "--output", "-"]);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["memory"], record["memory"]);

    // The other way round it is a step back.
    let base = base.to_str().unwrap();
    let arguments = ["gate", "--candidate", base, "--current", "candidate", "--gold", "gold.jsonl"];
    let output = run(folder.path(), &[&arguments[..], &["--milliseconds", "60000", "--json"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict["promoted"], json!(false));
}

#[test]
fn bad_corrections_end_with_status_2_and_the_line() {
    let folder = TempDir::new().unwrap();
    let mut lines = corrections(&samples(2), 1);
    lines[1]["outcome"]["content"]["evidence"][0]["end"] = json!(0);
    write(&folder.path().join("bad.jsonl"), &lines);
    let base = root().join("models/overread-minilm");
    let arguments =
        ["train", "--from", base.to_str().unwrap(), "--corrections", "bad.jsonl", "--output", "c"];
    let output = run(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("line 2"), "{told}");
    assert!(!folder.path().join("c").exists());
}
