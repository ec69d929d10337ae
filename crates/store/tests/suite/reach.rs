//! Who finds which entries: every query that reads for somebody, over every place and every reach.

use std::collections::BTreeSet;
use std::sync::Arc;

use overread_domain::{EntryId, EntryStatus, NoteMeta, Placing, Reach, Role, Sensitivity, Template, UserId};
use overread_store::{
    AccuracyFilter, CorrectionFilter, GrantKind, MemoryFilter, NewGrant, NewNote, QueueFilter, QueueSort,
    Store, StoreError, User, UserPatch,
};

use crate::world::{World, accept, new_user, note, template};

fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    items.into_iter().collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn place(site: &str, queue: &str, sensitivity: &[Sensitivity]) -> Placing {
    Placing { site: site.into(), queue: queue.into(), sensitivity: set(sensitivity.iter().copied()) }
}

fn placed(id: &str, place: &Placing) -> NewNote {
    let mut meta = NoteMeta { document_type: Some(format!("type of {id}")), ..NoteMeta::default() };
    place.clone().put(&mut meta);
    NewNote { meta, ..note(id) }
}

fn places() -> Vec<Placing> {
    use Sensitivity as S;
    vec![
        place("", "", &[]),
        place("North", "", &[]),
        place("North", "inpatient", &[]),
        place("North", "inpatient", &[S::Hiv]),
        place("South", "inpatient", &[S::Hiv, S::Employee]),
        place("South", "clinic", &[]),
        place("", "clinic", &[S::SubstanceUse]),
        place("O'Hara \"East\"", "a b", &[]),
    ]
}

fn reaches() -> Vec<Reach> {
    use Sensitivity as S;
    let all = set(S::ALL.iter().copied());
    vec![
        Reach::default(),
        Reach { sensitivity: all.clone(), ..Reach::default() },
        Reach { sites: Some(names(&["North"])), ..Reach::default() },
        Reach { sites: Some(names(&["", "South"])), sensitivity: all.clone(), ..Reach::default() },
        Reach { queues: Some(names(&["inpatient"])), sensitivity: set([S::Hiv]), ..Reach::default() },
        Reach { sites: Some(names(&["O'Hara \"East\""])), queues: Some(names(&["a b"])), ..Reach::default() },
        Reach {
            sites: Some(names(&["North"])),
            queues: Some(names(&["clinic"])),
            sensitivity: all,
            ..Reach::default()
        },
        Reach { sites: Some(names(&[])), ..Reach::default() },
    ]
}

impl World {
    async fn person(&self, id: &str, reach: Reach) -> User {
        self.person_as(id, Role::Coder, reach).await
    }

    async fn person_as(&self, id: &str, role: Role, reach: Reach) -> User {
        let user = new_user(id, role);
        self.store.create_user(overread_store::NewUser { reach, ..user }).await.unwrap()
    }

    async fn seen_by(&self, user: &User) -> Store {
        self.store.within(Arc::new(self.store.scope_of(user).await.unwrap()))
    }
}

/// Every entry of the queue, page by page.
async fn listed(store: &Store, filter: QueueFilter) -> BTreeSet<EntryId> {
    let mut filter = QueueFilter { limit: 2, ..filter };
    let mut found = BTreeSet::new();
    loop {
        let page = store.queue(&filter).await.unwrap();
        found.extend(page.rows.into_iter().map(|row| row.id));
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return found,
        }
    }
}

