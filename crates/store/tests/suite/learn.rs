use overread_domain::{Action, CodeRef};
use overread_store::{Accuracy, AccuracyFilter, CalibrationBin, CorrectionFilter, Counts};

use crate::world::{World, accept, note, note_of, reject};

async fn read(world: &World, filter: CorrectionFilter) -> Vec<String> {
    let mut corrections = world.store.corrections(filter);
    let mut notes = Vec::new();
    while let Some(record) = corrections.next().await.unwrap() {
        assert_eq!(record.text, crate::world::TEXT);
        assert_eq!(record.decisions.len() as u32, record.row.revision);
        assert!(record.suggestion_set.is_some());
        notes.push(record.row.note.to_string());
    }
    assert!(corrections.next().await.unwrap().is_none());
    notes
}

pub async fn corrections_come_oldest_first_and_whole(world: World) {
    let entries = world.import((0..40).map(|n| note(&format!("n{n}"))).collect()).await;
    world.suggest_all(0.9).await;
    for n in (0..40).rev().filter(|n| n % 2 == 0) {
        world.source.advance(10);
        world.finish(&entries[n]).await;
    }
    let half = world.store.now();
    world.source.advance(10);
    world.decide(&entries[1], "ann", 0, vec![accept(0)]).await.unwrap();

    let even: Vec<_> = (0..40).filter(|n| n % 2 == 0).map(|n| format!("n{n}")).collect();
    assert_eq!(read(&world, CorrectionFilter::default()).await, even);
    let all = read(&world, CorrectionFilter { all: true, since: None }).await;
    assert_eq!((all.len(), all[1].as_str()), (21, "n1"));
    let recent = CorrectionFilter { all: true, since: Some(half) };
    assert_eq!(read(&world, recent).await, ["n0", "n1"]);
}

fn code<'a>(accuracy: &'a Accuracy, code: &str) -> Option<&'a Counts> {
    accuracy.codes.iter().find(|counts| counts.code == CodeRef::icd10cm(code)).map(|counts| &counts.counts)
}

pub async fn accuracy_counts_finished_entries(world: World) {
    let notes = (0..4)
        .map(|n| note_of(&format!("n{n}"), crate::world::TEXT, None, Some(if n < 2 { "A" } else { "B" })))
        .collect();
    let entries = world.import(notes).await;
    world.suggest_all(0.8).await;
    for entry in &entries[..3] {
        world.source.advance(100);
        world.finish(entry).await;
    }
    world.decide(&entries[3], "ann", 0, vec![accept(0)]).await.unwrap();

    let accuracy = world.store.accuracy(&AccuracyFilter::default()).await.unwrap();
    assert_eq!(accuracy.entries, 3);
    let three = Counts { shown: 9, accepted: 3, corrected: 3, rejected: 3, added: 3, typed: 0 };
    assert_eq!(accuracy.total, three);
    let fields: Vec<_> = accuracy.fields.iter().map(|f| (f.field.as_str(), f.counts)).collect();
    assert_eq!(fields[0], ("age", Counts { shown: 3, accepted: 3, ..Counts::default() }));
    assert_eq!(fields[1], ("diagnosis", Counts { shown: 6, corrected: 3, rejected: 3, ..Counts::default() }));
    assert_eq!(fields[2], ("medication", Counts { added: 3, ..Counts::default() }));
    assert_eq!(code(&accuracy, "J18.9"), Some(&Counts { shown: 3, corrected: 3, ..Counts::default() }));
    assert_eq!(code(&accuracy, "J18.1"), Some(&Counts { added: 3, ..Counts::default() }));
    assert_eq!(code(&accuracy, "M10.9"), Some(&Counts { shown: 3, rejected: 3, ..Counts::default() }));
    assert_eq!(code(&accuracy, "R50.9"), None, "what was never shown is unknown, not negative");
    let [bin] = accuracy.calibration[..] else { panic!("{:?}", accuracy.calibration) };
    assert!((bin.confidence - 0.8).abs() < 1e-6);
    assert_eq!((bin.n, bin.accepted), (9, 3));

    let count = async |filter: AccuracyFilter| world.store.accuracy(&filter).await.unwrap().entries;
    let by = AccuracyFilter::default;
    assert_eq!(count(AccuracyFilter { document_type: Some("A".into()), ..by() }).await, 2);
    assert_eq!(count(AccuracyFilter { model: Some("m1".into()), ..by() }).await, 3);
    assert_eq!(count(AccuracyFilter { model: Some("m2".into()), ..by() }).await, 0);
    assert_eq!(count(AccuracyFilter { since: Some(world.store.now()), ..by() }).await, 1);
}

pub async fn reopening_takes_outcomes_back(world: World) {
    let entry = world.entry("n1").await;
    world.finish(&entry).await;
    let before = world.store.accuracy(&AccuracyFilter::default()).await.unwrap();
    assert_eq!((before.entries, before.total.rejected), (1, 1));
    let reopen = vec![Action::Reopen { reason: "second look".into() }];
    let outcome = world.decide(&entry, "bob", 5, reopen).await.unwrap();
    assert_eq!(outcome.record.row.decided, 3);
    let none = world.store.accuracy(&AccuracyFilter::default()).await.unwrap();
    assert_eq!((none.entries, none.total), (0, Counts::default()));
    assert_eq!(world.store.progress(&"bob".into(), world.store.now()).await.unwrap().finished, 0);

    world.decide(&entry, "bob", 6, vec![accept(2), Action::Finish {}]).await.unwrap();
    let after = world.store.accuracy(&AccuracyFilter::default()).await.unwrap();
    assert_eq!((after.entries, after.total.rejected, after.total.accepted), (1, 0, 2));
    let together = vec![Action::Reopen { reason: "x".into() }, reject(2), Action::Finish {}];
    world.decide(&entry, "bob", 8, together).await.unwrap();
    let last = world.store.accuracy(&AccuracyFilter::default()).await.unwrap();
    assert_eq!((last.entries, last.total.rejected, last.total.accepted), (1, 1, 1));
}

#[test]
fn bins_hold_about_as_many_each() {
    let points: Vec<_> = (0..100)
        .map(|n| CalibrationBin { confidence: f64::from(n) / 100.0, accepted: u64::from(n % 2 == 0), n: 1 })
        .collect();
    let accuracy = Accuracy { calibration: points, ..Accuracy::default() };
    let bins = accuracy.equal_mass_bins(10);
    assert_eq!(bins.iter().map(|bin| bin.n).collect::<Vec<_>>(), [10; 10]);
    assert_eq!(bins.iter().map(|bin| bin.accepted).sum::<u64>(), 50);
    assert!((bins[0].confidence - 0.045).abs() < 1e-9);
    assert!(Accuracy::default().equal_mass_bins(10).is_empty());
}
