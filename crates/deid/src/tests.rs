use overread_domain::Quoted;
use overread_domain::span::CodePoints;
use proptest::prelude::*;

use crate::{Found, Kind, Masked, Surrogates, find};

fn told(text: &str) -> Vec<(Kind, &str)> {
    find(text, &[]).into_iter().map(|Found { span, kind }| (kind, &text[span])).collect()
}

fn surrogates() -> Surrogates {
    Surrogates::new(b"secret", "p1")
}

/// Invented, with everything that the rule names. Between braces: what must be found.
const NOTE: &str = "DISCHARGE SUMMARY\n\
    PATIENT: {Okonkwo}, {Adaeze}   MRN: {00482-913}   DOB: {03/09/1931}\n\
    ATTENDING PHYSICIAN: {Lars P. Wetterling}, M.D.\n\
    ADMISSION DATE: {11/28/2023}. DISCHARGE DATE: {December 4, 2023}.\n\
    HISTORY: Mrs. {Okonkwo} is a {92}-year-old woman who lives at {418 Juniper Lane}, {Duluth}, MN {55802} with her daughter, {Chidinma}. \
    She was seen by Dr. {Haverkamp} at {Bellweather} Regional Hospital on {11/25}. Phone {218-555-0147}, mail {ada.o@example.com}. \
    Crohn's disease since 1998; Foley catheter placed. BP 120/80, strength 4/5, ratio 3/4.\n\
    {Chidinma} says that {ADAEZE} fell in {March}. Account # {X7730021}. Serial number {AB-99812}.\n";

#[test]
fn finds_what_the_rule_names_and_leaves_the_medicine() {
    let mut text = String::new();
    let mut wanted = Vec::new();
    for c in NOTE.chars() {
        match c {
            '{' => wanted.push((text.len(), 0)),
            '}' => wanted.last_mut().unwrap().1 = text.len(),
            c => text.push(c),
        }
    }
    let found = find(&text, &[]);
    for (start, end) in &wanted {
        let whole = found.iter().any(|one| one.span.start <= *start && *end <= one.span.end);
        assert!(whole, "{:?} in {:?}", &text[*start..*end], told(&text));
    }
    let masked = Masked::new(&text, &[], &surrogates());
    for (start, end) in wanted.iter().filter(|(start, end)| end - start > 3) {
        assert!(!masked.text().contains(&text[*start..*end]), "{}", masked.text());
    }
    for kept in [
        "Crohn's disease",
        "Foley catheter",
        "120/80",
        "strength 4/5",
        "3/4",
        "1998",
        "Regional Hospital",
        "MN",
    ] {
        assert!(masked.text().contains(kept), "{kept}: {}", masked.text());
    }
}

#[test]
fn ordinary_and_clinical_words_are_no_names() {
    for text in [
        "The patient may walk. Will follow up with Cardiology. Mark the site.",
        "Parkinson's disease, Bell's palsy, Hodgkin lymphoma and Baker cyst.",
        "ASSESSMENT: Stable. PLAN: Continue Metformin and Lisinopril.",
        "Physical Therapy and Occupational Therapy were consulted. General Surgery saw her.",
        "He was given a Foley, a Jackson-Pratt drain and a Kerlix dressing.",
        "Blood pressure 132/84, 2/6 murmur, 5/5 strength, 1/2 tablet, 10/10 pain.",
        "PROCEDURE: Left Heart Catheterization. ANESTHESIA: General.",
        "A 65-year-old woman in 1998 and in 2004.",
    ] {
        assert_eq!(told(text), [], "{text}");
    }
}

