//! Looking codes up.

use axum::extract::State;
use axum::http::StatusCode;
use overread_api::code::{
    Answer, AxisValue, BookLine, BookPlace, BookQuery, BookView, BuilderView, CodeHit, CodeHits, CodeLink,
    CodeNote, CodeQuery, CodeView, MyCodes, NoteKind, NoteReference, QuestionAxis, QuestionQuery,
    QuestionView,
};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_codes::{Axis, BookKind, Entry, NoteKind as Kind, Release};
use overread_domain::CodeRef;
use overread_domain::code::ICD_10_CM;
use overread_domain::span::CodePoints;
use overread_suggest::SearchOptions;

use super::queue::{QUERY_CHARACTERS, limit};
use crate::auth::Signed;
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
    if system == ALL {
        return everywhere(&app, query).await;
    }
    let release = app.release(&system).cloned().ok_or_else(|| Failure::not_found("code system"))?;
    let limit = limit(query.limit, 20, 100)? as usize;
    let billable_only = query.billable.unwrap_or(false);
    let by_meaning = app
        .model
        .loaded()
        .and_then(|loaded| loaded.search)
        .filter(|search| query.semantic.unwrap_or(true) && search.release().id() == release.id());
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
        let hits = release.search(&words, &options).into_iter().map(|hit| in_words(&system, hit));
        (hits.collect(), false)
    })
    .await
    .map_err(|_| Failure::internal("a code search panicked"))?;
    Ok(Json(CodeHits { release: id, hits, semantic }))
}

/// A hit of the search by words; what matched is told where it was neither title nor code.
fn in_words(system: &str, hit: overread_codes::Hit) -> CodeHit {
    CodeHit {
        system: system.to_owned(),
        matched: (hit.matched_term != hit.title && hit.matched_term != hit.code).then_some(hit.matched_term),
        code: hit.code,
        title: hit.title,
        billable: hit.billable,
        score: hit.score,
    }
}

/// Stands for every code system that is loaded.
const ALL: &str = "all";

/// All systems in one list. What their searches call a score is of one kind: about 1 for a full match of every word.
async fn everywhere(app: &App, query: CodeQuery) -> Result<Json<CodeHits>, Failure> {
    let limit = limit(query.limit, 20, 100)? as usize;
    let billable_only = query.billable.unwrap_or(false);
    let mut systems: Vec<&str> = app.books.releases.iter().map(|release| release.system()).collect();
    systems.sort_unstable();
    systems.dedup();
    let releases: Vec<_> = systems.into_iter().filter_map(|system| app.release(system).cloned()).collect();
    let ids: Vec<String> = releases.iter().map(|release| release.id().to_owned()).collect();
    let hits = tokio::task::spawn_blocking(move || {
        let options = overread_codes::Options { limit, billable_only, ..Default::default() };
        let mut hits: Vec<CodeHit> = releases
            .iter()
            .flat_map(|release| {
                let system = release.system();
                release.search(&query.q, &options).into_iter().map(move |hit| in_words(system, hit))
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(limit);
        hits
    })
    .await
    .map_err(|_| Failure::internal("a code search panicked"))?;
    Ok(Json(CodeHits { release: ids.join(" "), hits, semantic: false }))
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
                references: references(release, note.text),
            })
        })
        .collect();
    notes.extend(entry.seventh_characters().map(|choice| CodeNote {
        kind: NoteKind::SeventhCharacter,
        text: format!("{}: {}", choice.character, choice.meaning),
        inherited_from: None,
        references: Vec::new(),
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
        badges: crate::edits::badges(&app, entry.code(), None),
        index: index_places(&app, entry.code()),
    }))
}

fn references(release: &Release, text: &str) -> Vec<NoteReference> {
    let points = CodePoints::new(text);
    release
        .references(text)
        .into_iter()
        .filter_map(|reference| {
            Some(NoteReference {
                start: points.to_point(reference.at.start)?,
                end: points.to_point(reference.at.end)?,
                code: reference.target(),
            })
        })
        .collect()
}

/// What is still to be known for a complete code, after all that `said` answers.
#[utoipa::path(get, path = path::QUESTIONS, tag = "codes",
    params(("system" = String, Path), ("code" = String, Path), QuestionQuery), responses(
        (status = 200, body = QuestionView),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "`said` is too long"),
    ))]
