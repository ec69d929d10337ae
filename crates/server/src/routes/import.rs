//! Notes coming in: all of a request or nothing.

use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use overread_api::import::{ImportQuery, ImportView};
use overread_api::{ErrorBody, ErrorCode, Place, path};
use overread_domain::AuditAction;
use overread_intake::{Batch, Faults, File, Form, Limits};
use overread_store::{NewNote, StoreError};

use crate::auth::Signed;
use crate::extract::{Json, Query, body};
use crate::{App, Failure};

/// Entries that the answer names.
const NAMED: usize = 100;

/// Imports JSON Lines, one plain text, or several files of either kind.
#[utoipa::path(post, operation_id = "import_notes", path = path::IMPORT, tag = "import", params(ImportQuery),
    request_body(content((String = "application/x-ndjson"), (String = "text/plain"), (String = "multipart/form-data"))),
    responses(
        (status = 200, body = ImportView),
        (status = 404, body = ErrorBody, description = "There is no such template"),
        (status = 409, body = ErrorBody, description = "A note with this id and another text is there"),
        (status = 413, body = ErrorBody, description = "A note or the request is too large"),
        (status = 415, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "What is wrong, and where; nothing was imported"),
    ))]
pub async fn import(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Result<Json<ImportView>, Failure> {
    let files = files(&app, &query, request).await?;
    let limits = Limits { note_bytes: app.config.note_bytes, ..Limits::default() };
    let batch = tokio::task::spawn_blocking(move || {
        let files: Vec<File<'_>> = files
            .iter()
            .map(|(name, form, bytes)| File { name: name.clone(), form: form.clone(), bytes })
            .collect();
        overread_intake::read(&files, limits)
    })
    .await
    .map_err(|_| Failure::internal("reading an import panicked"))?
    .map_err(refused)?;

    let template = query.template.as_deref().unwrap_or(&app.config.template);
    let dry_run = query.dry_run.unwrap_or(false);
    let (repeated, places, notes) = split(batch);
    let event = signed.event(AuditAction::NotesImported).with("notes", notes.len().to_string());
    let outcome = app
        .store
        .recording(event)
        .import_notes(notes, template, dry_run)
        .await
        .map_err(|error| conflict(error, &places))?;
    if !dry_run {
        app.metrics.count("overread_notes_imported_total", &[], outcome.imported);
        app.work.notify_waiters();
    }
    Ok(Json(ImportView {
        imported: outcome.imported,
        unchanged: outcome.unchanged + repeated,
        entries: outcome.entries.into_iter().take(NAMED).collect(),
    }))
}

type Given = (String, Form, axum::body::Bytes);

async fn files(app: &App, query: &ImportQuery, request: Request) -> Result<Vec<Given>, Failure> {
    let header =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = header.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    if let Some(charset) =
        parts.find_map(|part| part.strip_prefix("charset=").map(|name| name.trim_matches('"').to_owned()))
        && !matches!(charset.as_str(), "utf-8" | "utf8" | "us-ascii")
    {
        return Err(Failure::new(ErrorCode::UnsupportedMedia, "notes must be UTF-8"));
    }
    match kind.as_str() {
        "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Ok(vec![("notes".to_owned(), Form::JsonLines, body(request, app).await?)])
        }
        "text/plain" => {
            let Some(id) = query.id.clone() else {
                return Err(Failure::invalid("id", "plain text needs the note's id in the query"));
            };
            let form = Form::PlainText { id: Some(id), title: query.title.clone() };
            Ok(vec![("note".to_owned(), form, body(request, app).await?)])
        }
        "multipart/form-data" => parts_of(app, request).await,
        _ => Err(Failure::new(
            ErrorCode::UnsupportedMedia,
            "send application/x-ndjson, text/plain or multipart/form-data",
        )),
    }
}

async fn parts_of(app: &App, request: Request) -> Result<Vec<Given>, Failure> {
    let mut multipart = Multipart::from_request(request, app)
        .await
        .map_err(|_| Failure::new(ErrorCode::BadRequest, "the form can't be read"))?;
    let mut files = Vec::new();
    let mut unknown = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(|error| broken(&error))? {
        let Some(name) = field.file_name().map(str::to_owned) else {
            return Err(Failure::invalid("file", "every part of the form is a file with a name"));
        };
        let form = Form::of_name(&name);
        let bytes = field.bytes().await.map_err(|error| broken(&error))?;
        match form {
            Some(form) => files.push((name, form, bytes)),
            None => unknown.push(Place {
                file: Some(name),
                message: "only .jsonl, .ndjson and .txt are read".to_owned(),
                ..Place::default()
            }),
        }
    }
    if !unknown.is_empty() {
        return Err(
            Failure::new(ErrorCode::UnsupportedMedia, "some files are of no known kind").with_places(unknown)
        );
    }
    if files.is_empty() {
        return Err(Failure::invalid("file", "the form holds no files"));
    }
    Ok(files)
}

pub(super) fn broken(error: &MultipartError) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Failure::new(ErrorCode::TooLarge, "the request is larger than this server takes")
    } else {
        Failure::new(ErrorCode::BadRequest, "the form can't be read")
    }
}

fn split(batch: Batch) -> (u64, Vec<Place>, Vec<NewNote>) {
    let mut places = Vec::with_capacity(batch.notes.len());
    let mut notes = Vec::with_capacity(batch.notes.len());
    for note in batch.notes {
        places.push(Place {
            file: Some(note.file),
            line: note.line,
            field: Some("id".to_owned()),
            ..Place::default()
        });
        notes.push(NewNote { id: note.id, text: note.text, sha256: note.sha256, meta: note.meta });
    }
    (batch.repeated as u64, places, notes)
}

/// Gives a conflict the place that the note came from.
fn conflict(error: StoreError, places: &[Place]) -> Failure {
    let place = match &error {
        StoreError::Conflict { index: Some(index), reason, .. } => {
            places.get(*index).map(|place| Place { message: (*reason).to_owned(), ..place.clone() })
        }
        _ => None,
    };
    Failure::from(error).with_places(place)
}

fn refused(faults: Faults) -> Failure {
    let (code, message) = if faults.any_too_large() {
        (ErrorCode::TooLarge, "a note is too large")
    } else {
        (ErrorCode::Invalid, "the notes can't be taken as they are")
    };
    let message = match faults.len() {
        1 => format!("{message}; nothing was imported"),
        n => format!("{message}: {n} faults; nothing was imported"),
    };
    Failure::new(code, message).with_places(faults.told.into_iter().map(|fault| Place {
        file: Some(fault.file),
        line: fault.line,
        byte: fault.byte,
        field: fault.field.map(str::to_owned),
        message: fault.kind.to_string(),
    }))
}
