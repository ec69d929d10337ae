use overread_domain::{CodeRef, Level, RuleLevels, UserId};
use overread_store::StoreError;

use crate::world::World;

pub async fn levels_are_versioned_and_never_lost(world: World) {
    let ann = UserId::new("ann");
    assert_eq!(world.store.edit_levels().await.unwrap(), None);
    let mut levels = RuleLevels::default();
    levels.levels.insert("C-201".into(), Level::Warning);
    assert_eq!(world.store.put_edit_levels(0, &levels, "a trial", &ann).await.unwrap(), 1);
    // Somebody who saw the version before does not overwrite.
    let late = world.store.put_edit_levels(0, &RuleLevels::default(), "late", &ann).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    levels.levels.insert("C-201".into(), Level::Off);
    assert_eq!(world.store.put_edit_levels(1, &levels, "no more", &ann).await.unwrap(), 2);
    let versions = world.store.edit_level_versions(10).await.unwrap();
    let told: Vec<(u32, &str)> = versions.iter().map(|v| (v.version, v.comment.as_str())).collect();
    assert_eq!(told, [(2, "no more"), (1, "a trial")]);
    assert_eq!(world.store.edit_levels().await.unwrap().unwrap().levels, levels);
}

pub async fn of_two_versions_at_once_one_is_saved(world: World) {
    let saves: Vec<_> = (0..6)
        .map(|n| {
            let store = world.store.clone();
            tokio::spawn(async move {
                store.put_edit_levels(0, &RuleLevels::default(), &format!("{n}"), &UserId::new("ann")).await
            })
        })
        .collect();
    let mut saved = 0;
    for save in saves {
        match save.await.unwrap() {
            Ok(version) => {
                assert_eq!(version, 1);
                saved += 1;
            }
            Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}"),
        }
    }
    assert_eq!((saved, world.store.edit_level_versions(10).await.unwrap().len()), (1, 1));
}

pub async fn codes_at_hand_are_ones_own(world: World) {
    let (ann, bob) = (UserId::new("ann"), UserId::new("bob"));
    let code = CodeRef::icd10cm("I10");
    world.store.set_favourite(&ann, &code, true).await.unwrap();
    world.store.set_favourite(&ann, &code, true).await.unwrap();
    assert_eq!(world.store.favourites(&ann).await.unwrap(), std::slice::from_ref(&code));
    assert!(world.store.favourites(&bob).await.unwrap().is_empty());
    world.store.set_favourite(&ann, &code, false).await.unwrap();
    assert!(world.store.favourites(&ann).await.unwrap().is_empty());
    assert!(world.store.recent_codes(&ann, 5).await.unwrap().is_empty());
}