#[test]
fn dates_move_together_and_keep_their_form() {
    let surrogates = surrogates();
    let days = surrogates.days();
    assert!(days != 0 && days.abs() <= 364);
    let moved = |date: &str| surrogates.date(date);
    for date in [
        "03/14/2024",
        "3/14/2024",
        "3/14/24",
        "2024-03-14",
        "March 14, 2024",
        "14 March 2024",
        "14-Mar-24",
        "Mar. 14th, 2024",
    ] {
        let there = surrogates.date(date);
        assert_ne!(there, date);
        // Back again by the same days.
        let mut back = Surrogates::new(b"secret", "p1");
        back.turn();
        let again = back.date(&there);
        let plain = |date: &str| date.replace("th", "").replace("st", "").replace("nd", "").replace("rd", "");
        assert_eq!(plain(&again), plain(date), "{date} {there}");
    }
    let order = |date: &str| {
        let moved = moved(date);
        let parts: Vec<i64> = moved.split('-').map(|part| part.parse().unwrap()).collect();
        overread_domain::clock::days_since_1970(parts[0], parts[1], parts[2])
    };
    assert_eq!(order("2024-03-14") - order("2023-12-24"), 81, "the time between dates stays");
    // A date that there is not still becomes another.
    assert_ne!(moved("2/31/2024"), "2/31/2024");
    assert_ne!(moved("May"), "");
}

#[test]
fn the_same_person_has_the_same_mask_and_nobody_else() {
    let text = "Mr. Okonkwo, MRN 4482913, was seen on 3/14/2024. OKONKWO's wife agreed.";
    let one = Masked::new(text, &[], &Surrogates::new(b"secret", "p1"));
    assert_eq!(one.text(), Masked::new(text, &[], &Surrogates::new(b"secret", "p1")).text());
    assert_ne!(one.text(), Masked::new(text, &[], &Surrogates::new(b"secret", "p2")).text());
    assert_ne!(one.text(), Masked::new(text, &[], &Surrogates::new(b"other", "p1")).text());
    let name = one.text().strip_prefix("Mr. ").unwrap().split(',').next().unwrap();
    assert!(one.text().contains(&format!("{}'s wife", name.to_uppercase())), "{}", one.text());
    // What is said elsewhere of the note has the same mask.
    assert_eq!(one.words("ask Okonkwo"), format!("ask {name}"));
    let date = one.text().split("seen on ").nth(1).unwrap().split('.').next().unwrap();
    assert_eq!(one.words("3/14/2024"), date);
}

#[test]
fn names_that_came_with_a_note_are_looked_for() {
    let text = "Xylander feels well. XYLANDER'S leg.";
    assert_eq!(told(text), []);
    let found = find(text, &["Xylander, Bo"]);
    assert_eq!(found.len(), 2);
}

#[test]
fn places_follow_their_words() {
    let text = "😷 Mr. Okonkwo has gout. Dr. Wu saw Mr. Okonkwo on 3/14/2024 for gout.";
    let points = CodePoints::new(text);
    let masked = Masked::new(text, &[], &surrogates());
    let after = CodePoints::new(masked.text());
    for (at, words) in text.match_indices("gout") {
        let start = points.to_point(at).unwrap();
        let there = masked.quoted(&Quoted { start, end: start + words.len(), quote: words.into() });
        assert_eq!(there.quote, "gout");
        assert!(after.resolve(&there).is_ok());
    }
    // A place that cuts a name holds its mask.
    let at = points.to_point(text.find("konkwo").unwrap()).unwrap();
    let there = masked.quoted(&Quoted { start: at, end: at + 3, quote: "kon".into() });
    assert!(after.resolve(&there).is_ok() && !there.quote.contains("kon") && there.quote.len() > 3);
    assert_eq!(masked.at(points.len()), after.len());
}

proptest! {
    #[test]
    fn any_text_has_a_mask_and_its_places_stay_true(
        text in "(?:[ -~]|[\n\u{e9}\u{1f637}]|Dr\\. [A-Z][a-z]{2,6}|[0-9]{1,2}/[0-9]{1,2}/20[0-9]{2}|MRN [0-9]{5,9}){0,60}",
        start in 0usize..200, len in 1usize..30,
    ) {
        let points = CodePoints::new(&text);
        let found = find(&text, &["Bo Xylander"]);
        for two in found.windows(2) {
            prop_assert!(two[0].span.end <= two[1].span.start);
        }
        let masked = Masked::new(&text, &["Bo Xylander"], &surrogates());
        prop_assert_eq!(masked.replaced(), found.len());
        let after = CodePoints::new(masked.text());
        prop_assert_eq!(masked.at(points.len()), after.len());
        if start + len <= points.len() {
            let quote = text.chars().skip(start).take(len).collect();
            let there = masked.quoted(&Quoted { start, end: start + len, quote });
            prop_assert!(there.start == there.end || after.resolve(&there).is_ok());
        }
    }
}
