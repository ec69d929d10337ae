//! From the official CDC/NCHS files of ICD-10-CM to a release: `icd10c-tabular-*.xml` and the list of all codes.
//!
//! The tabular holds every code down to those that a 7th character completes, and the rules for that character. The
//! list says which of the codes so made exist (S06 for one leaves some out in words only); where the two disagree
//! otherwise, the build stops.

mod list;
pub(crate) use list::is_code;
mod tabular;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::release::{Draft, DraftEntry, Entry, EntryKind, Release};
use crate::{ReleaseError, SourceError};

/// What the release is to be called, and the official files.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// For example `icd-10-cm-2026-04`.
    pub id: &'a str,
    /// The edition in words.
    pub title: &'a str,
    /// First day in force, ISO 8601.
    pub effective: &'a str,
    /// File name and bytes of the tabular XML.
    pub tabular: (&'a str, &'a [u8]),
    /// File name and bytes of the list of all codes, one a line, with or without dots.
    pub list: (&'a str, &'a [u8]),
}

/// What was read and where the two files differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub chapters: usize,
    pub blocks: usize,
    /// Codes of three characters and more.
    pub codes: usize,
    pub billable: usize,
    /// Lines of the list that are not chapters or ranges ("A00-A09"). A block of one category is listed under that
    /// category's own name, so this exceeds `codes` by the number of such blocks.
    pub list_codes: usize,
    /// Codes that the 7th-character rules yield but the list leaves out; they are not in the release.
    pub left_out: Vec<String>,
}

/// Reads both files, completes the codes, compares, and lays out the release.
pub fn build(source: &Source<'_>) -> Result<(Release, Report), SourceError> {
    let tabular = tabular::parse(text("tabular", source.tabular.1)?)?;
    let list = list::parse(text("code list", source.list.1)?)?;

    let listed: HashSet<&str> = list.codes.iter().map(|c| c.code.as_str()).collect();
    let mut report = Report { list_codes: list.code_lines, ..Report::default() };
    let mut missing = Vec::new();
    let mut entries: Vec<DraftEntry> = Vec::with_capacity(list.codes.len() + 400);
    for entry in tabular {
        let plain: String = entry.code.chars().filter(|c| *c != '.').collect();
        match entry.kind {
            EntryKind::Chapter => report.chapters += 1,
            EntryKind::Block => report.blocks += 1,
            EntryKind::Extension if !listed.contains(plain.as_str()) => {
                report.left_out.push(entry.code);
                continue;
            }
            _ if !listed.contains(plain.as_str()) => missing.push(entry.code.clone()),
            _ => report.codes += 1,
        }
        entries.push(entry);
    }
    if let Some(first) = missing.first() {
        return Err(SourceError::NotInList { count: missing.len(), first: first.clone() });
    }

    let draft = Draft {
        id: source.id.into(),
        system: "icd-10-cm".into(),
        title: source.title.into(),
        effective: source.effective.into(),
        sources: [source.tabular, source.list]
            .map(|(name, bytes)| (name.to_owned(), format!("{:x}", Sha256::digest(bytes))))
            .into(),
        entries,
    };
    let release = Release::assemble(&draft).map_err(|e| match e {
        ReleaseError::Malformed { what, .. } => SourceError::TooLarge { what },
        _ => SourceError::TooLarge { what: "content" },
    })?;
    let unknown: Vec<_> =
        list.codes.iter().filter(|c| !release.get(&c.code).is_some_and(Entry::is_code)).collect();
    if let Some(first) = unknown.first() {
        return Err(SourceError::NotInTabular {
            count: unknown.len(),
            first: first.code.clone(),
            line: first.line,
        });
    }
    report.billable = release.iter().filter(|e| e.billable()).count();
    Ok((release, report))
}

fn text<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a str, SourceError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|e| SourceError::NotUtf8 { file, byte: e.valid_up_to() })
}
