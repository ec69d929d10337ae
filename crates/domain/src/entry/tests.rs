use super::*;
use crate::suggestion::Assertion;
use crate::template::ENCOUNTER_ABSTRACT;
use crate::{CodeRef, CodeRole, Quoted};

const TEXT: &str = "65-year-old woman with pneumonia. Denies fever.";

fn template() -> Template {
    let mut template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap();
    for group in &mut template.groups {
        for field in &mut group.fields {
            field.required = field.id == "age";
        }
    }
    template
}

fn quoted(quote: &str) -> Quoted {
    let start = TEXT.find(quote).unwrap();
    Quoted { start, end: start + quote.len(), quote: quote.into() }
}

fn content(field: &str, quote: &str) -> Content {
    Content { field: field.into(), evidence: vec![quoted(quote)], ..Content::default() }
}

fn suggestion(field: &str, quote: &str) -> Suggestion {
    Suggestion {
        content: content(field, quote),
        candidates: vec![],
        confidence: 0.9,
        shown: true,
        remembered: false,
    }
}

fn suggestions() -> Vec<Suggestion> {
    vec![suggestion("age", "65-year-old"), suggestion("diagnosis", "pneumonia"), suggestion("age", "65")]
}

fn item(id: &str) -> ItemId {
    id.into()
}

