use overread_domain::{AuditAction, UserId};
use overread_store::{AuditFilter, Broken, Chain, Engine, Event, Origin, StoreError};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use crate::world::{World, accept};

fn event(nth: usize) -> Event {
    let origin = Origin { request: format!("r{nth}"), address: "192.0.2.7".into() };
    Event::new(AuditAction::EntryViewed, Some(&UserId::new("ann")), &origin)
        .on(format!("e{nth}"))
        .with("suggestion_set", format!("s{nth}"))
}

async fn five(world: &World) -> Chain {
    for nth in 1..=5 {
        world.store.record(event(nth)).await.unwrap();
    }
    world.store.verify_audit().await.unwrap().unwrap()
}

/// What somebody with the database in their hands can do; the triggers are no obstacle to them.
async fn tamper(world: &World, statements: &[&str]) {
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    let open: &[&str] = match world.store.engine() {
        Engine::Sqlite => {
            &["DROP TRIGGER IF EXISTS audit_no_update", "DROP TRIGGER IF EXISTS audit_no_delete"]
        }
        Engine::Postgres => &["DROP TRIGGER IF EXISTS audit_written_once ON audit"],
    };
    for sql in open.iter().chain(statements) {
        sqlx::raw_sql(AssertSqlSafe((*sql).to_owned())).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

pub async fn rows_follow_on_each_other_and_are_found_again(world: World) {
    assert_eq!(world.store.verify_audit().await.unwrap().unwrap().rows, 0);
    let chain = five(&world).await;
    assert_eq!(chain.rows, 5);
    let all = world.store.audit(&AuditFilter::default(), 3).await.unwrap();
    assert_eq!(all.iter().map(|row| row.seq).collect::<Vec<_>>(), [5, 4, 3]);
    assert_eq!((&all[0].event, &all[0].hash), (&event(5), &chain.hash));
    let before = AuditFilter { before: Some(3), ..AuditFilter::default() };
    assert_eq!(world.store.audit(&before, 9).await.unwrap().len(), 2);
    let one = AuditFilter {
        subject: Some("e2".into()),
        user: Some("ann".into()),
        action: Some(AuditAction::EntryViewed),
        ..AuditFilter::default()
    };
    assert_eq!(world.store.audit(&one, 9).await.unwrap()[0].event, event(2));
    let none = AuditFilter { action: Some(AuditAction::Decided), ..AuditFilter::default() };
    assert!(world.store.audit(&none, 9).await.unwrap().is_empty());
    let later = AuditFilter { since: Some(world.store.now().plus_millis(1)), ..AuditFilter::default() };
    assert!(world.store.audit(&later, 9).await.unwrap().is_empty());
    assert_eq!(
        world.store.audit_after(3, 9).await.unwrap().iter().map(|r| r.seq).collect::<Vec<_>>(),
        [4, 5]
    );
}

pub async fn what_is_recorded_stands_or_falls_with_its_event(world: World) {
    let entry = world.entry("n1").await;
    let recorded = world.store.recording(event(1));
    recorded.set_password(&UserId::new("ann"), "hash", false).await.unwrap();
    assert_eq!(world.store.verify_audit().await.unwrap().unwrap().rows, 1);
    // Refused: neither the change nor its event.
    assert!(
        world.store.recording(event(2)).set_password(&UserId::new("nobody"), "hash", false).await.is_err()
    );
    assert_eq!(world.store.verify_audit().await.unwrap().unwrap().rows, 1);
    world.decide(&entry, "ann", 0, vec![accept(0)]).await.unwrap();
    assert_eq!(
        world.store.verify_audit().await.unwrap().unwrap().rows,
        1,
        "who records nothing leaves no row"
    );
}

pub async fn many_writers_make_one_chain(world: World) {
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let store = world.store.clone();
            tokio::spawn(async move {
                for nth in 0..15 {
                    store.record(event(writer * 100 + nth)).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(world.store.verify_audit().await.unwrap().unwrap().rows, 90);
}

pub async fn the_database_refuses_to_change_the_trail(world: World) {
    five(&world).await;
    let mut connection = AnyConnection::connect(&world.url).await.unwrap();
    for sql in ["UPDATE audit SET user_id = 'bob' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"] {
        assert!(sqlx::raw_sql(sql).execute(&mut connection).await.is_err(), "{sql}");
    }
    connection.close().await.unwrap();
}

pub async fn a_changed_row_is_named(world: World) {
    five(&world).await;
    tamper(&world, &["UPDATE audit SET user_id = 'bob' WHERE seq = 3"]).await;
    assert_eq!(world.store.verify_audit().await.unwrap(), Err(Broken::Changed { seq: 3 }));
}

pub async fn a_removed_row_is_named(world: World) {
    five(&world).await;
    tamper(&world, &["DELETE FROM audit WHERE seq = 3"]).await;
    assert_eq!(world.store.verify_audit().await.unwrap(), Err(Broken::Missing { seq: 3 }));
    // Closing the gap does not help.
    tamper(&world, &["UPDATE audit SET seq = 3 WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5"])
        .await;
    assert_eq!(world.store.verify_audit().await.unwrap(), Err(Broken::Moved { seq: 3 }));
}

pub async fn rows_in_another_order_are_named(world: World) {
    five(&world).await;
    let swap = [
        "UPDATE audit SET seq = 99 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 99",
    ];
    tamper(&world, &swap).await;
    assert_eq!(world.store.verify_audit().await.unwrap(), Err(Broken::Moved { seq: 2 }));
}

pub async fn a_trail_cut_short_is_noticed(world: World) {
    let chain = five(&world).await;
    tamper(&world, &["DELETE FROM audit WHERE seq > 3"]).await;
    let cut = world.store.verify_audit().await.unwrap();
    assert_eq!(cut, Err(Broken::Truncated { found: 3, expected: 5 }));
    // Nobody signs for what is not there.
    let signed = world.store.review_audit(&chain, &UserId::new("ann"), "looked through").await;
    assert!(matches!(signed, Err(StoreError::Conflict { .. })), "{signed:?}");
}

pub async fn a_sign_off_shows_a_trail_made_anew(world: World) {
    let chain = five(&world).await;
    let ann = UserId::new("ann");
    let review = world.store.review_audit(&chain, &ann, "November").await.unwrap();
    assert_eq!(world.store.audit_reviews(9).await.unwrap(), [review]);
    assert!(world.store.review_audit(&chain, &ann, "again").await.is_err());
    // Cut short with its end moved along: only the sign-off knows more.
    let rows = world.store.audit_after(2, 1).await.unwrap();
    let end = format!("UPDATE audit_head SET seq = 3, hash = '{}' WHERE id = 1", rows[0].hash);
    tamper(&world, &["DELETE FROM audit WHERE seq > 3", &end]).await;
    assert_eq!(world.store.verify_audit().await.unwrap(), Err(Broken::Truncated { found: 3, expected: 5 }));
    // Written again to the same length: it has another content than was signed.
    for nth in [8, 9] {
        world.store.record(event(nth)).await.unwrap();
    }
    assert_eq!(world.store.verify_audit().await.unwrap(), Err(Broken::Reviewed { seq: 5 }));
}
