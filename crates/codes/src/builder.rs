//! Procedure codes axis by axis (ICD-10-PCS): at each character only what a table still allows.

use crate::release::{Entry, EntryKind, NoteKind, Release};

/// What the seven characters stand for in the Medical and Surgical section; other sections name some otherwise, which
/// their own tables say.
pub const AXES: [&str; 7] =
    ["Section", "Body system", "Root operation", "Body part", "Approach", "Device", "Qualifier"];

/// A value that an axis may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub character: char,
    pub label: String,
    /// Complete codes that begin so.
    pub codes: usize,
    /// What it means and includes, where the definitions were imported.
    pub definition: Option<String>,
}

/// A code under construction.
#[derive(Debug, Clone)]
pub struct Construction<'a> {
    pub chosen: Vec<Value>,
    /// Name of the next axis; none when the code is complete.
    pub axis: Option<String>,
    pub values: Vec<Value>,
    /// What the root operation means.
    pub definition: Option<&'a str>,
    pub code: Option<Entry<'a>>,
}

impl Release {
    /// Where a procedure code stands that begins with `prefix`; none where no code does.
    pub fn construct(&self, prefix: &str) -> Option<Construction<'_>> {
        let prefix: String = prefix.trim().to_ascii_uppercase();
        if prefix.len() > 7 || !prefix.is_ascii() {
            return None;
        }
        let under = |begin: &str| self.with_prefix_from(begin).filter(|e| e.billable()).count();
        if !prefix.is_empty() && under(&prefix) == 0 {
            return None;
        }
        let table = prefix.get(..3).and_then(|table| self.get(table));
        let chosen = prefix
            .char_indices()
            .map(|(at, character)| {
                let label = self.axis_label(&prefix[..at], at, character);
                let definition = self.axis_meaning(&prefix, at, &label);
                Value { character, label, codes: under(&prefix[..=at]), definition }
            })
            .collect();
        let definition = table
            .into_iter()
            .flat_map(Entry::notes)
            .find(|note| note.kind == NoteKind::Definition)
            .map(|note| note.text);
        if prefix.len() == 7 {
            let code = self.get(&prefix).filter(|e| e.billable());
            return Some(Construction { chosen, axis: None, values: Vec::new(), definition, code });
        }
        let mut values: Vec<Value> = Vec::new();
        for entry in self.with_prefix_from(&prefix).filter(|e| e.billable()) {
            let Some(character) = entry.code().as_bytes().get(prefix.len()).map(|b| char::from(*b)) else {
                continue;
            };
            if let Some(value) = values.iter_mut().find(|v| v.character == character) {
                value.codes += 1;
            } else {
                let label = self.axis_label(&prefix, prefix.len(), character);
                let definition = self.axis_meaning(&prefix, prefix.len(), &label);
                values.push(Value { character, label, codes: 1, definition });
            }
        }
        let axis = table
            .and_then(|table| axis_name(table, prefix.len() + 1))
            .unwrap_or_else(|| AXES[prefix.len()].to_owned());
        Some(Construction { chosen, axis: Some(axis), values, definition, code: None })
    }

    /// All entries below a beginning; with an empty one all of the release.
    fn with_prefix_from<'a>(&'a self, prefix: &str) -> Box<dyn Iterator<Item = Entry<'a>> + 'a> {
        if prefix.is_empty() {
            return Box::new(self.iter().filter(|e| e.is_code()));
        }
        let prefix = prefix.to_owned();
        let found: Vec<Entry<'a>> = self.with_prefix(&prefix).collect();
        Box::new(found.into_iter())
    }

    /// What a value at `at` (from 0) means in the section of `prefix`.
    fn axis_meaning(&self, prefix: &str, at: usize, label: &str) -> Option<String> {
        let section = self.chapters().find(|section| prefix.starts_with(section.code()))?;
        let wanted = format!("{}={label}=", at + 1);
        let mut notes = section.notes().filter(|note| note.kind == NoteKind::AxisValue);
        notes.find_map(|note| note.text.strip_prefix(wanted.as_str())).map(str::to_owned)
    }

    /// What a character at `at` (from 0) stands for after `before`.
    fn axis_label(&self, before: &str, at: usize, character: char) -> String {
        let whole = format!("{before}{character}");
        let named = match at {
            0 | 1 => self
                .iter()
                .find(|e| matches!(e.kind(), EntryKind::Chapter | EntryKind::Block) && e.code() == whole)
                .map(|e| e.title().to_owned()),
            2 => self.get(&whole).map(|e| e.title().to_owned()),
            _ => before.get(..3).and_then(|table| self.get(table)).and_then(|table| {
                let wanted = format!("{}:{character}:", at + 1);
                table
                    .notes()
                    .filter(|note| note.kind == NoteKind::AxisValue)
                    .find_map(|note| note.text.strip_prefix(wanted.as_str()))
                    .map(str::to_owned)
            }),
        };
        named.unwrap_or_else(|| character.to_string())
    }
}

/// The name of an axis, where the table's notes give one (`5::Approach`).
fn axis_name(table: Entry<'_>, position: usize) -> Option<String> {
    let wanted = format!("{position}::");
    table
        .notes()
        .filter(|note| note.kind == NoteKind::AxisValue)
        .find_map(|note| note.text.strip_prefix(wanted.as_str()))
        .map(str::to_owned)
}
