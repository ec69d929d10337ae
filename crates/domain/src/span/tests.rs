use proptest::prelude::*;

use super::*;

#[test]
fn refuses_a_quote_that_is_not_there_and_tells_both() {
    let points = CodePoints::new("no fever today");
    let wrong = Quoted { start: 3, end: 8, quote: "cough".into() };
    let error = points.resolve(&wrong).unwrap_err();
    assert_eq!(
        error,
        SpanError::QuoteMismatch { start: 3, end: 8, expected: "cough".into(), found: "fever".into() }
    );
    assert!(!error.to_string().contains("fever"), "clinical text must stay out of messages");
}

#[test]
fn refuses_ranges_off_the_text() {
    let points = CodePoints::new("añb");
    assert!(matches!(
        points.resolve(&Quoted { start: 2, end: 9, quote: "b".into() }),
        Err(SpanError::Outside { len: 3, .. })
    ));
    assert!(matches!(
        points.resolve(&Quoted { start: 2, end: 2, quote: String::new() }),
        Err(SpanError::Empty { .. })
    ));
    assert!(matches!(Span::new("añb", 2, 4), Err(SpanError::InsideCharacter { .. })));
}

#[test]
fn counts_code_points_not_bytes_or_utf16() {
    let text = "T 38.5\u{a0}°C\r\n😷 café e\u{301}";
    let points = CodePoints::new(text);
    let byte = text.find("café").unwrap();
    let quoted = points.quoted(Span::new(text, byte, byte + "café".len()).unwrap());
    assert_eq!((quoted.start, quoted.end), (13, 17));
}

proptest! {
    #[test]
    fn wire_form_round_trips(text in "(\\PC|[\r\n\t\u{a0}\u{301}😷🩺א]){1,300}", a in 0usize..300, b in 0usize..300) {
        let points = CodePoints::new(&text);
        let (a, b) = (a % (points.len() + 1), b % (points.len() + 1));
        prop_assume!(a != b);
        let (start, end) = (a.min(b), a.max(b));
        let quote: String = text.chars().skip(start).take(end - start).collect();
        let quoted = Quoted { start, end, quote };
        let span = points.resolve(&quoted).unwrap();
        prop_assert_eq!(points.quoted(span), quoted);
    }
}