pub async fn questions(
    State(app): State<App>,
    Path((system, code)): Path<(String, String)>,
    Query(query): Query<QuestionQuery>,
) -> Result<Json<QuestionView>, Failure> {
    let said = query.said.unwrap_or_default();
    if said.chars().count() > QUERY_CHARACTERS {
        return Err(Failure::invalid("said", format!("at most {QUERY_CHARACTERS} characters")));
    }
    let release = app.release(&system).ok_or_else(|| Failure::not_found("code system"))?;
    let drill = release
        .drill(&code, &said)
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, format!("{} has no such code", release.id())))?;
    Ok(Json(QuestionView {
        system: release.system().to_owned(),
        release: release.id().to_owned(),
        taken: drill.taken.iter().map(|entry| link(*entry)).collect(),
        at: link(drill.at),
        axis: match drill.axis {
            Axis::Side => QuestionAxis::Side,
            Axis::Encounter => QuestionAxis::Encounter,
            Axis::Trimester => QuestionAxis::Trimester,
            Axis::Displacement => QuestionAxis::Displacement,
            Axis::Severity => QuestionAxis::Severity,
            Axis::Complication => QuestionAxis::Complication,
            Axis::Kind => QuestionAxis::Kind,
        },
        answers: drill
            .choices
            .into_iter()
            .map(|choice| Answer { code: link(choice.entry), words: choice.words, plain: choice.plain })
            .collect(),
    }))
}

/// Query of a procedure code under construction.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
pub struct ProcedureQuery {
    /// Characters chosen so far, 0 to 7.
    pub prefix: String,
}

const ICD_10_PCS: &str = "icd-10-pcs";

/// A procedure code axis by axis, with only the values that a table still allows.
#[utoipa::path(get, path = path::PROCEDURES, tag = "codes", params(ProcedureQuery), responses(
    (status = 200, body = BuilderView),
    (status = 404, body = ErrorBody, description = "No release of ICD-10-PCS is loaded, or no code begins so"),
))]
pub async fn procedures(
    State(app): State<App>,
    Query(query): Query<ProcedureQuery>,
) -> Result<Json<BuilderView>, Failure> {
    let release = app.release(ICD_10_PCS).ok_or_else(|| Failure::not_found("release of ICD-10-PCS"))?;
    let built = release
        .construct(&query.prefix)
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, format!("no code of {} begins so", release.id())))?;
    let value = |value: overread_codes::builder::Value| AxisValue {
        character: value.character.to_string(),
        label: value.label,
        codes: value.codes as u32,
    };
    Ok(Json(BuilderView {
        release: release.id().to_owned(),
        chosen: built.chosen.into_iter().map(value).collect(),
        axis: built.axis,
        values: built.values.into_iter().map(value).collect(),
        definition: built.definition.map(str::to_owned),
        code: built.code.map(link),
    }))
}

/// Where indices and tables lead to a code.
fn index_places(app: &App, code: &str) -> Vec<BookPlace> {
    const MOST: usize = 8;
    let mut out = Vec::new();
    for book in BookKind::ALL.into_iter().filter_map(|kind| app.index(kind)) {
        for line in book.leading_to(code).into_iter().take(MOST - out.len()) {
            out.push(BookPlace {
                book: book.kind.as_str().to_owned(),
                line: line as u32,
                path: book.path(line).into_iter().map(str::to_owned).collect(),
            });
        }
        if out.len() == MOST {
            break;
        }
    }
    out
}

