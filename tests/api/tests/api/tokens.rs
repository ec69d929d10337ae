//! Tokens of scripts.

use overread_api::account::{AccountView, TokenMade};
use overread_api::{ErrorCode, path};
use overread_api_tests::{Client, PASSWORD, World};
use overread_domain::{AuditAction, Permission, Role, UserId};
use overread_server::{Access, RULES};
use overread_store::{AuditFilter, UserPatch};
use serde_json::json;

async fn token(world: &World, role: Role, scopes: &[Permission]) -> Client {
    let owner = world.signed_in(role).await;
    let new = json!({ "name": "script", "scopes": scopes, "days": 30 });
    let made: TokenMade = owner.post(path::TOKENS, &new).await.expect(201).json();
    assert!(made.token.starts_with(path::TOKEN_PREFIX));
    let mut script = world.stranger();
    // No page, no header against forgery.
    script.careful = false;
    script.bearer = Some(made.token);
    script
}

#[tokio::test]
async fn a_token_may_what_both_its_scopes_and_its_owner_may() {
    let world = World::new().await;
    for scope in [Permission::ReadEntries, Permission::ImportNotes, Permission::SeeAudit] {
        let script = token(&world, Role::QaLead, &[scope]).await;
        for rule in RULES {
            let at = path::fill(rule.path, &["nothing", "nothing"]);
            let answer = match rule.method.as_str() {
                "GET" | "DELETE" => script.send(rule.method.as_str(), &at, None).await,
                method => script.json(method, &at, &json!({})).await,
            };
            let told = format!("{} {}: {}", rule.method, rule.path, answer.text());
            match rule.access {
                Access::Public => {}
                Access::Needs(needed) if needed == scope => {
                    assert!(!matches!(answer.status, 401 | 403), "{told}");
                }
                Access::SignedIn if rule.method == "GET" => assert_ne!(answer.status, 403, "{told}"),
                _ => assert_eq!(answer.status, 403, "{told}"),
            }
        }
    }
}

#[tokio::test]
async fn scopes_beyond_the_role_and_senseless_tokens_are_refused() {
    let world = World::new().await;
    let client = world.signed_in(Role::Reviewer).await;
    for (scopes, days, field) in [
        (json!(["manage_users"]), 30, "scopes"),
        (json!([]), 30, "scopes"),
        (json!(["read_entries"]), 0, "days"),
        (json!(["read_entries"]), 366, "days"),
    ] {
        let new = json!({ "name": "script", "scopes": scopes, "days": days });
        let error = client.post(path::TOKENS, &new).await.expect(422).error(ErrorCode::Invalid);
        assert_eq!(error.places[0].field.as_deref(), Some(field));
    }
    // A role that shrinks takes its tokens along.
    let script = token(&world, Role::QaLead, &[Permission::SeeAudit]).await;
    script.get(path::AUDIT).await.expect(200);
    let patch = UserPatch { role: Some(Role::Reviewer), ..UserPatch::default() };
    world.app.store.update_user(&UserId::new("qa_lead"), patch).await.unwrap();
    script.get(path::AUDIT).await.expect(403);
}

#[tokio::test]
async fn tokens_end_by_time_by_hand_and_with_their_owner() {
    let world = World::new().await;
    let (one, two, three) = (
        token(&world, Role::Coder, &[Permission::ReadEntries]).await,
        token(&world, Role::Coder, &[Permission::ReadEntries]).await,
        token(&world, Role::Reviewer, &[Permission::ReadEntries]).await,
    );
    for script in [&one, &two, &three] {
        script.get(path::ENTRIES).await.expect(200);
    }
    let mut owner = world.stranger();
    owner.sign_in("coder", PASSWORD).await.expect(200);
    let account: AccountView = owner.get(path::ACCOUNT).await.expect(200).json();
    assert!(account.tokens.iter().all(|token| token.last_used_at.is_some()));
    let revoke = path::fill(path::TOKEN, &[&account.tokens[0].id]);
    world.signed_in(Role::Reviewer).await.send("DELETE", &revoke, None).await.expect(404);
    owner.send("DELETE", &revoke, None).await.expect(204);
    two.get(path::ENTRIES).await.expect(401).error(ErrorCode::NotSignedIn);
    one.get(path::ENTRIES).await.expect(200);
    let patch = UserPatch { disabled: Some(true), ..UserPatch::default() };
    world.app.store.update_user(&UserId::new("reviewer"), patch).await.unwrap();
    three.get(path::ENTRIES).await.expect(401);
    world.source.advance(31 * 24 * 3_600_000);
    one.get(path::ENTRIES).await.expect(401);
}

#[tokio::test]
async fn forged_tokens_are_refused_and_what_tokens_do_is_on_record() {
    let world = World::new().await;
    let mut script = token(&world, Role::QaLead, &[Permission::SeeAudit]).await;
    script.get(path::AUDIT).await.expect(200);
    let filter = AuditFilter { action: Some(AuditAction::AuditViewed), ..AuditFilter::default() };
    let rows = world.app.store.audit(&filter, 10).await.unwrap();
    assert!(rows[0].event.detail.contains_key("token"));
    let good = script.bearer.clone().unwrap();
    for forged in [
        format!("{good}0"),
        good[..good.len() - 1].to_owned(),
        "ovr_".into(),
        format!("ovr_{}", "0".repeat(64)),
    ] {
        script.bearer = Some(forged);
        script.get(path::AUDIT).await.expect(401);
    }
    let filter = AuditFilter { action: Some(AuditAction::TokenRefused), ..AuditFilter::default() };
    assert_eq!(world.app.store.audit(&filter, 10).await.unwrap().len(), 4);
}
