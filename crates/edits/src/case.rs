//! An entry as the rules look at it.

use overread_codes::{Entry, ListKind, Release};
use overread_domain::code::ICD_10_CM;
use overread_domain::entry::in_claim_order;
use overread_domain::span::CodePoints;
use overread_domain::{
    Action, CodeRef, CodeRole, Content, FieldKind, Fix, Item, ItemId, Quoted, RejectReason,
};
use sha2::{Digest, Sha256};

use crate::{Books, Input};

/// Where the patient was treated: uncertain diagnoses and the present-on-admission indicator depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Inpatient,
    Outpatient,
    Unknown,
}

/// What a rule found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub message: String,
    /// Where it is not the rule's own.
    pub citation: Option<String>,
    pub items: Vec<ItemId>,
    pub evidence: Vec<Quoted>,
    pub fixes: Vec<Fix>,
}

impl Found {
    pub fn on(items: &[&Item], message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            items: items.iter().map(|item| item.id.clone()).collect(),
            ..Self::default()
        }
    }

    pub fn cited(mut self, citation: impl Into<String>) -> Self {
        self.citation = Some(citation.into());
        self
    }

    pub fn fix(mut self, label: impl Into<String>, actions: Vec<Action>) -> Self {
        self.fixes.push(Fix { label: label.into(), actions });
        self
    }

    pub fn maybe_fix(self, fix: Option<(String, Vec<Action>)>) -> Self {
        match fix {
            Some((label, actions)) => self.fix(label, actions),
            None => self,
        }
    }

    pub fn seen_in(mut self, evidence: impl IntoIterator<Item = Quoted>) -> Self {
        for quoted in evidence {
            if !self.evidence.contains(&quoted) {
                self.evidence.push(quoted);
            }
        }
        self
    }
}

/// A row of a final list with its code in the release of the date.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coded<'a> {
    pub item: &'a Item,
    pub code: &'a CodeRef,
    pub entry: Option<Entry<'a>>,
}

pub(crate) struct Case<'a> {
    pub input: &'a Input<'a>,
    pub books: &'a Books,
    pub points: CodePoints<'a>,
    /// Rows that stand.
    pub kept: Vec<&'a Item>,
    /// Diagnoses of the final list in their order.
    pub finals: Vec<Coded<'a>>,
    /// Procedure codes of final lists of other systems.
    pub procedures: Vec<Coded<'a>>,
    pub release: Option<&'a Release>,
    pub date: Option<String>,
    pub setting: Setting,
    pub sex: Option<Sex>,
    /// Years; 0 below one year.
    pub age: Option<Age>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sex {
    Female,
    Male,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Age {
    pub years: f64,
}

impl Age {
    /// "65 years", "3 months".
    pub fn parse(value: &str) -> Option<Self> {
        let (number, unit) = value.trim().split_once(' ')?;
        let number: f64 = number.parse().ok()?;
        let years = match unit.trim_end_matches('s') {
            "year" => number,
            "month" => number / 12.0,
            "week" => number * 7.0 / 365.25,
            "day" => number / 365.25,
            "hour" => number / 8766.0,
            _ => return None,
        };
        (years.is_finite() && (0.0..150.0).contains(&years)).then_some(Self { years })
    }
}

/// The day by which an entry's codes are judged: discharge, else service, else what came with the note (ISO 8601, maybe
/// to the month).
pub fn entry_date(items: &[Item], service_date: Option<&str>) -> Option<String> {
    let of = |field: &str| {
        items
            .iter()
            .filter(|item| item.state.is_kept() && item.content.field == field)
            .find_map(|item| item.content.value.as_deref().filter(|value| is_date(value)))
            .map(str::to_owned)
    };
    of("discharge_date")
        .or_else(|| of("service_date"))
        .or_else(|| service_date.filter(|date| is_date(date)).map(str::to_owned))
}

fn is_date(value: &str) -> bool {
    let bytes = value.as_bytes();
    matches!(bytes.len(), 7 | 10)
        && bytes
            .iter()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() })
}

impl<'a> Case<'a> {
    pub fn new(input: &'a Input<'a>, books: &'a Books) -> Self {
        let kept: Vec<&Item> = input.items.iter().filter(|item| item.state.is_kept()).collect();
        let date = entry_date(input.items, input.meta.service_date.as_deref());
        let day = date.as_deref().unwrap_or(input.today).to_owned();
        let of = |system: &str| books.release(system, &day).map(AsRef::as_ref);
        let release: Option<&Release> = of(ICD_10_CM);
        let lists: Vec<&str> = input
            .template
            .fields()
            .filter(|field| field.kind == FieldKind::Code)
            .map(|field| field.id.as_str())
            .collect();
        let listed =
            in_claim_order(kept.iter().copied().filter(|item| lists.contains(&item.content.field.as_str())));
        let coded = |item: &'a Item| -> Option<Coded<'a>> {
            let code = item.content.code.as_ref()?;
            let entry = of(&code.system).and_then(|release| release.get(&code.code)).filter(|e| e.is_code());
            Some(Coded { item, code, entry })
        };
        let (finals, procedures) =
            listed.into_iter().filter_map(coded).partition(|row: &Coded<'_>| row.code.system == ICD_10_CM);
        let value = |field: &str| {
            kept.iter().find(|i| i.content.field == field).and_then(|i| i.content.value.as_deref())
        };
        let sex = match value("sex") {
            Some("female") => Some(Sex::Female),
            Some("male") => Some(Sex::Male),
            _ => None,
        };
        let age = value("age").and_then(Age::parse);
        let setting = setting(
            input.meta.document_type.as_deref().or(input.meta.title.as_deref()).unwrap_or_default(),
            value("admission_date").is_some() || value("discharge_date").is_some(),
        );
        Self {
            points: CodePoints::new(input.text),
            input,
            books,
            kept,
            finals,
            procedures,
            release,
            date,
            setting,
            sex,
            age,
        }
    }

    /// The day whose editions hold: today where nothing says when the patient was there.
    fn day(&self) -> &str {
        self.date.as_deref().unwrap_or(self.input.today)
    }

    /// The release of a system on the entry's date.
    pub fn release_of(&self, system: &str) -> Option<&'a Release> {
        self.books.release(system, self.day()).map(AsRef::as_ref)
    }

