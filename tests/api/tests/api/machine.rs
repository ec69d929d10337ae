//! What machines read: health, metrics, the description, headers, files of the page.

use std::net::SocketAddr;

use overread_api::{ErrorCode, path};
use overread_api_tests::{NOTE, World, WorldOptions, root};
use overread_domain::Role;
use overread_server::axum::body::Body;
use overread_server::axum::extract::ConnectInfo;
use overread_server::axum::http::{Request, header};
use overread_server::{Config, Model};
use serde_json::{Value, json};

#[tokio::test]
async fn readiness_waits_for_the_model() {
    let model = Model::loading();
    let world = World::with(WorldOptions { model: Some(model.clone()), ..WorldOptions::default() }).await;
    let stranger = world.stranger();
    stranger.get("/healthz").await.expect(200);
    assert_eq!(stranger.get("/readyz").await.expect(503).json::<Value>()["model"], "loading");
    model.set_unavailable("damaged");
    stranger.get("/readyz").await.expect(200);
    world.app.store.close().await;
    let away = stranger.get("/readyz").await.expect(503);
    assert_eq!(away.json::<Value>()["database"], false);
}

#[tokio::test]
async fn a_database_that_is_away_is_told_as_such() {
    let world = World::new().await;
    let client = world.signed_in(Role::Reviewer).await;
    world.app.store.close().await;
    let answer = client.get(path::ENTRIES).await;
    assert!(matches!(answer.status, 500 | 503), "{}", answer.text());
    assert!(!answer.text().to_lowercase().contains("sql"), "{}", answer.text());
}

#[tokio::test]
async fn metrics_count_requests_jobs_and_decisions_without_names() {
    let world = World::new().await;
    let entry = world.note("secret-note-id", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    reviewer.decide(&entry, 0, "1", json!([{ "action": "accept", "item": "s0" }])).await.expect(200);
    reviewer.decide(&entry, 0, "1", json!([{ "action": "accept", "item": "s0" }])).await.expect(200);
    let text = world.stranger().get("/metrics").await.expect(200).text();
    for line in [
        "overread_decisions_total{action=\"accept\"} 1",
        "overread_jobs_total{result=\"done\"} 1",
        "overread_jobs{state=\"done\"} 1",
        "overread_http_requests_total{method=\"POST\",route=\"/api/v1/entries/{entry}/decisions\",status=\"200\"} 2",
        "overread_suggestion_duration_seconds_count 1",
        "overread_model_loaded 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    for name in ["secret", "hypertension", entry.as_str(), "reviewer"] {
        assert!(!text.contains(name), "{name}");
    }
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_by_token() {
    let world = World::new().await;
    let from = |address: &str, token: Option<&str>| {
        let peer: SocketAddr = address.parse().unwrap();
        let mut request = Request::builder().uri("/metrics").extension(ConnectInfo(peer));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Body::empty()).unwrap()
    };
    let stranger = world.stranger();
    stranger.request(from("127.0.0.1:5", None)).await.expect(200);
    stranger.request(from("10.0.0.9:5", None)).await.expect(403).error(ErrorCode::NotAllowed);
    let config = Config { metrics_token: Some("scrape".into()), ..Config::default() };
    let world = World::with(WorldOptions { config, ..WorldOptions::default() }).await;
    let stranger = world.stranger();
    stranger.request(from("10.0.0.9:5", Some("scrape"))).await.expect(200);
    stranger.request(from("127.0.0.1:5", Some("scrap"))).await.expect(403);
}

#[tokio::test]
async fn the_description_is_the_one_in_the_repository() {
    let world = World::new().await;
    let served = world.stranger().get(path::OPENAPI).await.expect(200).text();
    let kept = std::fs::read_to_string(root().join("openapi.json")).unwrap_or_default();
    assert!(
        served == kept,
        "openapi.json is not what the code describes; write it anew: cargo run -p overread -- openapi > openapi.json"
    );
}

/// "Unique among all operations described in the API" (`OpenAPI` 3.1, 4.8.10).
#[test]
fn every_operation_has_a_name_of_its_own() {
    let description: Value = serde_json::from_str(&overread_server::openapi()).unwrap();
    let paths = description["paths"].as_object().unwrap().values();
    let mut names: Vec<&str> = paths
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(all > 50 && names.len() == all, "{} names for {all} operations", names.len());
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    found.push(to.clone());
                }
                map.values().for_each(|value| walk(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let description: Value = serde_json::from_str(&overread_server::openapi()).unwrap();
    let mut found = Vec::new();
    walk(&description, &mut found);
    assert!(found.len() > 50);
    for to in found {
        let pointer = to.trim_start_matches('#');
        assert!(description.pointer(pointer).is_some(), "{to}");
    }
}

#[tokio::test]
async fn the_page_is_served_with_a_strict_policy() {
    let world = World::new().await;
    let stranger = world.stranger();
    for address in ["/", "/entries/e-1", "/index.html"] {
        let page = stranger.get(address).await.expect(200);
        assert!(page.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-cache");
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("'wasm-unsafe-eval'") && !policy.contains("unsafe-inline"), "{policy}");
    }
    stranger.get("/assets/nothing-0123456789ab.js").await.expect(404).error(ErrorCode::NotFound);
    stranger.get("/../Cargo.toml").await.expect(404);
    let answer = stranger.get(path::SESSION).await.expect(401);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(answer.headers["x-frame-options"], "DENY");
}
