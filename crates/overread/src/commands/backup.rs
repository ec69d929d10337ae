//! `overread backup`, `overread restore`

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use age::x25519::{Identity, Recipient};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use overread_domain::AuditAction;
use overread_store::{Backup, DatabaseKey, Event, Origin, Store, StoreError};

use super::attached::{self, Attached};
use crate::Exit;
use crate::cli;
use crate::parts;
use crate::settings::Settings;
use crate::source::SystemSource;

/// Quick enough to copy while people work; stronger settings save little on hexadecimal text.
const LEVEL: i32 = 3;
/// How an encrypted file begins (<https://age-encryption.org/v1>).
const AGE: &[u8] = b"age-encryption.org/";

/// Copies the database while people work, and shows that the copy comes back before it gets its name.
pub async fn back_up(settings: &Settings, command: &cli::Backup) -> Result<()> {
    let to = &command.file;
    ensure!(!to.exists(), Exit::BadInput(format!("{} is there already", to.display())));
    let named: Vec<String> = settings.backup.recipients.iter().chain(&command.recipient).cloned().collect();
    let recipients = recipients(&named)?;
    let (store, _) = parts::store(settings).await?;
    let made = make(&store, &parts::code_folder(settings), to, &recipients, "command").await;
    store.close().await;
    let made = made?;
    println!("{}", to.display());
    told(&made);
    if recipients.is_empty() {
        println!("restored into a scratch database and found whole; it is not encrypted, and holds notes");
    } else {
        println!(
            "opened again, restored into a scratch database and found whole; encrypted for {} recipients",
            recipients.len()
        );
    }
    Ok(())
}

pub fn recipients(named: &[String]) -> Result<Vec<Recipient>> {
    named
        .iter()
        .map(|text| {
            Recipient::from_str(text).map_err(|why| {
                anyhow!(Exit::BadInput(format!("{text}: no recipient of age (age1...): {why}")))
            })
        })
        .collect()
}

/// What a copy holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Copy {
    pub database: Backup,
    pub codes: Attached,
}

/// Makes a copy, opens and restores it as whoever needs it would, and gives it its name. Nothing stays where something went
/// wrong.
/// `codes` is the folder of imported code systems; `asked` is who asked for it, for the trail.
pub async fn make(
    store: &Store,
    codes: &Path,
    to: &Path,
    recipients: &[Recipient],
    asked: &str,
) -> Result<Copy> {
    let unfinished = beside(to, "part");
    let scratch = beside(to, "check");
    // The copy can be opened by one more, who lives as long as the check: so what is checked is what is kept.
    let witness = (!recipients.is_empty()).then(Identity::generate);
    let made = async {
        let made = write(store, codes, &unfinished, recipients, witness.as_ref()).await?;
        check(&unfinished, &scratch, witness.as_ref(), &made).await?;
        anyhow::Ok(made)
    }
    .await;
    let _ = fs::remove_dir_all(&scratch);
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
    };
    fs::rename(&unfinished, to).with_context(|| to.display().to_string())?;
    let origin = Origin { request: asked.to_owned(), address: "local".to_owned() };
    let event = Event::new(AuditAction::BackupMade, None, &origin)
        .with("sha256", made.database.sha256.clone())
        .with("encrypted", (!recipients.is_empty()).to_string())
        .with("restored", "true");
    store.record(event).await?;
    Ok(made)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn told(copy: &Copy) {
    let backup = &copy.database;
    let rows = |table: &str| backup.rows.get(table).copied().unwrap_or_default();
    println!(
        "{} users, {} notes, {} decisions, {} rows of the audit trail; SHA-256 {}",
        rows("users"),
        rows("notes"),
        rows("decisions"),
        rows("audit"),
        backup.sha256
    );
    if !copy.codes.is_empty() {
        let names: Vec<&str> = copy.codes.keys().map(|name| name.trim_end_matches(".ovr")).collect();
        println!("imported code systems: {}", names.join(", "));
    }
}

async fn write(
    store: &Store,
    codes: &Path,
    path: &Path,
    recipients: &[Recipient],
    witness: Option<&Identity>,
) -> Result<Copy> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).with_context(|| path.display().to_string())?;
    let file = BufWriter::new(file);
    let (made, file) = match witness {
        None => packed(store, codes, file).await?,
        Some(witness) => {
            let witness = witness.to_public();
            let all: Vec<&dyn age::Recipient> =
                recipients.iter().chain([&witness]).map(|one| one as &dyn age::Recipient).collect();
            let sealed = age::Encryptor::with_recipients(all.into_iter())?.wrap_output(file)?;
            let (made, sealed) = packed(store, codes, sealed).await?;
            (made, sealed.finish()?)
        }
    };
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(made)
}