pub async fn nobody_finds_what_is_outside_their_reach(world: World) {
    let places = places();
    let notes = places.iter().enumerate().map(|(n, place)| placed(&format!("n{n}"), place)).collect();
    let entries = world.import(notes).await;
    world.suggest_all(0.5).await;
    for entry in &entries {
        world.finish(entry).await;
    }
    // Open ones beside them, of the same places.
    let notes = places.iter().enumerate().map(|(n, place)| placed(&format!("m{n}"), place)).collect();
    let open = world.import(notes).await;
    world.suggest_all(0.5).await;
    while world.store.learn(100).await.unwrap() > 0 {}

    for (n, reach) in reaches().into_iter().enumerate() {
        let user = world.person(&format!("p{n}"), reach.clone()).await;
        let store = world.seen_by(&user).await;
        let holds: Vec<bool> = places.iter().map(|place| reach.holds(place)).collect();
        let of = |all: &[EntryId]| -> BTreeSet<EntryId> {
            all.iter().zip(&holds).filter(|(_, holds)| **holds).map(|(id, _)| id.clone()).collect()
        };
        let (mine, mine_open) = (of(&entries), of(&open));
        let both: BTreeSet<EntryId> = mine.union(&mine_open).cloned().collect();
        for sort in [QueueSort::Oldest, QueueSort::Newest, QueueSort::Confidence] {
            let filter = QueueFilter { sort, ..QueueFilter::default() };
            assert_eq!(listed(&store, filter.clone()).await, both, "{reach:?}");
            let finished = QueueFilter { status: Some(EntryStatus::Finished), ..filter.clone() };
            assert_eq!(listed(&store, finished).await, mine);
            for (q, ids_only) in [("m", false), ("M", true)] {
                let searched = QueueFilter { q: Some(q.into()), ids_only, ..filter.clone() };
                assert_eq!(listed(&store, searched).await, mine_open);
            }
            for (n, holds) in holds.iter().enumerate() {
                let typed = QueueFilter { document_type: Some(format!("type of m{n}")), ..filter.clone() };
                assert_eq!(listed(&store, typed).await.len(), usize::from(*holds));
            }
        }
        let progress = store.progress(&user.id, overread_domain::Timestamp(0)).await.unwrap();
        assert_eq!((progress.finished, progress.open), (mine.len() as u64, mine_open.len() as u64));
        assert_eq!(progress.document_types.len(), both.len());
        assert_eq!(progress.suggesting + progress.failed, 0);
        let next = store.next_entry(&user.id, &QueueFilter::default(), None).await.unwrap();
        assert_eq!(next.as_ref(), mine_open.first());

        for (all, decidable) in [(&entries, false), (&open, true)] {
            for (entry, holds) in all.iter().zip(&holds) {
                let missing = |result: Result<(), StoreError>| {
                    let what = format!("{reach:?} {entry}: {result:?}");
                    if *holds {
                        assert!(!matches!(result, Err(StoreError::NotFound { .. })), "{what}");
                    } else {
                        assert!(matches!(result, Err(StoreError::NotFound { .. })), "{what}");
                    }
                };
                missing(store.entry(entry).await.map(drop));
                missing(store.take_lease(entry, &user.id, 60_000).await.map(drop));
                store.release_lease(entry, &user.id).await.unwrap();
                if !(*holds && decidable) {
                    missing(store.suggest_again(entry).await.map(drop));
                }
                let mut request = world.request(entry, "ann", 0, vec![accept(0)]);
                request.user = user.id.clone();
                request.expected_revision = 99;
                missing(store.decide(request).await.map(drop));
                if !holds && decidable {
                    missing(store.place_entry(entry, &Placing::default()).await.map(drop));
                }
            }
        }
        let jobs = store.jobs(None, None, 1000).await.unwrap();
        let job_entries: BTreeSet<EntryId> = jobs.rows.iter().map(|job| job.entry.clone()).collect();
        assert_eq!(job_entries, both);
        for job in world.store.jobs(None, None, 1000).await.unwrap().rows {
            let refused = store.retry_job(&job.id).await.unwrap_err();
            let seen = both.contains(&job.entry);
            assert_eq!(matches!(refused, StoreError::NotFound { .. }), !seen, "{refused:?}");
        }
        let accuracy = store.accuracy(&AccuracyFilter::default()).await.unwrap();
        assert_eq!(accuracy.entries, mine.len() as u64);
        let mut corrections = store.corrections(CorrectionFilter::default());
        let mut exported = BTreeSet::new();
        while let Some(record) = corrections.next().await.unwrap() {
            exported.insert(record.row.id);
        }
        assert_eq!(exported, mine);
        let memory = store.memory(&MemoryFilter::default(), 100).await.unwrap();
        assert_eq!(memory.rows.is_empty(), mine.is_empty());
        assert!(memory.rows.iter().all(|row| both.contains(&row.entry)), "{reach:?}");
        let all = world.store.memory(&MemoryFilter::default(), 100).await.unwrap();
        if mine.is_empty() {
            let refused = store.forget(&all.rows[0].row.id, &user.id).await.unwrap_err();
            assert!(matches!(refused, StoreError::NotFound { .. }));
        }
    }
}

