//! Notes coming in: all of a request or nothing.

use overread_domain::note::word_count;
use overread_domain::{EntryId, EntryStatus, NoteId, NoteMeta, Placing, Template};
use sqlx::AnyConnection;

use crate::counters::{self, Deltas};
use crate::entry::NO_CONFIDENCE;
use crate::jobs::insert_job;
use crate::migrate::sha256;
use crate::reach::compartment;
use crate::row::{Columns, to_json};
use crate::template::latest;
use crate::{Store, StoreError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNote {
    pub id: NoteId,
    pub text: String,
    /// Lower-case hexadecimal SHA-256 of `text`.
    pub sha256: String,
    pub meta: NoteMeta,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOutcome {
    /// Notes that were new.
    pub imported: u64,
    /// Notes that were there with the same text; what came with them this time is not looked at.
    pub unchanged: u64,
    /// The new entries, in the order of the notes.
    pub entries: Vec<EntryId>,
}

impl Store {
    /// Stores notes, opens an entry for each and asks for its suggestions, in one transaction. A known id with other text
    /// is a [`StoreError::Conflict`] that names the note and its place in `notes`. With `dry_run` nothing is kept.
    pub async fn import_notes(
        &self,
        notes: Vec<NewNote>,
        template: &str,
        dry_run: bool,
    ) -> Result<ImportOutcome, StoreError> {
        let now = self.now().0;
        let mut outcome = ImportOutcome::default();
        let mut deltas = Deltas::default();
        let mut tx = self.begin().await?;
        let template =
            latest(&mut tx, template).await?.ok_or_else(|| StoreError::not_found("template", template))?;
        for (index, note) in notes.iter().enumerate() {
            let mut known = None;
            if insert_note(&mut tx, note, index, now).await? {
                outcome.imported += 1;
            } else {
                outcome.unchanged += 1;
                // What is guarded stays so, whatever comes with the note this time.
                let row =
                    sqlx::query("SELECT compartment FROM entries WHERE note_id = $1 ORDER BY id LIMIT 1")
                        .bind(note.id.as_str())
                        .fetch_optional(&mut *tx)
                        .await?;
                known = row.map(|row| row.text("compartment")).transpose()?;
                let row = sqlx::query("SELECT 1 AS one FROM entries WHERE note_id = $1 AND template_id = $2")
                    .bind(note.id.as_str())
                    .bind(&template.id)
                    .fetch_optional(&mut *tx)
                    .await?;
                if row.is_some() {
                    continue;
                }
            }
            let entry = EntryId::new(self.new_id("e"));
            let compartment = match known {
                Some(known) => known,
                None => compartment(&mut tx, &Placing::of(&note.meta), now).await?,
            };
            let job = self.new_id("j");
            insert_entry(&mut tx, &entry, note, &template, &job, &compartment, now).await?;
            let within = |name: &str| counters::within(&compartment, name);
            deltas.add(counters::STATUS, &within(EntryStatus::Open.as_str()), 1);
            deltas.add(counters::SUGGESTING, &within("queued"), 1);
            deltas.add(counters::JOB, "queued", 1);
            deltas.add(counters::TEMPLATE, &template.id, 1);
            if let Some(document_type) = &note.meta.document_type {
                deltas.add(counters::DOCUMENT_TYPE, &within(document_type), 1);
            }
            outcome.entries.push(entry);
        }
        deltas.write(&mut tx).await?;
        if dry_run {
            tx.rollback().await?;
        } else {
            self.commit(tx).await?;
        }
        Ok(outcome)
    }
}

/// Whether the note was new.
async fn insert_note(
    connection: &mut AnyConnection,
    note: &NewNote,
    index: usize,
    now: i64,
) -> Result<bool, StoreError> {
    let conflict =
        |reason| StoreError::Conflict { what: "note", id: note.id.to_string(), reason, index: Some(index) };
    // PostgreSQL has no such character in its texts; in the note's own text it may stand.
    if note.id.as_str().contains('\0')
        || note.meta.document_type.as_ref().is_some_and(|name| name.contains('\0'))
    {
        return Err(StoreError::Invalid {
            what: "a note",
            reason: format!("the id or document type of note {index} holds U+0000"),
        });
    }
    if sha256(note.text.as_bytes()) != note.sha256 {
        return Err(conflict("the text does not have the hash that came with it"));
    }
    let done = sqlx::query(
        "INSERT INTO notes (id, sha256, words, meta, created_at, body) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(note.id.as_str())
    .bind(&note.sha256)
    .bind(word_count(&note.text) as i64)
    .bind(to_json("what came with the note", &note.meta)?)
    .bind(now)
    .bind(note.text.as_bytes())
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(true);
    }
    let known = sqlx::query("SELECT sha256 FROM notes WHERE id = $1")
        .bind(note.id.as_str())
        .fetch_one(connection)
        .await?;
    if known.text("sha256")? == note.sha256 {
        Ok(false)
    } else {
        Err(conflict("it is known with another text"))
    }
}

async fn insert_entry(
    connection: &mut AnyConnection,
    entry: &EntryId,
    note: &NewNote,
    template: &Template,
    job: &str,
    compartment: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO entries (id, note_id, template_id, template_version, document_type, search, status, revision, \
         suggested, decided, confidence, suggesting, ready, job_id, created_at, updated_at, compartment) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $8, 'queued', 0, $9, $10, $10, $11)",
    )
    .bind(entry.as_str())
    .bind(note.id.as_str())
    .bind(&template.id)
    .bind(i64::from(template.version))
    .bind(note.meta.document_type.as_deref())
    .bind(search_text(note.id.as_str(), note.meta.title.as_deref()))
    .bind(EntryStatus::Open.as_str())
    .bind(NO_CONFIDENCE)
    .bind(job)
    .bind(now)
    .bind(compartment)
    .execute(&mut *connection)
    .await?;
    insert_job(connection, job, entry, now).await
}

/// What the search within the queue looks at: both sides are in lower case.
fn search_text(id: &str, title: Option<&str>) -> String {
    format!("{id}\n{}", title.unwrap_or_default()).to_lowercase().replace('\0', "")
}
