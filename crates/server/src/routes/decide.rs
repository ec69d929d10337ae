//! Decisions on an entry. What is legal for the entry is judged in its transaction; here stands what needs the role or
//! the code release.

use axum::extract::State;
use overread_api::entry::{Decide, Decided};
use overread_api::{ErrorBody, ErrorCode, Place, path};
use overread_domain::span::CodePoints;
use overread_domain::{Action, AuditAction, Content, EntryId, EntryStatus, Permission, Template};
use overread_store::{DecideRequest, EntryRecord, StoreError};

use crate::auth::Signed;
use crate::extract::{Json, Path};
use crate::views;
use crate::{App, Failure};

const ACTIONS: usize = 200;
const KEYS: usize = 32;
const KEY_CHARACTERS: usize = 40;
/// Characters of a value or a comment: room for a sentence, not for the note.
const WORDS: usize = 4000;
const EVIDENCE: usize = 50;

/// Decides: accept, correct, reject, add, confirm empty, put codes in order, present on admission, override an edit, undo,
/// escalate, return, finish, reopen. Finishing is refused while an error of the coding edits stands.
#[utoipa::path(post, path = path::DECISIONS, tag = "entries", params(("entry" = String, Path)),
    request_body = Decide, responses(
        (status = 200, body = Decided),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Stale revision, another person's lease, a key used before, or \
            the entry's state does not allow it"),
        (status = 422, body = ErrorBody, description = "Unknown row, field or code, a span off the text, or undecided \
            rows at the end; nothing was written"),
    ))]
pub async fn decide(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EntryId>,
    Json(request): Json<Decide>,
) -> Result<Json<Decided>, Failure> {
    check_request(&request)?;
    let store = signed.store(&app)?;
    let record = store.entry(&id).await?;
    if !signed.shows_as_written(&record.row.note) {
        return Err(Failure::masked());
    }
    // A client can only know a revision that was there when it asked.
    if request.expected_revision > record.row.revision {
        return Err(StoreError::Stale { revision: record.row.revision, changes: Vec::new() }.into());
    }
    // At an older revision this is a repetition or stale, and the store says which; the status of now says nothing.
    if request.expected_revision == record.row.revision {
        check_role(&signed, record.row.status, &request.actions)?;
    }
    check_codes(&app, &record, &request.actions)?;
    if request.actions.iter().any(|action| matches!(action, Action::Finish {}))
        && request.expected_revision == record.row.revision
    {
        crate::edits::may_finish(&app, &record, &request.actions).await?;
    }

    let names: Vec<&'static str> = request.actions.iter().map(Action::name).collect();
    let event = signed.event(AuditAction::Decided).on(id.as_str()).with("actions", counted(&names));
    let outcome = store
        .recording(event)
        .decide(DecideRequest {
            entry: id,
            user: signed.user.id.clone(),
            expected_revision: request.expected_revision,
            idempotency_key: request.idempotency_key,
            actions: request.actions,
            effort: request.effort,
            suggestions_shown: request.suggestions_shown,
            suggestion_set: request.suggestion_set,
        })
        .await?;
    if !outcome.repeated {
        app.memory.decided.notify_one();
        for name in names {
            app.metrics.count("overread_decisions_total", &[("action", name)], 1);
        }
    }
    let checked = crate::edits::check(&app, &outcome.record).await?;
    let points = CodePoints::new(&outcome.record.text);
    let entry = views::project(&outcome.record, &points);
    Ok(Json(Decided {
        revision: entry.revision(),
        status: entry.status(),
        exception_cause: entry.exception_cause(),
        items: entry.items().to_vec(),
        confirmed_empty: entry.confirmed_empty().map(|(field, _)| field.to_owned()).collect(),
        decisions: outcome.decisions,
        findings: checked.findings,
        ahead: checked.ahead,
        coded_on: checked.date,
    }))
}

/// "accept 12, finish": each kind of action once, in the order of its first.
fn counted(names: &[&'static str]) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for name in names {
        match kinds.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => kinds.push((name, 1)),
        }
    }
    let told = |(name, count): &(&str, usize)| match count {
        1 => (*name).to_owned(),
        count => format!("{name} {count}"),
    };
    kinds.iter().map(told).collect::<Vec<_>>().join(", ")
}

