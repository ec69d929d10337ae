//! The model in the server and in bulk.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use overread_api::entry::{EntryView, SuggestingState};
use overread_api::path;
use overread_domain::EntryId;
use overread_e2e::Client;
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use super::api::{import, samples, with_model};
use super::{Row, Times};
use crate::eval::DATA;
use crate::shell::{target, write};

/// About 600 words.
const NOTE: &str = "ds-urosepsis";
const TIMES: usize = 40;
const WARM: usize = 3;
const BULK: usize = 210;

pub fn measure(sh: &Shell, program: &Path) -> Result<Vec<Row>> {
    let folder = std::env::temp_dir().join(format!("overread-bench-suggest-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let server = with_model(program, &folder)?;
    let lead = server.signed_in("lead")?;
    let samples = samples()?;
    let Some(note) = samples.iter().find(|note| note["id"] == NOTE) else { bail!("no sample note {NOTE}") };
    let words = note["text"].as_str().map_or(0, |text| text.split_whitespace().count());
    let (mut computing, mut arriving) = (Times::default(), Times::default());
    for number in 0..WARM + TIMES {
        let mut copy = note.clone();
        copy["id"] = json!(format!("copy-{number}"));
        let started = Instant::now();
        let entry = import(&lead, &[copy])?.entries.remove(0);
        let view = suggested(&lead, &entry)?;
        let took = view.suggestions.map_or(0, |set| set.took_ms);
        if number >= WARM {
            computing.add(Duration::from_millis(u64::from(took)));
            arriving.add(started.elapsed());
        }
    }
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    let what = |name: &str| format!("{name}, {words} words");
    Ok(vec![
        Row::new("suggest", what("computing"), computing.say(), "p95 250 ms, aim 80"),
        Row::new("suggest", what("from import to suggestions over HTTP"), arriving.say(), ""),
        bulk(sh, program, &samples)?,
    ])
}

fn bulk(sh: &Shell, program: &Path, samples: &[Value]) -> Result<Row> {
    let (input, output) = (target().join("bench/bulk.jsonl"), target().join("bench/bulk.out.jsonl"));
    let mut text = String::new();
    let mut words = 0;
    for number in 0..BULK {
        let sample = &samples[number % samples.len()]["text"];
        words += sample.as_str().map_or(0, |text| text.split_whitespace().count());
        text.push_str(&json!({ "id": format!("b{number}"), "text": sample }).to_string());
        text.push('\n');
    }
    write(&input, text)?;
    let started = Instant::now();
    cmd!(
        sh,
        "{program} suggest --input {input} --output {output} --model models/overread-minilm --data-dir {DATA}"
    )
    .ignore_stderr()
    .run()?;
    let seconds = started.elapsed().as_secs_f64();
    let said = format!(
        "{:.0} notes a minute, {:.0} words a second, loading included",
        BULK as f64 / seconds * 60.0,
        words as f64 / seconds
    );
    Ok(Row::new("suggest", format!("in bulk, {BULK} notes of {} words on average", words / BULK), said, ""))
}

/// Waits for an entry's suggestions.
pub fn suggested(client: &Client, entry: &EntryId) -> Result<EntryView> {
    let started = Instant::now();
    loop {
        let view: EntryView = client.get(&path::fill(path::ENTRY, &[entry.as_str()]))?.json()?;
        match view.suggesting {
            SuggestingState::Done => return Ok(view),
            SuggestingState::Failed => {
                bail!("suggesting failed: {}", view.suggesting_error.unwrap_or_default())
            }
            _ => ensure!(started.elapsed() < Duration::from_mins(5), "no suggestions after 300 s"),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Resident memory of the server: with model and codes, and after reading notes.
pub fn memory(program: &Path) -> Result<Vec<Row>> {
    let folder = std::env::temp_dir().join(format!("overread-bench-memory-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let started = Instant::now();
    let server = with_model(program, &folder)?;
    let ready = started.elapsed();
    let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
    let mut rows = vec![
        Row::new("memory", "with model and codes", megabytes(server.memory()?), "600 MB, aim 300"),
        Row::new(
            "memory",
            "two users made, start, until the model is ready",
            format!("{} ms", ready.as_millis()),
            "",
        ),
    ];
    let lead = server.signed_in("lead")?;
    let view = import(&lead, &samples()?)?;
    for entry in &view.entries {
        suggested(&lead, entry)?;
    }
    let what = format!("after suggesting for {} notes", view.entries.len());
    rows.push(Row::new("memory", what, megabytes(server.memory()?), "600 MB, aim 300"));
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    Ok(rows)
}
