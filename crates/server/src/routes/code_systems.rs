//! Code systems, lists and books: what is loaded, bringing in more, and putting away what was brought in.

use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use overread_api::code_system::{
    ChangedCodes, CodeSystemView, CodeSystems, HoldingKind, ImportCodesQuery, ImportStanding, ImportedCodes,
    ImportedResult, ReadFile, ReleaseChanges, SourceFile,
};
use overread_api::{ErrorBody, ErrorCode, Place, path};
use overread_codes::import::{self, File, ImportError, Imported, Options};
use overread_domain::{AuditAction, Permission};

use super::import::broken;
use crate::auth::Signed;
use crate::extract::{Json, Path, Query};
use crate::{App, Failure, Shelf, Standing, impact};

/// Codes that are told of each kind of change.
const TOLD: usize = 200;

/// What is loaded.
#[utoipa::path(get, operation_id = "code_systems", path = path::CODE_SYSTEMS, tag = "codes", responses((status = 200, body = CodeSystems)))]
pub async fn list(State(app): State<App>) -> Json<CodeSystems> {
    let (shelf, today) = (app.shelf(), app.today());
    let mut items = Vec::new();
    for release in &shelf.books.releases {
        let now = shelf.books.release(release.system(), &today);
        items.push(CodeSystemView {
            id: release.id().to_owned(),
            kind: HoldingKind::Release,
            system: Some(release.system().to_owned()),
            title: release.title().to_owned(),
            effective: release.effective().to_owned(),
            in_force: now.is_some_and(|now| now.id() == release.id()),
            size: shelf.counts(release).0,
            imported: shelf.is_imported(release.id()),
            semantic: Some(app.model.semantic(release)),
            sources: release
                .sources()
                .map(|(name, sha256)| SourceFile { name: name.to_owned(), sha256: sha256.to_owned() })
                .collect(),
        });
    }
    let plain = |id: &str, kind, title: &str, effective: &str, in_force, size: usize| CodeSystemView {
        id: id.to_owned(),
        kind,
        system: None,
        title: title.to_owned(),
        effective: effective.to_owned(),
        in_force,
        size: size as u64,
        imported: shelf.is_imported(id),
        semantic: None,
        sources: Vec::new(),
    };
    for list in &shelf.books.lists {
        let now = shelf.books.list(list.kind, &today).is_some_and(|now| now.id == list.id);
        items.push(plain(&list.id, HoldingKind::List, &list.title, &list.effective, now, list.rows.len()));
    }
    for book in &shelf.indices {
        let now = shelf.index(book.kind, &today).is_some_and(|now| now.id == book.id);
        let line = plain(&book.id, HoldingKind::Book, &book.title, &book.effective, now, book.lines.len());
        items.push(CodeSystemView { system: Some(book.kind.as_str().to_owned()), ..line });
    }
    Json(CodeSystems { items, may_import: shelf.folder().is_some() })
}

/// Reads official files as downloaded, zipped or not: the parts of a form. All of it is taken, or nothing.
#[utoipa::path(post, operation_id = "import_code_system", path = path::CODE_SYSTEMS, tag = "codes", params(ImportCodesQuery),
    request_body(content((String = "multipart/form-data"))),
    responses(
        (status = 200, body = ImportedCodes),
        (status = 409, body = ErrorBody, description = "Other content is there under the same name: two editions would \
            be in force from one day on"),
        (status = 413, body = ErrorBody, description = "The request is too large"),
        (status = 422, body = ErrorBody, description = "What is wrong, and where; nothing was imported"),
        (status = 503, body = ErrorBody, description = "This server keeps no imports, or the database is away"),
    ))]
pub async fn import(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<ImportCodesQuery>,
    request: Request,
) -> Result<Json<ImportedCodes>, Failure> {
    if app.shelf().folder().is_none() {
        return Err(Failure::new(
            ErrorCode::Unavailable,
            "this server has no folder to keep code systems in",
        ));
    }
    let files = files(&app, request).await?;
    // Two imports at once could each find the place free that only one can take.
    let _alone = app.importing.lock().await;
    app.look_at_shelf().await?;
    let shelf = app.shelf();
    let given = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let options =
        Options { effective: given(query.effective), system: given(query.system), ..Options::default() };
    let (found, report) = tokio::task::spawn_blocking(move || {
        let (found, report) = import::import(files, &options)?;
        let packed: Result<Vec<_>, _> = found
            .into_iter()
            .map(|import| import.to_bytes().map(|bytes| (import, bytes)).map_err(ImportError::from))
            .collect();
        packed.map(|found| (found, report))
    })
    .await
    .map_err(|_| Failure::internal("reading code files panicked"))?
    .map_err(refused)?;

    let may_read = signed.may(Permission::ReadEntries);
    let mut results = Vec::new();
    for ((import, bytes), told) in found.iter().zip(&report.results) {
        let standing = match shelf.standing(import, bytes) {
            Standing::New => ImportStanding::New,
            Standing::Same => ImportStanding::Same,
            Standing::Other if query.replace.unwrap_or(false) => ImportStanding::Replaces,
            Standing::Other => {
                return Err(taken(import.id(), "with other content; replacing it has to be asked for"));
            }
            Standing::Fixed => return Err(taken(import.id(), "it came with the product and stays")),
        };
        results.push(result(&app, &shelf, import, told, standing, may_read).await?);
    }
    let kept = !query.dry_run.unwrap_or(false);
    if kept {
        let new: Vec<(String, Vec<u8>)> = found
            .into_iter()
            .zip(&results)
            .filter(|(_, result)| result.standing != ImportStanding::Same)
            .map(|((import, bytes), _)| (import.id().to_owned(), bytes))
            .collect();
        let names: Vec<String> = new.iter().map(|(id, _)| id.clone()).collect();
        tokio::task::spawn_blocking(move || {
            let files: Vec<(&str, &[u8])> =
                new.iter().map(|(id, bytes)| (id.as_str(), bytes.as_slice())).collect();
            shelf.keep(&files)
        })
        .await
        .map_err(|_| Failure::internal("keeping code systems panicked"))?
        .map_err(|error| not_kept(&error))?;
        app.look_at_shelf().await?;
        // A folder knows no transactions: what was kept is on record right after.
        let event = signed.event(AuditAction::CodesImported).with("kept", names.join(" "));
        app.store.record(event).await?;
        tracing::info!(user = %signed.user.id, imported = names.join(" "), "code systems were imported");
    }
    let files = report
        .files
        .into_iter()
        .map(|(name, taken_for)| ReadFile { name, taken_for: taken_for.to_owned() })
        .collect();
    Ok(Json(ImportedCodes { files, results, kept }))
}

