//! `overread check`

use anyhow::Result;
use overread_store::{Checked, Damage, StoreError, check_file};

use crate::Exit;
use crate::parts;
use crate::settings::Settings;

pub async fn run(settings: &Settings) -> Result<()> {
    let checked = match parts::store(settings).await {
        Ok((store, _)) => {
            let checked = store.check().await;
            store.close().await;
            checked?
        }
        Err(error)
            if error.chain().any(|cause| matches!(cause.downcast_ref(), Some(StoreError::Damaged))) =>
        {
            let key = parts::database_key(settings, &parts::keys(settings)?)?;
            let mut damage = check_file(&settings.database, key.as_ref()).await?;
            if damage.is_empty() {
                damage.push(Damage { what: "file".to_owned(), reason: "it can't be opened".to_owned() });
            }
            Checked { damage, ..Checked::default() }
        }
        Err(error) => return Err(error),
    };
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
