//! Entry templates, which administrators edit.

use std::collections::BTreeSet;

use axum::extract::State;
use overread_api::system::TemplateRow;
use overread_api::{ErrorBody, path};
use overread_domain::{AuditAction, Template};

use crate::auth::Signed;
use crate::extract::{Json, Path};
use crate::{App, Failure};

/// All templates.
#[utoipa::path(get, operation_id = "templates", path = path::TEMPLATES, tag = "templates", responses((status = 200, body = Vec<TemplateRow>)))]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<TemplateRow>>, Failure> {
    let rows = app.store.templates().await?.into_iter().map(|row| TemplateRow {
        id: row.id,
        version: row.version,
        name: row.name,
        fields: row.fields,
        entries: row.entries,
    });
    Ok(Json(rows.collect()))
}

/// The latest version of a template.
#[utoipa::path(get, path = path::TEMPLATE, tag = "templates", params(("template" = String, Path)), responses(
    (status = 200, body = Template),
    (status = 404, body = ErrorBody),
))]
pub async fn template(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Template>, Failure> {
    let template = app.store.template(&id).await?.ok_or_else(|| Failure::not_found("template"))?;
    Ok(Json((*template).clone()))
}

/// Saves a new version. Entries keep the version that they were made with.
#[utoipa::path(put, operation_id = "put_template", path = path::TEMPLATE, tag = "templates", params(("template" = String, Path)),
    request_body = Template, responses(
        (status = 200, body = Template),
        (status = 422, body = ErrorBody, description = "What is wrong with the template"),
    ))]
pub async fn put(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<String>,
    Json(mut template): Json<Template>,
) -> Result<Json<Template>, Failure> {
    if template.id != id {
        return Err(Failure::invalid("id", "the address names another template"));
    }
    template.check().map_err(|error| Failure::invalid("template", error.to_string()))?;
    let wanted: BTreeSet<&str> = template.fields().filter_map(|field| field.code_system.as_deref()).collect();
    if let Some(system) = wanted.into_iter().find(|system| app.release(system).is_none()) {
        return Err(Failure::invalid("code_system", format!("no release of \"{system}\" is loaded")));
    }
    let event = signed.event(AuditAction::TemplateSaved).on(id);
    template.version = app.store.recording(event).put_template(&template).await?;
    Ok(Json(template))
}