/// Lines of the alphabetic index, the index of external causes, or a table.
#[utoipa::path(get, path = path::BOOK, tag = "codes", params(("book" = String, Path), BookQuery), responses(
    (status = 200, body = BookView),
    (status = 404, body = ErrorBody, description = "No such book is loaded"),
    (status = 422, body = ErrorBody, description = "`q` or `limit` won't do"),
))]
pub async fn book(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<BookQuery>,
) -> Result<Json<BookView>, Failure> {
    if query.q.as_ref().is_some_and(|q| q.chars().count() > QUERY_CHARACTERS) {
        return Err(Failure::invalid("q", format!("at most {QUERY_CHARACTERS} characters")));
    }
    let limit = limit(query.limit, 100, 500)? as usize;
    let kind = BookKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    let book = kind.and_then(|kind| app.index(kind)).ok_or_else(|| Failure::not_found("book"))?;
    let asked = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty());
    let numbers: Vec<usize> = if let Some(words) = asked {
        book.find(words, limit)
    } else {
        let from = query.line.unwrap_or(0) as usize;
        (from..book.lines.len().min(from.saturating_add(limit))).collect()
    };
    let lines = numbers.into_iter().filter_map(|number| {
        let line = book.lines.get(number)?;
        let mut above: Vec<String> = Vec::new();
        if asked.is_some() {
            above.extend(book.path(number).into_iter().map(str::to_owned));
            above.pop();
        }
        Some(BookLine {
            line: number as u32,
            level: line.level,
            term: line.term.clone(),
            modifiers: line.modifiers.clone(),
            see: line.see.clone(),
            codes: line.codes.clone(),
            above,
        })
    });
    Ok(Json(BookView {
        id: book.id.clone(),
        title: book.title.clone(),
        columns: book.columns.clone(),
        total: book.lines.len() as u32,
        lines: lines.collect(),
    }))
}

/// Codes that the signed-in person keeps at hand or used last.
#[utoipa::path(get, path = path::MY_CODES, tag = "codes", responses((status = 200, body = MyCodes)))]
pub async fn mine(State(app): State<App>, signed: Signed) -> Result<Json<MyCodes>, Failure> {
    const RECENT: usize = 20;
    let hits = |codes: Vec<CodeRef>| -> Vec<CodeHit> {
        codes
            .into_iter()
            .filter_map(|code| {
                // What a later edition dropped is not offered.
                let entry = app.release(&code.system)?.get(&code.code)?;
                Some(CodeHit {
                    system: code.system,
                    code: entry.code().to_owned(),
                    title: entry.title().to_owned(),
                    billable: entry.billable(),
                    matched: None,
                    score: 0.0,
                })
            })
            .collect()
    };
    Ok(Json(MyCodes {
        favourites: hits(app.store.favourites(&signed.user.id).await?),
        recent: hits(app.store.recent_codes(&signed.user.id, RECENT).await?),
    }))
}

/// Keeps a code at hand.
#[utoipa::path(put, path = path::MY_CODE, tag = "codes",
    params(("system" = String, Path), ("code" = String, Path)), responses(
        (status = 204),
        (status = 404, body = ErrorBody),
    ))]
pub async fn keep(
    State(app): State<App>,
    signed: Signed,
    Path((system, code)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let release = app.release(&system).ok_or_else(|| Failure::not_found("code system"))?;
    let entry = release
        .get(&code)
        .filter(|entry| entry.is_code())
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, format!("{} has no such code", release.id())))?;
    let code = CodeRef { system, code: entry.code().to_owned() };
    app.store.set_favourite(&signed.user.id, &code, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a code at hand no longer.
#[utoipa::path(delete, path = path::MY_CODE, tag = "codes",
    params(("system" = String, Path), ("code" = String, Path)), responses((status = 204)))]
pub async fn let_go(
    State(app): State<App>,
    signed: Signed,
    Path((system, code)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    app.store.set_favourite(&signed.user.id, &CodeRef { system, code }, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn link(entry: Entry<'_>) -> CodeLink {
    CodeLink { code: entry.code().to_owned(), title: entry.title().to_owned(), billable: entry.billable() }
}

/// Inclusion terms have a place of their own, values of axes are for the builder.
fn kind(kind: Kind) -> Option<NoteKind> {
    match kind {
        Kind::InclusionTerm | Kind::AxisValue => None,
        Kind::Includes => Some(NoteKind::Includes),
        Kind::Excludes1 => Some(NoteKind::Excludes1),
        Kind::Excludes2 => Some(NoteKind::Excludes2),
        Kind::CodeFirst => Some(NoteKind::CodeFirst),
        Kind::UseAdditionalCode => Some(NoteKind::UseAdditionalCode),
        Kind::CodeAlso => Some(NoteKind::CodeAlso),
        Kind::Note => Some(NoteKind::Note),
        Kind::Definition => Some(NoteKind::Definition),
        Kind::SeventhCharacterNote => Some(NoteKind::SeventhCharacter),
    }
}
