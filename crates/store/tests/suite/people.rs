use overread_domain::{Role, Template, Timestamp};
use overread_store::{NewSession, NewToken, Stage, StoreError, UserPatch};

use crate::world::{World, new_user, template};

pub async fn users_are_kept_and_changed(world: World) {
    let store = &world.store;
    let taken = store.create_user(new_user("ann", Role::Coder)).await;
    assert!(matches!(taken, Err(StoreError::Conflict { what: "user", .. })), "{taken:?}");

    store.set_password(&"ann".into(), "other", false).await.unwrap();
    store.record_sign_in(&"ann".into()).await.unwrap();
    let patch = UserPatch { role: Some(Role::QaLead), ..UserPatch::default() };
    let changed = store.update_user(&"ann".into(), patch).await.unwrap();
    assert_eq!((changed.role, changed.name.as_str(), changed.disabled), (Role::QaLead, "ANN", false));
    let ann = store.user(&"ann".into()).await.unwrap().unwrap();
    assert!(ann == changed && ann.password_hash == "other" && !ann.must_change_password);
    assert_eq!(ann.last_sign_in, Some(store.now()));

    let ids: Vec<_> = store.users().await.unwrap().into_iter().map(|user| user.id.to_string()).collect();
    assert_eq!(ids, ["ann", "bob"]);
    assert!(store.user(&"eve".into()).await.unwrap().is_none());
    let missing = store.set_password(&"eve".into(), "x", false).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    assert!(!format!("{ann:?}").contains("other"), "a password's hash is in no log");
}

fn session(token: &str, stage: Stage, expires_at: Timestamp) -> NewSession {
    NewSession {
        token_hash: token.to_owned(),
        stage,
        method: "password".to_owned(),
        expires_at,
        address: "10.0.0.1".to_owned(),
        agent: "a browser".to_owned(),
    }
}

pub async fn sessions_end_by_time_by_hand_and_with_their_user(world: World) {
    let store = &world.store;
    let at = |millis| Timestamp(store.now().0 + millis);
    for (token, user, millis) in [("t1", "ann", 1_000), ("t2", "ann", 9_000), ("t3", "bob", 9_000)] {
        store.create_session(&user.into(), session(token, Stage::Open, at(millis))).await.unwrap();
    }
    let (first, user) = store.session("t1").await.unwrap().unwrap();
    assert_eq!((first.user.as_str(), user.id.as_str(), first.expires_at), ("ann", "ann", at(1_000)));
    world.source.advance(1_000);
    assert!(store.session("t1").await.unwrap().is_none(), "its time is over");
    assert_eq!(store.delete_expired_sessions().await.unwrap(), 1);

    store.touch_session("t2").await.unwrap();
    assert_eq!(store.session("t2").await.unwrap().unwrap().0.last_seen_at, store.now());
    store.lock_session("t2").await.unwrap();
    assert_eq!(store.session("t2").await.unwrap().unwrap().0.stage, Stage::Locked);
    let later = at(20_000);
    assert!(store.confirm_session("t2", "t2b", "totp", later).await.unwrap());
    assert!(!store.confirm_session("t2", "t2c", "totp", later).await.unwrap(), "it has another token now");
    let (again, _) = store.session("t2b").await.unwrap().unwrap();
    assert_eq!((again.stage, again.expires_at, again.method.as_str()), (Stage::Open, later, "totp"));
    let other = store.create_session(&"ann".into(), session("t5", Stage::Open, later)).await.unwrap();
    assert_eq!(store.sessions_of(&"ann".into()).await.unwrap().len(), 2);
    assert!(store.end_session(&"bob".into(), &other.id).await.is_err(), "it is not bob's");
    assert_eq!(store.delete_sessions_of(&"ann".into(), Some(&again.id)).await.unwrap(), 1);
    store.delete_session("t2b").await.unwrap();
    assert!(store.session("t2b").await.unwrap().is_none());

    let disable = UserPatch { disabled: Some(true), ..UserPatch::default() };
    store.update_user(&"bob".into(), disable).await.unwrap();
    assert!(store.session("t3").await.unwrap().is_none());
    assert_eq!(store.delete_sessions_of(&"bob".into(), None).await.unwrap(), 0, "disabling ended them");
    assert!(store.create_session(&"bob".into(), session("t4", Stage::Open, later)).await.is_err());
}