async fn files(app: &App, request: Request) -> Result<Vec<File>, Failure> {
    let mut multipart = Multipart::from_request(request, app)
        .await
        .map_err(|_| Failure::new(ErrorCode::UnsupportedMedia, "send the files as multipart/form-data"))?;
    let mut files = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(|error| broken(&error))? {
        let Some(name) = field.file_name().map(str::to_owned) else {
            return Err(Failure::invalid("file", "every part of the form is a file with a name"));
        };
        let bytes = field.bytes().await.map_err(|error| broken(&error))?;
        files.push(File { name, bytes: bytes.to_vec() });
    }
    if files.is_empty() {
        return Err(Failure::invalid("file", "the form holds no files"));
    }
    Ok(files)
}

async fn result(
    app: &App,
    shelf: &Shelf,
    import: &Imported,
    told: &str,
    standing: ImportStanding,
    may_read: bool,
) -> Result<ImportedResult, Failure> {
    let (kind, effective) = match import {
        Imported::Release(release) => (HoldingKind::Release, release.effective()),
        Imported::List(list) => (HoldingKind::List, list.effective.as_str()),
        Imported::Book(book) => (HoldingKind::Book, book.effective.as_str()),
    };
    let (mut changes, mut touched) = (None, None);
    if let Imported::Release(new) = import {
        let before = shelf.before(new);
        changes = before.map(|old| {
            let found = import::changes(old, new);
            ReleaseChanges {
                against: old.id().to_owned(),
                added: some(found.added),
                deleted: some(found.deleted),
                revised: some(found.revised),
                completeness: some(found.completeness),
            }
        });
        let mut found = impact(&app.store, new, before.map(AsRef::as_ref)).await?;
        if !may_read {
            // Minimum necessary, 45 CFR 164.502(b): which note has which code is not the administrator's to know.
            found.codes.iter_mut().for_each(|code| code.examples.clear());
        }
        touched = Some(found);
    }
    Ok(ImportedResult {
        id: import.id().to_owned(),
        kind,
        effective: effective.to_owned(),
        told: told.to_owned(),
        standing,
        changes,
        impact: touched,
    })
}

fn some(mut codes: Vec<String>) -> ChangedCodes {
    let count = codes.len() as u64;
    codes.truncate(TOLD);
    ChangedCodes { count, codes }
}

fn taken(id: &str, why: &str) -> Failure {
    Failure::new(ErrorCode::Conflict, format!("{id} is there already, {why}"))
}

fn not_kept(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::StorageFull {
        Failure::new(ErrorCode::StorageFull, "the disk is full; nothing was imported")
    } else {
        tracing::error!(%error, "code systems can't be kept");
        Failure::internal("code systems can't be kept")
    }
}

/// What the files hold is not clinical: it may be told as it is.
fn refused(error: ImportError) -> Failure {
    let told = error.to_string();
    let place = match error {
        ImportError::Line { file, line, what } => {
            Some(Place { file: Some(file), line: Some(line), message: what, ..Place::default() })
        }
        ImportError::Source { file, source } => {
            Some(Place { file: Some(file), message: source.to_string(), ..Place::default() })
        }
        ImportError::Archive { file, what } => {
            Some(Place { file: Some(file), message: what, ..Place::default() })
        }
        ImportError::Unknown { file } => {
            let message = "no file of a code system or list that this program knows".to_owned();
            Some(Place { file: Some(file), message, ..Place::default() })
        }
        _ => None,
    };
    // With a place the place says it all.
    let message = if place.is_some() { "a file can't be taken as it is".to_owned() } else { told };
    Failure::new(ErrorCode::Invalid, message).with_places(place)
}

/// Puts away what was imported. Entries with its codes keep them and are judged by the edition that is left.
#[utoipa::path(delete, path = path::CODE_SYSTEM, tag = "codes", params(("id" = String, Path)), responses(
    (status = 204),
    (status = 404, body = ErrorBody, description = "Nothing of this name was imported"),
))]
pub async fn remove(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let _alone = app.importing.lock().await;
    let shelf = app.shelf();
    if !shelf.is_imported(&id) {
        return Err(Failure::not_found("imported code system"));
    }
    shelf.put_away(&id).map_err(|error| {
        tracing::error!(%error, "a code system can't be put away");
        Failure::internal("a code system can't be put away")
    })?;
    app.look_at_shelf().await?;
    app.store.record(signed.event(AuditAction::CodesRemoved).on(id.as_str())).await?;
    tracing::info!(user = %signed.user.id, removed = id, "a code system was put away");
    Ok(StatusCode::NO_CONTENT)
}
