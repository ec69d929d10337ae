//! kill -9 at random moments, on both engines.

use std::time::{Duration, Instant};

use anyhow::Result;
use overread_e2e::Product;
use overread_e2e::product::free_port;
use overread_test_support::Cluster;

use super::office::{Office, Random, hire, settings};
use super::{AT_ONCE, Folder, Plan};

const REVIEWERS: usize = 4;
/// Many, so that no entry grows longer than real ones do.
const ENTRIES_EACH: usize = 50;

pub fn run(plan: &Plan) -> Result<()> {
    one(plan, "kill -9, SQLite", None)?;
    let folder = Folder::new("pg")?;
    let cluster = Cluster::start(&folder.path().join("c"));
    one(plan, "kill -9, PostgreSQL", Some(&cluster.database("kills")))
}

fn one(plan: &Plan, name: &str, database: Option<&str>) -> Result<()> {
    let folder = Folder::new("kills")?;
    let settings = settings(&plan.program, folder.path(), database);
    hire(&settings, REVIEWERS)?;
    let mut product = Product::serve(settings, free_port()?)?;
    let office = Office::open(&[&product], REVIEWERS, ENTRIES_EACH)?;
    let mut random = Random(plan.seed);
    let (mut kills, mut longest) = (0, Duration::ZERO);
    office.work(AT_ONCE, || {
        while kills < plan.kills || office.done() < plan.decisions {
            std::thread::sleep(Duration::from_millis(40 + random.below(400)));
            product.kill()?;
            let started = Instant::now();
            product.serve_again()?;
            longest = longest.max(started.elapsed());
            kills += 1;
            eprint!("\r    {kills} kills, {} requests", office.done());
        }
        Ok(())
    })?;
    eprintln!();
    let restart = format!("{kills} kills, longest restart until /healthz {} ms", longest.as_millis());
    office.count()?.report(name, &restart)
}