pub async fn a_reviewer_finds_of_the_finished_only_what_they_decided_on(world: World) {
    let entries = world.import(["n1", "n2", "n3", "n4"].map(note).to_vec()).await;
    world.suggest_all(0.5).await;
    let eva = world.person_as("o'eva", Role::Reviewer, Reach::default()).await;
    let store = world.seen_by(&eva).await;
    let mut request = world.request(&entries[1], "ann", 0, vec![accept(0)]);
    request.user = eva.id.clone();
    store.decide(request).await.unwrap();
    store.release_lease(&entries[1], &eva.id).await.unwrap();
    // Ann ends three, one of them begun by Eva.
    world.finish(&entries[0]).await;
    world.finish_begun(&entries[1]).await;
    world.finish(&entries[2]).await;
    let mine: BTreeSet<EntryId> = set([entries[1].clone(), entries[3].clone()]);
    for sort in [QueueSort::Oldest, QueueSort::Newest, QueueSort::Confidence] {
        let filter = QueueFilter { sort, ..QueueFilter::default() };
        assert_eq!(listed(&store, filter.clone()).await, mine);
        let finished = QueueFilter { status: Some(EntryStatus::Finished), ..filter.clone() };
        assert_eq!(listed(&store, finished).await, set([entries[1].clone()]));
        let searched = QueueFilter { q: Some("n".into()), ids_only: true, ..filter };
        assert_eq!(listed(&store, searched).await, mine);
    }
    for entry in &entries {
        let seen = mine.contains(entry);
        assert_eq!(store.entry(entry).await.is_ok(), seen, "{entry}");
        assert_eq!(store.take_lease(entry, &eva.id, 1000).await.is_ok(), seen, "{entry}");
    }
    assert!(store.entries_of(&"n1".into()).await.unwrap().is_empty(), "a reason has to open it");
    let new = NewGrant {
        kind: GrantKind::Emergency,
        user: eva.id.clone(),
        note: "n1".into(),
        reason: "Called about a bleed".into(),
        lasts: 60_000,
    };
    world.store.open_note(new).await.unwrap();
    let store = world.seen_by(&eva).await;
    store.entry(&entries[0]).await.unwrap();
    assert!(store.entry(&entries[2]).await.is_err());
    // Others have all of them.
    for role in [Role::Coder, Role::QaLead] {
        let other = world.person_as(role.as_str(), role, Reach::default()).await;
        assert_eq!(listed(&world.seen_by(&other).await, QueueFilter::default()).await.len(), 4);
    }
}

pub async fn an_entry_moves_with_its_counts(world: World) {
    let entries = world.import(vec![note("n1"), placed("n2", &place("North", "", &[]))]).await;
    let (entry, other) = (entries[0].clone(), entries[1].clone());
    world.suggest_all(0.5).await;
    let north = world.person("north", Reach { sites: Some(names(&["North"])), ..Reach::default() }).await;
    let nowhere = world.person("nowhere", Reach { sites: Some(names(&[""])), ..Reach::default() }).await;
    let open = async |user: &User| {
        let store = world.seen_by(user).await;
        let progress = store.progress(&user.id, overread_domain::Timestamp(0)).await.unwrap();
        (progress.open + progress.in_progress, listed(&store, QueueFilter::default()).await)
    };
    assert_eq!(open(&nowhere).await, (1, set([entry.clone()])));
    let before = world.store.place_entry(&entry, &place("North", "er", &[])).await.unwrap();
    assert_eq!(before, Placing::default());
    assert_eq!(open(&nowhere).await, (0, set([])));
    assert_eq!(open(&north).await, (2, set([entry.clone(), other.clone()])));
    let row = world.store.entry(&entry).await.unwrap().row;
    assert_eq!((row.meta.site.as_deref(), row.meta.queue.as_deref()), (Some("North"), Some("er")));
    // What is decided there is counted there.
    world.decide(&entry, "ann", 0, vec![accept(0)]).await.unwrap();
    let store = world.seen_by(&north).await;
    let progress = store.progress(&north.id, overread_domain::Timestamp(0)).await.unwrap();
    assert_eq!((progress.open, progress.in_progress), (1, 1));
    let guarded = place("North", "er", &[Sensitivity::Celebrity]);
    assert_eq!(world.store.place_entry(&entry, &guarded).await.unwrap().queue, "er");
    assert_eq!(open(&north).await, (1, set([other])));
    let mine = Reach { sensitivity: set([Sensitivity::Celebrity]), ..north.reach.clone() };
    let north = world
        .store
        .update_user(&north.id, UserPatch { reach: Some(mine.clone()), ..UserPatch::default() })
        .await
        .unwrap();
    assert_eq!(north.reach, mine);
    assert_eq!(open(&north).await.0, 2);
    // Another entry of the same note lies where the note lies, whatever comes with it, and moves with it.
    world.store.put_template(&Template { id: "other".into(), ..template() }).await.unwrap();
    let made = world.store.import_notes(vec![note("n1")], "other", false).await.unwrap();
    let second = &made.entries[0];
    let place_of = async |id: &EntryId| Placing::of(&world.store.entry(id).await.unwrap().row.meta);
    assert_eq!(place_of(second).await, guarded);
    let elsewhere = place("South", "", &[]);
    world.store.place_entry(second, &elsewhere).await.unwrap();
    assert_eq!((place_of(&entry).await, place_of(second).await), (elsewhere.clone(), elsewhere));
    assert_eq!(open(&north).await.0, 1);
    world.store.place_entry(&entry, &place("North", "er", &[])).await.unwrap();
    let (sites, queues) = world.store.places().await.unwrap();
    assert_eq!((sites, queues), (vec!["North".to_owned(), "South".to_owned()], vec!["er".to_owned()]));
}

