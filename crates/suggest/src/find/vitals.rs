//! Vital signs: the first figure measured, with the unit that is written.

use std::ops::Range;

use regex::Captures;

use super::{Found, pattern};
use crate::concept::Concept;
use crate::note::{Doc, SectionKind};

pattern! {
    PRESSURE = r"(?i)\b(?:blood pressures?|b\.?/?p\.?)\b[^0-9\n]{0,45}?(\d{2,3}[ \t]?(?:/|over)[ \t]?\d{2,3})\b";
    BARE_PRESSURE = r"\b(\d{2,3}/\d{2,3})\b";
    RATE = r"(?i)\b(?:heart rates?|pulse(?: rate)?|hr|ventricular rate)\b[^0-9\n.;%]{0,35}?(\d{2,3}s?(?:[ \t]?(?:-|to)[ \t]?\d{2,3}s?)?(?:[ \t]?(?:beats?(?: per | a |/)?(?:minute|min)?|bpm|per minute|/[ \t]?min(?:ute)?))?)\b";
    LETTER_RATE = r"\b[PH][ \t:=-]{1,3}(\d{2,3})\b";
    BREATHS = r"(?i)\b(?:respirat(?:ions?|ory rate)s?|resp(?:\.|s)?(?: rate)?|rr|breathing(?: rate)?)\b[^0-9\n;%]{0,28}?(\d{1,2}(?:[ \t]?(?:-|to)[ \t]?\d{1,2})?(?:[ \t]?(?:breaths?(?: per | a |/)?(?:minute|min)?|per minute|/[ \t]?min(?:ute)?))?)\b";
    LETTER_BREATHS = r"\bR[ \t:=-]{1,3}(\d{1,2})\b";
    TEMPERATURE = r"(?i)\b(?:temperature|temp|t-?max|tmax|afebrile)\b[^0-9\n;%]{0,40}?((?:9\d|10\d|3[4-9]|4[0-2])(?:\.\d{1,2})?(?:[ \t]?(?:°|º|degrees?|deg\.?))?(?:[ \t]?(?:fahrenheit|celsius|centigrade|[FC]\b))?)";
    LETTER_TEMPERATURE = r"\bT[ \t:=-]{1,3}((?:9\d|10\d|3[4-9]|4[0-2])(?:\.\d{1,2})?(?:[ \t]?(?:°|º|degrees?))?(?:[ \t]?[FC]\b)?)";
    SATURATION = r"(?i)\b(?:(?:o2|oxygen) ?(?:sat(?:uration)?s?|satting)|sat(?:uration|urating|ting)?s?|spo2|sao2|pulse ox(?:imetry|imeter)?|pulse-?ox|oximetry)\b[^0-9\n;]{0,50}?((?:greater than |above |> ?)?(?:[5-9]\d|100)(?:[ \t]?(?:-|to|%-|% to)[ \t]?(?:[5-9]\d|100))?[ \t]?%?)";
    ON_AIR = r"(?i)\b((?:[5-9]\d|100)[ \t]?%)[ \t]+(?:saturation )?(?:on|in|at) (?:room air|ra\b|\d[^.]{0,12}(?:liter|l\b)|oxygen)";
    WEIGHT = r"(?i)\b(?:weight|weighs|weighing|wt)\b[^0-9\n;/%]{0,30}?(\d{1,4}(?:\.\d{1,2})?(?:[ \t]?-?[ \t]?1/2)?(?:[ \t]?-?(?:pounds?|lbs?|kilograms?|kilos?|kgs?|grams?|gm?s?|ounces?|oz)\b)?)";
    POUND_MAN = r"(?i)\b(\d{2,3}(?:\.\d)?[ -](?:pounds?|lbs?|kg))[ -](?:\w+ ){0,3}(?:man|woman|male|female|gentleman|lady)";
    HEIGHT = r#"(?i)\b(?:height|ht|tall|stands)\b[^0-9\n;]{0,25}?(\d[ \t]?(?:feet|foot|ft\.?|['’])[ \t]?(?:\d{1,2}(?:-1/2|\.\d)?[ \t]?(?:inches|inch|in\b\.?|["”]|'')?)?|\d{2,3}(?:\.\d)?[ \t]?(?:inches|inch|in\b|cm|centimeters)|1\.\d{1,2}[ \t]?(?:m|meters)\b)"#;
    TALL = r#"(?i)\b(\d[ \t]?(?:feet|foot|ft\.?|['’])[ \t]?(?:\d{1,2}(?:-1/2)?[ \t]?(?:inches|inch|in\b\.?|["”]|'')?)?)[ \t]*(?:tall|in height)"#;
    MASS_INDEX = r"(?i)\b(?:bmi|body mass index)\b[^0-9\n;]{0,30}?(\d{2}(?:\.\d{1,2})?)\b";
    NUMBER = r"\d+(?:\.\d+)?";
}

