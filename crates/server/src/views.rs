//! From what the store keeps to what stands on the wire.

use overread_api::entry::{EntryRow, EntryView, Lease, SuggestingState};
use overread_api::session::{SessionView, Stage, UserView};
use overread_api::system::{JobState, JobView, ReleaseView};
use overread_codes::Release;
use overread_domain::span::CodePoints;
use overread_domain::{Entry, EntryStatus, Permission, Suggestion};
use overread_store as store;

use crate::auth::Signed;
use crate::edits::Checked;
use crate::{App, Shelf};

pub fn lease(lease: store::Lease) -> Lease {
    Lease { user: lease.user, until: lease.until }
}

pub fn release(app: &App, shelf: &Shelf, release: &Release) -> ReleaseView {
    let (codes, billable) = shelf.counts(release);
    ReleaseView {
        system: release.system().to_owned(),
        id: release.id().to_owned(),
        codes,
        billable,
        effective_from: release.effective().to_owned(),
        semantic: app.model.semantic(release),
    }
}

pub fn suggesting(state: store::SuggestingState) -> SuggestingState {
    match state {
        store::SuggestingState::Queued => SuggestingState::Queued,
        store::SuggestingState::Running => SuggestingState::Running,
        store::SuggestingState::Done => SuggestingState::Done,
        store::SuggestingState::Failed => SuggestingState::Failed,
    }
}

pub fn row(row: store::EntryRow) -> EntryRow {
    EntryRow {
        id: row.id,
        note: row.note,
        meta: row.meta,
        words: row.words,
        status: row.status,
        exception_cause: row.exception_cause,
        revision: row.revision,
        suggested: row.suggested,
        decided: row.decided,
        confidence: row.confidence,
        suggesting: suggesting(row.suggesting),
        lease: row.lease.map(lease),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// The suggestions that an entry's rows stand on.
pub fn suggestions(record: &store::EntryRecord) -> &[Suggestion] {
    record.suggestion_set.as_ref().map_or(&[], |set| &set.suggestions)
}

/// Projects a record's decisions; `points` are of its text.
pub fn project<'a>(record: &'a store::EntryRecord, points: &'a CodePoints<'a>) -> Entry<'a> {
    let decisions = record.decisions.iter().map(|decision| (decision.id.clone(), decision.action.clone()));
    Entry::replay(&record.template, suggestions(record), points, decisions)
}

/// `problem` is why the model is not there, where it is not: shown to who waits for suggestions.
pub fn entry(
    record: store::EntryRecord,
    signed: &Signed,
    problem: Option<String>,
    checked: Checked,
) -> EntryView {
    let (items, confirmed_empty) = {
        let points = CodePoints::new(&record.text);
        let entry = project(&record, &points);
        (entry.items().to_vec(), entry.confirmed_empty().map(|(field, _)| field.to_owned()).collect())
    };
    // Who sees a mask has no words to decide on.
    let as_written = signed.shows_as_written(&record.row.note);
    let held = record.row.lease.as_ref().is_some_and(|lease| lease.user != signed.user.id);
    let may = match record.row.status {
        EntryStatus::Finished => false,
        EntryStatus::Exception => signed.may(Permission::ResolveExceptions),
        EntryStatus::Open | EntryStatus::InProgress => signed.may(Permission::Decide),
    };
    let waits = matches!(record.row.suggesting, store::SuggestingState::Queued);
    EntryView {
        id: record.row.id,
        note: record.row.note,
        meta: record.row.meta,
        text: record.text,
        text_sha256: record.sha256,
        template: (*record.template).clone(),
        status: record.row.status,
        exception_cause: record.row.exception_cause,
        revision: record.row.revision,
        items,
        confirmed_empty,
        suggestions: record.suggestion_set.map(|set| (*set).clone()),
        suggesting: suggesting(record.row.suggesting),
        suggesting_error: record.job_error.or_else(|| problem.filter(|_| waits)),
        decisions: record.decisions,
        findings: checked.findings,
        ahead: checked.ahead,
        coded_on: checked.date,
        badges: checked.badges,
        lease: record.row.lease.map(lease),
        may_decide: may && !held && as_written,
        masked: !as_written,
        opened: None,
    }
}

pub fn job_state(state: store::JobState) -> JobState {
    match state {
        store::JobState::Queued => JobState::Queued,
        store::JobState::Running => JobState::Running,
        store::JobState::Done => JobState::Done,
        store::JobState::Failed => JobState::Failed,
    }
}

pub fn job_state_of(state: JobState) -> store::JobState {
    match state {
        JobState::Queued => store::JobState::Queued,
        JobState::Running => store::JobState::Running,
        JobState::Done => store::JobState::Done,
        JobState::Failed => store::JobState::Failed,
    }
}

pub fn job(job: store::JobRow) -> JobView {
    JobView {
        id: job.id,
        entry: job.entry,
        note: job.note,
        state: job_state(job.state),
        attempts: job.attempts,
        error: job.error,
        created_at: job.created_at,
        updated_at: job.updated_at,
        due_at: job.due_at,
    }
}

pub fn user(user: store::User, second_factor: bool) -> UserView {
    UserView {
        second_factor,
        id: user.id,
        name: user.name,
        role: user.role,
        reach: user.reach,
        disabled: user.disabled,
        must_change_password: user.must_change_password,
        created_at: user.created_at,
        last_sign_in: user.last_sign_in,
    }
}

pub fn session(
    app: &App,
    user: &store::User,
    session: &store::Session,
    factors: store::Factors,
) -> SessionView {
    SessionView {
        user: user.id.clone(),
        name: user.name.clone(),
        role: user.role,
        stage: match session.stage {
            store::Stage::SecondFactor => Stage::SecondFactor,
            store::Stage::Open => Stage::Open,
            store::Stage::Locked => Stage::Locked,
        },
        ways: crate::auth::begin::ways(app, session, user, factors),
        must_change_password: user.must_change_password,
        must_set_up_second_factor: app.config.require_second_factor && crate::auth::must_set_up(&factors),
        federated: factors.federated,
        idle_minutes: u32::try_from(app.config.idle_minutes).unwrap_or(u32::MAX),
        expires_at: session.expires_at,
    }
}
