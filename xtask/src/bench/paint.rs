//! From opening an entry to seeing it, in Chromium.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use overread_e2e::{Browser, page};
use serde_json::json;

use super::api::{import, with_model};
use super::suggest::suggested;
use super::{Row, Times};
use crate::shell::{read, root};

const NOTES: [(&str, &str); 2] = [("ds-urosepsis", "629 words"), ("long-stay-pancreatitis", "60 kB")];
const TIMES: usize = 12;

/// Clicks the entry's row and answers with the milliseconds until its note and rows are there and a frame with them was
/// handed to the screen.
const OPEN: &str = "
const [entry, letters, rows, done] = arguments;
const row = document.querySelector(`[data-entry='${entry}']`);
const started = performance.now();
row.click();
const look = () => {
  const note = document.querySelector('#note');
  const there = note && note.textContent.length >= letters
    && document.querySelectorAll('#rows [data-item]').length >= rows;
  if (!there) return requestAnimationFrame(look);
  requestAnimationFrame(() => { const c = new MessageChannel();
    c.port1.onmessage = () => done(performance.now() - started); c.port2.postMessage(0); });
};
look();";

pub fn measure(program: &Path) -> Result<Vec<Row>> {
    let folder = std::env::temp_dir().join(format!("overread-bench-paint-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let server = with_model(program, &folder)?;
    let lead = server.signed_in("lead")?;
    let notes: Vec<serde_json::Value> = read(&root().join("samples/notes.jsonl"))?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let browser = Browser::start(1280, 720)?;
    page::sign_in(&browser, &server, "reviewer")?;
    let mut rows = Vec::new();
    for (id, length) in NOTES {
        let note =
            notes.iter().find(|note| note["id"] == id).with_context(|| format!("no sample note {id}"))?;
        let entry = import(&lead, std::slice::from_ref(note))?.entries.remove(0);
        let view = suggested(&lead, &entry)?;
        let mut times = Times::default();
        for _ in 0..TIMES {
            browser.goto(&server.url())?;
            browser.see(&format!("[data-entry='{entry}']"))?;
            // What the browser still does for the queue must not count.
            std::thread::sleep(Duration::from_millis(300));
            // Rows of code points; the page may show line ends as one.
            let letters = view.text.chars().filter(|c| *c != '\r').count();
            let arguments = [json!(entry), json!(letters), json!(view.items.len())];
            let milliseconds = browser.script_async(OPEN, &arguments)?.as_f64().context("no time")?;
            ensure!(milliseconds > 0.0, "the page was there before it was opened");
            times.add(Duration::from_secs_f64(milliseconds / 1000.0));
        }
        let what = format!("note of {length}, {} rows", view.items.len());
        rows.push(Row::new("paint", what, times.say(), ""));
    }
    drop(browser);
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    Ok(rows)
}