/// All vital signs of the note, at most one each, the first measured.
pub(crate) fn find(doc: &Doc<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    out.extend(pressure(doc));
    out.extend(figure(
        doc,
        Concept::HeartRate,
        &[(&RATE, "named"), (&LETTER_RATE, "letter")],
        25.0..300.0,
        bare_range,
    ));
    out.extend(figure(
        doc,
        Concept::RespiratoryRate,
        &[(&BREATHS, "named"), (&LETTER_BREATHS, "letter")],
        4.0..100.0,
        bare_range,
    ));
    out.extend(figure(
        doc,
        Concept::Temperature,
        &[(&TEMPERATURE, "named"), (&LETTER_TEMPERATURE, "letter")],
        34.0..110.0,
        temperature,
    ));
    out.extend(figure(
        doc,
        Concept::OxygenSaturation,
        &[(&SATURATION, "named"), (&ON_AIR, "on air")],
        50.0..101.0,
        saturation,
    ));
    out.extend(figure(
        doc,
        Concept::Weight,
        &[(&WEIGHT, "named"), (&POUND_MAN, "adjective")],
        0.4..1500.0,
        weight,
    ));
    out.extend(figure(doc, Concept::Height, &[(&HEIGHT, "named"), (&TALL, "tall")], 0.0..300.0, |text| {
        height(text)
    }));
    out.extend(figure(doc, Concept::Bmi, &[(&MASS_INDEX, "named")], 9.0..90.0, |text| {
        number(text).map(|_| text.to_owned())
    }));
    out
}

fn in_examination(kind: SectionKind) -> bool {
    matches!(kind, SectionKind::Vitals | SectionKind::Exam)
}

fn pressure(doc: &Doc<'_>) -> Option<Found> {
    let mut best: Option<Found> = None;
    let mut keep = |span: Range<usize>, rule: &'static str, doc: &Doc<'_>| {
        let Some(value) = blood_pressure(doc.str(&span)) else { return };
        if best.as_ref().is_none_or(|b| span.start < b.span.start) {
            best = Some(Found::new(Concept::BloodPressure, span, rule).value(value));
        }
    };
    for captures in PRESSURE.captures_iter(doc.text) {
        if let Some(span) = captures.get(1) {
            keep(span.range(), "named", doc);
        }
    }
    for captures in BARE_PRESSURE.captures_iter(doc.text) {
        let Some(span) = captures.get(1) else { continue };
        if doc.kind_at(span.start()) == SectionKind::Vitals {
            keep(span.range(), "bare", doc);
        }
    }
    best
}

/// "128/76" of what is written so; `None` where the figures can't be a blood pressure.
pub(crate) fn blood_pressure(text: &str) -> Option<String> {
    let (systolic, diastolic) = text.split_once('/').or_else(|| text.split_once("over"))?;
    let (systolic, diastolic): (u32, u32) = (systolic.trim().parse().ok()?, diastolic.trim().parse().ok()?);
    ((40..=300).contains(&systolic) && (15..=200).contains(&diastolic) && systolic > diastolic)
        .then(|| format!("{systolic}/{diastolic}"))
}

/// Words between a sign's name and a figure that make the figure something else.
fn about_change(gap: &str) -> bool {
    let gap = gap.to_lowercase();
    [
        "loss",
        "gain",
        "lost",
        "gained",
        "bearing",
        "lifting",
        "limit",
        "goal",
        "increase",
        "decrease",
        "dropped",
        "birth",
        "estimated fetal",
    ]
    .iter()
    .any(|word| gap.contains(word))
}

