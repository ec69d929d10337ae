//! Many reviewers at once.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use overread_api::path;
use overread_e2e::Product;
use overread_e2e::product::free_port;
use overread_test_support::Cluster;

use super::office::{Office, Random, hire, settings};
use super::{AT_ONCE, Folder, Plan};

const LONG: Duration = Duration::from_mins(2);

pub fn run(plan: &Plan) -> Result<()> {
    one(plan, "SQLite", None)?;
    let folder = Folder::new("pg")?;
    let cluster = Cluster::start(&folder.path().join("c"));
    one(plan, "PostgreSQL", Some(&cluster.database("crowd")))
}

fn one(plan: &Plan, name: &str, database: Option<&str>) -> Result<()> {
    let folder = Folder::new("crowd")?;
    let settings = settings(&plan.program, folder.path(), database);
    hire(&settings, plan.people)?;
    let product = Product::serve(settings, free_port()?)?;
    let office = Office::open(&[&product], plan.people, 3)?;
    let random = Mutex::new(Random(plan.seed));
    // A decision every five seconds is a fast reviewer; medians of chart review are longer.
    let pace = || Duration::from_millis(2_000 + random.lock().expect("no panic while locked").below(6_000));
    let mut opens = Vec::new();
    office.work(&pace, || {
        let until = Instant::now() + LONG;
        let mut next = 0;
        // Everybody opens an entry once a minute and comes back to the queue.
        let wait = Duration::from_mins(1) / u32::try_from(plan.people)?;
        while Instant::now() < until {
            let reviewer = &office.reviewers[next % office.reviewers.len()];
            next += 1;
            let started = Instant::now();
            reviewer.client.get(&path::fill(path::ENTRY, &[reviewer.first.as_str()]))?;
            opens.push(started.elapsed());
            reviewer.client.get(&format!("{}?limit=50", path::ENTRIES))?;
            std::thread::sleep(wait);
        }
        Ok(())
    })?;
    let tally = office.count()?;
    opens.sort();
    let p95 = |times: &[Duration]| times.get(times.len() * 95 / 100).copied().unwrap_or_default();
    let more = format!(
        "{:.0} a second, p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms; opening an entry p95 {:.1} ms; the load runs on the same \
         cores",
        tally.times.len() as f32 / LONG.as_secs_f32(),
        tally.percentile(50).as_secs_f32() * 1e3,
        tally.percentile(95).as_secs_f32() * 1e3,
        tally.percentile(99).as_secs_f32() * 1e3,
        p95(&opens).as_secs_f32() * 1e3,
    );
    tally.report(&format!("{} reviewers at once, {name}", plan.people), &more)?;
    // What it can take when nobody thinks.
    let before = office.done();
    let started = Instant::now();
    office.work(AT_ONCE, || {
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    })?;
    let rate = (office.done() - before) as f32 / started.elapsed().as_secs_f32();
    let tally = office.count()?;
    let more = format!(
        "{rate:.0} a second, p50 {:.0} ms, p95 {:.0} ms",
        tally.percentile(50).as_secs_f32() * 1e3,
        tally.percentile(95).as_secs_f32() * 1e3
    );
    tally.report(&format!("{} reviewers without a pause, {name}", plan.people), &more)
}
