use overread_domain::{Role, Template, Timestamp};
use overread_store::{StoreError, UserPatch};

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

pub async fn sessions_end_by_time_by_hand_and_with_their_user(world: World) {
    let store = &world.store;
    let at = |millis| Timestamp(store.now().0 + millis);
    for (token, user, millis) in [("t1", "ann", 1_000), ("t2", "ann", 9_000), ("t3", "bob", 9_000)] {
        store.create_session(&user.into(), token, at(millis)).await.unwrap();
    }
    let (session, user) = store.session("t1").await.unwrap().unwrap();
    assert_eq!((session.user.as_str(), user.id.as_str(), session.expires_at), ("ann", "ann", at(1_000)));
    world.source.advance(1_000);
    assert!(store.session("t1").await.unwrap().is_none(), "its time is over");
    assert_eq!(store.delete_expired_sessions().await.unwrap(), 1);

    let later = at(20_000);
    store.touch_session("t2", later).await.unwrap();
    assert_eq!(store.session("t2").await.unwrap().unwrap().0.expires_at, later);
    store.delete_session("t2").await.unwrap();
    assert!(store.session("t2").await.unwrap().is_none());

    let disable = UserPatch { disabled: Some(true), ..UserPatch::default() };
    store.update_user(&"bob".into(), disable).await.unwrap();
    assert!(store.session("t3").await.unwrap().is_none());
    assert_eq!(store.delete_sessions_of(&"bob".into()).await.unwrap(), 0, "disabling ended them");
    assert!(store.create_session(&"bob".into(), "t4", later).await.is_err());
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