pub async fn a_reason_opens_one_note_for_a_while_and_somebody_else_judges_it(world: World) {
    let guarded = place("", "", &[Sensitivity::Hiv]);
    let entries = world.import(vec![placed("n1", &guarded), placed("n2", &guarded)]).await;
    world.suggest_all(0.5).await;
    let user = world.person("eva", Reach::default()).await;
    let open = |note: &str, kind| NewGrant {
        kind,
        user: UserId::new("eva"),
        note: note.into(),
        reason: "Called about a bleed".into(),
        lasts: 60_000,
    };
    assert!(matches!(
        world.store.open_note(open("none", GrantKind::Emergency)).await,
        Err(StoreError::NotFound { what: "note", .. })
    ));
    // As written says nothing of what is outside.
    world.store.open_note(open("n2", GrantKind::AsWritten)).await.unwrap();
    let grant = world.store.open_note(open("n1", GrantKind::Emergency)).await.unwrap();
    let store = world.seen_by(&user).await;
    store.entry(&entries[0]).await.unwrap();
    store.take_lease(&entries[0], &user.id, 1000).await.unwrap();
    let mut request = world.request(&entries[0], "ann", 0, vec![accept(0)]);
    request.user = user.id.clone();
    store.decide(request).await.unwrap();
    assert!(store.entry(&entries[1]).await.is_err(), "another note stays closed");
    assert!(listed(&store, QueueFilter::default()).await.is_empty(), "it is in no list");
    assert_eq!(store.progress(&user.id, overread_domain::Timestamp(0)).await.unwrap().in_progress, 0);
    assert_eq!(world.store.grants_of(&user.id).await.unwrap().len(), 2);

    world.source.advance(60_000);
    assert!(world.seen_by(&user).await.entry(&entries[0]).await.is_err(), "it ended by itself");
    assert!(world.store.grants_of(&user.id).await.unwrap().is_empty());
    let again = world.store.open_note(open("n1", GrantKind::Emergency)).await.unwrap();
    assert!(world.store.end_grant(&again.id, &"ann".into()).await.is_err(), "only one's own");
    world.store.end_grant(&again.id, &user.id).await.unwrap();
    assert!(world.seen_by(&user).await.entry(&entries[0]).await.is_err());

    let waiting = world.store.grants(true, None, 2).await.unwrap();
    assert_eq!(waiting.rows.len(), 2);
    let rest = world.store.grants(true, waiting.next.as_deref(), 2).await.unwrap();
    assert_eq!((rest.rows.len(), rest.next), (1, None));
    let own = world.store.judge_grant(&grant.id, &user.id, true, "mine").await.unwrap_err();
    assert!(matches!(own, StoreError::Conflict { .. }), "{own:?}");
    let judged = world.store.judge_grant(&grant.id, &"ann".into(), false, "No call that day").await.unwrap();
    let judgement = judged.judgement.unwrap();
    assert_eq!((judgement.by.as_str(), judgement.justified), ("ann", false));
    assert!(world.store.judge_grant(&grant.id, &"ann".into(), true, "x").await.is_err(), "once");
    assert!(world.store.judge_grant("g-none", &"ann".into(), true, "x").await.is_err());
    assert_eq!(world.store.grants(true, None, 9).await.unwrap().rows.len(), 2);
    assert_eq!(world.store.grants(false, None, 9).await.unwrap().rows.len(), 3);
}
