//! Official files as downloaded, zipped or not, to releases and lists. All or nothing: a file that is not understood, a
//! line that is wrong, an archive that unpacks to too much, and nothing comes out.
//!
//! What a file is, its content says, not its name.

mod archive;
mod index;
mod kinds;
mod licensed;
mod procedures;
mod tables;
#[cfg(test)]
mod tests;
mod xml;

use sha2::{Digest, Sha256};

pub use archive::Limits;

use crate::book::Book;
use crate::lists::CodeList;
use crate::release::{Draft, DraftEntry, Entry, EntryKind, Release};
use crate::source::{Report as Built, Source};
use crate::{ReleaseError, SourceError};
use kinds::Kind;

/// A file as it came.
#[derive(Debug, Clone)]
pub struct File {
    /// Of files in an archive with that of the archive before it: `2026.zip/tabular.xml`.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// What cannot be read from the files.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// First day in force, ISO 8601; else October 1 before the year that the files name.
    pub effective: Option<String>,
    /// Name of the system of a plain CSV file with code, title and maybe parent; lower-case letters, digits, hyphens.
    pub system: Option<String>,
    pub limits: Limits,
}

/// What came out of the files.
#[derive(Debug)]
pub enum Imported {
    Release(Box<Release>),
    List(CodeList),
    Book(Book),
}

impl Imported {
    pub fn id(&self) -> &str {
        match self {
            Self::Release(release) => release.id(),
            Self::List(list) => &list.id,
            Self::Book(book) => &book.id,
        }
    }

    /// The file to keep.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ReleaseError> {
        match self {
            Self::Release(release) => release.to_bytes(19),
            Self::List(list) => list.to_bytes(),
            Self::Book(book) => book.to_bytes(),
        }
    }
}

/// What was read, for people.
#[derive(Debug, Default)]
pub struct Report {
    /// A line a file: its name and what it was taken for.
    pub files: Vec<(String, &'static str)>,
    /// A line a result: its id and its counts.
    pub results: Vec<String>,
}

/// Why nothing was imported. Lines count from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    #[error("{file}: {source}")]
    Source { file: String, source: SourceError },
    #[error("{file} line {line}: {what}")]
    Line { file: String, line: usize, what: String },
    #[error("{file}: {what}")]
    Archive { file: String, what: String },
    #[error("{file}: no file of a code system or list that this program knows")]
    Unknown { file: String },
    #[error("{what}")]
    Incomplete { what: String },
    #[error(transparent)]
    Release(#[from] ReleaseError),
}

/// Lines that a file may have: more than twice those of any official one.
const MAX_LINES: usize = 1_500_000;

/// Refuses a file of endless lines before anything is made of them.
fn check_lines(file: &File) -> Result<(), ImportError> {
    let lines = file.bytes.iter().filter(|b| **b == b'\n').take(MAX_LINES + 1).count();
    if lines > MAX_LINES {
        let what = format!("more than {MAX_LINES} lines");
        return Err(ImportError::Line { file: file.name.clone(), line: MAX_LINES + 1, what });
    }
    Ok(())
}

/// Reads files, of one or several systems.
pub fn import(files: Vec<File>, options: &Options) -> Result<(Vec<Imported>, Report), ImportError> {
    if let Some(date) = options.effective.as_deref().filter(|date| !is_date(date)) {
        return Err(ImportError::Incomplete { what: format!("{date:?} is no date: YYYY-MM-DD is needed") });
    }
    let files = archive::unpack(files, &options.limits)?;
    if files.is_empty() {
        return Err(ImportError::Incomplete { what: "no files".to_owned() });
    }
    let mut report = Report::default();
    let mut known: Vec<(Kind, &File)> = Vec::new();
    for file in &files {
        let kind = kinds::of(file, options.system.is_some());
        match kind {
            Some(kind) => {
                check_lines(file)?;
                report.files.push((file.name.clone(), kind.label()));
                known.push((kind, file));
            }
            // Archives hold read-me files and other forms of the same tables.
            None if file.name.contains('/') => report.files.push((file.name.clone(), "left out")),
            None => return Err(ImportError::Unknown { file: file.name.clone() }),
        }
    }
    let of = |wanted: Kind| known.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, file)| *file);
    let mut out = Vec::new();
    diagnoses(&of, options, &mut out, &mut report)?;
    if let Some(tables) = of(Kind::ProcedureTables).next() {
        let titles = of(Kind::ProcedureOrder).next();
        let meanings = of(Kind::ProcedureDefinitions).next();
        let (draft, counts) = procedures::read(tables, titles, meanings, options)?;
        report.results.push(format!("{}: {counts}", draft.id));
        out.push(Release::assemble(&draft)?.into());
    } else if let Some(alone) = of(Kind::ProcedureOrder).chain(of(Kind::ProcedureDefinitions)).next() {
        let what = format!("{}: the tables XML of ICD-10-PCS is needed too", alone.name);
        return Err(ImportError::Incomplete { what });
    }
    for (kind, file) in &known {
        match kind {
            Kind::Icd11 => out.push(licensed::icd11(file, options, &mut report)?.into()),
            Kind::Cpt => out.push(licensed::cpt(file, options, &mut report)?.into()),
            Kind::DiagnosisIndex | Kind::ProcedureIndex => {
                out.push(Imported::Book(index::read(file, options, &mut report)?));
            }
            Kind::Hcpcs => out.push(tables::hcpcs(file, options, &mut report)?.into()),
            Kind::PlainCsv => out.push(tables::plain(file, options, &mut report)?.into()),
            Kind::Mce
            | Kind::PoaExempt
            | Kind::Ccsr
            | Kind::Hcc
            | Kind::Gem
            | Kind::NcciPairs
            | Kind::NcciUnits => {
                out.push(Imported::List(tables::list(*kind, file, options, &mut report)?));
            }
            _ => {}
        }
    }
    if out.is_empty() {
        let what = "the files hold nothing that can be imported by itself".to_owned();
        return Err(ImportError::Incomplete { what });
    }
    Ok((out, report))
}

