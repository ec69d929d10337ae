use overread_domain::EntryStatus;
use overread_store::{EntryRow, QueueFilter, QueueSort, StoreError};

use crate::world::{World, accept, note, note_of, reject};

async fn walk(world: &World, filter: QueueFilter) -> Vec<EntryRow> {
    let mut filter = filter;
    let mut rows = Vec::new();
    loop {
        let page = world.store.queue(&filter).await.unwrap();
        assert!(page.rows.len() <= filter.limit as usize);
        rows.extend(page.rows);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return rows,
        }
    }
}

fn names(rows: &[EntryRow]) -> Vec<&str> {
    rows.iter().map(|row| row.note.as_str()).collect()
}

pub async fn pages_hold_every_entry_once_even_with_ties(world: World) {
    for (batch, confidence) in [(0, 0.9), (1, 0.5), (2, 0.9)] {
        world.import((0..7).map(|n| note(&format!("n{}", batch * 7 + n))).collect()).await;
        world.suggest_all(confidence).await;
    }
    world.import(vec![note("n21")]).await;
    let all: Vec<String> = (0..22).map(|n| format!("n{n}")).collect();
    for limit in [1, 3, 7, 22, 50] {
        let filter = |sort| QueueFilter { sort, limit, ..QueueFilter::default() };
        assert_eq!(names(&walk(&world, filter(QueueSort::Oldest)).await), all);
        let newest = walk(&world, filter(QueueSort::Newest)).await;
        assert_eq!(names(&newest), all.iter().rev().collect::<Vec<_>>());
        let unsure = walk(&world, filter(QueueSort::Confidence)).await;
        let expected: Vec<_> = [7..14, 0..7, 14..22].into_iter().flatten().map(|n| &all[n]).collect();
        assert_eq!(
            names(&unsure),
            expected,
            "the least sure first, by age where equal, without suggestions last"
        );
    }
    let garbage = QueueFilter {
        after: Some("garbage".into()),
        sort: QueueSort::Confidence,
        limit: 3,
        ..QueueFilter::default()
    };
    assert!(matches!(world.store.queue(&garbage).await, Err(StoreError::Invalid { what: "after", .. })));
}

pub async fn filters_hold_together(world: World) {
    let kinds = ["Discharge summary", "ED note"];
    let notes =
        (0..12).map(|n| note_of(&format!("n{n}"), crate::world::TEXT, None, Some(kinds[n % 2]))).collect();
    let entries = world.import(notes).await;
    world.suggest_all(0.7).await;
    for n in [2, 3, 4] {
        world.finish(&entries[n]).await;
    }
    for sort in [QueueSort::Oldest, QueueSort::Newest, QueueSort::Confidence] {
        let filter = |status, kind: Option<&str>| QueueFilter {
            status,
            document_type: kind.map(str::to_owned),
            sort,
            limit: 2,
            ..QueueFilter::default()
        };
        let finished = walk(&world, filter(Some(EntryStatus::Finished), None)).await;
        assert_eq!(finished.len(), 3);
        let both = walk(&world, filter(Some(EntryStatus::Finished), Some("Discharge summary"))).await;
        assert_eq!(both.len(), 2);
        assert!(both.iter().all(|row| row.meta.document_type.as_deref() == Some("Discharge summary")));
        assert_eq!(walk(&world, filter(None, Some("ED note"))).await.len(), 6);
        assert_eq!(walk(&world, filter(None, Some("ed note"))).await.len(), 0);
    }
    let progress = world.store.progress(&"ann".into(), world.store.now()).await.unwrap();
    assert_eq!(progress.document_types, [("Discharge summary".into(), 6), ("ED note".into(), 6)]);
    assert_eq!((progress.finished, progress.finished_by_user, progress.decisions), (3, 3, 15));
    world.source.advance(1);
    let progress = world.store.progress(&"ann".into(), world.store.now()).await.unwrap();
    assert_eq!((progress.finished, progress.finished_by_user, progress.decisions), (3, 0, 0));
}

pub async fn search_takes_the_words_as_they_stand(world: World) {
    let titles = ["50% of \u{c4}rzte", "50 percent", "a_b", "axb", "back\\slash"];
    let notes = titles
        .iter()
        .enumerate()
        .map(|(n, title)| note_of(&format!("N{n}"), "Text.", Some(title), None))
        .collect();
    let entries = world.import(notes).await;
    let found = async |q: &str| {
        let filter = QueueFilter { q: Some(q.into()), limit: 10, ..QueueFilter::default() };
        names(&walk(&world, filter).await).iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("50%").await, ["N0"]);
    assert_eq!(found("\u{e4}RZTE").await, ["N0"]);
    assert_eq!(found("a_b").await, ["N2"]);
    assert_eq!(found("\\").await, ["N4"]);
    assert_eq!(found("n3").await, ["N3"]);
    assert_eq!(found("nothing").await, Vec::<String>::new());
    assert_eq!(found(" ").await.len(), entries.len());
    let filter = QueueFilter {
        q: Some("50".into()),
        sort: QueueSort::Newest,
        status: Some(EntryStatus::Open),
        limit: 1,
        ..QueueFilter::default()
    };
    assert_eq!(names(&walk(&world, filter).await), ["N1", "N0"]);
}

pub async fn next_hands_out_what_nobody_holds(world: World) {
    let kinds = ["A", "B"];
    let notes =
        (0..6).map(|n| note_of(&format!("n{n}"), crate::world::TEXT, None, Some(kinds[n % 2]))).collect();
    let entries = world.import(notes).await;
    let any = QueueFilter::default();
    let next = async |user: &str, filter: &QueueFilter, after: Option<usize>| {
        let after = after.map(|n| &entries[n]);
        let next = world.store.next_entry(&user.into(), filter, after).await.unwrap();
        next.map(|id| entries.iter().position(|entry| *entry == id).unwrap())
    };
    assert_eq!(next("ann", &any, None).await, None, "none has its suggestions");
    world.suggest_all(0.9).await;
    assert_eq!(next("ann", &any, None).await, Some(0));
    world.store.take_lease(&entries[0], &"bob".into(), 1_000).await.unwrap();
    assert_eq!(next("ann", &any, None).await, Some(1));
    assert_eq!(next("bob", &any, None).await, Some(0));
    world.finish(&entries[1]).await;
    assert_eq!(next("ann", &any, None).await, Some(2));
    world.decide(&entries[3], "ann", 0, vec![accept(0), reject(1)]).await.unwrap();
    assert_eq!(next("ann", &any, Some(2)).await, Some(3), "begun ones are handed out in their place");
    assert_eq!(next("ann", &any, Some(5)).await, Some(2), "from the start again");
    let only_b = QueueFilter { document_type: Some("B".into()), ..QueueFilter::default() };
    assert_eq!(next("ann", &only_b, None).await, Some(3));
    let only_open = QueueFilter {
        status: Some(EntryStatus::Open),
        document_type: Some("B".into()),
        ..QueueFilter::default()
    };
    assert_eq!(next("ann", &only_open, None).await, Some(5));
    assert_eq!(next("ann", &only_open, Some(5)).await, None, "the one at hand is not the next");
    let finished = QueueFilter { status: Some(EntryStatus::Finished), ..QueueFilter::default() };
    assert_eq!(next("ann", &finished, None).await, None);
    world.source.advance(1_000);
    assert_eq!(next("ann", &any, None).await, Some(0), "the lease has run out");
}
