//! The editor of one value: what is being typed, whether it can be saved, and the content it makes.

use std::collections::BTreeMap;

use overread_domain::{Assertion, CodeRef, CodeRole, Content, Field, FieldKind, Item, ItemId, Quoted};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    pub item: ItemId,
    /// Whether the row is new.
    pub adds: bool,
    pub field: String,
    pub value: String,
    pub evidence: Vec<Quoted>,
    pub assertion: Option<Assertion>,
    pub code: Option<CodeRef>,
    pub code_title: Option<String>,
    pub role: Option<CodeRole>,
    pub attributes: BTreeMap<String, Quoted>,
}

impl Form {
    pub fn of(item: &Item) -> Self {
        let content = &item.content;
        Self {
            item: item.id.clone(),
            adds: false,
            field: content.field.clone(),
            value: content.value.clone().unwrap_or_default(),
            evidence: content.evidence.clone(),
            assertion: content.assertion,
            code: content.code.clone(),
            code_title: None,
            role: content.role,
            attributes: content.attributes.clone(),
        }
    }

    pub fn new(item: ItemId, field: &Field, words: Option<Quoted>) -> Self {
        Self {
            item,
            adds: true,
            field: field.id.clone(),
            value: String::new(),
            evidence: words.into_iter().collect(),
            assertion: field.assertion.then(|| usual_assertion(&field.id)),
            code: None,
            code_title: None,
            role: matches!(field.kind, FieldKind::Code).then_some(CodeRole::Secondary),
            attributes: BTreeMap::new(),
        }
    }

    pub fn content(&self) -> Content {
        let value = self.value.trim();
        Content {
            field: self.field.clone(),
            evidence: self.evidence.clone(),
            value: (!value.is_empty()).then(|| value.to_owned()),
            assertion: self.assertion,
            code: self.code.clone(),
            role: self.role,
            attributes: self.attributes.clone(),
        }
    }

    /// Why it cannot be saved yet.
    pub fn problem(&self, field: &Field) -> Option<&'static str> {
        if matches!(field.kind, FieldKind::Code) {
            return self.code.is_none().then_some("A code is needed.");
        }
        if self.value.trim().is_empty() && self.evidence.is_empty() {
            return Some("A value, or words of the note, are needed.");
        }
        None
    }

    /// What looks unlike the field's normal form. Only said, never refused.
    pub fn doubt(&self, field: &Field) -> Option<String> {
        let value = self.value.trim();
        (!value.is_empty() && !looks_like(&field.kind, value))
            .then(|| format!("Usually {}.", shape(&field.kind)))
    }

    /// Adds words to the evidence, the latest first in the case of `first`; the same words never twice.
    pub fn add_evidence(&mut self, words: Quoted) {
        if !self.evidence.contains(&words) {
            self.evidence.push(words);
        }
    }

    /// Moves a row to another field: what that field has no place for is left out.
    pub fn move_to(&mut self, field: &Field) {
        self.field.clone_from(&field.id);
        if field.code_system.is_none() {
            self.code = None;
            self.code_title = None;
        }
        self.attributes.retain(|id, _| field.attributes.iter().any(|attribute| attribute.id == *id));
        if let FieldKind::Choice { options } = &field.kind
            && !options.contains(&self.value)
        {
            self.value.clear();
        }
        self.assertion = match (field.assertion, self.assertion) {
            (false, _) => None,
            (true, None) => Some(usual_assertion(&field.id)),
            (true, some) => some,
        };
        self.role = matches!(field.kind, FieldKind::Code).then(|| self.role.unwrap_or(CodeRole::Secondary));
    }
}

fn usual_assertion(field: &str) -> Assertion {
    match field {
        "absent_condition" => Assertion::Absent,
        "family_history" => Assertion::Family,
        "history" => Assertion::Historical,
        _ => Assertion::Present,
    }
}