async fn packed<W: Write + Send>(store: &Store, codes: &Path, out: W) -> Result<(Copy, W)> {
    let mut packed = zstd::Encoder::new(out, LEVEL)?;
    packed.include_checksum(true)?;
    let database = store.back_up(&mut packed).await?;
    let codes = attached::write(codes, &mut packed)?;
    Ok((Copy { database, codes }, packed.finish()?))
}

/// Restores the copy into a database of its own, encrypted with a key that nobody keeps, and goes through its audit trail.
async fn check(copy: &Path, scratch: &Path, witness: Option<&Identity>, made: &Copy) -> Result<()> {
    let _ = fs::remove_dir_all(scratch);
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(scratch).with_context(|| scratch.display().to_string())?;
    let url = format!("sqlite:{}", scratch.join("check.db").display());
    let key = DatabaseKey::new(rand::random());
    let store = Store::open_sealed(&url, Arc::new(SystemSource), Some(&key)).await?;
    let identities: Vec<Identity> = witness.cloned().into_iter().collect();
    let back = read(&store, copy, &identities).await.context("the copy does not come back");
    store.close().await;
    let (database, mut rest) = back?;
    let codes = attached::read(&mut rest, None).context("the copy does not come back")?;
    ensure!(Copy { database, codes } == *made, "the copy comes back as something else");
    Ok(())
}

/// The bytes of a copy, opened where it is encrypted.
fn open(copy: &Path, identities: &[Identity]) -> Result<Box<dyn Read + Send>> {
    let name = copy.display();
    let mut file = BufReader::new(File::open(copy).with_context(|| name.to_string())?);
    let begins = io::BufRead::fill_buf(&mut file).with_context(|| name.to_string())?;
    if !begins.starts_with(AGE) {
        return Ok(Box::new(file));
    }
    if identities.is_empty() {
        bail!(Exit::BadInput(format!(
            "{name}: it is encrypted: name the identity that opens it with --identity"
        )));
    }
    let refused =
        |why: age::DecryptError| anyhow!(Exit::BadInput(format!("{name}: it can't be opened: {why}")));
    let sealed = age::Decryptor::new_buffered(file).map_err(refused)?;
    let open = sealed.decrypt(identities.iter().map(|one| one as &dyn age::Identity)).map_err(refused)?;
    Ok(Box::new(open))
}

/// Fills the database; what is left of the copy are the imported code systems.
async fn read(
    store: &Store,
    copy: &Path,
    identities: &[Identity],
) -> Result<(Backup, impl io::BufRead + Send + use<>)> {
    let mut lines = BufReader::new(zstd::Decoder::new(open(copy, identities)?)?);
    let back = store.restore(&mut lines).await.map_err(|error| match error {
        StoreError::Invalid { .. } | StoreError::Conflict { .. } => {
            Exit::BadInput(format!("{}: {error}", copy.display())).into()
        }
        error => anyhow::Error::from(error),
    })?;
    store.verify_audit().await?.map_err(|broken| {
        Exit::Broken(format!("it came back as it was, with a broken audit trail: {broken}"))
    })?;
    Ok((back, lines))
}

fn identities(path: &Path) -> Result<Vec<Identity>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            Identity::from_str(line)
                .map_err(|_| anyhow!(Exit::BadInput(format!("{}: no identity of age", path.display()))))
        })
        .collect()
}

/// Fills the database of the settings, which must be empty, from a copy.
pub async fn restore(settings: &Settings, command: &cli::Restore) -> Result<()> {
    let identities = command.identity.as_deref().map(identities).transpose()?.unwrap_or_default();
    let (store, _) = parts::store(settings).await?;
    let back = read(&store, &command.file, &identities).await;
    if let Ok((back, _)) = &back {
        let origin = Origin { request: "command".to_owned(), address: "local".to_owned() };
        let event =
            Event::new(AuditAction::BackupRestored, None, &origin).with("sha256", back.sha256.clone());
        store.record(event).await?;
    }
    store.close().await;
    let (database, mut rest) = back?;
    let codes = attached::read(&mut rest, Some(&parts::code_folder(settings)))
        .context("the database came back, not all of the imported code systems")?;
    told(&Copy { database, codes });
    println!("everybody has to sign in again; models are copied apart");
    let keys = overread_keys::Keyring::open(&settings.key_file)?;
    println!(
        "authenticator apps work on where {} is the key file of then (it holds {})",
        settings.key_file.display(),
        keys.ids().join(", ")
    );
    Ok(())
}
