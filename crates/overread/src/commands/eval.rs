//! `overread eval`

use anyhow::{Context as _, Result};
use overread_train::{eval, gold, prediction};

use crate::cli::Eval;

pub fn run(command: &Eval) -> Result<()> {
    let gold = gold::read(&command.gold).context("reference entries")?;
    let predictions = prediction::read(&command.predictions).context("predictions")?;
    let report = eval::score(&gold, &predictions, command.threshold);
    if command.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.to_table());
    }
    Ok(())
}
