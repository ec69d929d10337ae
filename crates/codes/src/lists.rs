//! Lists that say something of codes beside what the code system itself says: Medicare Code Editor lists, codes exempt
//! from the present-on-admission indicator, CCSR categories, CMS-HCC categories, general equivalence mappings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ReleaseError;
use crate::reference::plain;
use crate::release::file;
use crate::release::wire::{Reader, Writer};

/// What a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// Medicare Code Editor: edits by name (`newborn`, `female`, `manifestation`, `unacceptable_principal` ...).
    Mce,
    /// Codes that need no present-on-admission indicator; no values.
    PoaExempt,
    /// Clinical Classifications Software Refined: category and its description.
    Ccsr,
    /// CMS hierarchical condition categories: model, category, label.
    Hcc,
    /// General equivalence mappings of ICD-9-CM codes: the code of ICD-10-CM or ICD-10-PCS and the flags.
    Gem,
    /// The same of codes of ICD-10: the code of ICD-9-CM and the flags.
    GemBack,
    /// NCCI procedure-to-procedure edits: the other code, modifier indicator.
    NcciPairs,
    /// NCCI medically unlikely edits: most units of service.
    NcciUnits,
}

impl ListKind {
    pub const ALL: [Self; 8] = [
        Self::Mce,
        Self::PoaExempt,
        Self::Ccsr,
        Self::Hcc,
        Self::Gem,
        Self::GemBack,
        Self::NcciPairs,
        Self::NcciUnits,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mce => "mce",
            Self::PoaExempt => "poa-exempt",
            Self::Ccsr => "ccsr",
            Self::Hcc => "hcc",
            Self::Gem => "gem",
            Self::GemBack => "gem-back",
            Self::NcciPairs => "ncci-ptp",
            Self::NcciUnits => "ncci-mue",
        }
    }
}

/// One edition of one list. Immutable; share it behind an `Arc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeList {
    /// For example `mce-2026`.
    pub id: String,
    pub kind: ListKind,
    pub title: String,
    /// First day in force, ISO 8601.
    pub effective: String,
    /// Rows by code without its dot.
    pub rows: BTreeMap<String, Vec<Vec<String>>>,
}

const MAGIC: &[u8; 8] = b"OVRLISTS";

impl CodeList {
    /// What the list says of a code, with or without its dot; several rows where it says several things.
    pub fn of(&self, code: &str) -> &[Vec<String>] {
        self.rows.get(&plain(code)).map_or(&[], Vec::as_slice)
    }

    pub fn holds(&self, code: &str) -> bool {
        self.rows.contains_key(&plain(code))
    }

    /// Whether a row of the code begins with `value`.
    pub fn says(&self, code: &str, value: &str) -> bool {
        self.of(code).iter().any(|row| row.first().is_some_and(|first| first == value))
    }

    /// The list's file, in the form of [`Release::to_bytes`](crate::Release::to_bytes) under a magic of its own.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn to_bytes(&self) -> Result<Vec<u8>, ReleaseError> {
        let mut w = Writer::default();
        for text in [&self.id, &self.title, &self.effective] {
            w.text(text);
        }
        w.text(self.kind.as_str());
        w.int(self.rows.len() as u32);
        for (code, rows) in &self.rows {
            w.text(code);
            w.int(rows.len() as u32);
            for row in rows {
                w.int(row.len() as u32);
                for value in row {
                    w.text(value);
                }
            }
        }
        file::seal(*MAGIC, &w.0, 19)
    }

    /// Whether bytes begin like a list's file.
    pub fn is_list(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReleaseError> {
        let (content, _) = file::open(*MAGIC, bytes)?;
        let mut r = Reader::new(&content);
        let (id, title, effective) = (r.text()?.to_owned(), r.text()?.to_owned(), r.text()?.to_owned());
        let kind = r.text()?;
        let kind = ListKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or_else(|| r.malformed("kind of list"))?;
        let mut rows = BTreeMap::new();
        for _ in 0..r.count()? {
            let code = r.text()?.to_owned();
            let mut own = Vec::new();
            for _ in 0..r.count()? {
                let values: Result<Vec<String>, _> =
                    (0..r.count()?).map(|_| r.text().map(str::to_owned)).collect();
                own.push(values?);
            }
            if rows.insert(code, own).is_some() {
                return Err(r.malformed("the same code twice"));
            }
        }
        r.end()?;
        Ok(Self { id, kind, title, effective, rows })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list() -> CodeList {
        let rows = [
            ("C61".to_owned(), vec![vec!["male".to_owned()]]),
            ("O80".to_owned(), vec![vec!["female".to_owned()], vec!["maternity".to_owned()]]),
            ("Z00".to_owned(), vec![Vec::new()]),
        ];
        CodeList {
            id: "mce-2026".into(),
            kind: ListKind::Mce,
            title: "MCE".into(),
            effective: "2025-10-01".into(),
            rows: rows.into(),
        }
    }

    #[test]
    fn comes_back_from_its_file() {
        let list = list();
        let bytes = list.to_bytes().unwrap();
        assert!(CodeList::is_list(&bytes));
        assert_eq!(CodeList::from_bytes(&bytes).unwrap(), list);
        assert!(
            list.says("O80", "maternity")
                && !list.says("O80", "male")
                && list.holds("c61".to_uppercase().as_str())
        );
        assert!(matches!(crate::Release::from_bytes(&bytes), Err(ReleaseError::Foreign)));
    }

    proptest! {
        #[test]
        fn damaged_files_are_refused(at in 0usize..200, with in 0u8..) {
            let mut bytes = list().to_bytes().unwrap();
            let at = at % bytes.len();
            prop_assume!(bytes[at] != with);
            bytes[at] = with;
            // A bit that the packing does not use changes nothing.
            if let Ok(back) = CodeList::from_bytes(&bytes) {
                prop_assert_eq!(back, list());
            }
            prop_assert!(CodeList::from_bytes(&bytes[..at]).is_err());
        }
    }
}
