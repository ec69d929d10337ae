//! Second factors, locked sessions, devices, invitations.

use overread_api::account::{AccountView, RecoveryCodes, TotpBegun};
use overread_api::session::{InvitationView, Invited, PasskeyChallenge, SessionView, Stage, UserView, Way};
use overread_api::{ErrorCode, path};
use overread_api_tests::{Answer, Client, PASSWORD, World, WorldOptions};
use overread_domain::{AuditAction, Role};
use overread_server::Config;
use overread_store::AuditFilter;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};
use webauthn_authenticator_rs::WebauthnAuthenticator;
use webauthn_authenticator_rs::softpasskey::SoftPasskey;

const MINUTE: i64 = 60_000;
const ORIGIN: &str = "https://overread.example.org";

fn code(world: &World, secret: &str, seconds_from_now: i64) -> String {
    let totp = Builder::new()
        .with_secret(Secret::try_from_base32(secret).unwrap())
        .with_account_name("coder")
        .build()
        .unwrap();
    let at = u64::try_from(world.app.now().0 / 1000 + seconds_from_now).unwrap();
    let text = totp.generate(at).to_string();
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Sets an authenticator app up; its secret and the recovery codes.
async fn with_app(world: &World, client: &Client) -> (String, Vec<String>) {
    let begun: TotpBegun = client.post(path::TOTP, &json!({})).await.expect(200).json();
    assert!(begun.address.starts_with("otpauth://totp/Overread:coder?"), "{}", begun.address);
    assert!(begun.squares.iter().all(|row| row.len() == begun.squares.len()));
    let wrong = client.post(path::CONFIRM_TOTP, &json!({ "code": code(world, &begun.secret, 600) })).await;
    wrong.expect(422).error(ErrorCode::Invalid);
    let right = json!({ "code": code(world, &begun.secret, 0) });
    let made: RecoveryCodes = client.post(path::CONFIRM_TOTP, &right).await.expect(200).json();
    (begun.secret, made.codes)
}

async fn second(client: &Client, code: &str) -> Answer {
    client.post(path::SECOND_FACTOR, &json!({ "code": code })).await
}

async fn recorded(world: &World, action: AuditAction) -> usize {
    let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
    world.app.store.audit(&filter, 500).await.unwrap().len()
}

#[tokio::test]
async fn an_authenticator_app_is_asked_for_after_the_password() {
    let world = World::new().await;
    let client = world.signed_in(Role::Coder).await;
    let (secret, codes) = with_app(&world, &client).await;
    assert_eq!((secret.len(), codes.len()), (32, 10));
    assert_eq!(recorded(&world, AuditAction::SecondFactorAdded).await, 1);
    client.post(path::TOTP, &json!({})).await.expect(409);

    let mut again = world.stranger();
    let session: SessionView = again.sign_in("coder", PASSWORD).await.expect(200).json();
    assert_eq!(session.stage, Stage::SecondFactor);
    assert_eq!(session.ways, [Way::Totp, Way::RecoveryCode]);
    again.get(path::ENTRIES).await.expect(401).error(ErrorCode::SecondFactorRequired);
    again.get(path::ACCOUNT).await.expect(401).error(ErrorCode::SecondFactorRequired);
    // The code that confirmed the app is used up; codes far from now, of other lengths and no codes at all are none.
    for wrong in [code(&world, &secret, 0), code(&world, &secret, 90), "12345".into(), "ÄÖÜ456".into()] {
        second(&again, &wrong).await.expect(401).error(ErrorCode::WrongCredentials);
    }
    world.source.advance(30_000);
    let pending = again.cookie.clone();
    let now = code(&world, &secret, 0);
    let open = second(&again, &now).await.expect(200);
    assert_eq!(open.json::<SessionView>().stage, Stage::Open);
    again.take_cookies(&open);
    assert_ne!(again.cookie, pending, "the token of the half-open session is good for nothing any more");
    again.get(path::ENTRIES).await.expect(200);
    let mut old = world.stranger();
    old.cookie = pending;
    old.get(path::SESSION).await.expect(401);

    // The same code does not come again, on whatever device.
    let mut thief = world.stranger();
    thief.sign_in("coder", PASSWORD).await.expect(200);
    second(&thief, &now).await.expect(401);
}

#[tokio::test]
async fn codes_of_the_step_before_and_after_are_taken_and_none_before_the_last() {
    let world = World::new().await;
    let client = world.signed_in(Role::Coder).await;
    let (secret, _) = with_app(&world, &client).await;
    world.source.advance(10 * MINUTE);
    let (before, after) = (code(&world, &secret, -30), code(&world, &secret, 30));
    let mut one = world.stranger();
    one.sign_in("coder", PASSWORD).await.expect(200);
    second(&one, &after).await.expect(200);
    let mut two = world.stranger();
    two.sign_in("coder", PASSWORD).await.expect(200);
    second(&two, &before).await.expect(401);
}

#[tokio::test]
async fn a_recovery_code_signs_in_once() {
    let world = World::new().await;
    let client = world.signed_in(Role::Coder).await;
    let (_, codes) = with_app(&world, &client).await;
    let mut one = world.stranger();
    one.sign_in("coder", PASSWORD).await.expect(200);
    // As somebody types it.
    second(&one, &codes[3].to_lowercase().replace('-', " ")).await.expect(200);
    assert_eq!(recorded(&world, AuditAction::RecoveryCodeUsed).await, 1);
    let mut two = world.stranger();
    two.sign_in("coder", PASSWORD).await.expect(200);
    second(&two, &codes[3]).await.expect(401);
    let account: AccountView = client.get(path::ACCOUNT).await.expect(200).json();
    assert!(account.totp && account.recovery_codes == 9);
    let fresh: RecoveryCodes = client.post(path::RECOVERY_CODES, &json!({})).await.expect(200).json();
    assert!(fresh.codes.iter().all(|code| !codes.contains(code)));
    second(&two, &codes[4]).await.expect(401);
    second(&two, &fresh.codes[0]).await.expect(200);
}

#[tokio::test]
async fn guessing_codes_is_slowed() {
    let world = World::new().await;
    let client = world.signed_in(Role::Coder).await;
    with_app(&world, &client).await;
    let mut guesser = world.stranger();
    guesser.sign_in("coder", PASSWORD).await.expect(200);
    let guess = async |n: u32| second(&guesser, &format!("{n:06}")).await.status;
    let mut slowed = 0;
    for n in 0..50 {
        slowed += u32::from(guess(n).await == 429);
    }
    assert!(slowed >= 44, "{slowed}");
}

#[tokio::test]
async fn where_a_second_factor_is_asked_for_nobody_works_without() {
    let config = Config { require_second_factor: true, ..Config::default() };
    let world = World::with(WorldOptions { config, ..WorldOptions::default() }).await;
    let mut client = world.stranger();
    let session: SessionView = client.sign_in("coder", PASSWORD).await.expect(200).json();
    assert!(session.must_set_up_second_factor && session.stage == Stage::Open);
    client.get(path::ENTRIES).await.expect(403).error(ErrorCode::SecondFactorSetupRequired);
    with_app(&world, &client).await;
    client.get(path::ENTRIES).await.expect(200);
    client.send("DELETE", path::TOTP, None).await.expect(409).error(ErrorCode::WrongState);
}

#[tokio::test]
async fn an_administrator_lets_somebody_in_who_lost_everything() {
    let world = World::new().await;
    let client = world.signed_in(Role::Coder).await;
    with_app(&world, &client).await;
    let admin = world.signed_in(Role::Administrator).await;
    let users: Vec<UserView> = admin.get(path::USERS).await.expect(200).json();
    assert_eq!(users.iter().filter(|user| user.second_factor).count(), 1);
    let change = json!({ "reset_second_factor": true });
    admin.json("PATCH", &path::fill(path::USER, &["coder"]), &change).await.expect(200);
    assert_eq!(recorded(&world, AuditAction::SecondFactorReset).await, 1);
    client.get(path::SESSION).await.expect(401);
    let session: SessionView = world.stranger().sign_in("coder", PASSWORD).await.expect(200).json();
    assert_eq!(session.stage, Stage::Open);
    let own = path::fill(path::USER, &["administrator"]);
    admin.json("PATCH", &own, &change).await.expect(409);
}

#[tokio::test]
async fn a_session_locks_and_comes_back_by_password_or_code() {
    let world = World::new().await;
    let mut client = world.signed_in(Role::Coder).await;
    let (secret, _) = with_app(&world, &client).await;
    client.send("POST", path::LOCK, None).await.expect(204);
    client.get(path::ENTRIES).await.expect(401).error(ErrorCode::SessionLocked);
    let session: SessionView = client.get(path::SESSION).await.expect(200).json();
    assert_eq!((session.stage, &session.ways[..]), (Stage::Locked, &[Way::Password, Way::Totp][..]));
    client.post(path::UNLOCK, &json!({ "password": "wrong wrong wrong" })).await.expect(401);
    client.post(path::UNLOCK, &json!({})).await.expect(401);
    let open = client.post(path::UNLOCK, &json!({ "password": PASSWORD })).await.expect(200);
    client.take_cookies(&open);
    client.get(path::ENTRIES).await.expect(200);

    // By time alone, and what the page asks by itself moves nothing.
    world.source.advance(10 * MINUTE);
    let mut poll = overread_server::axum::http::Request::get(path::SESSION);
    poll = poll.header(path::BACKGROUND_HEADER, "1").header("cookie", client.cookie.clone().unwrap());
    client.request(poll.body(overread_server::axum::body::Body::empty()).unwrap()).await.expect(200);
    world.source.advance(6 * MINUTE);
    client.get(path::ENTRIES).await.expect(401).error(ErrorCode::SessionLocked);
    let open = client.post(path::UNLOCK, &json!({ "code": code(&world, &secret, 0) })).await.expect(200);
    client.take_cookies(&open);
    client.get(path::ENTRIES).await.expect(200);
    assert_eq!(recorded(&world, AuditAction::SessionUnlocked).await, 2);
    // The day's end is the end.
    let ends: SessionView = open.json();
    assert_eq!(ends.expires_at, session.expires_at);
    world.source.advance(12 * 60 * MINUTE);
    client
        .post(path::UNLOCK, &json!({ "password": PASSWORD }))
        .await
        .expect(401)
        .error(ErrorCode::NotSignedIn);
}

#[tokio::test]
async fn what_changes_the_sign_in_needs_a_fresh_one() {
    let world = World::new().await;
    let mut client = world.signed_in(Role::Coder).await;
    world.source.advance(11 * MINUTE);
    client.get(path::ENTRIES).await.expect(200);
    for (method, at) in [
        ("POST", path::TOTP),
        ("POST", path::RECOVERY_CODES),
        ("DELETE", path::TOTP),
        ("POST", path::NEW_PASSKEY),
    ] {
        client.send(method, at, None).await.expect(403).error(ErrorCode::ConfirmationRequired);
    }
    let token = json!({ "name": "x", "scopes": ["read_entries"], "days": 1 });
    client.post(path::TOKENS, &token).await.expect(403).error(ErrorCode::ConfirmationRequired);
    let open = client.post(path::UNLOCK, &json!({ "password": PASSWORD })).await.expect(200);
    client.take_cookies(&open);
    client.post(path::TOTP, &json!({})).await.expect(200);
}

#[tokio::test]
async fn devices_are_listed_and_signed_out() {
    let world = World::new().await;
    let here = world.signed_in(Role::Coder).await;
    let there = world.signed_in(Role::Coder).await;
    let third = world.signed_in(Role::Coder).await;
    let other = world.signed_in(Role::Reviewer).await;
    let account: AccountView = here.get(path::ACCOUNT).await.expect(200).json();
    assert_eq!(account.sessions.len(), 3);
    assert_eq!(account.sessions.iter().filter(|device| device.this).count(), 1);
    let foreign: AccountView = other.get(path::ACCOUNT).await.expect(200).json();
    let stranger = &foreign.sessions[0].id;
    here.send("DELETE", &path::fill(path::ONE_SESSION, &[stranger]), None).await.expect(404);
    other.get(path::SESSION).await.expect(200);
    let one: AccountView = there.get(path::ACCOUNT).await.expect(200).json();
    let id = &one.sessions.iter().find(|device| device.this).unwrap().id;
    here.send("DELETE", &path::fill(path::ONE_SESSION, &[id]), None).await.expect(204);
    there.get(path::SESSION).await.expect(401);
    here.send("DELETE", path::SESSIONS, None).await.expect(204);
    third.get(path::SESSION).await.expect(401);
    here.get(path::SESSION).await.expect(200);
    let admin = world.signed_in(Role::Administrator).await;
    admin.send("DELETE", &path::fill(path::USER_SESSIONS, &["coder"]), None).await.expect(204);
    here.get(path::SESSION).await.expect(401);
    admin.send("DELETE", &path::fill(path::USER_SESSIONS, &["nobody"]), None).await.expect(404);
}

#[tokio::test]
async fn strangers_failures_do_not_lock_the_owner_out() {
    let world = World::new().await;
    let mut owner = world.signed_in(Role::Coder).await;
    let mut refused = 0;
    for _ in 0..20 {
        refused += u32::from(world.stranger().sign_in("coder", "wrong wrong wrong").await.status == 429);
    }
    assert!(refused > 10, "{refused}");
    world.stranger().sign_in("coder", PASSWORD).await.expect(429);
    // The browser that signed in before carries its sign.
    owner.cookie = None;
    owner.sign_in("coder", PASSWORD).await.expect(200);
    // It is no sign of anybody else.
    for _ in 0..20 {
        world.stranger().sign_in("reviewer", "wrong wrong wrong").await;
    }
    let mark = owner.device.clone().expect("the browser was marked");
    let mut client = world.stranger();
    client.device = Some(mark.clone());
    client.sign_in("reviewer", PASSWORD).await.expect(429);
    // Nor is one that was changed.
    let last = if mark.ends_with('A') { 'B' } else { 'A' };
    client.device = Some(format!("{}{last}", &mark[..mark.len() - 1]));
    client.sign_in("coder", PASSWORD).await.expect(429);
    client.device = Some(mark);
    client.sign_in("coder", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_invitation_is_good_once_and_for_its_time() {
    let world = World::new().await;
    let admin = world.signed_in(Role::Administrator).await;
    let user = json!({ "id": "eva", "name": "Eva", "role": "reviewer" });
    admin.post(path::USERS, &user).await.expect(201);
    world.stranger().sign_in("eva", "").await.expect(401);
    let invite = path::fill(path::INVITE, &["eva"]);
    let first: Invited = admin.post(&invite, &json!({})).await.expect(201).json();
    let second: Invited = admin.post(&invite, &json!({})).await.expect(201).json();
    let token = |made: &Invited| made.link.split_once('#').unwrap().1.to_owned();
    let stranger = world.stranger();
    let look = async |token: &str| stranger.post(path::INVITATION, &json!({ "token": token })).await;
    look(&token(&first)).await.expect(404);
    let view: InvitationView = look(&token(&second)).await.expect(200).json();
    assert_eq!((view.user.as_str(), view.name.as_str()), ("eva", "Eva"));
    let accept = |token: String, password: &str| json!({ "token": token, "password": password });
    stranger.post(path::ACCEPT_INVITATION, &accept(token(&second), "short")).await.expect(422);
    let mut eva = world.stranger();
    let taken =
        eva.post(path::ACCEPT_INVITATION, &accept(token(&second), "four small boats")).await.expect(200);
    eva.take_cookies(&taken);
    eva.get(path::ENTRIES).await.expect(200);
    stranger.post(path::ACCEPT_INVITATION, &accept(token(&second), "five small boats")).await.expect(404);
    world.stranger().sign_in("eva", "four small boats").await.expect(200);
    let third: Invited = admin.post(&invite, &json!({})).await.expect(201).json();
    world.source.advance(73 * 60 * MINUTE);
    look(&token(&third)).await.expect(404);
    assert_eq!(recorded(&world, AuditAction::InvitationAccepted).await, 1);
}

async fn passkey_world() -> World {
    let config = Config { public_url: Some(ORIGIN.to_owned()), ..Config::default() };
    World::with(WorldOptions { config, ..WorldOptions::default() }).await
}

async fn add_passkey(client: &Client, authenticator: &mut SoftPasskey) -> Answer {
    let asked: PasskeyChallenge = client.send("POST", path::NEW_PASSKEY, None).await.expect(200).json();
    let options: Value = serde_json::from_str(&asked.options).unwrap();
    assert_eq!(options["authenticatorSelection"]["residentKey"], "preferred");
    let question = serde_json::from_value(json!({ "publicKey": options })).unwrap();
    let made = authenticator.do_registration(ORIGIN.parse().unwrap(), question).unwrap();
    let credential = serde_json::to_string(&made).unwrap();
    let new = json!({ "challenge": asked.challenge, "name": "key", "credential": credential });
    client.post(path::PASSKEYS, &new).await
}

/// Answers a question; what goes to the server.
async fn answered(client: &Client, authenticator: &mut SoftPasskey, origin: &str) -> Value {
    let asked: PasskeyChallenge = client.send("POST", path::PASSKEY_CHALLENGE, None).await.expect(200).json();
    let options: Value = serde_json::from_str(&asked.options).unwrap();
    let question = serde_json::from_value(json!({ "publicKey": options })).unwrap();
    let given = authenticator.do_authentication(origin.parse().unwrap(), question).unwrap();
    json!({ "challenge": asked.challenge, "credential": serde_json::to_string(&given).unwrap() })
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_and_opens_a_locked_session() {
    let world = passkey_world().await;
    let client = world.signed_in(Role::Coder).await;
    let mut authenticator = SoftPasskey::new(true);
    let made: RecoveryCodes = add_passkey(&client, &mut authenticator).await.expect(200).json();
    assert_eq!(made.codes.len(), 10);

    let mut again = world.stranger();
    let session: SessionView = again.sign_in("coder", PASSWORD).await.expect(200).json();
    assert_eq!(
        (session.stage, &session.ways[..]),
        (Stage::SecondFactor, &[Way::Passkey, Way::RecoveryCode][..])
    );
    let answer = answered(&again, &mut authenticator, ORIGIN).await;
    let open = again.post(path::SESSION_PASSKEY, &answer).await.expect(200);
    again.take_cookies(&open);
    again.get(path::ENTRIES).await.expect(200);
    // The same answer does not come again.
    again.post(path::SESSION_PASSKEY, &answer).await.expect(401);
    again.send("POST", path::LOCK, None).await.expect(204);
    let answer = answered(&again, &mut authenticator, ORIGIN).await;
    let open = again.post(path::SESSION_PASSKEY, &answer).await.expect(200);
    again.take_cookies(&open);
    assert_eq!(again.get(path::SESSION).await.expect(200).json::<SessionView>().stage, Stage::Open);

    let account: AccountView = again.get(path::ACCOUNT).await.expect(200).json();
    assert!(account.passkeys[0].last_used_at.is_some());
    let gone = path::fill(path::PASSKEY, &[&account.passkeys[0].id]);
    world.signed_in(Role::Reviewer).await.send("DELETE", &gone, None).await.expect(404);
    again.send("DELETE", &gone, None).await.expect(204);
    let session: SessionView = world.stranger().sign_in("coder", PASSWORD).await.expect(200).json();
    assert_eq!(session.stage, Stage::Open);
}

#[tokio::test]
async fn passkeys_of_others_of_other_sites_and_forged_ones_are_refused() {
    let world = passkey_world().await;
    let coder = world.signed_in(Role::Coder).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let mut authenticator = SoftPasskey::new(true);
    add_passkey(&coder, &mut authenticator).await.expect(200);
    let mut other = SoftPasskey::new(true);
    add_passkey(&reviewer, &mut other).await.expect(200);

    let mut half = world.stranger();
    half.sign_in("coder", PASSWORD).await.expect(200);
    // A question to the coder, answered by the reviewer's: their own question's answer under this challenge.
    let asked: PasskeyChallenge = half.send("POST", path::PASSKEY_CHALLENGE, None).await.expect(200).json();
    let mut foreign = answered(&reviewer, &mut other, ORIGIN).await;
    foreign["challenge"] = json!(asked.challenge);
    half.post(path::SESSION_PASSKEY, &foreign).await.expect(401).error(ErrorCode::WrongCredentials);
    // Made for another site, as a phishing page would.
    let phished = answered(&half, &mut authenticator, "https://evil.overread.example.org").await;
    half.post(path::SESSION_PASSKEY, &phished).await.expect(401);
    // A changed signature, a changed challenge, nonsense.
    let good = answered(&half, &mut authenticator, ORIGIN).await;
    let mut credential: Value = serde_json::from_str(good["credential"].as_str().unwrap()).unwrap();
    let signature = credential["response"]["signature"].as_str().unwrap().to_owned();
    let flipped = if signature.starts_with("ME") {
        signature.replacen("ME", "MF", 1)
    } else {
        format!("MF{signature}")
    };
    credential["response"]["signature"] = json!(flipped);
    let forged = json!({ "challenge": good["challenge"], "credential": credential.to_string() });
    half.post(path::SESSION_PASSKEY, &forged).await.expect(401);
    half.post(path::SESSION_PASSKEY, &good).await.expect(401);
    for wrong in [
        json!({ "challenge": "x", "credential": "{}" }),
        json!({ "challenge": "x", "credential": "Zebraquux" }),
    ] {
        let refused = half.post(path::SESSION_PASSKEY, &wrong).await.expect(401);
        assert!(!refused.text().contains("Zebraquux"));
    }
    assert!(recorded(&world, AuditAction::SignInRefused).await >= 6);
    // The same passkey belongs to one person.
    let asked: PasskeyChallenge = reviewer.send("POST", path::NEW_PASSKEY, None).await.expect(200).json();
    let stolen = json!({ "challenge": asked.challenge, "name": "x", "credential": "{}" });
    reviewer.post(path::PASSKEYS, &stolen).await.expect(422);
    // Too late.
    let late = answered(&half, &mut authenticator, ORIGIN).await;
    world.source.advance(6 * MINUTE);
    half.post(path::SESSION_PASSKEY, &late).await.expect(401);
}

#[tokio::test]
async fn without_an_address_of_its_own_there_are_no_passkeys() {
    let world = World::new().await;
    let client = world.signed_in(Role::Coder).await;
    client.send("POST", path::NEW_PASSKEY, None).await.expect(409).error(ErrorCode::WrongState);
    client.send("POST", path::PASSKEY_CHALLENGE, None).await.expect(409);
}
