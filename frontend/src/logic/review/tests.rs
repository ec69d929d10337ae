use overread_api::entry::SuggestingState;
use overread_domain::template::ENCOUNTER_ABSTRACT;
use overread_domain::{
    EntryId, EntryStatus, NoteId, NoteMeta, Quoted, RejectReason, SuggestionSet, SuggestionSetId, Timestamp,
};

use super::*;
use crate::logic::rows::RowState;

const TEXT: &str = "51-year-old man.\r\nChest pain, reflux. No 😀 diabetes.";

fn quoted(words: &str) -> Quoted {
    let byte = TEXT.find(words).unwrap();
    let start = TEXT[..byte].chars().count();
    Quoted { start, end: start + words.chars().count(), quote: words.into() }
}

fn suggestion(field: &str, words: &str, confidence: f32) -> Suggestion {
    Suggestion {
        content: Content { field: field.into(), evidence: vec![quoted(words)], ..Content::default() },
        candidates: Vec::new(),
        confidence,
        shown: true,
        remembered: false,
    }
}

fn view() -> EntryView {
    EntryView {
        id: "e1".into(),
        note: NoteId::new("n1"),
        meta: NoteMeta::default(),
        text: TEXT.into(),
        text_sha256: String::new(),
        template: serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap(),
        status: EntryStatus::Open,
        exception_cause: None,
        revision: 0,
        items: Vec::new(),
        confirmed_empty: Vec::new(),
        suggestions: Some(SuggestionSet {
            id: SuggestionSetId::new("set"),
            model: "m".into(),
            code_release: "r".into(),
            template: "encounter-abstract".into(),
            template_version: 1,
            threshold: 0.3,
            memory: None,
            made_at: Timestamp(0),
            took_ms: 1,
            read_until: None,
            suggestions: vec![
                suggestion("diagnosis", "Chest pain", 0.95),
                suggestion("diagnosis", "reflux", 0.9),
                suggestion("absent_condition", "diabetes", 0.4),
            ],
        }),
        suggesting: SuggestingState::Done,
        suggesting_error: None,
        decisions: Vec::new(),
        findings: Vec::new(),
        ahead: Vec::new(),
        coded_on: None,
        badges: std::collections::BTreeMap::new(),
        lease: None,
        may_decide: true,
        masked: false,
        opened: None,
    }
}

fn review() -> Review {
    Review::new(view(), Outbox::default(), UserId::new("ann"))
}

fn accept(index: usize) -> Action {
    Action::Accept { item: ItemId::suggested(index) }
}

fn decide(review: &mut Review, key: &str, actions: Vec<Action>) {
    review.decide(key.into(), actions, Effort::default()).unwrap();
}

fn made(id: &str, user: &str, revision: u32, at: i64, action: Action) -> Decision {
    Decision {
        id: id.into(),
        entry: EntryId::new("e1"),
        revision,
        user: user.into(),
        at: Timestamp(at),
        action,
        effort: Effort::default(),
        suggestion_set: None,
        suggestions_shown: true,
    }
}

fn answer(review: &Review, decisions: Vec<Decision>) -> Decided {
    Decided {
        revision: review.view.revision + decisions.len() as u32,
        status: EntryStatus::InProgress,
        exception_cause: None,
        items: Vec::new(),
        confirmed_empty: Vec::new(),
        decisions,
        findings: Vec::new(),
        ahead: Vec::new(),
        coded_on: None,
    }
}

fn state(review: &Review, item: &str) -> RowState {
    review.projection().row(&RowKey::Item(item.into())).unwrap().state
}

#[test]
fn decisions_show_at_once_and_stay_when_delivered() {
    let mut review = review();
    decide(&mut review, "k1", vec![accept(0)]);
    assert_eq!(state(&review, "s0"), RowState::Item(ItemState::Accepted));
    let decided = answer(&review, vec![made("d1", "ann", 1, 5, accept(0))]);
    review.delivered("k1", decided);
    assert!(review.outbox.is_empty());
    assert_eq!(review.view.revision, 1);
    assert_eq!(state(&review, "s0"), RowState::Item(ItemState::Accepted));
}

