//! `overread keys`

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, ensure};
use overread_domain::AuditAction;
use overread_store::{Event, Origin};

use crate::cli::Keys;
use crate::parts;
use crate::settings::Settings;

pub async fn run(settings: &Settings, command: Keys) -> Result<()> {
    match command {
        Keys::List => {
            let ids = parts::keys(settings)?.ids();
            let last = ids.len().saturating_sub(1);
            for (nth, id) in ids.iter().enumerate() {
                println!("{id}{}", if nth == last { "  in use" } else { "" });
            }
        }
        Keys::Add => {
            let keys = parts::keys(settings)?;
            let id = keys.add()?;
            let (store, _) = parts::store(settings).await?;
            let secrets = overread_server::reseal(&store, &keys)
                .await
                .map_err(|_| anyhow!("a secret can't be opened with the keys that are here"))?;
            let database = parts::reseal_database_key(settings, &keys)?;
            store.record(event("added").with("key", id.as_str())).await?;
            store.close().await;
            println!("{id} is in use");
            println!(
                "{secrets} authenticator apps{} sealed anew",
                if database { " and the key of the database" } else { "" }
            );
        }
        Keys::Remove { id } => {
            let (store, _) = parts::store(settings).await?;
            let keys = parts::keys(settings)?;
            let seals = overread_server::sealed_with(&store, &id).await?;
            ensure!(
                seals == 0 && !parts::database_key_is_sealed_with(settings, &id),
                "the key {id} still seals {seals} authenticator apps or the key of the database: `overread keys add` seals \
                 them anew"
            );
            keys.remove(&id)?;
            store.record(event("removed").with("key", id.as_str())).await?;
            store.close().await;
            println!("{id} is gone: what it sealed can't be opened any more");
        }
        Keys::Database => {
            parts::change_database_key(settings).await?;
            let (store, _) = parts::store(settings).await?;
            store.record(event("database")).await?;
            store.close().await;
            println!(
                "every page is encrypted with a fresh key; copies of the file from before need the key file from before"
            );
        }
        Keys::Identity { file } => identity(&file)?,
    }
    Ok(())
}

fn event(what: &str) -> Event {
    let origin = Origin { request: "command".to_owned(), address: "local".to_owned() };
    Event::new(AuditAction::KeysChanged, None, &origin).with("what", what)
}

/// Of age (<https://age-encryption.org/v1>, X25519).
fn identity(path: &Path) -> Result<()> {
    use age::secrecy::ExposeSecret as _;
    use std::io::Write as _;
    ensure!(!path.exists(), "{} is there already", path.display());
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| path.display().to_string())?;
    writeln!(file, "# opens copies for {recipient}\n{}", identity.to_string().expose_secret())?;
    file.sync_all()?;
    println!("{recipient}");
    eprintln!(
        "{} opens copies made for this recipient: keep it away from the server, and more than once",
        path.display()
    );
    Ok(())
}