pub async fn factors_questions_and_codes_count_once(world: World) {
    let store = &world.store;
    let (ann, bob) = ("ann".into(), "bob".into());
    store.begin_totp(&ann, "sealed 1").await.unwrap();
    store.begin_totp(&ann, "sealed 2").await.unwrap();
    assert!(!store.factors(&ann).await.unwrap().second(), "nothing counts before its first code");
    assert!(store.take_step(&ann, 100).await.unwrap());
    for (step, fine) in [(100, false), (99, false), (101, true)] {
        assert_eq!(store.take_step(&ann, step).await.unwrap(), fine, "{step}");
    }
    assert!(store.begin_totp(&ann, "sealed 3").await.is_err(), "a confirmed one is removed first");
    store.reseal_totp(&ann, "sealed 1", "x").await.unwrap();
    assert_eq!(store.sealed_totp().await.unwrap(), [(ann.clone(), "sealed 2".to_owned())]);
    // At once from two devices: one of them gets in.
    let (a, b) = tokio::join!(store.take_step(&ann, 102), store.take_step(&ann, 102));
    assert_eq!(u32::from(a.unwrap()) + u32::from(b.unwrap()), 1);

    store.set_recovery_codes(&ann, &["h1".into(), "h2".into()]).await.unwrap();
    let (a, b) = tokio::join!(store.take_recovery_code(&ann, "h1"), store.take_recovery_code(&ann, "h1"));
    assert_eq!(u32::from(a.unwrap()) + u32::from(b.unwrap()), 1);
    assert!(!store.take_recovery_code(&bob, "h2").await.unwrap());

    store.add_passkey(&ann, "p1", "laptop", "{}").await.unwrap();
    assert!(store.add_passkey(&bob, "p1", "stolen", "{}").await.is_err());
    let factors = store.factors(&ann).await.unwrap();
    assert_eq!((factors.totp, factors.passkeys, factors.recovery_codes), (true, 1, 1));
    assert_eq!(store.users_with_second_factor().await.unwrap(), std::slice::from_ref(&ann));

    let soon = Timestamp(store.now().0 + 1_000);
    for id in ["c1", "c2"] {
        store.ask("passkey", id, Some(&ann), "body", soon).await.unwrap();
    }
    assert!(store.asked("oidc", "c1").await.unwrap().is_none(), "of another kind");
    let (a, b) = tokio::join!(store.asked("passkey", "c1"), store.asked("passkey", "c1"));
    assert_eq!([a.unwrap(), b.unwrap()].iter().flatten().count(), 1);
    world.source.advance(1_000);
    assert!(store.asked("passkey", "c2").await.unwrap().is_none(), "too late");

    let eve = new_user("eve", Role::Coder);
    store.create_federated_user(eve, "issuer", "subject").await.unwrap();
    let again = store.create_federated_user(new_user("kim", Role::Coder), "issuer", "subject").await;
    assert!(again.is_err() && store.user(&"kim".into()).await.unwrap().is_none(), "all of it or nothing");
    assert_eq!(store.identity("issuer", "subject").await.unwrap(), Some("eve".into()));
    assert!(store.identity("other", "subject").await.unwrap().is_none());
    assert!(store.factors(&"eve".into()).await.unwrap().federated);

    store.reset_factors(&ann).await.unwrap();
    let factors = store.factors(&ann).await.unwrap();
    assert!(!factors.second() && factors.recovery_codes == 0 && !factors.federated);
}

pub async fn tokens_and_invitations_end_with_their_user_and_time(world: World) {
    let store = &world.store;
    let (ann, bob) = ("ann".into(), "bob".into());
    let soon = Timestamp(store.now().0 + 1_000);
    let new = |hash: &str| NewToken {
        token_hash: hash.to_owned(),
        name: "script".to_owned(),
        scopes: vec!["read_entries".to_owned()],
        expires_at: soon,
    };
    let made = store.create_token(&ann, new("t1")).await.unwrap();
    let (token, user) = store.token("t1").await.unwrap().unwrap();
    assert_eq!((token.id.as_str(), user.id.as_str()), (made.id.as_str(), "ann"));
    store.touch_token(&made.id).await.unwrap();
    assert_eq!(store.tokens_of(&ann).await.unwrap()[0].last_used_at, Some(store.now()));
    assert!(store.revoke_token(&bob, &made.id).await.is_err(), "it is not bob's");
    store.revoke_token(&ann, &made.id).await.unwrap();
    assert!(store.token("t1").await.unwrap().is_none());
    store.create_token(&bob, new("t2")).await.unwrap();

    store.invite(&bob, "i1", &ann, soon).await.unwrap();
    store.invite(&bob, "i2", &ann, soon).await.unwrap();
    assert!(store.invitation("i1").await.unwrap().is_none(), "another took its place");
    let (a, b) = tokio::join!(store.accept_invitation("i2", "h1"), store.accept_invitation("i2", "h2"));
    assert_eq!(u32::from(a.unwrap()) + u32::from(b.unwrap()), 1);
    store.invite(&bob, "i3", &ann, soon).await.unwrap();
    let disable = UserPatch { disabled: Some(true), ..UserPatch::default() };
    store.update_user(&bob, disable).await.unwrap();
    assert!(store.invitation("i3").await.unwrap().is_none() && store.token("t2").await.unwrap().is_none());
    // A password that somebody else sets, and a reset of the second factor, end what may be in a thief's hands.
    store.create_token(&ann, new("t4")).await.unwrap();
    store.create_session(&ann, session("s1", Stage::Open, soon)).await.unwrap();
    assert_eq!(store.give_password(&ann, "h3", true).await.unwrap(), 1);
    assert!(store.token("t4").await.unwrap().is_none() && store.session("s1").await.unwrap().is_none());
    store.create_token(&ann, new("t5")).await.unwrap();
    store.reset_factors(&ann).await.unwrap();
    assert!(store.token("t5").await.unwrap().is_none());
    store.create_token(&ann, new("t3")).await.unwrap();
    world.source.advance(1_000);
    assert!(store.token("t3").await.unwrap().is_none(), "its time is over");
}

pub async fn a_template_gets_a_version_for_each_change(world: World) {
    let store = &world.store;
    assert_eq!(store.put_template(&template()).await.unwrap(), 1, "nothing changed");
    let renamed = Template { name: "Longer".into(), ..template() };
    assert_eq!(store.put_template(&renamed).await.unwrap(), 2);
    world.import(vec![crate::world::note("n1")]).await;
    let latest = store.template("short").await.unwrap().unwrap();
    assert_eq!((latest.version, latest.name.as_str()), (2, "Longer"));
    assert_eq!(store.template_version("short", 1).await.unwrap().unwrap().name, "Short");
    assert!(store.template_version("short", 3).await.unwrap().is_none());
    let rows = store.templates().await.unwrap();
    assert_eq!((rows.len(), rows[0].version, rows[0].fields, rows[0].entries), (1, 2, 3, 1));
    let broken = Template { groups: vec![], ..template() };
    assert!(matches!(store.put_template(&broken).await, Err(StoreError::Invalid { .. })));
}