fn check_request(request: &Decide) -> Result<(), Failure> {
    let key = request.idempotency_key.chars().count();
    if !(8..=64).contains(&key) || request.idempotency_key.chars().any(char::is_control) {
        return Err(Failure::invalid(
            "idempotency_key",
            "8 to 64 characters, none of them control characters",
        ));
    }
    if !(1..=ACTIONS).contains(&request.actions.len()) {
        return Err(Failure::invalid("actions", format!("1 to {ACTIONS} actions")));
    }
    let keys = &request.effort.keys;
    if keys.len() > KEYS || keys.iter().any(|key| key.chars().count() > KEY_CHARACTERS) {
        return Err(Failure::invalid(
            "effort.keys",
            format!("at most {KEYS} names of {KEY_CHARACTERS} characters"),
        ));
    }
    for (index, action) in request.actions.iter().enumerate() {
        let words = match action {
            Action::Reject { comment, .. }
            | Action::Escalate { comment, .. }
            | Action::Return { comment } => comment.as_deref(),
            Action::Reopen { reason } | Action::Override { reason, .. } => Some(reason.as_str()),
            _ => action.content().and_then(|content| content.value.as_deref()),
        };
        if words.is_some_and(|words| words.chars().count() > WORDS || words.contains('\0')) {
            let message = format!("longer than {WORDS} characters, or with a NUL character");
            return Err(Failure::invalid(format!("actions[{index}]"), message));
        }
        if action.content().is_some_and(|content| content.evidence.len() > EVIDENCE) {
            return Err(Failure::invalid(
                format!("actions[{index}].content.evidence"),
                format!("at most {EVIDENCE} places"),
            ));
        }
    }
    Ok(())
}

/// What needs more than the permission to decide, walking through the states that the actions lead to.
fn check_role(signed: &Signed, status: EntryStatus, actions: &[Action]) -> Result<(), Failure> {
    let mut exception = status == EntryStatus::Exception;
    for action in actions {
        if matches!(action, Action::Reopen { .. }) && !signed.may(Permission::Reopen) {
            return Err(Failure::new(ErrorCode::NotAllowed, "finished entries are opened again by coders"));
        }
        if exception && !signed.may(Permission::ResolveExceptions) {
            return Err(Failure::new(ErrorCode::NotAllowed, "exceptions are for coders"));
        }
        match action {
            Action::Escalate { .. } => exception = true,
            Action::Return { .. } => exception = false,
            _ => {}
        }
    }
    Ok(())
}

/// Codes that people give must be codes that can stand on a claim. All wrong ones are told.
fn check_codes(app: &App, record: &EntryRecord, actions: &[Action]) -> Result<(), Failure> {
    let date = crate::edits::date(record);
    let places: Vec<Place> = actions
        .iter()
        .enumerate()
        .filter_map(|(index, action)| Some((index, action.content()?)))
        .filter_map(|(index, content)| {
            let message = code_problem(app, &record.template, content, date.as_deref())?;
            Some(Place { field: Some(format!("actions[{index}].content.code")), message, ..Place::default() })
        })
        .collect();
    if places.is_empty() {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::Invalid, "a code can't stand here").with_places(places))
}

fn code_problem(app: &App, template: &Template, content: &Content, date: Option<&str>) -> Option<String> {
    let code = content.code.as_ref()?;
    // A field that is unknown or takes no code is the entry's to refuse.
    let field = template.field(&content.field).filter(|field| field.code_system.is_some())?;
    if field.code_system.as_ref() != Some(&code.system) {
        return Some("the field takes codes of another system".to_owned());
    }
    let Some(release) = app.release_on(&code.system, date) else {
        return Some("no release of this code system is loaded".to_owned());
    };
    match release.get(&code.code).filter(|entry| entry.is_code()) {
        None => Some(format!("{} has no such code", release.id())),
        Some(entry) if entry.code() != code.code => Some(format!("the code is written {}", entry.code())),
        Some(entry) if !entry.billable() => {
            Some(format!("{} is not billable: choose one of the codes below it", entry.code()))
        }
        Some(_) => None,
    }
}
