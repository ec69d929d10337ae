//! One span, one log line and one measurement a request. Never its query or body: both may hold clinical text.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use overread_api::{ErrorCode, path};
use overread_store::Origin;
use tracing::Instrument;

use crate::error::REQUEST_ID;
use crate::{App, Failure};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

pub async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = format!("{:016x}", app.source.random() as u64);
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("page", MatchedPath::as_str);
    let method = known(request.method());
    let span = tracing::info_span!("request", id, method, route);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().copied();
    let origin = Origin { request: id.clone(), address: address(&app, request.headers(), peer.as_ref()) };
    request.extensions_mut().insert(origin);
    let started = Instant::now();
    app.model.asked(app.now());
    // Thousands of notes come in one import, or hundreds of thousands of codes.
    let long = matches!(route, path::IMPORT | path::CODE_SYSTEMS);
    let seconds = if long { app.config.import_seconds } else { app.config.request_seconds };
    let limit = Duration::from_secs(seconds);
    let work = async {
        tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
            Failure::new(ErrorCode::Unavailable, "this took too long and was given up")
                .retry_after(5)
                .into_response()
        })
    };
    let mut response = REQUEST_ID.scope(id.clone(), work).instrument(span.clone()).await;
    let took = started.elapsed();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::info!(status, ms = took.as_millis() as u64, "answered"));
    app.metrics.count(
        "overread_http_requests_total",
        &[("method", method), ("route", route), ("status", &status.to_string())],
        1,
    );
    app.metrics.observe(
        "overread_http_request_duration_seconds",
        &[("method", method), ("route", route)],
        took,
    );
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// A method's name for labels. Clients may make methods up, and each would stay in memory as a label of its own.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Where a request came from, for the sign-in throttle.
pub fn address(app: &App, request: &HeaderMap, peer: Option<&ConnectInfo<SocketAddr>>) -> String {
    let forwarded = request
        .get("x-forwarded-for")
        .filter(|_| app.config.behind_proxy)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .map(|value| value.trim().to_owned());
    forwarded.or_else(|| peer.map(|peer| peer.0.ip().to_string())).unwrap_or_else(|| "local".to_owned())
}

/// Whether a request comes from this very machine and through no proxy.
pub fn is_local(request: &HeaderMap, peer: Option<&ConnectInfo<SocketAddr>>) -> bool {
    let forwarded = ["x-forwarded-for", "forwarded"].iter().any(|name| request.contains_key(*name));
    !forwarded && peer.is_none_or(|peer| peer.0.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_made_up_share_one_label() {
        for name in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            assert_eq!(known(&name.parse().unwrap()), name);
        }
        for name in ["get", "TRACE", "X1", "X2"] {
            assert_eq!(known(&name.parse().unwrap()), "other");
        }
    }
}
