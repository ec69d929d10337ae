//! Signing in and out.

use overread_api::session::SessionView;
use overread_api::{ErrorCode, path};
use overread_api_tests::{Client, NOTE, PASSWORD, World};
use overread_domain::{Role, UserId};
use overread_server::axum::http::header;
use overread_store::UserPatch;
use serde_json::json;

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn signs_in_and_out() {
    let world = World::new().await;
    let mut client = world.stranger();
    let answer = client.sign_in("coder", PASSWORD).await.expect(200);
    let session: SessionView = answer.json();
    assert_eq!((session.user.as_str(), session.role), ("coder", Role::Coder));
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    client.get(path::SESSION).await.expect(200);
    let gone = client.send("DELETE", path::SESSION, None).await.expect(204);
    assert!(gone.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    client.get(path::SESSION).await.expect(401).error(ErrorCode::NotSignedIn);
}

#[tokio::test]
async fn wrong_names_and_passwords_read_alike() {
    let world = World::new().await;
    let wrong = world.stranger().sign_in("coder", "not the password").await.expect(401);
    let nobody = world.stranger().sign_in("nobody", PASSWORD).await.expect(401);
    wrong.error(ErrorCode::WrongCredentials);
    assert_eq!(wrong.text(), nobody.text());
    let out = UserPatch { disabled: Some(true), ..UserPatch::default() };
    world.app.store.update_user(&UserId::new("coder"), out).await.unwrap();
    let disabled = world.stranger().sign_in("coder", PASSWORD).await.expect(401);
    assert_eq!(wrong.text(), disabled.text());
}

#[tokio::test]
async fn the_token_itself_is_not_kept() {
    let world = World::new().await;
    let client = world.signed_in(Role::Coder).await;
    let token = client.cookie.as_deref().unwrap().split_once('=').unwrap().1;
    assert_eq!(token.len(), 64);
    assert!(world.app.store.session(token).await.unwrap().is_none());
    let hash = overread_intake::sha256_hex(token.as_bytes());
    assert!(world.app.store.session(&hash).await.unwrap().is_some());
    for forged in ["0".repeat(64), hash, format!("{token}0")] {
        let mut client: Client = client.clone();
        client.cookie = Some(format!("overread_session={forged}"));
        client.get(path::SESSION).await.expect(401);
    }
}

#[tokio::test]
async fn sessions_end_after_idle_time_and_after_their_day() {
    let world = World::new().await;
    let idle = world.signed_in(Role::Coder).await;
    world.source.advance(14 * MINUTE);
    idle.get(path::ENTRIES).await.expect(200);
    world.source.advance(14 * MINUTE);
    idle.get(path::ENTRIES).await.expect(200);
    world.source.advance(16 * MINUTE);
    idle.get(path::ENTRIES).await.expect(401).error(ErrorCode::SessionLocked);

    let busy = world.signed_in(Role::Coder).await;
    for _ in 0..71 {
        world.source.advance(10 * MINUTE);
        busy.get(path::SESSION).await.expect(200);
    }
    world.source.advance(11 * MINUTE);
    busy.get(path::SESSION).await.expect(401).error(ErrorCode::NotSignedIn);
}

#[tokio::test]
async fn failures_are_slowed_and_time_forgives() {
    let world = World::new().await;
    for _ in 0..5 {
        world.stranger().sign_in("coder", "wrong wrong wrong").await.expect(401);
    }
    let slowed = world.stranger().sign_in("coder", PASSWORD).await.expect(429);
    slowed.error(ErrorCode::TooManyRequests);
    let wait: i64 = slowed.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    world.stranger().sign_in("reviewer", PASSWORD).await.expect(200);
    world.source.advance(wait * 1000);
    world.stranger().sign_in("coder", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_changed_password_ends_all_other_sessions() {
    let world = World::new().await;
    let here = world.signed_in(Role::Coder).await;
    let there = world.signed_in(Role::Coder).await;
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    here.post(path::PASSWORD, &change("wrong wrong wrong", "four small boats")).await.expect(401);
    for weak in ["short", "123456789012", "Password1234!", PASSWORD] {
        let error =
            here.post(path::PASSWORD, &change(PASSWORD, weak)).await.expect(422).error(ErrorCode::Invalid);
        assert_eq!(error.places[0].field.as_deref(), Some("new"));
    }
    let changed = here.post(path::PASSWORD, &change(PASSWORD, "four small boats")).await.expect(200);
    assert!(changed.headers.contains_key(header::SET_COOKIE));
    here.get(path::SESSION).await.expect(401);
    there.get(path::SESSION).await.expect(401);
    world.stranger().sign_in("coder", PASSWORD).await.expect(401);
    world.stranger().sign_in("coder", "four small boats").await.expect(200);
}

#[tokio::test]
async fn a_first_password_must_be_changed() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let user = json!({ "id": "eva", "name": "Eva", "role": "reviewer", "password": "first one of all" });
    admin.post(path::USERS, &user).await.expect(201);
    let mut eva = world.stranger();
    let session: SessionView = eva.sign_in("eva", "first one of all").await.expect(200).json();
    assert!(session.must_change_password);
    eva.get(path::ENTRIES).await.expect(403).error(ErrorCode::PasswordChangeRequired);
    let body = json!({ "current": "first one of all", "new": "four small boats" });
    let changed = eva.post(path::PASSWORD, &body).await.expect(200);
    assert!(!changed.json::<SessionView>().must_change_password);
    eva.sign_in("eva", "four small boats").await.expect(200);
    eva.get(path::ENTRIES).await.expect(200);
}

#[tokio::test]
async fn a_page_that_shows_another_person_changes_nothing() {
    let world = World::new().await;
    let entry = world.note("e1", NOTE).await;
    let mut page = world.signed_in(Role::Coder).await;
    page.shows = Some("reviewer".to_owned());
    let accept = json!([{ "action": "accept", "item": "s0" }]);
    page.decide(&entry, 0, "k1", accept.clone()).await.expect(401).error(ErrorCode::NotSignedIn);
    page.send("DELETE", path::SESSION, None).await.expect(401).error(ErrorCode::NotSignedIn);
    page.get(path::SESSION).await.expect(200);
    page.shows = Some("coder".to_owned());
    page.decide(&entry, 0, "k1", accept).await.expect(200);

    // An id is compared as it is written in the header.
    let admin = world.signed_in(Role::Administrator).await;
    let user = json!({ "id": "eva@ward", "name": "Eva", "role": "reviewer", "password": "first one of all" });
    admin.post(path::USERS, &user).await.expect(201);
    let mut page = world.stranger();
    page.shows = Some(path::encode("eva@ward"));
    page.sign_in("eva@ward", "first one of all").await.expect(200);
    page.send("DELETE", path::SESSION, None).await.expect(204);
}

#[tokio::test]
async fn malformed_sign_ins_never_come_back_in_the_answer() {
    let world = World::new().await;
    let stranger = world.stranger();
    let send = |kind: &'static str, body: &str| {
        let (stranger, body) = (stranger.clone(), body.as_bytes().to_vec());
        async move { stranger.send("POST", path::SESSION, Some((kind, body))).await }
    };
    let broken = send("application/json", r#"{"user": "Zebraquux"#).await.expect(400);
    broken.error(ErrorCode::BadRequest);
    let shape = send("application/json", r#"{"user": "eva", "password": ["Zebraquux"]}"#).await.expect(422);
    shape.error(ErrorCode::Invalid);
    send("text/plain", "user=eva").await.expect(415).error(ErrorCode::UnsupportedMedia);
    for answer in [broken, shape] {
        assert!(!answer.text().contains("Zebraquux"), "{}", answer.text());
    }
}
