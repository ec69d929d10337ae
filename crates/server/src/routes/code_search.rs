//! One box for all code systems.

use std::sync::Arc;

use axum::extract::State;
use overread_api::code::{CodeHit, CodeHits, CodeQuery};
use overread_api::{ErrorBody, path};
use overread_codes::{ListKind, Release};
use overread_domain::code::ICD_10_CM;
use overread_suggest::{CodeSearch, SearchOptions};

use super::codes::day;
use super::queue::{QUERY_CHARACTERS, limit};
use crate::extract::Json;
use crate::{App, Failure, Shelf};

/// Stands for every code system that is loaded.
const ALL: &str = "all";

/// Codes by name, by words in any order, and by meaning where the model is loaded.
#[utoipa::path(post, path = path::CODES, tag = "codes", request_body = CodeQuery, responses(
    (status = 200, body = CodeHits),
    (status = 404, body = ErrorBody, description = "No release of this code system is loaded, or it has no `under`"),
    (status = 422, body = ErrorBody, description = "`q`, `on` or `limit` won't do"),
))]
pub async fn search(State(app): State<App>, Json(query): Json<CodeQuery>) -> Result<Json<CodeHits>, Failure> {
    if query.q.chars().count() > QUERY_CHARACTERS {
        return Err(Failure::invalid("q", format!("at most {QUERY_CHARACTERS} characters")));
    }
    let limit = limit(query.limit, 20, 100)? as usize;
    let day = day(&app, query.on.as_deref())?;
    let shelf = app.shelf();
    let wanted = query.system.as_deref().filter(|system| !system.is_empty()).unwrap_or(ICD_10_CM);
    let systems = if wanted == ALL { shelf.books.systems() } else { vec![wanted] };
    let releases: Vec<Arc<Release>> =
        systems.iter().filter_map(|system| shelf.books.release(system, &day).cloned()).collect();
    if releases.is_empty() {
        return Err(Failure::not_found("code system"));
    }
    let under = query.under.as_deref().filter(|under| !under.is_empty());
    let places: Vec<(Arc<Release>, Option<[u32; 2]>)> = releases
        .into_iter()
        .filter_map(|release| match under {
            Some(under) => release.under(under).map(|within| (release, Some(within))),
            None => Some((release, None)),
        })
        .collect();
    if places.is_empty() {
        return Err(Failure::not_found("chapter, block or code to look under"));
    }
    let loaded = app.model.loaded().filter(|_| query.semantic.unwrap_or(true));
    let fields: Vec<Field> = places
        .into_iter()
        .map(|(release, within)| {
            let search = loaded.as_ref().and_then(|loaded| loaded.search_of(&release)).cloned();
            Field { release, within, search }
        })
        .collect();
    let ids: Vec<String> = fields.iter().map(|field| field.release.id().to_owned()).collect();
    let billable_only = query.billable.unwrap_or(false);
    let old = equivalents(&shelf, &fields, &day, &query.q);
    let (mut hits, semantic) =
        tokio::task::spawn_blocking(move || every(&fields, &query.q, limit, billable_only))
            .await
            .map_err(|_| Failure::internal("a code search panicked"))?;
    // A code of ICD-9-CM asks for what took its place, but never before a code of now that is written so.
    let exact = hits.first().is_some_and(|hit| hit.score >= 2.0);
    hits.retain(|hit| !old.iter().any(|known| known.system == hit.system && known.code == hit.code));
    hits.splice(usize::from(exact)..usize::from(exact), old);
    hits.truncate(limit);
    Ok(Json(CodeHits { release: ids.join(" "), hits, semantic }))
}

/// What general equivalence mappings give for a code of ICD-9-CM.
fn equivalents(shelf: &Shelf, fields: &[Field], day: &str, words: &str) -> Vec<CodeHit> {
    let code: String = words.trim().chars().filter(|c| *c != '.').collect();
    let old = (3..=5).contains(&code.len())
        && code.bytes().enumerate().all(|(i, b)| b.is_ascii_digit() || i == 0 && b"VvEe".contains(&b));
    let Some(list) = shelf.books.list(ListKind::Gem, day).filter(|_| old) else { return Vec::new() };
    let field = fields.iter().find(|field| field.release.system() == ICD_10_CM);
    let Some(release) = field.map(|field| &field.release) else { return Vec::new() };
    let rows = list.of(&code.to_ascii_uppercase());
    rows.iter()
        .filter_map(|row| {
            let entry = release.get(row.first()?).filter(|entry| entry.is_code())?;
            Some(CodeHit {
                system: ICD_10_CM.to_owned(),
                code: entry.code().to_owned(),
                title: entry.title().to_owned(),
                billable: entry.billable(),
                matched: Some(format!("ICD-9-CM {}", words.trim())),
                score: 1.0,
            })
        })
        .collect()
}

/// Where to look: an edition, maybe a part of it, and its search by meaning.
struct Field {
    release: Arc<Release>,
    within: Option<[u32; 2]>,
    search: Option<Arc<CodeSearch>>,
}

/// All fields in one list. What their searches call a score is of one kind: about 1 for a full match of every word.
fn every(fields: &[Field], words: &str, limit: usize, billable_only: bool) -> (Vec<CodeHit>, bool) {
    let meant = std::cell::OnceCell::new();
    let mut semantic = false;
    let mut hits: Vec<CodeHit> = Vec::new();
    for field in fields {
        let system = field.release.system();
        if let Some(search) = &field.search {
            let options =
                SearchOptions { limit, billable_only, semantic: true, typing: true, within: field.within };
            // One encoder reads for all editions: what the words mean is computed once.
            let meaning = || match meant.get() {
                Some(vector) => Ok(Clone::clone(vector)),
                None => search.meaning_of(words).inspect(|vector| {
                    let _ = meant.set(vector.clone());
                }),
            };
            match search.search_with(words, &options, &meaning) {
                Ok((found, by_meaning)) => {
                    semantic |= by_meaning;
                    hits.extend(found.into_iter().map(|hit| CodeHit {
                        system: system.to_owned(),
                        code: hit.code,
                        title: hit.title,
                        billable: hit.billable,
                        matched: hit.matched,
                        score: hit.score,
                    }));
                    continue;
                }
                // Words alone still find most codes.
                Err(error) => tracing::warn!(%error, "search by meaning failed"),
            }
        }
        let options =
            overread_codes::Options { limit, billable_only, within: field.within, ..Default::default() };
        let found = field.release.search(words, &options);
        hits.extend(found.into_iter().map(|hit| in_words(system, hit)));
    }
    if fields.len() > 1 {
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
    hits.truncate(limit);
    (hits, semantic)
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
