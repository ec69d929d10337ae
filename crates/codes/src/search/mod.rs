//! Look-up by code and by words: as typed, half typed, misspelt, abbreviated, or in a patient's own words.
//!
//! A query's words meet terms (titles, inclusion terms, synonyms) through an inverted index. A term's score is the
//! weighted share of the query that it has, times a measure of how much of the term the query has (idf weights as
//! in BM25; a Tversky index rather than BM25's length norm, since terms are a few words and every extra word narrows
//! the meaning). A category's score also goes to the billable code below it that says no more.

mod history;
mod index;
mod laterality;
mod query;
mod rank;
mod synonyms;
#[cfg(test)]
mod tests;
mod text;
mod vocabulary;

pub(crate) use index::Index;
pub use laterality::Side;
pub(crate) use rank::rank_terms;
use serde::{Deserialize, Serialize};
pub(crate) use synonyms::synonym_terms;
pub(crate) use text::{Role, query_words, term_words};

use crate::release::{Release, TermKind};

/// What the words are about, where the caller knows: the same words lead to other codes for what is over and for
/// what relatives have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// A condition of now, or unknown.
    #[default]
    Current,
    /// Over and done: Z85 to Z87, Z90 and the like come to the front.
    PersonalHistory,
    /// A relative's: Z80 to Z84 come to the front.
    FamilyHistory,
}

/// Who the patient is, where it decides between codes of like words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patient {
    #[default]
    Anyone,
    /// In the first four weeks of life: chapter 16 is likely instead of unlikely.
    Newborn,
    /// Or has just given birth: likewise chapter 15.
    Pregnant,
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// At most so many hits.
    pub limit: usize,
    /// Leave out what can't stand on a claim.
    pub billable_only: bool,
    /// Whether the last word may be the beginning of a longer one.
    pub typing: bool,
    pub context: Context,
    pub patient: Patient,
    /// Only entries from the first index to before the second: see [`Release::under`].
    pub within: Option<[u32; 2]>,
}

impl Options {
    fn takes(&self, entry: u32) -> bool {
        self.within.is_none_or(|[from, end]| (from..end).contains(&entry))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limit: 20,
            billable_only: false,
            typing: true,
            context: Context::Current,
            patient: Patient::Anyone,
            within: None,
        }
    }
}

/// A code found, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// With its dot.
    pub code: String,
    pub title: String,
    pub billable: bool,
    /// Comparable within one result; about 1 for a full match of every word both ways, above for codes typed out.
    pub score: f32,
    /// The words of the release that the query met.
    pub matched_term: String,
    pub matched_kind: TermKind,
    /// The entry's index in the release.
    #[serde(skip)]
    pub entry: u32,
}

impl Release {
    /// Codes that `query` may mean, best first. An empty query finds nothing; no query fails.
    pub fn search(&self, query: &str, options: &Options) -> Vec<Hit> {
        rank::search(self, self.index(), query, options)
    }
}