fn figure(
    doc: &Doc<'_>,
    concept: Concept,
    patterns: &[(&'static std::sync::LazyLock<regex::Regex>, &'static str)],
    bounds: Range<f64>,
    normal: impl Fn(&str) -> Option<String>,
) -> Option<Found> {
    let mut best: Option<Found> = None;
    for (regex, rule) in patterns {
        for captures in regex.captures_iter(doc.text) {
            let Some(found) = accept(doc, concept, &captures, rule, &bounds, &normal) else { continue };
            if best.as_ref().is_none_or(|b| found.span.start < b.span.start) {
                best = Some(found);
            }
            break;
        }
    }
    best
}

fn accept(
    doc: &Doc<'_>,
    concept: Concept,
    captures: &Captures<'_>,
    rule: &'static str,
    bounds: &Range<f64>,
    normal: &impl Fn(&str) -> Option<String>,
) -> Option<Found> {
    let (whole, span) = (captures.get(0)?, captures.get(1)?);
    let quote = span.as_str().trim_end();
    let range = span.start()..span.start() + quote.len();
    let gap = &doc.text[whole.start()..span.start()];
    let kind = doc.kind_at(range.start);
    if rule == "letter" && !in_examination(kind) {
        return None;
    }
    if gap.contains('\r') || about_change(gap) {
        return None;
    }
    let before = doc.before(whole.start(), 12, 0).to_lowercase();
    if matches!(concept, Concept::Weight)
        && (before.ends_with("birth ") || before.ends_with("gained ") || before.ends_with("fetal "))
    {
        return None;
    }
    if concept == Concept::HeartRate
        && (gap.to_lowercase().contains("oxim")
            || gap.to_lowercase().contains("ox ")
            || doc.text[range.end..].starts_with(['%', '+']))
    {
        return None;
    }
    let first = number(quote)?;
    if !bounds.contains(&first) || doc.text[range.end..].starts_with('/') && concept != Concept::Height {
        return None;
    }
    let value = normal(quote)?;
    Some(Found::new(concept, range, rule).value(value))
}

fn number(text: &str) -> Option<f64> {
    NUMBER.find(text)?.as_str().parse().ok()
}

/// A rate without its unit, a range as it is written.
pub(crate) fn bare_range(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| c.is_alphabetic() && c != 's' && c != 't' && c != 'o')
        .or_else(|| text.find('/'))
        .unwrap_or(text.len());
    let value = text[..end].trim().trim_end_matches(" t").trim_end_matches('/').trim();
    value.starts_with(|c: char| c.is_ascii_digit()).then(|| value.to_owned())
}

/// "98.6 F" or "37 C": what no unit says, the figure does (no body is at 98 C or 37 F).
pub(crate) fn temperature(text: &str) -> Option<String> {
    let figure = NUMBER.find(text)?.as_str();
    let degrees: f64 = figure.parse().ok()?;
    let unit = if (30.0..=43.5).contains(&degrees) {
        'C'
    } else if (86.0..=110.0).contains(&degrees) {
        'F'
    } else {
        return None;
    };
    let written = text[figure.len()..].to_uppercase();
    let contradicts = (written.ends_with('C') || written.contains("CEL") || written.contains("CENTI"))
        && unit == 'F'
        || (written.ends_with('F') || written.contains("FAHR")) && unit == 'C';
    (!contradicts).then(|| format!("{figure} {unit}"))
}

/// "97%", "95-98%", ">95%".
pub(crate) fn saturation(text: &str) -> Option<String> {
    let figures: Vec<&str> = NUMBER.find_iter(text).map(|m| m.as_str()).collect();
    let lower = text.to_lowercase();
    let above = lower.contains("greater") || lower.contains("above") || lower.contains('>');
    match figures.as_slice() {
        [one] if above => Some(format!(">{one}%")),
        [one] => Some(format!("{one}%")),
        [low, high] => Some(format!("{low}-{high}%")),
        _ => None,
    }
}

/// "182 lb", "72 kg", "189.5 lb"; a figure without a unit stays bare.
pub(crate) fn weight(text: &str) -> Option<String> {
    let mut figure = NUMBER.find(text)?.as_str().to_owned();
    if text.contains("1/2") {
        figure.push_str(".5");
    }
    let unit = text.to_lowercase();
    let unit = unit.trim_start_matches(|c: char| !c.is_alphabetic());
    let unit = match unit {
        "" => return Some(figure),
        u if u.starts_with('p') || u.starts_with("lb") => "lb",
        u if u.starts_with('k') => "kg",
        u if u.starts_with('g') => "g",
        u if u.starts_with('o') => "oz",
        _ => return None,
    };
    Some(format!("{figure} {unit}"))
}

