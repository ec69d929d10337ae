//! What an auditor is shown: what is on and off, and what stands out in the trail.

use overread_api::access::OpenedNote;
use overread_api::audit::{Unusual, UnusualKind};
use overread_api::path;
use overread_api::system::Protection;
use overread_api_tests::{NOTE, World, WorldOptions};
use overread_domain::{AuditAction, Reach, Role};
use overread_store::{Event, Origin, UserPatch};
use serde_json::json;

async fn state(world: &World) -> Vec<(String, Option<bool>, String)> {
    let admin = world.signed_in(Role::Administrator).await;
    let all: Vec<Protection> = admin.get(path::PROTECTION).await.expect(200).json();
    all.into_iter().map(|one| (one.what, one.on, one.detail)).collect()
}

fn on(all: &[(String, Option<bool>, String)], what: &str) -> Option<bool> {
    all.iter().find(|one| one.0.contains(what)).unwrap_or_else(|| panic!("{what}: {all:?}")).1
}

#[tokio::test]
async fn what_is_off_is_said_and_what_was_done_counts_for_a_while() {
    let world = World::new().await;
    let off = state(&world).await;
    for what in ["TLS", "at rest", "second factor", "Passkeys", "Single sign-on", "Copies", "trail", "Masks"]
    {
        assert_eq!(on(&off, what), Some(false), "{what}");
    }
    assert_eq!(on(&off, "Keys"), Some(true));
    assert_eq!(on(&off, "Reasons"), Some(true));

    let made = Event::new(AuditAction::BackupMade, None, &Origin::default()).with("encrypted", "true");
    world.app.store.record(made).await.unwrap();
    let masked = UserPatch { reach: Some(Reach::default()), ..UserPatch::default() };
    world.app.store.update_user(&"qa_lead".into(), masked).await.unwrap();
    world.note("n1", NOTE).await;
    let lead = world.signed_in(Role::QaLead).await;
    let reason = json!({ "note": "n1", "reason": "Two reviewers disagree on it" });
    lead.post(path::OPENED, &reason).await.expect(201).json::<OpenedNote>();
    let now = state(&world).await;
    assert_eq!(
        (on(&now, "Copies"), on(&now, "Masks"), on(&now, "Reasons")),
        (Some(true), Some(true), Some(false))
    );
    world.source.advance(49 * 3_600_000);
    assert_eq!(on(&state(&world).await, "Copies"), Some(false), "a copy of the day before yesterday is late");
}

#[tokio::test]
async fn settings_that_protect_are_seen() {
    let mut options = WorldOptions::default();
    options.config.secure_cookies = true;
    options.config.public_url = Some("https://overread.example.org".into());
    let world = World::with(options).await;
    let all = state(&world).await;
    assert_eq!((on(&all, "TLS"), on(&all, "Passkeys")), (Some(true), Some(true)));
}

#[tokio::test]
async fn what_stands_out_in_the_trail_is_told() {
    let world = World::new().await;
    let lead = world.signed_in(Role::QaLead).await;
    let quiet: Vec<Unusual> = lead.get(path::UNUSUAL).await.expect(200).json();
    assert_eq!(quiet, []);
    for _ in 0..5 {
        world.stranger().sign_in("coder", "not the password").await;
    }
    let reviewer = world.signed_in(Role::Reviewer).await;
    for _ in 0..10 {
        reviewer.get(path::USERS).await.expect(403);
    }
    let told: Vec<Unusual> = lead.get(path::UNUSUAL).await.expect(200).json();
    let mut kinds: Vec<(String, UnusualKind, u64)> = told
        .into_iter()
        .map(|one| (one.user.map(|user| user.to_string()).unwrap_or_default(), one.kind, one.count))
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            ("coder".into(), UnusualKind::SignInsRefused, 5),
            ("reviewer".into(), UnusualKind::AccessRefused, 10)
        ]
    );
    reviewer.get(path::UNUSUAL).await.expect(403);
}