#[test]
fn refuses_what_the_domain_refuses_and_takes_nothing_of_it() {
    let mut review = review();
    let error = review.decide("k".into(), vec![accept(0), accept(9)], Effort::default());
    assert!(matches!(error, Err(EntryError::UnknownItem(_))));
    assert!(review.outbox.is_empty());
    assert_eq!(state(&review, "s0"), RowState::Item(ItemState::Suggested));
}

#[test]
fn undo_goes_back_without_end_and_takes_batches_whole() {
    let mut review = review();
    decide(&mut review, "k1", vec![accept(0), accept(1)]);
    let reject = Action::Reject { item: ItemId::suggested(2), reason: RejectReason::Wrong, comment: None };
    decide(&mut review, "k2", vec![reject]);
    let first = review.undo().unwrap();
    assert_eq!(first.len(), 1);
    decide(&mut review, "k3", first);
    let second = review.undo().unwrap();
    assert_eq!(second.len(), 2, "what one key decided, one key takes back");
    decide(&mut review, "k4", second);
    assert_eq!(review.undo(), None);
    assert_eq!(
        review.projection().undecided,
        review.projection().rows.iter().filter(|r| r.state.is_undecided()).count()
    );
    assert_eq!(state(&review, "s1"), RowState::Item(ItemState::Suggested));
}

#[test]
fn undoes_what_was_decided_before_the_page_was_opened() {
    let mut view = view();
    view.decisions = vec![made("d1", "ann", 1, 1, accept(0)), made("d2", "bob", 2, 2, accept(1))];
    view.revision = 2;
    let mut review = Review::new(view, Outbox::default(), UserId::new("ann"));
    let undo = review.undo().unwrap();
    assert_eq!(undo, [Action::Undo { decision: "d1".into() }]);
    decide(&mut review, "k1", undo);
    assert_eq!(state(&review, "s0"), RowState::Item(ItemState::Suggested));
    assert_eq!(state(&review, "s1"), RowState::Item(ItemState::Accepted));
}

#[test]
fn undo_of_a_decision_that_was_delivered_meanwhile_still_shows() {
    let mut review = review();
    decide(&mut review, "k1", vec![accept(0)]);
    let undo = review.undo().unwrap();
    decide(&mut review, "k2", undo);
    review.outbox.next(0);
    let decided = answer(&review, vec![made("d1", "ann", 1, 5, accept(0))]);
    review.delivered("k1", decided);
    assert_eq!(state(&review, "s0"), RowState::Item(ItemState::Suggested));
    assert_eq!(review.outbox.next(1).unwrap().actions, [Action::Undo { decision: "d1".into() }]);
}

#[test]
fn rebasing_keeps_what_fits_and_tells_what_does_not() {
    let mut review = review();
    decide(&mut review, "k1", vec![accept(0), accept(1)]);
    decide(&mut review, "k2", vec![accept(2)]);
    review.outbox.next(0);
    let mut newer = view();
    newer.decisions = vec![made("d1", "bob", 1, 1, accept(1))];
    newer.revision = 1;
    let mut fresh = 0;
    let dropped = review.rebase(newer, || {
        fresh += 1;
        format!("fresh-{fresh}")
    });
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].action, accept(1));
    assert!(dropped[0].why.contains("bob"));
    let next = review.outbox.next(1).unwrap();
    assert_eq!((next.expected_revision, next.actions), (1, vec![accept(0)]));
    assert_eq!(next.idempotency_key, "fresh-1");
    assert_eq!(state(&review, "s2"), RowState::Item(ItemState::Accepted));
}

/// As it is after a reload: the outbox comes from storage, the view from the server.
fn reopened(outbox: &Outbox, view: EntryView) -> (Review, Vec<Dropped>) {
    let json = serde_json::to_string(outbox).unwrap();
    let mut review = Review::new(view.clone(), serde_json::from_str(&json).unwrap(), UserId::new("ann"));
    let dropped = review.rebase(view, || "fresh".into());
    (review, dropped)
}