/// How a value of this kind is written, for people.
pub fn shape(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Text => "the words themselves".to_owned(),
        FieldKind::Age => "a number and years, months, weeks or days: 65 years".to_owned(),
        FieldKind::Date => "a date: 2026-03-14 or 2026-03".to_owned(),
        FieldKind::BloodPressure => "systolic/diastolic: 128/76".to_owned(),
        FieldKind::Quantity { units } if units.is_empty() => "a number".to_owned(),
        FieldKind::Quantity { units } => {
            format!("a number, with {} if another than the usual", units.join(", "))
        }
        FieldKind::Choice { options } => format!("one of {}", options.join(", ")),
        FieldKind::Condition => "the condition in words, where the note's own are not enough".to_owned(),
        FieldKind::Code => "a code".to_owned(),
    }
}

fn looks_like(kind: &FieldKind, value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = |text: &str| text.trim_start_matches(['<', '>', '=', '~']).trim().parse::<f64>().is_ok();
    match kind {
        FieldKind::Age => value.split_once(' ').is_some_and(|(n, unit)| {
            number(n) && ["year", "month", "week", "day"].iter().any(|u| unit.starts_with(u))
        }),
        FieldKind::Date => {
            let parts: Vec<&str> = value.split('-').collect();
            matches!(parts.len(), 2 | 3) && parts[0].len() == 4 && parts.iter().all(|part| digits(part))
        }
        FieldKind::BloodPressure => value.split_once('/').is_some_and(|(a, b)| digits(a) && digits(b)),
        FieldKind::Quantity { units } => {
            let bare = units.iter().find_map(|unit| value.strip_suffix(unit.as_str())).unwrap_or(value);
            number(bare.trim())
        }
        FieldKind::Choice { options } => options.iter().any(|option| option == value),
        FieldKind::Text | FieldKind::Condition | FieldKind::Code => true,
    }
}

#[cfg(test)]
mod tests {
    use overread_domain::Template;
    use overread_domain::template::ENCOUNTER_ABSTRACT;

    use super::*;

    fn template() -> Template {
        serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap()
    }

    fn words(quote: &str) -> Quoted {
        Quoted { start: 0, end: quote.chars().count(), quote: quote.into() }
    }

    #[test]
    fn a_new_code_needs_a_code() {
        let template = template();
        let field = template.field("final_code").unwrap();
        let mut form = Form::new("a1".into(), field, Some(words("pain")));
        assert!(form.problem(field).is_some());
        form.code = Some(CodeRef::icd10cm("R07.9"));
        assert_eq!(form.problem(field), None);
    }

    #[test]
    fn words_are_enough_for_a_condition() {
        let template = template();
        let field = template.field("diagnosis").unwrap();
        let form = Form::new("a1".into(), field, Some(words("costochondritis")));
        assert_eq!(form.problem(field), None);
        assert_eq!(form.content().assertion, Some(Assertion::Present));
        assert!(Form::new("a1".into(), field, None).problem(field).is_some());
    }

    #[test]
    fn says_what_looks_odd_without_refusing() {
        let template = template();
        let cases = [
            ("age", "65 years", true),
            ("age", "65", false),
            ("discharge_date", "2026-03", true),
            ("discharge_date", "03/14/2026", false),
            ("blood_pressure", "128/76", true),
            ("blood_pressure", "128", false),
            ("temperature", "98.4 F", true),
            ("lab_result", "<6", true),
            ("lab_result", "high", false),
            ("chief_complaint", "anything", true),
        ];
        for (field, value, fine) in cases {
            let field = template.field(field).unwrap();
            let mut form = Form::new("a1".into(), field, None);
            form.value = value.into();
            assert_eq!(form.doubt(field).is_none(), fine, "{} {value}", field.id);
            assert_eq!(form.problem(field), None);
        }
    }

    #[test]
    fn moving_to_another_field_keeps_what_fits_there() {
        let template = template();
        let mut form = Form::new("a1".into(), template.field("diagnosis").unwrap(), Some(words("MI")));
        form.code = Some(CodeRef::icd10cm("I21.9"));
        form.move_to(template.field("absent_condition").unwrap());
        assert_eq!((form.code.clone(), form.assertion), (None, Some(Assertion::Present)));
        form.move_to(template.field("chief_complaint").unwrap());
        assert_eq!(form.assertion, None);
        assert_eq!(form.evidence, [words("MI")]);
    }
}
