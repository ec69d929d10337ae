//! The database is gone for a minute, without a word, and comes back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use overread_e2e::Product;
use overread_e2e::product::free_port;
use overread_test_support::Cluster;

use super::office::{Office, hire, settings};
use super::{Folder, Plan};

const REVIEWERS: usize = 4;

pub fn run(plan: &Plan) -> Result<()> {
    let folder = Folder::new("outage")?;
    let cluster = Cluster::start(&folder.path().join("c"));
    let settings = settings(&plan.program, folder.path(), Some(&cluster.database("outage")));
    hire(&settings, REVIEWERS)?;
    let product = Product::serve(settings, free_port()?)?;
    let office = Office::open(&[&product], REVIEWERS, 20)?;
    let pace = || Duration::from_millis(20);
    let (mut alive, mut back) = (0, Duration::ZERO);
    office.work(&pace, || {
        std::thread::sleep(Duration::from_secs(5));
        cluster.stop();
        let until = Instant::now() + plan.outage;
        while Instant::now() < until {
            // Alive, and it says that it is not ready.
            alive += usize::from(product.client().get("/healthz")?.status == 200);
            let ready = product.client().get("/readyz")?.status;
            ensure!(ready == 503, "/readyz: status {ready} without a database");
            std::thread::sleep(Duration::from_secs(1));
        }
        cluster.start_again();
        let (started, before) = (Instant::now(), office.done());
        while office.done() == before {
            ensure!(
                started.elapsed() < Duration::from_mins(1),
                "no decision a minute after the database was back"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        back = started.elapsed();
        std::thread::sleep(Duration::from_secs(5));
        Ok(())
    })?;
    let more = format!(
        "gone for {} s, {alive} of the looks at /healthz answered, first decision {} ms after it was back",
        plan.outage.as_secs(),
        back.as_millis()
    );
    office.count()?.report("PostgreSQL gone", &more)
}
