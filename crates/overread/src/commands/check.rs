//! `overread check`

use anyhow::Result;

use crate::Exit;
use crate::parts;
use crate::settings::Settings;

pub async fn run(settings: &Settings) -> Result<()> {
    let (store, _) = parts::store(settings).await?;
    let checked = store.check().await;
    store.close().await;
    let checked = checked?;
    for damage in &checked.damage {
        println!("{}: {}", damage.what, damage.reason);
    }
    if checked.damage.is_empty() {
        println!(
            "whole: {} notes, {} entries, {} rows of the audit trail",
            checked.notes, checked.entries, checked.trail
        );
        return Ok(());
    }
    Err(Exit::Broken(format!(
        "the database is damaged ({} faults); keep its file, and fill a new one with `overread restore`",
        checked.damage.len()
    ))
    .into())
}
