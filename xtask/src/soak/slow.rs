//! A disk whose every synchronisation takes long.

use std::time::{Duration, Instant};

use anyhow::Result;
use overread_e2e::Product;
use overread_e2e::product::free_port;

use super::faults::Faults;
use super::office::{Office, hire, settings};
use super::{Folder, Plan};

const REVIEWERS: usize = 4;

pub fn run(plan: &Plan) -> Result<()> {
    for millis in [300, 2_000, 12_000] {
        let folder = Folder::new("slow")?;
        let mut settings = settings(&plan.program, folder.path(), None);
        hire(&settings, REVIEWERS)?;
        let mut faults = Faults::under(&mut settings)?;
        let product = Product::serve(settings, free_port()?)?;
        let office = Office::open(&[&product], REVIEWERS, 5)?;
        let pace = || Duration::from_millis(500);
        let mut slowest = Duration::ZERO;
        office.work(&pace, || {
            faults.slow_disk(millis)?;
            let until = Instant::now() + Duration::from_secs(40);
            while Instant::now() < until {
                let started = Instant::now();
                // What reads no disk must not wait for it.
                let answer = product.client().get("/healthz")?;
                anyhow::ensure!(answer.status == 200, "/healthz: status {}", answer.status);
                slowest = slowest.max(started.elapsed());
                std::thread::sleep(Duration::from_millis(200));
            }
            faults.slow_disk(0)
        })?;
        let tally = office.count()?;
        let more = format!(
            "decisions p50 {} ms, p95 {} ms; /healthz at most {} ms",
            tally.percentile(50).as_millis(),
            tally.percentile(95).as_millis(),
            slowest.as_millis()
        );
        tally.report(&format!("disk with {millis} ms a synchronisation, 4 people, 40 s"), &more)?;
    }
    Ok(())
}
