//! Systems that come from the licensee's own files: ICD-11 (WHO, CC BY-ND) and CPT (AMA). Nothing of them is in this
//! project.

use std::collections::BTreeMap;

use super::tables::{date, table, wrong};
use super::{File, ImportError, Options, Report, draft, id, leaf};
use crate::release::{DraftEntry, EntryKind, Release};

/// Deeper than any hierarchy of a classification.
const MAX_DEPTH: usize = 15;

/// ICD-11 for mortality and morbidity statistics: WHO's tabulation, tab separated, with the depth of an entity as dashes
/// before its title.
pub(super) fn icd11(file: &File, options: &Options, report: &mut Report) -> Result<Release, ImportError> {
    let rows = table(file)?;
    let need = |name: &str| {
        let at = rows.head.iter().position(|head| head == name);
        at.ok_or_else(|| wrong(file, 1, format!("the heading names no column {name}")))
    };
    let (code, title, kind) = (need("code")?, need("title")?, need("classkind")?);
    let (chapter, block) = (need("chapterno")?, need("blockid")?);
    let mut entries: Vec<DraftEntry> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut codes = 0usize;
    for (line, row) in &rows.rows {
        let cell = |at: usize| row.get(at).map_or("", |cell| cell.trim().trim_matches('"').trim());
        let dashed = cell(title);
        let words = dashed.trim_start_matches(['-', ' ']);
        let depth = dashed[..dashed.len() - words.len()].matches('-').count();
        let (kind, name) = match cell(kind) {
            "chapter" => (EntryKind::Chapter, cell(chapter).to_owned()),
            "block" => (EntryKind::Block, cell(block).to_ascii_uppercase()),
            "category" => (EntryKind::Subcategory, cell(code).to_ascii_uppercase()),
            // A window shows entities of another place once more.
            "window" => continue,
            _ => return Err(wrong(file, *line, "a kind of entity that is none of chapter, block, category")),
        };
        if name.is_empty() || name.len() > 32 || !name.is_ascii() || words.is_empty() {
            return Err(wrong(file, *line, "an entity without a name of its own and a title"));
        }
        if seen.insert(name.clone(), *line).is_some() {
            return Err(wrong(file, *line, format!("{name} twice")));
        }
        let allowed = entries.last().map_or(0, |above| usize::from(above.depth) + 1);
        if depth > allowed.min(MAX_DEPTH) {
            return Err(wrong(file, *line, format!("{name} stands deeper than what is above it allows")));
        }
        codes += usize::from(kind == EntryKind::Subcategory);
        entries.push(DraftEntry::new(depth as u8, kind, name, words.to_owned()));
    }
    if codes == 0 {
        return Err(ImportError::Unknown { file: file.name.clone() });
    }
    let effective = date(options, file)?;
    report.results.push(format!("{}: {codes} codes", id("icd-11", &effective)));
    let title = format!("ICD-11 MMS, in force from {effective}");
    Ok(Release::assemble(&draft("icd-11", title, &effective, &[file], entries))?)
}

/// CPT from the licensee's own list: tab separated with the columns "CPT Code" and "Long" (or "Medium", "Short").
pub(super) fn cpt(file: &File, options: &Options, report: &mut Report) -> Result<Release, ImportError> {
    let rows = table(file)?;
    let column = |name: &str| rows.head.iter().position(|head| head == name);
    let code = column("cpt code").ok_or_else(|| wrong(file, 1, "the heading names no column CPT Code"))?;
    let words = ["long", "medium", "short"].into_iter().find_map(column);
    let words = words.ok_or_else(|| wrong(file, 1, "the heading names no column Long, Medium or Short"))?;
    let mut codes: BTreeMap<String, String> = BTreeMap::new();
    for (line, row) in &rows.rows {
        let cell = |at: usize| row.get(at).map_or("", |cell| cell.trim());
        let (code, words) = (cell(code), cell(words));
        if !is_cpt(code) || words.is_empty() {
            return Err(wrong(file, *line, "a code of five signs and its words are needed"));
        }
        if codes.insert(code.to_owned(), words.to_owned()).is_some() {
            return Err(wrong(file, *line, format!("{code} twice")));
        }
    }
    if codes.is_empty() {
        return Err(ImportError::Unknown { file: file.name.clone() });
    }
    let effective = date(options, file)?;
    let entries: Vec<DraftEntry> = codes.iter().map(|(code, title)| leaf(0, code, title)).collect();
    report.results.push(format!("{}: {} codes", id("cpt", &effective), codes.len()));
    let title = format!("CPT, in force from {effective}");
    Ok(Release::assemble(&draft("cpt", title, &effective, &[file], entries))?)
}

fn is_cpt(code: &str) -> bool {
    let b = code.as_bytes();
    b.len() == 5
        && b[..4].iter().all(u8::is_ascii_digit)
        && (b[4].is_ascii_digit() || matches!(b[4], b'F' | b'T' | b'U' | b'M' | b'A'))
}

/// NCCI procedure-to-procedure edits that are in force on the list's day. The file has every period that a pair was ever
/// in force.
pub(super) fn pairs(
    file: &File,
    effective: &str,
    mut put: impl FnMut(&str, Vec<String>),
) -> Result<(), ImportError> {
    let rows = table(file)?;
    let column = |name: &str| rows.head.iter().position(|head| head.contains(name));
    let need = |name: &str| {
        column(name).ok_or_else(|| wrong(file, 1, format!("the heading names no column {name}")))
    };
    let (one, other) = (need("column 1")?, need("column 2")?);
    let (from, until, modifier) = (column("effective"), column("deletion"), column("modifier"));
    let day = effective.replace('-', "");
    let mut periods: BTreeMap<(&str, &str), Vec<(String, String)>> = BTreeMap::new();
    for (line, row) in &rows.rows {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).map_or("", |cell| cell.trim());
        let (a, b) = (cell(Some(one)), cell(Some(other)));
        // The heading is followed by lines that explain it.
        if a.len() != 5 || b.len() != 5 {
            continue;
        }
        let (begins, ends) = (cell(from).to_owned(), cell(until).to_owned());
        let dated = |text: &str| text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        let ends = if dated(&ends) { ends } else { "99999999".to_owned() };
        if dated(&begins) && ends < begins {
            return Err(wrong(file, *line, format!("{a} and {b} end before they begin")));
        }
        let begins = if dated(&begins) { begins } else { "00000000".to_owned() };
        let known = periods.entry((a, b)).or_default();
        if known.iter().any(|(from, until)| *from < ends && begins < *until) {
            return Err(wrong(file, *line, format!("{a} and {b} twice for the same days")));
        }
        if begins <= day && day <= ends {
            put(a, vec![b.to_owned(), cell(modifier).chars().take(1).collect()]);
        }
        known.push((begins, ends));
    }
    Ok(())
}
