use overread_domain::{Action, CodeRef, Level, RuleLevels, UserId};
use overread_store::StoreError;

use crate::world::{World, accept, reject};

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

pub async fn codes_that_stand_together_are_counted_on_finished_entries(world: World) {
    let pneumonia = CodeRef::icd10cm("J18.9");
    let beside = |code: CodeRef| {
        let store = world.store.clone();
        async move {
            let (found, of) = store.companions(&code, 5).await.unwrap();
            (found.into_iter().map(|c| (c.code.code, c.entries)).collect::<Vec<_>>(), of)
        }
    };
    // Both codes on two entries, one alone on a third; a fourth is not finished.
    for (nth, actions) in [
        vec![accept(0), accept(1), accept(2), Action::Finish {}],
        vec![accept(0), accept(1), accept(2), Action::Finish {}],
        vec![accept(0), accept(1), reject(2), Action::Finish {}],
        vec![accept(0), accept(1), accept(2)],
    ]
    .into_iter()
    .enumerate()
    {
        let entry = world.entry(&format!("n{nth}")).await;
        world.decide(&entry, "ann", 0, actions).await.unwrap();
        if nth == 0 {
            assert_eq!(beside(pneumonia.clone()).await, (vec![], 1), "once is no habit");
        }
    }
    assert_eq!(beside(pneumonia.clone()).await, (vec![("M10.9".to_owned(), 2)], 3));
    assert_eq!(beside(CodeRef::icd10cm("M10.9")).await, (vec![("J18.9".to_owned(), 2)], 2));
    assert_eq!(beside(CodeRef::icd10cm("I10")).await, (vec![], 0));
}