fn with_entry(test: impl FnOnce(Entry<'_>)) {
    let (template, suggestions, points) = (template(), suggestions(), CodePoints::new(TEXT));
    test(Entry::new(&template, &suggestions, &points));
}

#[test]
fn finishing_names_what_is_undecided() {
    with_entry(|mut entry| {
        let error = entry.apply("d1".into(), Action::Finish {}).unwrap_err();
        assert_eq!(
            error,
            EntryError::Unfinished {
                undecided: vec![item("s0"), item("s1"), item("s2")],
                required: vec!["age".into()]
            }
        );
        assert_eq!(entry.revision(), 0);
    });
}

#[test]
fn a_single_field_takes_one_value() {
    with_entry(|mut entry| {
        entry.apply("d1".into(), Action::Accept { item: item("s0") }).unwrap();
        assert_eq!(
            entry.apply("d2".into(), Action::Accept { item: item("s2") }),
            Err(EntryError::FieldFull("age".into()))
        );
        entry.apply("d3".into(), Action::Undo { decision: "d1".into() }).unwrap();
        entry.apply("d4".into(), Action::Accept { item: item("s2") }).unwrap();
        assert_eq!(entry.item(&item("s0")).unwrap().state, ItemState::Suggested);
    });
}

#[test]
fn a_whole_review_finishes_and_reopens_with_a_reason() {
    with_entry(|mut entry| {
        let corrected = Content {
            assertion: Some(Assertion::Possible),
            code: Some(CodeRef::icd10cm("J18.9")),
            ..content("diagnosis", "pneumonia")
        };
        entry.apply("d1".into(), Action::Accept { item: item("s0") }).unwrap();
        entry.apply("d2".into(), Action::Correct { item: item("s1"), content: corrected.clone() }).unwrap();
        let reject = Action::Reject { item: item("s2"), reason: RejectReason::Duplicate, comment: None };
        entry.apply("d3".into(), reject).unwrap();
        let add = Action::Add { item: item("a1"), content: content("absent_condition", "fever") };
        entry.apply("d4".into(), add.clone()).unwrap();
        assert!(matches!(entry.apply("d5".into(), add), Err(EntryError::DuplicateItem(_))));
        entry.apply("d5".into(), Action::Finish {}).unwrap();
        assert_eq!(entry.status(), EntryStatus::Finished);
        assert_eq!(entry.item(&item("s1")).unwrap().content, corrected);
        assert_eq!(entry.apply("d6".into(), Action::Accept { item: item("s2") }), Err(EntryError::Finished));
        assert_eq!(
            entry.apply("d6".into(), Action::Reopen { reason: " ".into() }),
            Err(EntryError::ReasonMissing)
        );
        entry.apply("d6".into(), Action::Reopen { reason: "late result".into() }).unwrap();
        assert_eq!(entry.status(), EntryStatus::InProgress);
        assert!(entry.apply("d7".into(), Action::Undo { decision: "d5".into() }).is_err());
    });
}

#[test]
fn undo_goes_back_step_by_step() {
    with_entry(|mut entry| {
        entry.apply("d1".into(), Action::Accept { item: item("s1") }).unwrap();
        let reject = Action::Reject { item: item("s1"), reason: RejectReason::Wrong, comment: None };
        entry.apply("d2".into(), reject).unwrap();
        let undo = |id: &str| Action::Undo { decision: id.into() };
        assert_eq!(entry.apply("d3".into(), undo("d1")), Err(EntryError::LaterDecisions("d1".into())));
        entry.apply("d3".into(), undo("d2")).unwrap();
        assert_eq!(entry.item(&item("s1")).unwrap().state, ItemState::Accepted);
        entry.apply("d4".into(), undo("d1")).unwrap();
        assert_eq!(entry.item(&item("s1")).unwrap().state, ItemState::Suggested);
        assert_eq!(entry.apply("d5".into(), undo("d1")), Err(EntryError::CannotUndo("d1".into())));
    });
}

#[test]
fn refuses_content_that_the_template_or_the_text_does_not_bear() {
    with_entry(|mut entry| {
        let mut add = |content: Content| entry.apply("d1".into(), Action::Add { item: item("a1"), content });
        assert_eq!(add(content("shoe_size", "65")), Err(EntryError::UnknownField("shoe_size".into())));
        let coded = Content { code: Some(CodeRef::icd10cm("I10")), ..content("chief_complaint", "fever") };
        assert_eq!(add(coded), Err(EntryError::NoCodeHere("chief_complaint".into())));
        let mut off = content("diagnosis", "pneumonia");
        off.evidence[0].start += 1;
        assert!(matches!(add(off), Err(EntryError::Evidence { index: 0, .. })));
        let odd = Content { value: Some("unsure".into()), ..content("sex", "woman") };
        assert_eq!(add(odd), Err(EntryError::NotAnOption { field: "sex".into() }));
        let bare = Content { field: "diagnosis".into(), ..Content::default() };
        assert_eq!(add(bare), Err(EntryError::NothingGiven("diagnosis".into())));
    });
}

#[test]
fn confirmed_empty_satisfies_a_required_field_and_yields_to_a_value() {
    let (template, points) = (template(), CodePoints::new(TEXT));
    let mut entry = Entry::new(&template, &[], &points);
    entry.apply("d1".into(), Action::ConfirmEmpty { field: "age".into() }).unwrap();
    assert_eq!(entry.missing_required().count(), 0);
    let add = Action::Add { item: item("a1"), content: content("age", "65-year-old") };
    entry.apply("d2".into(), add).unwrap();
    assert_eq!(entry.confirmed_empty().count(), 0);
    assert_eq!(
        entry.apply("d3".into(), Action::ConfirmEmpty { field: "age".into() }),
        Err(EntryError::FieldNotEmpty("age".into()))
    );
}

#[test]
fn replaying_gives_what_applying_gave() {
    let (template, suggestions, points) = (template(), suggestions(), CodePoints::new(TEXT));
    let mut live = Entry::new(&template, &suggestions, &points);
    let actions = [
        Action::Accept { item: item("s0") },
        Action::Undo { decision: "d0".into() },
        Action::Accept { item: item("s2") },
        Action::Escalate { cause: ExceptionCause::Escalated, comment: None },
    ];
    for (i, action) in actions.iter().enumerate() {
        live.apply(DecisionId::new(format!("d{i}")), action.clone()).unwrap();
    }
    let log = actions.into_iter().enumerate().map(|(i, action)| (DecisionId::new(format!("d{i}")), action));
    let replayed = Entry::replay(&template, &suggestions, &points, log);
    assert_eq!(replayed.items(), live.items());
    assert_eq!((replayed.status(), replayed.revision()), (EntryStatus::Exception, 4));
}

#[test]
fn undo_brings_nothing_back_where_there_is_no_room_left() {
    with_entry(|mut entry| {
        let reject = |id: &str| Action::Reject { item: item(id), reason: RejectReason::Wrong, comment: None };
        let undo = |id: &str| Action::Undo { decision: id.into() };
        entry.apply("d1".into(), Action::Accept { item: item("s0") }).unwrap();
        entry.apply("d2".into(), reject("s0")).unwrap();
        entry.apply("d3".into(), reject("s2")).unwrap();
        entry.apply("d4".into(), Action::ConfirmEmpty { field: "age".into() }).unwrap();
        assert_eq!(entry.apply("d5".into(), undo("d2")), Err(EntryError::FieldNotEmpty("age".into())));
        entry.apply("d5".into(), undo("d4")).unwrap();
        let add = Action::Add { item: item("a1"), content: content("age", "65") };
        entry.apply("d6".into(), add).unwrap();
        assert_eq!(entry.apply("d7".into(), undo("d2")), Err(EntryError::FieldFull("age".into())));
        entry.apply("d7".into(), undo("d6")).unwrap();
        entry.apply("d8".into(), undo("d2")).unwrap();
        assert_eq!(entry.item(&item("s0")).unwrap().state, ItemState::Accepted);
    });
}

fn code(field: &str, code: &str, role: CodeRole) -> Suggestion {
    let content = Content {
        field: field.into(),
        code: Some(CodeRef::icd10cm(code)),
        role: Some(role),
        ..Content::default()
    };
    Suggestion { content, candidates: vec![], confidence: 0.9, shown: true, remembered: false }
}

#[test]
fn the_first_of_an_order_is_the_only_principal_diagnosis() {
    let (template, points) = (template(), CodePoints::new(TEXT));
    let offered = vec![
        code("final_code", "J18.9", CodeRole::Principal),
        code("final_code", "I10", CodeRole::Secondary),
        code("final_code", "Z87.891", CodeRole::History),
    ];
    let mut entry = Entry::new(&template, &offered, &points);
    entry.apply("d0".into(), Action::Accept { item: item("s0") }).unwrap();
    let order = |items: &[&str]| Action::Sequence {
        field: "final_code".into(),
        items: items.iter().map(|id| item(id)).collect(),
    };
    entry.apply("d1".into(), order(&["s1", "s0"])).unwrap();
    let roles = |entry: &Entry<'_>| -> Vec<(Option<u32>, Option<CodeRole>)> {
        entry.items().iter().map(|item| (item.rank, item.content.role)).collect()
    };
    let (history, principal, secondary) =
        (Some(CodeRole::History), Some(CodeRole::Principal), Some(CodeRole::Secondary));
    let after = [(Some(1), secondary), (Some(0), principal), (None, history)];
    assert_eq!(roles(&entry), after);
    // Accepting later does not bring the offered role back.
    entry.apply("d2".into(), Action::Accept { item: item("s1") }).unwrap();
    assert_eq!(roles(&entry), after);
    // A principal that is rejected hands its place on.
    let reject = Action::Reject { item: item("s1"), reason: RejectReason::Wrong, comment: None };
    entry.apply("d3".into(), reject).unwrap();
    assert_eq!(roles(&entry)[0].1, principal);
    entry.apply("d4".into(), Action::Undo { decision: "d1".into() }).unwrap();
    assert_eq!(roles(&entry)[0], (None, principal));
    for (bad, error) in [
        (order(&["s1", "s1"]), EntryError::NotInSequence(item("s1"))),
        (order(&["s9"]), EntryError::UnknownItem(item("s9"))),
        (order(&[]), EntryError::NoSequence("final_code".into())),
        (
            Action::Sequence { field: "diagnosis".into(), items: vec![item("s0")] },
            EntryError::NoSequence("diagnosis".into()),
        ),
    ] {
        assert_eq!(entry.apply("d5".into(), bad), Err(error));
    }
}

