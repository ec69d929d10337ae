//! Memory of a server that works for an hour.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use overread_e2e::Product;
use overread_e2e::product::{PASSWORD, free_port};

use super::office::{Office, Random, hire, settings};
use super::{Folder, Plan};
use crate::bench::api;
use crate::shell::root;

const REVIEWERS: usize = 4;
const MIB: u64 = 1 << 20;

pub fn run(plan: &Plan) -> Result<()> {
    let folder = Folder::new("memory")?;
    let mut settings = settings(&plan.program, folder.path(), None);
    settings.model = Some(root().join("models/overread-minilm"));
    hire(&settings, REVIEWERS)?;
    let mut product = Product::serve(settings, free_port()?)?;
    product.until("/readyz", Duration::from_mins(1))?;
    let office = Office::open(&[&product], REVIEWERS, 50)?;
    let samples = api::samples()?;
    let mut random = Random(plan.seed);
    let pace = || Duration::from_millis(400);
    let mut seen = Vec::new();
    let mut notes = 0_usize;
    office.work(&pace, || {
        let started = Instant::now();
        let mut lead = product.signed_in("lead")?;
        while started.elapsed() < plan.memory {
            let mut note = samples[random.below(samples.len() as u64) as usize].clone();
            note["id"] = format!("hour-{notes}").into();
            notes += 1;
            if api::import(&lead, &[note.clone()]).is_err() {
                lead = product.client();
                lead.sign_in("lead", PASSWORD)?;
                api::import(&lead, &[note])?;
            }
            let words = ["diabetes foot", "fracture left wrist", "gout", "sepsis due to", "hypertnsion"];
            let word = words[random.below(words.len() as u64) as usize];
            let query = serde_json::json!({ "text": word });
            lead.post("/api/v1/codes/search", &query)?;
            seen.push(product.memory()? / MIB);
            if notes.is_multiple_of(20) {
                eprint!("\r    {} s, {} MiB", started.elapsed().as_secs(), seen[seen.len() - 1]);
            }
            std::thread::sleep(Duration::from_secs(3));
        }
        Ok(())
    })?;
    eprintln!();
    ensure!(seen.len() >= 10, "too short to say anything");
    let mean = |part: &[u64]| part.iter().sum::<u64>() / part.len() as u64;
    let tenth = seen.len() / 10;
    let (early, late) = (mean(&seen[tenth..2 * tenth]), mean(&seen[seen.len() - tenth..]));
    let more = format!(
        "{} min, {notes} notes suggested; resident memory {early} MiB in the second tenth, {late} MiB in the last, {} MiB at most",
        plan.memory.as_secs() / 60,
        seen.iter().max().copied().unwrap_or_default()
    );
    office.count()?.report("memory", &more)?;
    ensure!(late <= early + early / 5, "memory grows: {more}");
    Ok(())
}
