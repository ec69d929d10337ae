//! Looking codes up.

use serde::{Deserialize, Serialize};

/// A look-up. It is a body and not an address: what is looked up are often words of a note.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CodeQuery {
    /// A code with or without dot, or words in any order.
    pub q: String,
    /// `icd-10-cm` if absent; `all` for every system that is loaded.
    pub system: Option<String>,
    /// 1 to 100; 20 if absent.
    pub limit: Option<u32>,
    pub billable: Option<bool>,
    /// Only what stands under this chapter, block or code.
    pub under: Option<String>,
    /// The day whose editions are searched (ISO 8601, maybe to the month); today if absent.
    pub on: Option<String>,
    /// Also by meaning, where the model is loaded; true if absent.
    pub semantic: Option<bool>,
}

/// Query of a code, a book or a procedure under construction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct EditionQuery {
    /// The day whose edition is asked (ISO 8601, maybe to the month); today if absent.
    pub on: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeHits {
    pub release: String,
    pub hits: Vec<CodeHit>,
    /// Whether the search by meaning took part.
    pub semantic: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeHit {
    pub system: String,
    pub code: String,
    pub title: String,
    pub billable: bool,
    /// The inclusion term or synonym that matched, where it was not the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<String>,
    pub score: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeView {
    pub system: String,
    pub release: String,
    pub code: String,
    pub title: String,
    pub billable: bool,
    /// From the chapter down.
    pub ancestors: Vec<CodeLink>,
    pub children: Vec<CodeLink>,
    pub siblings: Vec<CodeLink>,
    pub inclusion_terms: Vec<String>,
    pub notes: Vec<CodeNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub badges: Vec<CodeBadge>,
    /// Where the index leads to this code, at most eight places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub index: Vec<BookPlace>,
    /// Where it stands in the tabular list.
    pub line: u32,
    /// What stands beside it on finished entries, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<BesideCode>,
}

/// A code that stands beside another on finished entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BesideCode {
    pub system: String,
    pub code: String,
    pub title: String,
    /// Entries that have both.
    pub entries: u64,
    /// Entries that have the code in question, of the latest 500.
    pub of: u64,
}

/// A line of a book with the terms above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BookPlace {
    /// `index`, `external-causes`, `neoplasms`, `drugs`, `procedures`.
    pub book: String,
    pub line: u32,
    pub path: Vec<String>,
}

/// Query of a book: lines that have the words of `q`, else lines from `line` on, or from that of `code`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct BookQuery {
    pub q: Option<String>,
    pub line: Option<u32>,
    /// A code of the tabular list.
    pub code: Option<String>,
    /// The day whose edition is asked (ISO 8601, maybe to the month); today if absent.
    pub on: Option<String>,
    /// 1 to 500; 100 if absent.
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BookView {
    pub id: String,
    pub title: String,
    /// Names of a table's columns of codes; empty for an index.
    pub columns: Vec<String>,
    /// Lines of the whole book.
    pub total: u32,
    pub lines: Vec<BookLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BookLine {
    pub line: u32,
    /// 0 for a main term.
    pub level: u8,
    pub term: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub modifiers: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub see: String,
    /// One a column in a table, empty where there is none.
    pub codes: Vec<String>,
    /// The terms above, for lines that were looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<String>,
    /// Of a line of the tabular list: its own notes and inclusion terms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<CodeNote>,
    /// Of a line of the tabular list: whether the code can stand on a claim.
    #[serde(default)]
    pub billable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeLink {
    pub code: String,
    pub title: String,
    pub billable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeNote {
    pub kind: NoteKind,
    pub text: String,
    /// The ancestor whose note it is; absent for the code's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited_from: Option<String>,
    /// Codes that the text names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<NoteReference>,
}

/// Where a note's text names a code or a range of codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoteReference {
    /// Code points of the text, half open.
    pub start: usize,
    pub end: usize,
    /// The code to go to: for a range its first.
    pub code: String,
}

/// What lists beside the code system say of a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeBadge {
    /// `hcc`, `ccsr`, `poa-exempt`, `mce`.
    pub kind: String,
    pub text: String,
}

/// What is known on the way to a complete code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct QuestionQuery {
    /// A phrase, a sentence of the note. What it answers is not asked.
    pub said: Option<String>,
    /// The day whose edition is asked (ISO 8601, maybe to the month); today if absent.
    pub on: Option<String>,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum QuestionAxis {
    Side,
    Encounter,
    Trimester,
    Displacement,
    Severity,
    Complication,
    Kind,
}

/// The next thing to be known on the way to a complete code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuestionView {
    pub system: String,
    pub release: String,
    /// Codes that the words led to without a question, from the top.
    pub taken: Vec<CodeLink>,
    /// Where the question is asked; complete where there is none.
    pub at: CodeLink,
    pub axis: QuestionAxis,
    pub answers: Vec<Answer>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answer {
    pub code: CodeLink,
    /// What tells it from the other answers.
    pub words: String,
    /// It says no more than the code above it.
    pub plain: bool,
}

/// Codes at hand for one person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MyCodes {
    pub favourites: Vec<CodeHit>,
    /// Given to rows last, the latest first.
    pub recent: Vec<CodeHit>,
}

/// One axis of a procedure code under construction (ICD-10-PCS).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BuilderView {
    pub release: String,
    /// Characters chosen so far, with what each stands for.
    pub chosen: Vec<AxisValue>,
    /// Name of the next axis; none when the code is complete.
    pub axis: Option<String>,
    /// Values that a code may still have here.
    pub values: Vec<AxisValue>,
    /// What the root operation means, once it is chosen.
    pub definition: Option<String>,
    /// The code, once it is complete.
    pub code: Option<CodeLink>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AxisValue {
    pub character: String,
    pub label: String,
    /// Complete codes that begin so.
    pub codes: u32,
    /// What it means and includes, where the definitions are loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    Includes,
    Excludes1,
    Excludes2,
    CodeFirst,
    UseAdditionalCode,
    CodeAlso,
    SeventhCharacter,
    Definition,
    Note,
    InclusionTerm,
}
