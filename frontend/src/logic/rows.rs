//! The right side of the review page as rows: one a value, and one for each field that holds none.

use overread_domain::decision::ExceptionCause;
use overread_domain::entry::in_claim_order;
use overread_domain::suggestion::Band;
use overread_domain::{
    Assertion, Cardinality, CodeCandidate, CodeRef, CodeRole, EntryStatus, FieldKind, Item, ItemId,
    ItemState, Poa, RejectReason, Suggestion, Template,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKey {
    Item(ItemId),
    /// A field without a value.
    Field(String),
}

impl RowKey {
    /// Stable text for element ids.
    pub fn dom(&self) -> String {
        match self {
            Self::Item(id) => format!("row-{id}"),
            Self::Field(field) => format!("row-field-{field}"),
        }
    }

    pub fn item(&self) -> Option<&ItemId> {
        match self {
            Self::Item(id) => Some(id),
            Self::Field(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    Item(ItemState),
    /// Nothing there, and something must be decided.
    Missing,
    /// Nothing there, and nothing need be.
    Empty,
    ConfirmedEmpty,
}

impl RowState {
    /// What `data-state` says.
    pub fn name(self) -> &'static str {
        match self {
            Self::Item(state) => crate::logic::format::state_word(state),
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::ConfirmedEmpty => "confirmed-empty",
        }
    }

    pub fn shape(self) -> &'static str {
        match self {
            Self::Item(state) => crate::logic::format::state_shape(state),
            Self::Missing => "!",
            Self::Empty => "·",
            Self::ConfirmedEmpty => "∅",
        }
    }

    /// Whether accepting has nothing to add: it would decide the same again, or put the suggestion back over what a
    /// person wrote.
    pub fn stands(self) -> bool {
        use ItemState::{Accepted, Added, Corrected};
        matches!(self, Self::Item(Accepted | Corrected | Added) | Self::ConfirmedEmpty)
    }

    /// Whether finishing waits for it.
    pub fn is_undecided(self) -> bool {
        matches!(self, Self::Item(ItemState::Suggested) | Self::Missing)
    }
}

/// Where a row's content comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Model,
    /// The model, with what earlier corrections taught.
    Memory,
    Person,
}

impl Source {
    pub fn short(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Memory => "memory",
            Self::Person => "coder",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Memory => "memory of corrections",
            Self::Person => "coder",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that the row shows")]
pub struct Row {
    pub key: RowKey,
    pub group: usize,
    pub field: String,
    pub field_label: String,
    pub state: RowState,
    pub value: String,
    /// The words, where the value is a normal form of them.
    pub words: Option<String>,
    /// What the words are said to be, where a field of many values only sorts them: "given", "discharge".
    pub sort: Option<String>,
    pub code: Option<CodeRef>,
    pub code_title: Option<String>,
    pub confidence: Option<f32>,
    pub assertion: Option<Assertion>,
    pub role: Option<CodeRole>,
    pub poa: Option<Poa>,
    /// Labels with words.
    pub attributes: Vec<(String, String)>,
    pub reject_reason: Option<RejectReason>,
    pub unsupported: bool,
    /// The field takes one value and more are offered or kept.
    pub conflict: bool,
    /// Who brought what stands in it.
    pub source: Source,
    /// Whether it is the first row of its field.
    pub leads: bool,
    pub single: bool,
}

impl Row {
    pub fn band(&self) -> Option<Band> {
        self.confidence.map(Band::of)
    }

    /// May be accepted together with others: undecided, highly likely, with evidence, alone in a field of one value.
    pub fn bulk(&self) -> bool {
        self.state == RowState::Item(ItemState::Suggested)
            && self.band() == Some(Band::High)
            && !self.unsupported
            && !self.conflict
    }
}

/// Everything that the page shows of an entry's state.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    pub rows: Vec<Row>,
    pub items: Vec<Item>,
    pub status: EntryStatus,
    pub cause: Option<ExceptionCause>,
    pub undecided: usize,
    pub suggested: usize,
}

impl Projection {
    pub fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == *key)
    }

    pub fn position(&self, key: &RowKey) -> Option<usize> {
        self.rows.iter().position(|row| row.key == *key)
    }

    /// The next or previous undecided row, around the end.
    pub fn undecided_from(&self, from: Option<&RowKey>, forward: bool) -> Option<RowKey> {
        let count = self.rows.len();
        let at = from.and_then(|key| self.position(key));
        (1..=count)
            .map(|step| match (at, forward) {
                (Some(at), true) => (at + step) % count,
                (Some(at), false) => (at + count - step % count) % count,
                (None, true) => step - 1,
                (None, false) => count - step,
            })
            .map(|index| &self.rows[index])
            .find(|row| row.state.is_undecided())
            .map(|row| row.key.clone())
    }

    /// The row `by` further, stopping at the ends.
    pub fn step(&self, from: Option<&RowKey>, by: isize) -> Option<RowKey> {
        let last = self.rows.len().checked_sub(1)?;
        let at = from.and_then(|key| self.position(key));
        let to = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
        Some(self.rows[to].key.clone())
    }

    /// The row that stands for a field: its first undecided, else its first.
    pub fn of_field(&self, field: &str) -> Option<RowKey> {
        let of = || self.rows.iter().filter(|row| row.field == field);
        of().find(|row| row.state.is_undecided()).or_else(|| of().next()).map(|row| row.key.clone())
    }
}