    pub fn list(&self, kind: ListKind) -> Option<&'a overread_codes::CodeList> {
        self.books.list(kind, self.day())
    }

    /// Kept rows of a field.
    pub fn of(&self, field: &'a str) -> impl Iterator<Item = &'a Item> {
        self.kept.iter().copied().filter(move |item| item.content.field == field)
    }

    pub fn value(&self, field: &'a str) -> Option<(&'a Item, &'a str)> {
        self.of(field).find_map(|item| Some((item, item.content.value.as_deref()?)))
    }

    /// Diagnoses of the final list that the release holds.
    pub fn known(&self) -> impl Iterator<Item = (Coded<'a>, Entry<'a>)> {
        self.finals.iter().filter_map(|row| Some((*row, row.entry?)))
    }

    pub fn principal(&self) -> Option<(Coded<'a>, Entry<'a>)> {
        self.known().find(|(row, _)| row.item.content.role == Some(CodeRole::Principal))
    }

    /// Bytes of the sentences around words of the note, on the same line.
    pub fn around(&self, quoted: &Quoted) -> Option<&'a str> {
        let text = self.input.text;
        let (from, to) = (self.points.to_byte(quoted.start)?, self.points.to_byte(quoted.end)?);
        let stop = |c: char| matches!(c, '\n' | ';' | '!' | '?');
        let begin = text[..from].rfind(stop).map_or(0, |i| i + 1);
        let begin = begin.max(text[..from].rfind(". ").map_or(0, |i| i + 2));
        let end = text[to..].find(stop).map_or(text.len(), |i| to + i);
        let end = end.min(text[to..].find(". ").map_or(text.len(), |i| to + i + 1));
        text.get(begin..end)
    }

    /// The final list in another order, as a decision.
    pub fn sequence(order: &[&Item]) -> Action {
        let field = order.first().map(|item| item.content.field.clone()).unwrap_or_default();
        Action::Sequence { field, items: order.iter().map(|item| item.id.clone()).collect() }
    }

    /// The order with `moved` put right before `before`.
    pub fn moved_before(&self, moved: &Item, before: &Item) -> Vec<&'a Item> {
        let mut order: Vec<&Item> =
            self.finals.iter().map(|row| row.item).filter(|item| item.id != moved.id).collect();
        let place = order.iter().position(|item| item.id == before.id).unwrap_or(0);
        if let Some(row) = self.finals.iter().find(|row| row.item.id == moved.id) {
            order.insert(place, row.item);
        }
        order
    }

    /// Another code for a row.
    pub fn recoded(item: &Item, code: Entry<'_>) -> (String, Vec<Action>) {
        let system = item.content.code.as_ref().map_or(ICD_10_CM, |code| &code.system).to_owned();
        let content =
            Content { code: Some(CodeRef { system, code: code.code().to_owned() }), ..item.content.clone() };
        (
            format!("Use {} {}", code.code(), code.title()),
            vec![Action::Correct { item: item.id.clone(), content }],
        )
    }

    pub fn removed(item: &Item, reason: RejectReason) -> (String, Vec<Action>) {
        let code = item.content.code.as_ref().map_or(item.id.as_str(), |code| &code.code);
        (
            format!("Take {code} off the list"),
            vec![Action::Reject { item: item.id.clone(), reason, comment: None }],
        )
    }

    /// Stays the same while the rows keep their codes, values and attributes; tells nothing of them.
    pub fn key(&self, rule: &str, found: &Found) -> String {
        let mut hash = Sha256::new();
        let mut put = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        put(rule);
        put(&found.message);
        for id in &found.items {
            put(id.as_str());
            let Some(item) = self.input.items.iter().find(|item| item.id == *id) else { continue };
            put(item.content.value.as_deref().unwrap_or_default());
            put(item.content.code.as_ref().map_or("", |code| &code.code));
            for (name, quoted) in &item.content.attributes {
                put(name);
                put(&quoted.quote);
            }
        }
        let digest = hash.finalize();
        let short = digest[..6].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let mut key = rule.to_owned();
        for id in found.items.iter().take(4) {
            key.push(' ');
            key.push_str(id.as_str());
        }
        format!("{key} {short:012x}")
    }
}

/// From the document's type, else from dates that only a stay has.
fn setting(document: &str, stay: bool) -> Setting {
    let words = document.to_lowercase();
    let any = |list: &[&str]| list.iter().any(|word| words.contains(word));
    if any(&["discharge", "inpatient", "hospital course", "death summary"]) {
        Setting::Inpatient
    } else if any(&["clinic", "office", "outpatient", "emergency", "urgent care", "visit", "ambulatory"]) {
        Setting::Outpatient
    } else if stay {
        Setting::Inpatient
    } else {
        Setting::Unknown
    }
}
