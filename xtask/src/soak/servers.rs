//! Two servers and three workers on one `PostgreSQL`; one after the other is killed at random.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use overread_e2e::product::free_port;
use overread_e2e::{Product, Settings};
use overread_test_support::Cluster;

use super::office::{Office, Random, hire, settings};
use super::{Folder, Plan};
use crate::bench::api;
use crate::shell::root;

const REVIEWERS: usize = 4;
const WORKERS: usize = 3;
const SERVERS: usize = 2;

struct Worker {
    child: Child,
    settings: Settings,
}

impl Worker {
    fn start(settings: Settings) -> Result<Self> {
        let child = spawn(&settings)?;
        Ok(Self { child, settings })
    }

    fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn spawn(settings: &Settings) -> Result<Child> {
    settings
        .command()
        .arg("worker")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("overread worker")
}

pub fn run(plan: &Plan) -> Result<()> {
    let folder = Folder::new("servers")?;
    let cluster = Cluster::start(&folder.path().join("c"));
    let url = cluster.database("servers");
    let of = |name: &str| -> Result<Settings> {
        let folder = folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        let mut settings = settings(&plan.program, &folder, Some(&url));
        settings.model = Some(root().join("models/overread-minilm"));
        settings.env.push(("OVERREAD_CLAIM_SECONDS".to_owned(), "10".to_owned()));
        settings.serve.push("--no-worker".to_owned());
        Ok(settings)
    };
    hire(&of("s0")?, REVIEWERS)?;
    let mut servers: Vec<Product> =
        (0..SERVERS).map(|n| Product::serve(of(&format!("s{n}"))?, free_port()?)).collect::<Result<_>>()?;
    let mut workers: Vec<Worker> =
        (0..WORKERS).map(|n| Worker::start(of(&format!("w{n}"))?)).collect::<Result<_>>()?;
    let office = Office::open(&servers.iter().collect::<Vec<_>>(), REVIEWERS, 25)?;
    let leads: Vec<_> = servers.iter().map(|server| server.signed_in("lead")).collect::<Result<_>>()?;
    let samples = api::samples()?;
    let mut random = Random(plan.seed);
    let pace = || Duration::from_millis(100);
    let (mut killed, mut notes) = ([0_usize; 2], REVIEWERS * 25);
    office.work(&pace, || {
        let until = Instant::now() + plan.servers;
        let mut down: Option<(usize, Instant)> = None;
        let mut next_kill = Instant::now() + Duration::from_secs(3);
        let mut next_import = Instant::now();
        let mut open: Vec<serde_json::Value> = Vec::new();
        while Instant::now() < until || down.is_some() || !open.is_empty() {
            if let Some((which, back)) = down
                && Instant::now() >= back
            {
                if which < SERVERS {
                    servers[which].serve_again()?;
                } else {
                    let worker = &mut workers[which - SERVERS];
                    worker.child = spawn(&worker.settings)?;
                }
                down = None;
                next_kill = Instant::now() + Duration::from_millis(1_000 + random.below(5_000));
            }
            if down.is_none() && Instant::now() >= next_kill && Instant::now() < until {
                let which = random.below((SERVERS + WORKERS) as u64) as usize;
                if which < SERVERS {
                    servers[which].kill()?;
                } else {
                    workers[which - SERVERS].kill()?;
                }
                killed[usize::from(which >= SERVERS)] += 1;
                down = Some((which, Instant::now() + Duration::from_millis(random.below(2_000))));
            }
            if open.is_empty() && Instant::now() >= next_import && Instant::now() < until {
                open = (0..3)
                    .map(|_| {
                        let mut note = samples[random.below(samples.len() as u64) as usize].clone();
                        note["id"] = format!("load-{notes}").into();
                        notes += 1;
                        note
                    })
                    .collect();
            }
            if !open.is_empty() {
                // A killed server's import is sent again, to the other one: it may have been taken in already.
                let lead = &leads[random.below(SERVERS as u64) as usize];
                if api::import(lead, &open).is_ok() {
                    open.clear();
                    next_import = Instant::now() + Duration::from_secs(3);
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    })?;
    let ask = |query: &str| -> Result<usize> { Ok(cluster.ask("servers", query).parse()?) };
    let started = Instant::now();
    while ask("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')")? > 0 {
        ensure!(started.elapsed() < Duration::from_mins(5), "jobs wait five minutes after the last kill");
        std::thread::sleep(Duration::from_secs(1));
    }
    let stored = ask("SELECT count(*) FROM notes")?;
    let without = ask("SELECT count(*) FROM entries e WHERE NOT EXISTS \
         (SELECT 1 FROM jobs j JOIN suggestion_sets s ON s.job_id = j.id WHERE j.entry_id = e.id AND j.state = 'done')")?;
    let twice = ask(
        "SELECT count(*) FROM (SELECT job_id FROM suggestion_sets GROUP BY job_id HAVING count(*) > 1) AS twice",
    )?;
    let failed = ask("SELECT count(*) FROM jobs WHERE state = 'failed'")?;
    let again = ask("SELECT count(*) FROM jobs WHERE attempts > 1")?;
    let more = format!(
        "{} kills of servers, {} of workers; {stored} of {notes} notes taken in, {without} without suggestions ({failed} failed), \
         {twice} jobs with two results, {again} jobs begun more than once",
        killed[0], killed[1]
    );
    office.count()?.report("two servers, three workers, one PostgreSQL", &more)?;
    ensure!(stored == notes && without == 0 && twice == 0, "{more}");
    Ok(())
}