/// Lays rows out in the template's order; within a field by place in the note, codes of the final list as a claim has
/// them.
pub fn rows(
    template: &Template,
    suggestions: &[Suggestion],
    items: &[Item],
    confirmed_empty: &[String],
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (group, fields) in template.groups.iter().enumerate() {
        for field in &fields.fields {
            let mut own: Vec<&Item> = items.iter().filter(|item| item.content.field == field.id).collect();
            if field.kind == FieldKind::Code {
                own = in_claim_order(own);
            } else {
                own.sort_by_key(|item| {
                    item.content.evidence.first().map_or(usize::MAX, |quoted| quoted.start)
                });
            }
            let live = own.iter().filter(|item| item.state != ItemState::Rejected).count();
            let single = field.cardinality == Cardinality::One;
            let first = rows.len();
            for item in own {
                let suggestion = item.id.suggestion_index().and_then(|index| suggestions.get(index));
                let content = &item.content;
                let words = content.evidence.first().map(|quoted| quoted.quote.clone());
                let sorts = matches!(field.kind, FieldKind::Choice { .. }) && !single && words.is_some();
                let sort = content.value.clone().filter(|_| sorts);
                let value = match &words {
                    Some(words) if sorts => words.clone(),
                    _ => content.display().to_owned(),
                };
                rows.push(Row {
                    key: RowKey::Item(item.id.clone()),
                    group,
                    field: field.id.clone(),
                    field_label: field.label.clone(),
                    state: RowState::Item(item.state),
                    words: words.filter(|words| *words != value),
                    value,
                    sort,
                    code: content.code.clone(),
                    code_title: content.code.as_ref().and_then(|code| title_of(code, suggestion)),
                    confidence: suggestion.map(|s| s.confidence),
                    assertion: content.assertion,
                    role: content.role,
                    poa: item.poa,
                    attributes: field
                        .attributes
                        .iter()
                        .filter_map(|a| {
                            content.attributes.get(&a.id).map(|q| (a.label.clone(), q.quote.clone()))
                        })
                        .collect(),
                    reject_reason: item.reject_reason,
                    unsupported: content.evidence.is_empty(),
                    conflict: single && live > 1 && item.state != ItemState::Rejected,
                    source: match (item.state, suggestion) {
                        (ItemState::Corrected | ItemState::Added, _) | (_, None) => Source::Person,
                        (_, Some(suggestion)) if suggestion.remembered => Source::Memory,
                        _ => Source::Model,
                    },
                    leads: false,
                    single,
                });
            }
            if live == 0 {
                let confirmed = confirmed_empty.contains(&field.id);
                let state = match (confirmed, field.required) {
                    (true, _) => RowState::ConfirmedEmpty,
                    (false, true) => RowState::Missing,
                    (false, false) => RowState::Empty,
                };
                rows.push(empty_row(group, field, state, single));
            }
            if let Some(row) = rows.get_mut(first) {
                row.leads = true;
            }
        }
    }
    rows
}

fn empty_row(group: usize, field: &overread_domain::Field, state: RowState, single: bool) -> Row {
    Row {
        key: RowKey::Field(field.id.clone()),
        group,
        field: field.id.clone(),
        field_label: field.label.clone(),
        state,
        value: String::new(),
        words: None,
        sort: None,
        code: None,
        code_title: None,
        confidence: None,
        assertion: None,
        role: None,
        poa: None,
        attributes: Vec::new(),
        reject_reason: None,
        unsupported: false,
        conflict: false,
        source: Source::Person,
        leads: false,
        single,
    }
}

fn title_of(code: &CodeRef, suggestion: Option<&Suggestion>) -> Option<String> {
    candidate(code, suggestion?.candidates.as_slice())
        .map(|c| c.title.clone())
        .filter(|title| !title.is_empty())
}

fn candidate<'a>(code: &CodeRef, candidates: &'a [CodeCandidate]) -> Option<&'a CodeCandidate> {
    candidates.iter().find(|candidate| candidate.system == code.system && candidate.code == code.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_list_stands_as_on_a_claim_and_mentions_as_in_the_note() {
        use overread_domain::{Content, Quoted};
        let template: Template = serde_json::from_str(overread_domain::template::ENCOUNTER_ABSTRACT).unwrap();
        let item = |id: &str, field: &str, start: usize, role: Option<CodeRole>| Item {
            id: ItemId::new(id),
            state: ItemState::Suggested,
            content: Content {
                field: field.into(),
                evidence: vec![Quoted { start, end: start + 1, quote: "x".into() }],
                role,
                ..Content::default()
            },
            reject_reason: None,
            decision: None,
            rank: None,
            poa: None,
        };
        let items = [
            item("s0", "final_code", 90, Some(CodeRole::Secondary)),
            item("s1", "final_code", 5, Some(CodeRole::History)),
            item("s2", "final_code", 80, Some(CodeRole::Principal)),
            item("a1", "final_code", 1, Some(CodeRole::Secondary)),
            item("s3", "diagnosis", 9, None),
            item("s4", "diagnosis", 3, None),
        ];
        let laid = rows(&template, &[], &items, &[]);
        let of = |field: &str| -> Vec<&str> {
            laid.iter()
                .filter(|r| r.field == field)
                .filter_map(|r| r.key.item())
                .map(ItemId::as_str)
                .collect()
        };
        assert_eq!(of("final_code"), ["s2", "s0", "a1", "s1"]);
        assert_eq!(of("diagnosis"), ["s4", "s3"]);
    }

    #[test]
    fn accepting_leaves_alone_what_a_person_wrote() {
        for state in [ItemState::Accepted, ItemState::Corrected, ItemState::Added] {
            assert!(RowState::Item(state).stands(), "{state:?}");
        }
        assert!(RowState::ConfirmedEmpty.stands());
        for state in [ItemState::Suggested, ItemState::Rejected] {
            assert!(!RowState::Item(state).stands(), "{state:?}");
        }
        assert!(!RowState::Missing.stands() && !RowState::Empty.stands());
    }
}