fn diagnoses<'f, I: Iterator<Item = &'f File>>(
    of: &impl Fn(Kind) -> I,
    options: &Options,
    out: &mut Vec<Imported>,
    report: &mut Report,
) -> Result<(), ImportError> {
    let tabular = of(Kind::DiagnosisTabular).next();
    let list = of(Kind::DiagnosisList).next();
    let (tabular, list) = match (tabular, list) {
        (None, None) => return Ok(()),
        (Some(tabular), Some(list)) => (tabular, list),
        (Some(_), None) => {
            let what = "the tabular XML of ICD-10-CM needs the list of codes (order or codes file) beside it";
            return Err(ImportError::Incomplete { what: what.to_owned() });
        }
        (None, Some(_)) => {
            let what = "the list of codes of ICD-10-CM needs the tabular XML beside it";
            return Err(ImportError::Incomplete { what: what.to_owned() });
        }
    };
    let effective = effective(options, &tabular.bytes)?;
    let id = id("icd-10-cm", &effective);
    let title = format!("ICD-10-CM, in force from {effective}");
    let source = Source {
        id: &id,
        title: &title,
        effective: &effective,
        tabular: (&tabular.name, &tabular.bytes),
        list: (&list.name, &list.bytes),
    };
    let (release, built) = crate::source::build(&source)
        .map_err(|source| ImportError::Source { file: tabular.name.clone(), source })?;
    let Built { codes, billable, left_out, .. } = built;
    let left = left_out.len();
    report.results.push(format!(
        "{id}: {codes} codes, {billable} complete; {left} that 7th-character rules yield are not on the list"
    ));
    out.push(release.into());
    Ok(())
}

/// `system-YYYY-MM`.
fn id(system: &str, effective: &str) -> String {
    format!("{system}-{}", &effective[..7])
}

fn is_date(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() == 10
        && b.iter().enumerate().all(|(i, c)| if i == 4 || i == 7 { *c == b'-' } else { c.is_ascii_digit() })
        && (1..=12).contains(&text[5..7].parse::<u8>().unwrap_or(0))
        && (1..=31).contains(&text[8..].parse::<u8>().unwrap_or(0))
}

/// The first day in force: as given, else that of the fiscal year that `<version>` names.
fn effective(options: &Options, xml: &[u8]) -> Result<String, ImportError> {
    if let Some(date) = &options.effective {
        return Ok(date.clone());
    }
    let head = String::from_utf8_lossy(&xml[..xml.len().min(4096)]).into_owned();
    let year =
        head.split_once("<version>").and_then(|(_, rest)| rest.get(..4)).and_then(|y| y.parse::<i32>().ok());
    match year {
        Some(year @ 1990..=2200) => Ok(format!("{}-10-01", year - 1)),
        _ => {
            Err(ImportError::Incomplete { what: "the files do not say their year: give the date".to_owned() })
        }
    }
}

fn sources(files: &[&File]) -> Vec<(String, String)> {
    files.iter().map(|file| (file.name.clone(), format!("{:x}", Sha256::digest(&file.bytes)))).collect()
}

fn draft(system: &str, title: String, effective: &str, files: &[&File], entries: Vec<DraftEntry>) -> Draft {
    Draft {
        id: id(system, effective),
        system: system.to_owned(),
        title,
        effective: effective.to_owned(),
        sources: sources(files),
        entries,
    }
}

/// What differs between two editions of a system.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<String>,
    pub deleted: Vec<String>,
    /// Other words for the same code.
    pub revised: Vec<String>,
    /// Complete before, with codes below it now, or the other way round.
    pub completeness: Vec<String>,
}

/// Codes added, deleted and revised from `old` to `new`.
pub fn changes(old: &Release, new: &Release) -> Changes {
    let mut out = Changes::default();
    for entry in new.iter().filter(|e| e.is_code()) {
        let before = old.get(entry.code()).filter(|e| e.is_code() && e.code() == entry.code());
        match before {
            None => out.added.push(entry.code().to_owned()),
            Some(before) => {
                if before.title() != entry.title() {
                    out.revised.push(entry.code().to_owned());
                }
                if before.billable() != entry.billable() {
                    out.completeness.push(entry.code().to_owned());
                }
            }
        }
    }
    let gone = old.iter().filter(|e| e.is_code()).filter(|e| !new.get(e.code()).is_some_and(Entry::is_code));
    out.deleted.extend(gone.map(|e| e.code().to_owned()));
    out
}

/// An entry of a system without a hierarchy of its own.
fn leaf(depth: u8, code: &str, title: &str) -> DraftEntry {
    DraftEntry::new(depth, EntryKind::Subcategory, code.to_owned(), title.to_owned())
}
