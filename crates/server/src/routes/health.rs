//! For machines: liveness, readiness, metrics, the description of all this.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use overread_api::system::ModelView;
use overread_api::{ErrorBody, ErrorCode, path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::access::{HEALTHZ, METRICS, READYZ};
use crate::extract::Json;
use crate::web::observe::is_local;
use crate::{App, Failure};

/// The process answers.
#[utoipa::path(get, path = HEALTHZ, tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain"),
))]
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Whether requests can be served.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    ready: bool,
    database: bool,
    /// `loading`, `ready` or `unavailable`. Reviewing goes on without a model, so that only loading counts against.
    model: &'static str,
}

/// 200 once the database answers and the model is loaded or known to be missing.
#[utoipa::path(get, path = READYZ, tag = "health", responses(
    (status = 200, body = Readiness),
    (status = 503, body = Readiness),
))]
pub async fn ready(State(app): State<App>) -> Response {
    let database = app.store.ping().await.is_ok();
    let (model, settled) = match app.model.view() {
        ModelView::Loading => ("loading", false),
        ModelView::Ready { .. } => ("ready", true),
        ModelView::Unavailable { .. } => ("unavailable", true),
    };
    let ready = database && settled;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, database, model })).into_response()
}

/// Prometheus' text format. For this machine only, or with the token of the settings.
#[utoipa::path(get, path = METRICS, tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 403, body = ErrorBody),
))]
pub async fn metrics(
    State(app): State<App>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let allowed = match &app.config.metrics_token {
        // Hashes are compared, so that the time taken says nothing of the token.
        Some(token) => headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|given| crate::auth::hash_token(given) == crate::auth::hash_token(token)),
        None => is_local(&headers, peer.as_deref()),
    };
    if !allowed {
        return Err(Failure::new(ErrorCode::NotAllowed, "metrics are for this machine, or by token"));
    }
    let jobs = app.store.job_counts().await?;
    let loaded = f64::from(u8::from(app.model.loaded().is_some()));
    let text = app.metrics.render(&[
        ("overread_jobs", &[("state", "queued")], jobs.queued as f64),
        ("overread_jobs", &[("state", "running")], jobs.running as f64),
        ("overread_jobs", &[("state", "done")], jobs.done as f64),
        ("overread_jobs", &[("state", "failed")], jobs.failed as f64),
        ("overread_model_loaded", &[], loaded),
    ]);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// This description.
#[utoipa::path(get, path = path::OPENAPI, tag = "health", responses(
    (status = 200, body = serde_json::Value, content_type = "application/json"),
))]
pub async fn openapi() -> Response {
    static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(crate::openapi);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}
