//! Faults: what the server said it had written must be there afterwards, once, whatever happens to it meanwhile.
//!
//! Reviewers decide over HTTP; a request that got no answer is sent again with its idempotency key. At the end the export
//! must hold exactly the decisions that were acknowledged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::args::Args;
use crate::eval::release;
use crate::shell::shell;

mod clock;
mod crowd;
mod damage;
mod faults;
mod kills;
mod memory;
mod office;
mod outage;
mod servers;
mod slow;

const NAMES: [&str; 8] = ["kills", "slow", "outage", "clock", "damage", "crowd", "servers", "memory"];

/// How much of it.
#[derive(Debug)]
struct Plan {
    program: PathBuf,
    /// Kills on each engine at least.
    kills: u32,
    /// Acknowledged decisions on each engine at least.
    decisions: usize,
    /// How long two servers and three workers are killed at.
    servers: Duration,
    /// How long the database is away.
    outage: Duration,
    people: usize,
    memory: Duration,
    seed: u64,
}

pub fn run(mut args: Args) -> Result<()> {
    let only: Option<String> = args.value("--only")?;
    let minutes = |value: Option<u64>, usual: u64| Duration::from_mins(value.unwrap_or(usual));
    let sh = shell()?;
    let mut plan = Plan {
        program: PathBuf::new(),
        kills: args.value("--kills")?.unwrap_or(50),
        decisions: args.value("--decisions")?.unwrap_or(10_000),
        servers: minutes(args.value("--servers-minutes")?, 10),
        outage: Duration::from_secs(args.value("--outage-seconds")?.unwrap_or(60)),
        people: args.value("--people")?.unwrap_or(200),
        memory: minutes(args.value("--memory-minutes")?, 60),
        seed: args.value("--seed")?.unwrap_or(20_260_401),
    };
    args.done()?;
    let wanted: Vec<&str> = match &only {
        None => NAMES.to_vec(),
        Some(only) => only.split(',').collect(),
    };
    for name in &wanted {
        ensure!(NAMES.contains(name), "no fault \"{name}\"; there are {}", NAMES.join(", "));
    }
    plan.program = release(&sh)?;
    let mut failed = Vec::new();
    for name in wanted {
        eprintln!("==> {name}");
        let done = match name {
            "kills" => kills::run(&plan),
            "slow" => slow::run(&plan),
            "outage" => outage::run(&plan),
            "clock" => clock::run(&plan),
            "damage" => damage::run(&plan),
            "crowd" => crowd::run(&plan),
            "servers" => servers::run(&plan),
            _ => memory::run(&plan),
        };
        if let Err(error) = done {
            println!("{name}: FAILED: {error:#}");
            failed.push(name);
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("ovr-soak-{name}-{}", std::process::id()));
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const AT_ONCE: &(dyn Fn() -> Duration + Sync) = &|| Duration::ZERO;
