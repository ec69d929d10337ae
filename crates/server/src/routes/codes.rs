//! What is known of a code, and the way to a complete one.

use axum::extract::State;
use axum::http::StatusCode;
use overread_api::code::{
    Answer, AxisValue, BesideCode, BuilderView, CodeHit, CodeLink, CodeNote, CodeView, EditionQuery, MyCodes,
    NoteKind, NoteReference, QuestionAxis, QuestionQuery, QuestionView,
};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_codes::{Axis, Entry, NoteKind as Kind, Release};
use overread_domain::CodeRef;
use overread_domain::span::CodePoints;

use super::queue::QUERY_CHARACTERS;
use crate::auth::Signed;
use crate::extract::{Json, Path, Query};
use crate::{App, Failure, Shelf};

/// The day whose editions are asked: what the query says, else today.
pub(super) fn day(app: &App, on: Option<&str>) -> Result<String, Failure> {
    let Some(on) = on.filter(|on| !on.is_empty()) else { return Ok(app.today()) };
    let dated = matches!(on.len(), 7 | 10)
        && on.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    if dated {
        Ok(on.to_owned())
    } else {
        Err(Failure::invalid("on", "a day (2026-04-01) or a month (2026-04)"))
    }
}

/// One code with what stands around it.
#[utoipa::path(get, path = path::CODE, tag = "codes",
    params(("system" = String, Path), ("code" = String, Path), EditionQuery), responses(
        (status = 200, body = CodeView),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "`on` is no date"),
    ))]
pub async fn code(
    State(app): State<App>,
    Path((system, code)): Path<(String, String)>,
    Query(query): Query<EditionQuery>,
) -> Result<Json<CodeView>, Failure> {
    let day = day(&app, query.on.as_deref())?;
    let shelf = app.shelf();
    let release = shelf.books.release(&system, &day).ok_or_else(|| Failure::not_found("code system"))?;
    let entry = release
        .get(&code)
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, format!("{} has no such code", release.id())))?;
    let mut ancestors: Vec<CodeLink> = entry.ancestors().map(link).collect();
    ancestors.reverse();
    let mut notes: Vec<CodeNote> = entry
        .all_notes()
        // Inclusion terms have a place of their own.
        .filter(|own| own.kind != Kind::InclusionTerm)
        .filter_map(|own| note(release, own.kind, own.text, Some(own.entry).filter(|at| *at != entry)))
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
        badges: crate::edits::badges(&shelf.books, entry.code(), &day),
        index: super::books::places(&shelf, &day, entry.code()),
        line: entry.index(),
        beside: beside(&app, &shelf, &day, &system, entry).await?,
    }))
}

/// What stands beside a code on finished entries.
async fn beside(
    app: &App,
    shelf: &Shelf,
    day: &str,
    system: &str,
    entry: Entry<'_>,
) -> Result<Vec<BesideCode>, Failure> {
    const MOST: u32 = 8;
    if !entry.billable() {
        return Ok(Vec::new());
    }
    let code = CodeRef { system: system.to_owned(), code: entry.code().to_owned() };
    let (found, of) = app.store.companions(&code, MOST).await?;
    let known = found.into_iter().filter_map(|companion| {
        let release = shelf.books.release(&companion.code.system, day)?;
        // What the edition of the day does not have is not offered.
        let title = release.get(&companion.code.code)?.title().to_owned();
        let CodeRef { system, code } = companion.code;
        Some(BesideCode { system, code, title, entries: companion.entries, of })
    });
    Ok(known.collect())
}

/// A note as it is shown, with the codes that it names; values of axes are for the builder.
pub(super) fn note(release: &Release, kind: Kind, text: &str, at: Option<Entry<'_>>) -> Option<CodeNote> {
    let kind = match kind {
        Kind::InclusionTerm | Kind::AxisValue => return None,
        Kind::Includes => NoteKind::Includes,
        Kind::Excludes1 => NoteKind::Excludes1,
        Kind::Excludes2 => NoteKind::Excludes2,
        Kind::CodeFirst => NoteKind::CodeFirst,
        Kind::UseAdditionalCode => NoteKind::UseAdditionalCode,
        Kind::CodeAlso => NoteKind::CodeAlso,
        Kind::Note => NoteKind::Note,
        Kind::Definition => NoteKind::Definition,
        Kind::SeventhCharacterNote => NoteKind::SeventhCharacter,
    };
    let inherited_from = at.map(|at| at.code().to_owned());
    Some(CodeNote { kind, text: text.to_owned(), inherited_from, references: references(release, text) })
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
#[utoipa::path(post, path = path::QUESTIONS, tag = "codes", request_body = QuestionQuery,
    params(("system" = String, Path), ("code" = String, Path)), responses(
        (status = 200, body = QuestionView),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "`said` is too long, or `on` is no date"),
    ))]
pub async fn questions(
    State(app): State<App>,
    Path((system, code)): Path<(String, String)>,
    Json(query): Json<QuestionQuery>,
) -> Result<Json<QuestionView>, Failure> {
    let said = query.said.unwrap_or_default();
    if said.chars().count() > QUERY_CHARACTERS {
        return Err(Failure::invalid("said", format!("at most {QUERY_CHARACTERS} characters")));
    }
    let day = day(&app, query.on.as_deref())?;
    let release = app.release_on(&system, Some(&day)).ok_or_else(|| Failure::not_found("code system"))?;
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
    /// The day whose edition is asked (ISO 8601, maybe to the month); today if absent.
    pub on: Option<String>,
}

const ICD_10_PCS: &str = "icd-10-pcs";

/// A procedure code axis by axis, with only the values that a table still allows.
#[utoipa::path(get, path = path::PROCEDURES, tag = "codes", params(ProcedureQuery), responses(
    (status = 200, body = BuilderView),
    (status = 404, body = ErrorBody, description = "No release of ICD-10-PCS is loaded, or no code begins so"),
    (status = 422, body = ErrorBody, description = "`on` is no date"),
))]
pub async fn procedures(
    State(app): State<App>,
    Query(query): Query<ProcedureQuery>,
) -> Result<Json<BuilderView>, Failure> {
    let day = day(&app, query.on.as_deref())?;
    let release =
        app.release_on(ICD_10_PCS, Some(&day)).ok_or_else(|| Failure::not_found("release of ICD-10-PCS"))?;
    let built = release
        .construct(&query.prefix)
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, format!("no code of {} begins so", release.id())))?;
    let value = |value: overread_codes::builder::Value| AxisValue {
        character: value.character.to_string(),
        label: value.label,
        codes: value.codes as u32,
        definition: value.definition,
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

/// Codes that the signed-in person keeps at hand or used last.
#[utoipa::path(get, operation_id = "my_codes", path = path::MY_CODES, tag = "codes", responses((status = 200, body = MyCodes)))]
pub async fn mine(State(app): State<App>, signed: Signed) -> Result<Json<MyCodes>, Failure> {
    const RECENT: usize = 20;
    let (shelf, today) = (app.shelf(), app.today());
    let hits = |codes: Vec<CodeRef>| -> Vec<CodeHit> {
        codes
            .into_iter()
            .filter_map(|code| {
                // What a later edition dropped is not offered.
                let entry = shelf.books.release(&code.system, &today)?.get(&code.code)?;
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
