//! The borders that need no process: spans, an entry's decisions, and JSON as it goes over the wire.

use overread_api::correction::{self, CorrectionLine};
use overread_api::entry::Decide;
use overread_conformance::cases;
use overread_domain::outcome::outcomes;
use overread_domain::span::CodePoints;
use overread_domain::template::ENCOUNTER_ABSTRACT;
use overread_domain::{
    Action, Content, Decision, DecisionId, Effort, Entry, EntryId, ItemId, NoteId, Quoted, Span, SpanError,
    Template, Timestamp, UserId,
};

fn template() -> Template {
    serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap()
}

fn content(evidence: Vec<Quoted>) -> Content {
    Content { field: "history".into(), evidence, ..Content::default() }
}

#[test]
fn code_points_become_the_bytes_that_python_counts_and_come_back() {
    for case in cases() {
        let points = CodePoints::new(&case.text);
        for place in &case.spans {
            let span = points.resolve(&place.quoted()).unwrap_or_else(|error| panic!("{}: {error}", case.id));
            assert_eq!([span.start(), span.end()], place.bytes, "{}: {:?}", case.id, place.quote);
            assert_eq!(points.quoted(span), place.quoted(), "{}", case.id);
            assert_eq!(Span::new(&case.text, place.bytes[0], place.bytes[1]).unwrap(), span);
        }
    }
}

#[test]
fn utf16_units_are_those_of_the_browser() {
    for case in cases() {
        for place in &case.spans {
            let units = |end: usize| case.text[..end].encode_utf16().count();
            assert_eq!(place.bytes.map(units), place.utf16, "{}: {:?}", case.id, place.quote);
        }
    }
}

#[test]
fn byte_or_utf16_offsets_taken_for_code_points_are_refused_by_their_quote() {
    let mut tried = 0;
    for case in cases() {
        let points = CodePoints::new(&case.text);
        for place in &case.spans {
            for [start, end] in [place.bytes, place.utf16] {
                if [start, end] == [place.start, place.end] {
                    continue;
                }
                tried += 1;
                let wrong = Quoted { start, end, quote: place.quote.clone() };
                let error = points.resolve(&wrong).expect_err(&case.id);
                assert!(
                    matches!(error, SpanError::QuoteMismatch { .. } | SpanError::Outside { .. }),
                    "{}: {error}",
                    case.id
                );
            }
        }
    }
    assert!(tried > 40, "only {tried} spans tell the counts apart");
}

#[test]
fn composed_and_decomposed_quotes_are_not_the_same_words() {
    let case = cases().into_iter().find(|case| case.id == "decomposed-quote").unwrap();
    let points = CodePoints::new(&case.text);
    let crossed = Quoted { quote: case.spans[1].quote.clone(), ..case.spans[0].quoted() };
    assert!(matches!(points.resolve(&crossed), Err(SpanError::QuoteMismatch { .. })));
}

#[test]
fn a_request_to_decide_carries_every_quote_through_json() {
    for case in cases() {
        let evidence: Vec<Quoted> = case.spans.iter().map(overread_conformance::Place::quoted).collect();
        let request = Decide {
            expected_revision: 0,
            idempotency_key: "conformance".into(),
            actions: vec![Action::Add { item: ItemId::new("a1"), content: content(evidence) }],
            effort: Effort::default(),
            suggestions_shown: true,
            suggestion_set: None,
        };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Decide>(&json).unwrap(), request, "{}", case.id);
    }
}

#[test]
fn an_added_row_reaches_the_export_with_its_words_unharmed() {
    let template = template();
    for case in cases() {
        let points = CodePoints::new(&case.text);
        let evidence: Vec<Quoted> = case.spans.iter().map(overread_conformance::Place::quoted).collect();
        let action = Action::Add { item: ItemId::new("a1"), content: content(evidence.clone()) };
        let decision = DecisionId::new("d1");
        let mut entry = Entry::new(&template, &[], &points);
        entry.apply(decision.clone(), action.clone()).unwrap_or_else(|error| panic!("{}: {error}", case.id));
        let [outcome] = outcomes(&entry, &[]).try_into().expect("one row, one outcome");
        let line = CorrectionLine {
            format: correction::FORMAT.into(),
            version: correction::VERSION,
            note: NoteId::new(&*case.id),
            text_sha256: case.sha256.clone(),
            text: Some(case.text.clone()),
            entry: EntryId::new("e1"),
            template: template.id.clone(),
            template_version: template.version,
            finished: true,
            model: None,
            memory: None,
            code_release: None,
            outcome,
            user: UserId::new("u1"),
            at: Timestamp(0),
            suggestions_shown: true,
            active_ms: 0,
            keystrokes: 0,
            decisions: vec![Decision {
                id: decision,
                entry: EntryId::new("e1"),
                revision: 1,
                user: UserId::new("u1"),
                at: Timestamp(0),
                action,
                effort: Effort::default(),
                suggestion_set: None,
                suggestions_shown: true,
            }],
        };
        let json = serde_json::to_string(&line).unwrap();
        assert_eq!(json.lines().count(), 1, "{}: JSON Lines must stay one line", case.id);
        let back: CorrectionLine = serde_json::from_str(&json).unwrap();
        assert_eq!(back, line, "{}", case.id);
        let evidence_back = back.outcome.content.unwrap().evidence;
        assert_eq!(evidence_back, evidence);
        for quoted in &evidence_back {
            CodePoints::new(back.text.as_deref().unwrap()).resolve(quoted).unwrap();
        }
    }
}

#[test]
fn a_wrong_quote_in_one_of_many_is_refused_and_nothing_is_added() {
    let template = template();
    for case in cases() {
        let points = CodePoints::new(&case.text);
        let mut evidence: Vec<Quoted> = case.spans.iter().map(overread_conformance::Place::quoted).collect();
        let last = evidence.last_mut().unwrap();
        last.quote.push('?');
        let mut entry = Entry::new(&template, &[], &points);
        let refused = entry.apply(
            DecisionId::new("d1"),
            Action::Add { item: ItemId::new("a1"), content: content(evidence) },
        );
        assert!(refused.is_err(), "{}", case.id);
        assert_eq!((entry.revision(), entry.items().len()), (0, 0), "{}", case.id);
    }
}
