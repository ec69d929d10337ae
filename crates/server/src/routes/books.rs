//! The tabular list, indices and tables as books.

use axum::extract::State;
use overread_api::code::{BookLine, BookPlace, BookQuery, BookView, CodeNote, NoteKind};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_codes::{Book, BookKind, Entry, EntryKind, Options, Release};
use overread_domain::code::ICD_10_CM;

use super::codes::{day, note};
use super::queue::{QUERY_CHARACTERS, limit};
use crate::extract::{Json, Path, Query};
use crate::{App, Failure, Shelf};

/// The tabular list of ICD-10-CM; that of another system is asked for by `tabular:` and its name.
const TABULAR: &str = "tabular";

/// Lines of the tabular list, the alphabetic index, the index of external causes, or a table.
#[utoipa::path(get, path = path::BOOK, tag = "codes", params(("book" = String, Path), BookQuery), responses(
    (status = 200, body = BookView),
    (status = 404, body = ErrorBody, description = "No such book is loaded, or the tabular list has no such code"),
    (status = 422, body = ErrorBody, description = "`q`, `on` or `limit` won't do"),
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
    let day = day(&app, query.on.as_deref())?;
    let shelf = app.shelf();
    let tabular = match name.split_once(':') {
        Some((TABULAR, system)) => Some(system),
        None if name == TABULAR => Some(ICD_10_CM),
        _ => None,
    };
    if let Some(system) = tabular {
        let release = shelf.books.release(system, &day).ok_or_else(|| Failure::not_found("book"))?;
        return list(release, &query, limit).map(Json);
    }
    let kind = BookKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    let book = kind.and_then(|kind| shelf.index(kind, &day)).ok_or_else(|| Failure::not_found("book"))?;
    Ok(Json(index(book, &query, limit)))
}

fn words(query: &BookQuery) -> Option<&str> {
    query.q.as_deref().map(str::trim).filter(|q| !q.is_empty())
}

fn index(book: &Book, query: &BookQuery, limit: usize) -> BookView {
    let asked = words(query);
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
            notes: Vec::new(),
            billable: false,
        })
    });
    BookView {
        id: book.id.clone(),
        title: book.title.clone(),
        columns: book.columns.clone(),
        total: book.lines.len() as u32,
        lines: lines.collect(),
    }
}

/// As it is printed: codes that a 7th character makes stand in the note of the code above them.
fn list(release: &Release, query: &BookQuery, limit: usize) -> Result<BookView, Failure> {
    let entries: Vec<Entry<'_>> = if let Some(words) = words(query) {
        let options = Options { limit: limit.min(60), ..Options::default() };
        let mut seen = Vec::new();
        for hit in release.search(words, &options) {
            let found = release.entry(hit.entry).map(printed);
            seen.extend(found.filter(|entry| !seen.contains(entry)));
        }
        seen
    } else {
        let from = match query.code.as_deref().filter(|code| !code.is_empty()) {
            None => query.line.unwrap_or(0),
            Some(code) => {
                let entry = release.get(code).ok_or_else(|| {
                    Failure::new(ErrorCode::NotFound, format!("{} has no such code", release.id()))
                })?;
                printed(entry).index()
            }
        };
        let rest = (from..release.len() as u32).filter_map(|at| release.entry(at));
        rest.filter(|entry| entry.kind() != EntryKind::Extension).take(limit).collect()
    };
    let looked_for = words(query).is_some();
    let lines = entries.into_iter().map(|entry| BookLine {
        line: entry.index(),
        level: entry.ancestors().count() as u8,
        term: entry.title().to_owned(),
        modifiers: String::new(),
        see: String::new(),
        codes: vec![entry.code().to_owned()],
        above: if looked_for {
            let mut above: Vec<String> = entry.ancestors().map(|e| e.title().to_owned()).collect();
            above.reverse();
            above
        } else {
            Vec::new()
        },
        notes: notes(release, entry),
        billable: entry.billable(),
    });
    Ok(BookView {
        id: release.id().to_owned(),
        title: release.title().to_owned(),
        columns: Vec::new(),
        total: release.len() as u32,
        lines: lines.collect(),
    })
}

/// The line that a code stands on.
fn printed(mut entry: Entry<'_>) -> Entry<'_> {
    while entry.kind() == EntryKind::Extension {
        let Some(above) = entry.parent() else { break };
        entry = above;
    }
    entry
}

fn notes(release: &Release, entry: Entry<'_>) -> Vec<CodeNote> {
    let together = |kind, texts: Vec<String>| {
        let text = texts.join("; ");
        (!text.is_empty()).then_some(CodeNote { kind, text, inherited_from: None, references: Vec::new() })
    };
    let inclusion = together(NoteKind::InclusionTerm, entry.inclusion_terms().map(str::to_owned).collect());
    let own = entry.notes().filter_map(|own| note(release, own.kind, own.text, None));
    let sevenths = entry.own_seventh_characters();
    let sevenths = together(
        NoteKind::SeventhCharacter,
        sevenths.map(|choice| format!("{} {}", choice.character, choice.meaning)).collect(),
    );
    inclusion.into_iter().chain(own).chain(sevenths).collect()
}

/// Where indices and tables lead to a code.
pub(super) fn places(shelf: &Shelf, day: &str, code: &str) -> Vec<BookPlace> {
    const MOST: usize = 8;
    let mut out = Vec::new();
    for book in BookKind::ALL.into_iter().filter_map(|kind| shelf.index(kind, day)) {
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