#[test]
fn overrides_need_a_reason_and_can_be_taken_back() {
    with_entry(|mut entry| {
        let say = |reason: &str| Action::Override { edit: "C-110 s1 0a1b".into(), reason: reason.into() };
        assert_eq!(entry.apply("d1".into(), say(" ")), Err(EntryError::ReasonMissing));
        let nameless = Action::Override { edit: String::new(), reason: "x".into() };
        assert_eq!(entry.apply("d1".into(), nameless), Err(EntryError::BadEdit));
        entry.apply("d1".into(), say(" unrelated conditions ")).unwrap();
        assert_eq!(entry.overridden()["C-110 s1 0a1b"].reason, "unrelated conditions");
        assert_eq!(entry.status(), EntryStatus::InProgress);
        entry.apply("d2".into(), Action::Undo { decision: "d1".into() }).unwrap();
        assert!(entry.overridden().is_empty());
    });
}

#[test]
fn poa_stands_on_codes_of_a_final_list_only() {
    let (template, points) = (template(), CodePoints::new(TEXT));
    let offered =
        vec![code("final_code", "J18.9", CodeRole::Principal), suggestion("diagnosis", "pneumonia")];
    let mut entry = Entry::new(&template, &offered, &points);
    let poa = |id: &str| Action::PresentOnAdmission { item: item(id), poa: Poa::Yes };
    assert_eq!(entry.apply("d1".into(), poa("s1")), Err(EntryError::NoPoaHere(item("s1"))));
    entry.apply("d1".into(), poa("s0")).unwrap();
    assert_eq!(entry.items()[0].poa, Some(Poa::Yes));
}
