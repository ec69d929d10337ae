//! Somebody sets the clock, far ahead and back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use overread_api::path;
use overread_api::system::SystemView;
use overread_e2e::Product;
use overread_e2e::product::{PASSWORD, free_port};

use super::faults::Faults;
use super::office::{Office, hire, settings};
use super::{Folder, Plan};
use crate::bench::api;
use crate::shell::root;

const REVIEWERS: usize = 4;
/// Seconds from the true time.
const JUMPS: [i64; 6] = [3_600, -7_200, 86_400, -172_800, 2_592_000, 0];

pub fn run(plan: &Plan) -> Result<()> {
    let folder = Folder::new("clock")?;
    let mut settings = settings(&plan.program, folder.path(), None);
    settings.model = Some(root().join("models/overread-minilm"));
    settings.env.push(("OVERREAD_LEASE_SECONDS".to_owned(), "5".to_owned()));
    hire(&settings, REVIEWERS)?;
    let mut faults = Faults::under(&mut settings)?;
    let mut product = Product::serve(settings, free_port()?)?;
    product.until("/readyz", Duration::from_mins(1))?;
    let office = Office::open(&[&product], REVIEWERS, 10)?;
    let pace = || Duration::from_millis(20);
    let samples = api::samples()?;
    office.work(&pace, || {
        for (number, jump) in JUMPS.into_iter().enumerate() {
            faults.clock(jump)?;
            std::thread::sleep(Duration::from_millis(300));
            let lead = product.client();
            lead.sign_in("lead", PASSWORD)?;
            // Just before the next jump, so that work waits, is in hand and is done when it comes.
            std::thread::sleep(Duration::from_secs(6));
            let notes: Vec<_> = samples
                .iter()
                .take(12)
                .enumerate()
                .map(|(n, note)| {
                    let mut note = note.clone();
                    note["id"] = format!("jump-{number}-{n}").into();
                    note
                })
                .collect();
            api::import(&lead, &notes)?;
        }
        Ok(())
    })?;
    let lead = product.client();
    lead.sign_in("lead", PASSWORD)?;
    let started = Instant::now();
    loop {
        let system: SystemView = lead.get(path::SYSTEM)?.json()?;
        let waiting = system.jobs_waiting;
        if waiting == 0 {
            break;
        }
        ensure!(
            started.elapsed() < Duration::from_mins(3),
            "{waiting} notes still wait for suggestions after three minutes"
        );
        std::thread::sleep(Duration::from_millis(500));
    }
    let jobs = started.elapsed();
    let tally = office.count()?;
    let verified = product.settings().run(&["audit", "verify"]).is_ok();
    ensure!(verified, "the audit trail does not hold");
    let more = format!(
        "jumps of {JUMPS:?} s, suggestions caught up after {:.0} s, the audit trail holds",
        jobs.as_secs_f32()
    );
    tally.report("clock", &more)
}
