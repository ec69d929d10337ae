//! Looking codes up.

use axum::extract::State;
use overread_api::code::{CodeHit, CodeHits, CodeLink, CodeNote, CodeQuery, CodeView, NoteKind};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_codes::{Entry, NoteKind as Kind};
use overread_domain::code::ICD_10_CM;
use overread_suggest::SearchOptions;

use super::queue::{QUERY_CHARACTERS, limit};
use crate::extract::{Json, Path, Query};
use crate::{App, Failure};

/// Codes by name, by words in any order, and by meaning where the model is loaded.
#[utoipa::path(get, path = path::CODES, tag = "codes", params(CodeQuery), responses(
    (status = 200, body = CodeHits),
    (status = 404, body = ErrorBody, description = "No release of this code system is loaded"),
    (status = 422, body = ErrorBody, description = "`q` or `limit` won't do"),
))]
pub async fn search(
    State(app): State<App>,
    Query(query): Query<CodeQuery>,
) -> Result<Json<CodeHits>, Failure> {
    if query.q.chars().count() > QUERY_CHARACTERS {
        return Err(Failure::invalid("q", format!("at most {QUERY_CHARACTERS} characters")));
    }
    let system = query.system.as_deref().filter(|system| !system.is_empty()).unwrap_or(ICD_10_CM).to_owned();
    let release = app.release(&system).cloned().ok_or_else(|| Failure::not_found("code system"))?;
    let limit = limit(query.limit, 20, 100)? as usize;
    let billable_only = query.billable.unwrap_or(false);
    let by_meaning = app
        .model
        .loaded()
        .and_then(|loaded| loaded.search)
        .filter(|search| query.semantic.unwrap_or(true) && search.release().system() == system);
    let words = query.q;
    let id = release.id().to_owned();
    let (hits, semantic) = tokio::task::spawn_blocking(move || {
        if let Some(search) = by_meaning {
            let options = SearchOptions { limit, billable_only, semantic: true, typing: true };
            match search.search(&words, &options) {
                Ok((hits, semantic)) => {
                    let hits = hits.into_iter().map(|hit| CodeHit {
                        system: system.clone(),
                        code: hit.code,
                        title: hit.title,
                        billable: hit.billable,
                        matched: hit.matched,
                        score: hit.score,
                    });
                    return (hits.collect::<Vec<_>>(), semantic);
                }
                // Words alone still find most codes.
                Err(error) => tracing::warn!(%error, "search by meaning failed"),
            }
        }
        let options = overread_codes::Options { limit, billable_only, ..Default::default() };
        let hits = release.search(&words, &options).into_iter().map(|hit| CodeHit {
            system: system.clone(),
            matched: (hit.matched_term != hit.title && hit.matched_term != hit.code)
                .then_some(hit.matched_term),
            code: hit.code,
            title: hit.title,
            billable: hit.billable,
            score: hit.score,
        });
        (hits.collect(), false)
    })
    .await
    .map_err(|_| Failure::internal("a code search panicked"))?;
    Ok(Json(CodeHits { release: id, hits, semantic }))
}

/// One code with what stands around it.
#[utoipa::path(get, path = path::CODE, tag = "codes",
    params(("system" = String, Path), ("code" = String, Path)), responses(
        (status = 200, body = CodeView),
        (status = 404, body = ErrorBody),
    ))]
pub async fn code(
    State(app): State<App>,
    Path((system, code)): Path<(String, String)>,
) -> Result<Json<CodeView>, Failure> {
    let release = app.release(&system).ok_or_else(|| Failure::not_found("code system"))?;
    let entry = release
        .get(&code)
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, format!("{} has no such code", release.id())))?;
    let mut ancestors: Vec<CodeLink> = entry.ancestors().map(link).collect();
    ancestors.reverse();
    let mut notes: Vec<CodeNote> = entry
        .all_notes()
        .filter_map(|note| {
            Some(CodeNote {
                kind: kind(note.kind)?,
                text: note.text.to_owned(),
                inherited_from: (note.entry != entry).then(|| note.entry.code().to_owned()),
            })
        })
        .collect();
    notes.extend(entry.seventh_characters().map(|choice| CodeNote {
        kind: NoteKind::SeventhCharacter,
        text: format!("{}: {}", choice.character, choice.meaning),
        inherited_from: None,
    }));
    Ok(Json(CodeView {
        system: release.system().to_owned(),
        release: release.id().to_owned(),
        code: entry.code().to_owned(),
        title: entry.title().to_owned(),
        billable: entry.billable(),
        ancestors,
        children: entry.children().map(link).collect(),
        siblings: entry.siblings().map(link).collect(),
        inclusion_terms: entry.inclusion_terms().map(str::to_owned).collect(),
        notes,
    }))
}

fn link(entry: Entry<'_>) -> CodeLink {
    CodeLink { code: entry.code().to_owned(), title: entry.title().to_owned(), billable: entry.billable() }
}

/// Inclusion terms have a place of their own.
fn kind(kind: Kind) -> Option<NoteKind> {
    match kind {
        Kind::InclusionTerm => None,
        Kind::Includes => Some(NoteKind::Includes),
        Kind::Excludes1 => Some(NoteKind::Excludes1),
        Kind::Excludes2 => Some(NoteKind::Excludes2),
        Kind::CodeFirst => Some(NoteKind::CodeFirst),
        Kind::UseAdditionalCode => Some(NoteKind::UseAdditionalCode),
        Kind::CodeAlso => Some(NoteKind::CodeAlso),
        Kind::Note => Some(NoteKind::Note),
        Kind::SeventhCharacterNote => Some(NoteKind::SeventhCharacter),
    }
}