/// "5 ft 4 in", "58 in", "181 cm".
pub(crate) fn height(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let figures: Vec<&str> = NUMBER.find_iter(&lower).map(|m| m.as_str()).collect();
    let first = *figures.first()?;
    let feet = lower.contains("fe")
        || lower.contains("fo")
        || lower.contains("ft")
        || lower.contains(['\'', '’']) && first.len() == 1;
    if feet {
        let inches = match figures.get(1) {
            Some(inches) if lower.contains("1/2") => format!(" {inches}.5 in"),
            Some(inches) => format!(" {inches} in"),
            None => String::new(),
        };
        return Some(format!("{first} ft{inches}"));
    }
    if lower.contains("cm") || lower.contains("cent") {
        return Some(format!("{first} cm"));
    }
    if lower.contains("in") {
        return Some(format!("{first} in"));
    }
    lower.contains('m').then(|| format!("{first} m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, concept: Concept) -> Option<(String, String)> {
        let doc = Doc::new(text, 10_000);
        let hit = find(&doc).into_iter().find(|f| f.concept == concept)?;
        Some((doc.str(&hit.span).to_owned(), hit.value?))
    }

    fn value(text: &str, concept: Concept) -> Option<String> {
        found(text, concept).map(|f| f.1)
    }

    #[test]
    fn reads_a_line_of_vital_signs() {
        let line = "VITAL SIGNS: T 98.9, P 84, R 16, BP 142/88, O2 sat 97% on room air. Weight 81.2 kg.";
        assert_eq!(value(line, Concept::Temperature).as_deref(), Some("98.9 F"));
        assert_eq!(value(line, Concept::HeartRate).as_deref(), Some("84"));
        assert_eq!(value(line, Concept::RespiratoryRate).as_deref(), Some("16"));
        assert_eq!(value(line, Concept::BloodPressure).as_deref(), Some("142/88"));
        assert_eq!(value(line, Concept::OxygenSaturation).as_deref(), Some("97%"));
        assert_eq!(value(line, Concept::Weight).as_deref(), Some("81.2 kg"));
    }

    #[test]
    fn quotes_hold_the_unit_and_values_do_not() {
        let (quote, value) = found("Heart rate is 88 beats per minute.", Concept::HeartRate).unwrap();
        assert_eq!((quote.as_str(), value.as_str()), ("88 beats per minute", "88"));
        let (quote, value) = found("Pulse 70-80 per minute", Concept::HeartRate).unwrap();
        assert_eq!((quote.as_str(), value.as_str()), ("70-80 per minute", "70-80"));
    }

    #[test]
    fn figures_that_no_body_has_are_not_taken() {
        assert_eq!(blood_pressure("76/128"), None);
        assert_eq!(temperature("55"), None);
        assert_eq!(temperature("98.6 C"), None);
        assert_eq!(value("Blood pressure 999/10", Concept::BloodPressure), None);
    }

    #[test]
    fn a_change_of_weight_is_no_weight() {
        assert_eq!(value("Weight loss of 20 pounds.", Concept::Weight), None);
        assert_eq!(value("Weight is 189-1/2 pounds.", Concept::Weight).as_deref(), Some("189.5 lb"));
    }

    #[test]
    fn heights_keep_their_unit() {
        assert_eq!(value("Height 5 feet 4 inches", Concept::Height).as_deref(), Some("5 ft 4 in"));
        assert_eq!(value("Height: 5'7-1/2\"", Concept::Height).as_deref(), Some("5 ft 7.5 in"));
        assert_eq!(value("He is 6 feet tall.", Concept::Height).as_deref(), Some("6 ft"));
        assert_eq!(value("Height 172 cm", Concept::Height).as_deref(), Some("172 cm"));
    }

    #[test]
    fn saturations_may_be_ranges_or_bounds() {
        assert_eq!(saturation("95 to 98%").as_deref(), Some("95-98%"));
        assert_eq!(saturation("greater than 94%").as_deref(), Some(">94%"));
    }
}
