//! The coding edits: the rules, their levels, and what other levels would have done.

use axum::extract::State;
use overread_api::edit::{
    EditsView, LevelsVersion, PutEdits, RuleView, SimulateEdits, SimulatedEdits, SimulatedRule,
};
use overread_api::{ErrorBody, path};
use overread_domain::{AuditAction, EntryStatus, Finding, Level, RuleLevels};
use overread_edits::RULES;
use overread_store::{QueueFilter, QueueSort};

use crate::auth::Signed;
use crate::edits::check_with;
use crate::extract::Json;
use crate::{App, Failure};

/// Versions that are told.
const HISTORY: u32 = 20;
/// Finished entries that a simulation looks at.
const LOOKED_AT: u32 = 200;
const COMMENT: usize = 1000;

/// The rules, their levels, and who set them so.
#[utoipa::path(get, path = path::EDITS, tag = "edits", responses((status = 200, body = EditsView)))]
pub async fn rules(State(app): State<App>) -> Result<Json<EditsView>, Failure> {
    view(&app).await.map(Json)
}

async fn view(app: &App) -> Result<EditsView, Failure> {
    let versions = app.store.edit_level_versions(HISTORY).await?;
    let latest = versions.first();
    Ok(EditsView {
        version: latest.map_or(0, |set| set.version),
        levels: latest.map(|set| set.levels.clone()).unwrap_or_default(),
        rules: RULES
            .iter()
            .map(|rule| RuleView {
                number: rule.number.to_owned(),
                title: rule.title.to_owned(),
                citation: rule.citation.to_owned(),
                default: rule.level,
            })
            .collect(),
        history: versions
            .into_iter()
            .map(|set| LevelsVersion {
                version: set.version,
                comment: set.comment,
                user: set.user,
                at: set.at,
            })
            .collect(),
    })
}

fn known(levels: &RuleLevels) -> Result<(), Failure> {
    let all = std::iter::once(&levels.levels).chain(levels.by_document_type.values());
    for number in all.flat_map(|own| own.keys()) {
        if !RULES.iter().any(|rule| rule.number == number) {
            return Err(Failure::invalid("levels", format!("no rule has the number {number:?}")));
        }
    }
    if levels.by_document_type.len() > 200
        || levels.by_document_type.keys().any(|name| name.chars().count() > 200)
    {
        return Err(Failure::invalid("by_document_type", "at most 200 document types of 200 characters"));
    }
    Ok(())
}

/// Sets levels as a new version. Entries are judged by them from now on; finished ones stay as they are.
#[utoipa::path(put, operation_id = "set_edits", path = path::EDITS, tag = "edits", request_body = PutEdits, responses(
    (status = 200, body = EditsView),
    (status = 409, body = ErrorBody, description = "Somebody set others meanwhile"),
    (status = 422, body = ErrorBody, description = "An unknown rule, or no comment"),
))]
pub async fn put(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<PutEdits>,
) -> Result<Json<EditsView>, Failure> {
    known(&request.levels)?;
    let comment = request.comment.trim();
    if comment.is_empty() || comment.chars().count() > COMMENT || comment.contains('\0') {
        return Err(Failure::invalid("comment", format!("why, in 1 to {COMMENT} characters")));
    }
    let event =
        signed.event(AuditAction::ChecksSet).with("version", (request.expected_version + 1).to_string());
    app.store
        .recording(event)
        .put_edit_levels(request.expected_version, &request.levels, comment, &signed.user.id)
        .await?;
    view(&app).await.map(Json)
}

/// What levels would have done to the latest finished entries.
#[utoipa::path(post, path = path::SIMULATE_EDITS, tag = "edits", request_body = SimulateEdits, responses(
    (status = 200, body = SimulatedEdits),
    (status = 422, body = ErrorBody, description = "An unknown rule"),
))]
pub async fn simulate(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<SimulateEdits>,
) -> Result<Json<SimulatedEdits>, Failure> {
    known(&request.levels)?;
    let now = app.store.edit_levels().await?.map(|set| set.levels).unwrap_or_default();
    let filter = QueueFilter {
        status: Some(EntryStatus::Finished),
        sort: QueueSort::Newest,
        limit: LOOKED_AT,
        ..QueueFilter::default()
    };
    let store = signed.store(&app)?;
    let page = store.queue(&filter).await?;
    let mut out = SimulatedEdits::default();
    for row in page.rows {
        let record = store.entry(&row.id).await?;
        let before = check_with(&app, &record, &[], &now).findings;
        let after = check_with(&app, &record, &[], &request.levels).findings;
        out.entries += 1;
        let blocks = |findings: &[Finding]| findings.iter().any(Finding::blocks);
        let (was, is) = (blocks(&before), blocks(&after));
        out.blocked_now += u32::from(was);
        out.blocked_then += u32::from(is);
        if is && !was {
            out.newly_blocked.push(row.id);
        }
        for finding in before.iter().filter(|f| f.level != Level::Off) {
            let rule: &mut SimulatedRule = out.rules.entry(finding.rule.clone()).or_default();
            rule.now += 1;
        }
        for finding in after {
            out.rules.entry(finding.rule).or_default().then += 1;
        }
    }
    let event = signed.event(AuditAction::ChecksTried).with("entries", out.entries.to_string());
    app.store.record(event).await?;
    Ok(Json(out))
}
