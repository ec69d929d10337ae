//! Every route, every role.

use overread_api::ErrorCode;
use overread_api::path::fill;
use overread_api_tests::{PASSWORD, World};
use overread_domain::Role;
use overread_server::axum::http::Method;
use overread_server::{Access, RULES, Rule};
use serde_json::json;

/// A request that gets past reading, wherever that needs nothing of the world.
async fn ask(client: &overread_api_tests::Client, rule: &Rule) -> overread_api_tests::Answer {
    let path = fill(rule.path, &["nothing", "nothing"]);
    match rule.method {
        Method::GET | Method::DELETE => client.send(rule.method.as_str(), &path, None).await,
        _ => client.json(rule.method.as_str(), &path, &json!({})).await,
    }
}

#[tokio::test]
async fn every_route_asks_for_its_permission() {
    let world = World::new().await;
    for rule in RULES {
        let stranger = ask(&world.stranger(), rule).await;
        if rule.access != Access::Public {
            stranger.expect(401).error(ErrorCode::NotSignedIn);
        } else if rule.path != "/metrics" {
            assert_ne!(stranger.status, 403, "{} {}", rule.method, rule.path);
        }
        for role in Role::ALL {
            // Signing out ends the session: a new one for each request.
            let client = world.signed_in(role).await;
            let answer = ask(&client, rule).await;
            let allowed = match rule.access {
                Access::Needs(permission) => role.may(permission),
                _ => true,
            };
            let told = format!("{} {} as {role:?}: {}", rule.method, rule.path, answer.status);
            if allowed {
                let asked_who = answer.status == 401
                    && answer.json::<overread_api::ErrorBody>().code != ErrorCode::WrongCredentials;
                assert!(!asked_who && !matches!(answer.status, 403 | 500), "{told}");
            } else {
                assert_eq!(answer.status, 403, "{told}");
                answer.error(ErrorCode::NotAllowed);
            }
        }
    }
}

#[tokio::test]
async fn administrators_do_not_read_notes() {
    let world = World::new().await;
    let entry = world.note("n1", overread_api_tests::NOTE).await;
    let admin = world.signed_in(Role::Administrator).await;
    let answer = admin.get(&fill(overread_api::path::ENTRY, &[entry.as_str()])).await.expect(403);
    assert!(!answer.text().contains("hypertension"));
}

#[tokio::test]
async fn until_the_password_is_changed_only_session_and_password_answer() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let user = json!({ "id": "new", "name": "New", "role": "qa_lead", "password": "first one of all" });
    admin.post(overread_api::path::USERS, &user).await.expect(201);
    for rule in RULES {
        let mut client = world.stranger();
        client.sign_in("new", "first one of all").await.expect(200);
        let answer = ask(&client, rule).await;
        match rule.access {
            Access::Needs(_) | Access::SignedIn => {
                answer.expect(403).error(ErrorCode::PasswordChangeRequired);
            }
            Access::Session | Access::AnyStage => assert_ne!(answer.status, 403, "{}", rule.path),
            Access::Public => {}
        }
    }
}

#[tokio::test]
async fn writes_without_the_header_are_refused() {
    let world = World::new().await;
    for rule in RULES.iter().filter(|rule| rule.method != Method::GET) {
        let mut client = world.signed_in(Role::QaLead).await;
        client.careful = false;
        ask(&client, rule).await.expect(403).error(ErrorCode::NotAllowed);
    }
    // Signing in too: otherwise another site could sign a person in as somebody else.
    let mut stranger = world.stranger();
    stranger.careful = false;
    stranger.sign_in("coder", PASSWORD).await.expect(403);
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_not_found() {
    let world = World::new().await;
    let client = world.signed_in(Role::QaLead).await;
    client.get("/api/v1/nothing").await.expect(404).error(ErrorCode::NotFound);
    client.send("PUT", overread_api::path::ENTRIES, None).await.expect(404).error(ErrorCode::NotFound);
    client.send("POST", "/somewhere", None).await.expect(404).error(ErrorCode::NotFound);
}