#[test]
fn a_reload_does_not_overrule_what_others_decided_since() {
    let mut seen = view();
    seen.decisions = vec![made("d1", "bob", 1, 1, accept(1))];
    seen.revision = 1;
    let mut before = Review::new(seen.clone(), Outbox::default(), UserId::new("ann"));
    let reject = Action::Reject { item: ItemId::suggested(1), reason: RejectReason::Wrong, comment: None };
    decide(&mut before, "k1", vec![accept(0), reject.clone()]);
    let mut newer = seen;
    newer.decisions.push(made("d2", "bob", 2, 2, accept(0)));
    newer.revision = 2;
    let (mut review, dropped) = reopened(&before.outbox, newer);
    assert_eq!(dropped.iter().map(|d| &d.action).collect::<Vec<_>>(), [&accept(0)]);
    assert!(dropped[0].why.contains("bob"));
    assert_eq!(review.outbox.next(2).unwrap().actions, [reject], "what was known is overruled on purpose");
    assert_eq!(review.outbox.pending[0].base, 2);
}

#[test]
fn rebasing_on_a_finished_entry_drops_everything() {
    let mut review = review();
    decide(&mut review, "k1", vec![accept(0)]);
    let mut newer = view();
    newer.decisions = vec![made("d1", "bob", 1, 1, Action::Finish {})];
    let dropped = review.rebase(newer, || "x".into());
    assert_eq!(dropped.len(), 1);
    assert!(review.outbox.is_empty());
}

#[test]
fn fields_without_values_have_rows_of_their_own() {
    let projection = review().projection();
    let age = projection.row(&RowKey::Field("age".into())).unwrap();
    assert_eq!(age.state, RowState::Missing);
    let bmi = projection.row(&RowKey::Field("bmi".into())).unwrap();
    assert_eq!(bmi.state, RowState::Empty);
    assert!(projection.rows.iter().any(|row| row.key == RowKey::Item("s0".into()) && row.leads));
}

#[test]
fn walks_the_undecided_around_the_end() {
    let projection = review().projection();
    let first = projection.undecided_from(None, true).unwrap();
    let last = projection.undecided_from(None, false).unwrap();
    assert_eq!(projection.undecided_from(Some(&last), true), Some(first.clone()));
    assert_eq!(projection.undecided_from(Some(&first), false), Some(last));
    assert_eq!(projection.step(None, 1), Some(projection.rows[0].key.clone()));
}

#[test]
fn only_likely_supported_rows_are_accepted_together() {
    let review = review();
    assert_eq!(review.all_likely_of("diagnosis").len(), 2);
    assert_eq!(review.all_likely_of("absent_condition").len(), 0, "low confidence needs a deliberate choice");
}

#[test]
fn a_candidate_that_is_the_suggestion_is_an_acceptance() {
    let mut view = view();
    let set = view.suggestions.as_mut().unwrap();
    set.suggestions[0].content.code = Some(overread_domain::CodeRef::icd10cm("R07.9"));
    let review = Review::new(view, Outbox::default(), UserId::new("ann"));
    let item = ItemId::suggested(0);
    assert_eq!(review.with_code(&item, "icd-10-cm", "R07.9"), Some(Action::Accept { item: item.clone() }));
    assert!(matches!(review.with_code(&item, "icd-10-cm", "R07.89"), Some(Action::Correct { .. })));
}

#[test]
fn finishing_is_refused_with_the_place() {
    let mut review = review();
    let error = review.decide("k".into(), vec![Action::Finish {}], Effort::default()).unwrap_err();
    assert!(matches!(error, EntryError::Unfinished { .. }));
    assert_eq!(review.in_the_way(), Some(RowKey::Field("age".into())));
}

#[test]
fn a_field_that_sorts_its_words_shows_the_words() {
    let mut view = view();
    let mut drug = suggestion("medication", "reflux", 0.9);
    drug.content.value = Some("given".into());
    view.suggestions.as_mut().unwrap().suggestions.push(drug);
    let review = Review::new(view, Outbox::default(), UserId::new("ann"));
    let projection = review.projection();
    let row = projection.row(&RowKey::Item("s3".into())).unwrap();
    assert_eq!((row.value.as_str(), row.sort.as_deref(), &row.words), ("reflux", Some("given"), &None));
}
