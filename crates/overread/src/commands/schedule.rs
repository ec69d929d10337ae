//! Copies that a server makes by itself: on time, encrypted, restored once each before they count, the old ones pruned.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use overread_domain::Timestamp;
use overread_domain::clock::days_since_1970;
use overread_store::Store;
use tokio::sync::watch;

use super::backup;
use crate::parts;
use crate::settings::{BackupSettings, Settings};

const EVERY: Duration = Duration::from_mins(1);
/// After a copy that failed: a whole one each minute would be no help.
const AFTER_FAILURE: Duration = Duration::from_mins(15);
/// What lies unfinished for so long belongs to nobody who still works on it.
const ABANDONED: Duration = Duration::from_hours(24);
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const PREFIX: &str = "overread-";
const ENDING: &str = ".backup";

/// Makes copies until `stop` turns true, where a folder is named for them.
pub async fn run(settings: Settings, store: Store, mut stop: watch::Receiver<bool>) {
    let Some(folder) = settings.backup.folder.clone() else { return };
    loop {
        let mut pause = EVERY;
        match copy_if_due(&settings.backup, &parts::code_folder(&settings), &folder, &store).await {
            Ok(Some(path)) => tracing::info!(path = %path.display(), "a copy was made and restored once"),
            Ok(None) => {}
            Err(error) => {
                pause = AFTER_FAILURE;
                tracing::error!("no copy was made: {error:#}");
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn copy_if_due(
    settings: &BackupSettings,
    codes: &Path,
    folder: &Path,
    store: &Store,
) -> Result<Option<PathBuf>> {
    let now = store.now();
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let last = copies(folder)?.last().map(|(at, _)| *at);
    let every = i64::from(settings.every_hours.max(1)) * HOUR_MS;
    // A clock that was set back must not stop the copies.
    if last.is_some_and(|last| (0..every).contains(&now.since(last))) {
        return Ok(None);
    }
    clear(folder)?;
    let path = folder.join(name(now));
    backup::make(store, codes, &path, &backup::recipients(&settings.recipients)?, "schedule").await?;
    prune(settings, folder)?;
    Ok(Some(path))
}

/// `overread-20261126T190500Z.backup`
fn name(at: Timestamp) -> String {
    let (day, seconds) = (at.day().replace('-', ""), at.0.rem_euclid(DAY_MS) / 1000);
    format!("{PREFIX}{day}T{:02}{:02}{:02}Z{ENDING}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// When a file of this name was made; none where it is none of ours.
fn made_at(name: &str) -> Option<Timestamp> {
    let middle = name.strip_prefix(PREFIX)?.strip_suffix(ENDING)?;
    let (day, time) = middle.strip_suffix('Z')?.split_once('T')?;
    if day.len() != 8 || time.len() != 6 || !day.bytes().chain(time.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |text: &str| text.parse::<i64>().ok();
    let days = days_since_1970(number(&day[..4])?, number(&day[4..6])?, number(&day[6..])?);
    let seconds = number(&time[..2])? * 3600 + number(&time[2..4])? * 60 + number(&time[4..])?;
    Some(Timestamp(days * DAY_MS + seconds * 1000))
}

/// Our copies in a folder, the oldest first. What else lies there is none of our business.
fn copies(folder: &Path) -> Result<Vec<(Timestamp, PathBuf)>> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let file = file?;
        if let Some(at) = file.file_name().to_str().and_then(made_at) {
            found.push((at, file.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Which of the copies stay: the latest, and the last of each day, week and month, as many of each as the settings say.
fn kept(settings: &BackupSettings, copies: &[Timestamp]) -> BTreeSet<Timestamp> {
    let mut kept: BTreeSet<Timestamp> =
        copies.iter().rev().take(settings.keep_latest.max(1)).copied().collect();
    let day = |at: Timestamp| at.0.div_euclid(DAY_MS);
    let mut one_each = |how_many: usize, of: &dyn Fn(Timestamp) -> i64| {
        let mut seen = BTreeSet::new();
        for at in copies.iter().rev() {
            if seen.len() >= how_many && !seen.contains(&of(*at)) {
                break;
            }
            if seen.insert(of(*at)) {
                kept.insert(*at);
            }
        }
    };
    one_each(settings.keep_days, &day);
    // 1970-01-01 was a Thursday.
    one_each(settings.keep_weeks, &|at| (day(at) + 3).div_euclid(7));
    one_each(settings.keep_months, &|at| {
        at.day().get(..7).map_or(0, |month| month.replace('-', "").parse().unwrap_or(0))
    });
    kept
}

/// Takes away what a copy left unfinished when its server was killed.
fn clear(folder: &Path) -> Result<()> {
    for file in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let file = file?;
        let name = file.file_name();
        let ours = name.to_str().is_some_and(|name| {
            let whole = name.strip_suffix(".part").or_else(|| name.strip_suffix(".check"));
            whole.and_then(made_at).is_some()
        });
        let old = file
            .metadata()?
            .modified()
            .ok()
            .and_then(|at| at.elapsed().ok())
            .is_some_and(|age| age > ABANDONED);
        if ours && old {
            let path = file.path();
            let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            gone.with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn prune(settings: &BackupSettings, folder: &Path) -> Result<()> {
    let copies = copies(folder)?;
    let kept = kept(settings, &copies.iter().map(|(at, _)| *at).collect::<Vec<_>>());
    for (at, path) in copies.iter().filter(|(at, _)| !kept.contains(at)) {
        fs::remove_file(path).with_context(|| path.display().to_string())?;
        tracing::info!(made_at = at.0, path = %path.display(), "an old copy was deleted");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_when_and_come_back() {
        for at in [0, 951_782_399_000, 1_795_719_900_000, 1_798_761_599_000] {
            assert_eq!(made_at(&name(Timestamp(at))), Some(Timestamp(at)));
        }
        assert_eq!(name(Timestamp(1_767_603_600_000)), "overread-20260105T090000Z.backup");
        for foreign in ["overread-2026.backup", "notes.jsonl", "overread-20260105T0900é0Z.backup"] {
            assert_eq!(made_at(foreign), None);
        }
    }

    #[tokio::test]
    async fn a_copy_is_made_when_it_is_due_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("x.db").display());
        let store = Store::open(&url, std::sync::Arc::new(crate::source::SystemSource)).await.unwrap();
        let (codes, copies_in) = (folder.path().join("codes"), folder.path().join("copies"));
        let settings = BackupSettings {
            keep_latest: 1,
            keep_days: 1,
            keep_weeks: 0,
            keep_months: 0,
            ..BackupSettings::default()
        };
        fs::create_dir(&copies_in).unwrap();
        let old = copies_in.join(name(Timestamp(store.now().0 - 3 * DAY_MS)));
        for there in [&old, &copies_in.join("letter.txt")] {
            fs::write(there, "x").unwrap();
        }
        let made = copy_if_due(&settings, &codes, &copies_in, &store)
            .await
            .unwrap()
            .expect("the last one is days old");
        assert!(made.exists() && !old.exists() && copies_in.join("letter.txt").exists());
        assert_eq!(copy_if_due(&settings, &codes, &copies_in, &store).await.unwrap(), None);
        let recorded = store.audit(&overread_store::AuditFilter::default(), 1).await.unwrap();
        assert_eq!(recorded[0].event.origin.request, "schedule");
        store.close().await;
    }

    #[test]
    fn a_year_of_copies_thins_out_and_the_latest_stay() {
        let settings = BackupSettings::default();
        // Every six hours for 400 days, pruned after each as it comes.
        let mut there: Vec<Timestamp> = Vec::new();
        for n in 0..1600 {
            there.push(Timestamp(1_767_603_600_000 + n * 6 * HOUR_MS));
            let keep = kept(&settings, &there);
            there.retain(|at| keep.contains(at));
        }
        let last = there.last().unwrap().0;
        let days: BTreeSet<i64> = there.iter().map(|at| (last - at.0) / DAY_MS).collect();
        assert!((0..6).all(|ago| days.contains(&ago)), "{days:?}");
        assert!(days.iter().any(|ago| (28..40).contains(ago)), "{days:?}");
        assert!(days.iter().any(|ago| (300..370).contains(ago)), "{days:?}");
        assert!((19..=27).contains(&there.len()), "{}", there.len());
    }
}
