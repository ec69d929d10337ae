//! `overread backup`, `overread restore`

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use overread_domain::AuditAction;
use overread_store::{Backup, Event, Origin, Store, StoreError};

use crate::Exit;
use crate::parts;
use crate::settings::Settings;
use crate::source::SystemSource;

/// Quick enough to copy while people work; stronger settings save little on hexadecimal text.
const LEVEL: i32 = 3;

/// Copies the database while people work, and shows that the copy comes back before it gets its name.
pub async fn back_up(settings: &Settings, to: &Path) -> Result<()> {
    ensure!(!to.exists(), Exit::BadInput(format!("{} is there already", to.display())));
    let (store, _) = parts::store(settings).await?;
    let unfinished = beside(to, "part");
    let scratch = beside(to, "check");
    let made = write(&store, &unfinished).await;
    let made = match made {
        Ok(made) => check(&unfinished, &scratch, &made).await.map(|()| made),
        Err(error) => Err(error),
    };
    // Both hold notes: neither stays where something went wrong.
    let _ = fs::remove_dir_all(&scratch);
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
    };
    fs::rename(&unfinished, to).with_context(|| to.display().to_string())?;
    let origin = Origin { request: "command".to_owned(), address: "local".to_owned() };
    let event = Event::new(AuditAction::BackupMade, None, &origin).with("sha256", made.sha256.clone());
    store.record(event).await?;
    store.close().await;
    println!("{}", to.display());
    told(&made);
    println!("restored into a scratch database and found whole; it is not encrypted, and holds notes");
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn told(backup: &Backup) {
    let rows = |table: &str| backup.rows.get(table).copied().unwrap_or_default();
    println!(
        "{} users, {} notes, {} decisions, {} rows of the audit trail; SHA-256 {}",
        rows("users"),
        rows("notes"),
        rows("decisions"),
        rows("audit"),
        backup.sha256
    );
}

async fn write(store: &Store, path: &Path) -> Result<Backup> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).with_context(|| path.display().to_string())?;
    let mut packed = zstd::Encoder::new(BufWriter::new(file), LEVEL)?;
    packed.include_checksum(true)?;
    let made = store.back_up(&mut packed).await?;
    let mut file = packed.finish()?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(made)
}

/// Restores the copy into a database of its own, and goes through its audit trail.
async fn check(copy: &Path, scratch: &Path, made: &Backup) -> Result<()> {
    let _ = fs::remove_dir_all(scratch);
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(scratch).with_context(|| scratch.display().to_string())?;
    let url = format!("sqlite:{}", scratch.join("check.db").display());
    let store = Store::open(&url, Arc::new(SystemSource)).await?;
    let back = read(&store, copy).await.context("the copy does not come back")?;
    store.close().await;
    ensure!(back == *made, "the copy comes back as something else");
    Ok(())
}

async fn read(store: &Store, copy: &Path) -> Result<Backup> {
    let file = File::open(copy).with_context(|| copy.display().to_string())?;
    let mut lines = BufReader::new(zstd::Decoder::new(BufReader::new(file))?);
    let back = store.restore(&mut lines).await.map_err(|error| match error {
        StoreError::Invalid { .. } | StoreError::Conflict { .. } => {
            Exit::BadInput(format!("{}: {error}", copy.display())).into()
        }
        error => anyhow::Error::from(error),
    })?;
    store.verify_audit().await?.map_err(|broken| {
        Exit::Broken(format!("it came back as it was, with a broken audit trail: {broken}"))
    })?;
    Ok(back)
}

/// Fills the database of the settings, which must be empty, from a copy.
pub async fn restore(settings: &Settings, from: &Path) -> Result<()> {
    let (store, _) = parts::store(settings).await?;
    let back = read(&store, from).await;
    if let Ok(back) = &back {
        let origin = Origin { request: "command".to_owned(), address: "local".to_owned() };
        let event =
            Event::new(AuditAction::BackupRestored, None, &origin).with("sha256", back.sha256.clone());
        store.record(event).await?;
    }
    store.close().await;
    told(&back?);
    println!(
        "everybody has to sign in again; imported code systems lie in codes/ of the data folder and are copied apart"
    );
    Ok(())
}
