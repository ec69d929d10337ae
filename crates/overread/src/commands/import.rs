//! `overread import`

use anyhow::{Context as _, Result};
use overread_intake::{File, Form, Limits};
use overread_store::{NewNote, StoreError};

use crate::Exit;
use crate::cli::Import;
use crate::parts;
use crate::settings::Settings;

pub async fn run(settings: &Settings, command: &Import) -> Result<()> {
    let mut read = Vec::new();
    for path in &command.files {
        let name = path.display().to_string();
        let form = Form::of_name(&name)
            .ok_or_else(|| Exit::BadInput(format!("{name}: only .jsonl, .ndjson and .txt are read")))?;
        read.push((std::fs::read(path).with_context(|| name.clone())?, name, form));
    }
    let files: Vec<File<'_>> = read
        .iter()
        .map(|(bytes, name, form)| File { name: name.clone(), form: form.clone(), bytes })
        .collect();
    let limits = Limits { note_bytes: settings.server.note_bytes, ..Limits::default() };
    let batch = overread_intake::read(&files, limits).map_err(|faults| Exit::BadInput(faults.to_string()))?;
    let mut places = Vec::new();
    let mut notes = Vec::new();
    for note in batch.notes {
        places.push((note.file, note.line));
        notes.push(NewNote { id: note.id, text: note.text, sha256: note.sha256, meta: note.meta });
    }
    let (store, source) = parts::store(settings).await?;
    // The template that ships must be there before the server ever ran.
    let model = overread_server::Model::loading();
    let config = settings.server.clone();
    let sign_in = overread_server::SignInWays { keys: parts::keys(settings)?, passkeys: None, oidc: None };
    let setup = overread_server::Setup { store: store.clone(), source, config, model, sign_in };
    overread_server::App::new(setup, overread_server::Shelf::default()).prepare().await?;
    let template = command.template.as_deref().unwrap_or(&settings.server.template);
    let outcome =
        store.import_notes(notes, template, command.dry_run).await.map_err(|error| match error {
            StoreError::Conflict { index: Some(index), .. } if index < places.len() => {
                let (file, line) = &places[index];
                let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
                anyhow::Error::from(Exit::BadInput(format!("{file}{line}: {error}")))
            }
            other => other.into(),
        })?;
    store.close().await;
    let would = if command.dry_run { "would be " } else { "" };
    let unchanged = outcome.unchanged + batch.repeated as u64;
    println!("{} notes {would}imported, {unchanged} were there already", outcome.imported);
    Ok(())
}
