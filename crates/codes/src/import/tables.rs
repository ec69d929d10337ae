//! Systems and lists that come as plain tables.

use std::collections::BTreeMap;

use super::kinds::Kind;
use super::{File, ImportError, Imported, Options, Report, draft, id, leaf};
use crate::lists::{CodeList, ListKind};
use crate::reference::plain as undotted;
use crate::release::{DraftEntry, EntryKind, Release};

pub(super) fn wrong(file: &File, line: usize, what: impl Into<String>) -> ImportError {
    ImportError::Line { file: file.name.clone(), line, what: what.into() }
}

/// These files are ASCII but for a stray sign of the Windows character set.
pub(super) fn text(file: &File) -> String {
    let bytes = file.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&file.bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

pub(super) fn date(options: &Options, file: &File) -> Result<String, ImportError> {
    if let Some(date) = &options.effective {
        return Ok(date.clone());
    }
    // The year in the file's name: "POAexemptCodes2020.txt", "ra_dx_to_cc_2026.csv".
    let digits: Vec<char> = file.name.chars().collect();
    let year = digits.windows(4).rev().find_map(|w| {
        let year: String = w.iter().collect();
        year.parse::<i32>().ok().filter(|year| (1990..=2100).contains(year))
    });
    year.map(|year| format!("{}-10-01", year - 1)).ok_or_else(|| ImportError::Incomplete {
        what: format!(
            "{}: neither the file's name nor the call says from when it is in force: give the date",
            file.name
        ),
    })
}

/// HCPCS Level II, the contractor record of 320 characters. Codes of the ADA (D) are left out, they are not CMS's to give;
/// so are CPT codes (five digits).
pub(super) fn hcpcs(file: &File, options: &Options, report: &mut Report) -> Result<Release, ImportError> {
    let text = text(file);
    let mut codes: BTreeMap<String, String> = BTreeMap::new();
    let mut left = 0usize;
    for (nth, line) in text.lines().enumerate() {
        let letters: Vec<char> = line.chars().collect();
        let part = |from: usize, to: usize| -> String { letters.iter().skip(from).take(to - from).collect() };
        // Disclaimers stand before the records.
        if letters.len() < 91 || !letters[5..11].iter().all(char::is_ascii_digit) {
            continue;
        }
        let code = part(0, 5).trim().to_owned();
        let record = part(10, 11);
        let starts = code.len() == 5
            && code.is_ascii()
            && code.as_bytes()[0].is_ascii_uppercase()
            && code.as_bytes()[1..].iter().all(u8::is_ascii_alphanumeric);
        // Modifiers stand in the same file with blanks before them.
        if code.is_empty() || code.len() == 2 {
            continue;
        }
        if !starts {
            return Err(wrong(file, nth + 1, format!("{code:?} is not a code of HCPCS Level II")));
        }
        if code.starts_with('D') {
            left += 1;
            continue;
        }
        let words = part(11, 91);
        match record.as_str() {
            "3" if codes.contains_key(&code) => {
                return Err(wrong(file, nth + 1, format!("{code} twice")));
            }
            "3" => {
                codes.insert(code, words.trim().to_owned());
            }
            "4" => {
                let title = codes
                    .get_mut(&code)
                    .ok_or_else(|| wrong(file, nth + 1, format!("{code} goes on before it begins")))?;
                title.push(' ');
                title.push_str(words.trim());
            }
            _ => {}
        }
    }
    if codes.is_empty() {
        return Err(ImportError::Unknown { file: file.name.clone() });
    }
    let effective = date(options, file)?;
    let mut entries = Vec::with_capacity(codes.len() + 30);
    let mut letter = None;
    for (code, title) in &codes {
        let first = code.chars().next();
        if letter != first {
            letter = first;
            let name = code[..1].to_owned();
            entries.push(DraftEntry::new(0, EntryKind::Chapter, name.clone(), format!("{name} codes")));
        }
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        entries.push(leaf(1, code, if title.is_empty() { code } else { &title }));
    }
    report.results.push(format!(
        "{}: {} codes; {left} lines of D codes left out",
        id("hcpcs", &effective),
        codes.len()
    ));
    let title = format!("HCPCS Level II, in force from {effective}");
    Ok(Release::assemble(&draft("hcpcs", title, &effective, &[file], entries))?)
}

/// A site's own system: `code,title[,parent]` with a heading line.
pub(super) fn plain(file: &File, options: &Options, report: &mut Report) -> Result<Release, ImportError> {
    let system = options.system.clone().unwrap_or_default();
    let named = (2..=32).contains(&system.len())
        && system.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !named || system.starts_with("icd-") || matches!(system.as_str(), "hcpcs" | "cpt" | "all") {
        let what = "the name of a system of your own: 2 to 32 lower-case letters, digits and hyphens, none of the known ones";
        return Err(ImportError::Incomplete { what: what.to_owned() });
    }
    let effective = options.effective.clone().ok_or_else(|| ImportError::Incomplete {
        what: "a plain list needs the date from which it is in force".to_owned(),
    })?;
    let rows = table(file)?;
    let column = |name: &str| rows.head.iter().position(|head| head == name);
    let (Some(code), Some(title)) = (column("code"), column("title")) else {
        return Err(wrong(file, 1, "the heading must name the columns code and title"));
    };
    let parent = column("parent");
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut below: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut items: Vec<(String, String)> = Vec::new();
    for (line, row) in &rows.rows {
        let cell = |at: usize| row.get(at).map(|cell| cell.trim().to_owned()).unwrap_or_default();
        let (code, title) = (cell(code).to_ascii_uppercase(), cell(title));
        if code.is_empty() || code.len() > 32 || !code.is_ascii() || title.is_empty() {
            return Err(wrong(file, *line, "a code of 1 to 32 plain characters and a title are needed"));
        }
        if seen.insert(code.clone(), *line).is_some() {
            return Err(wrong(file, *line, format!("{code} twice")));
        }
        let above = parent.map(cell).unwrap_or_default().to_ascii_uppercase();
        if !above.is_empty() && !seen.contains_key(&above) {
            return Err(wrong(
                file,
                *line,
                format!("{code} stands under {above}, which did not come before it"),
            ));
        }
        below.entry(above).or_default().push(items.len());
        items.push((code, title));
    }
    let mut entries = Vec::with_capacity(items.len());
    let mut open: Vec<(u8, usize)> = below.get("").into_iter().flatten().rev().map(|at| (0, *at)).collect();
    while let Some((depth, at)) = open.pop() {
        let (code, title) = &items[at];
        if depth > 20 {
            return Err(wrong(file, seen[code], "nested deeper than 20 levels"));
        }
        entries.push(leaf(depth, code, title));
        open.extend(below.get(code).into_iter().flatten().rev().map(|at| (depth + 1, *at)));
    }
    report.results.push(format!("{}: {} codes", id(&system, &effective), entries.len()));
    let title = format!("{system}, in force from {effective}");
    Ok(Release::assemble(&draft(&system, title, &effective, &[file], entries))?)
}

pub(super) struct Rows {
    pub head: Vec<String>,
    /// Line of the file, cells.
    pub rows: Vec<(usize, Vec<String>)>,
}

/// Comma or tab separated, with a heading.
pub(super) fn table(file: &File) -> Result<Rows, ImportError> {
    let text = text(file);
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.contains('\t') { b'\t' } else { b',' };
    // AHRQ quotes by apostrophes, and by quotation marks where words hold a comma.
    let second = text.lines().nth(1).unwrap_or_default();
    let quote = if second.starts_with('\'') && !second.contains('"') { b'\'' } else { b'"' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .quoting(separator == b',')
        .quote(quote)
        .has_headers(true)
        .from_reader(text.as_bytes());
    let tidy = |cell: &str| cell.trim().trim_matches('\'').trim().to_owned();
    let head = reader
        .headers()
        .map_err(|e| wrong(file, 1, e.to_string()))?
        .iter()
        .map(|cell| tidy(cell).to_lowercase())
        .collect();
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| {
            wrong(file, e.position().map_or(0, |p| p.line() as usize), "not a line of a table")
        })?;
        let line = row.position().map_or(0, |p| p.line() as usize);
        rows.push((line, row.iter().map(tidy).collect::<Vec<String>>()));
    }
    Ok(Rows { head, rows })
}

/// Names of the edits as the rules ask for them.
const MCE: [(&str, &str); 9] = [
    ("newborn_only", "newborn"),
    ("pediatric_only", "pediatric"),
    ("maternity_only", "maternity"),
    ("adult_only", "adult"),
    ("female_only", "female"),
    ("male_only", "male"),
    ("principal_manifestation", "manifestation"),
    ("principal_unacceptable", "unacceptable_principal"),
    ("principal_questionable_admit", "questionable_admission"),
];

pub(super) fn list(
    kind: Kind,
    file: &File,
    options: &Options,
    report: &mut Report,
) -> Result<CodeList, ImportError> {
    let mut rows: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    let mut put = |code: &str, values: Vec<String>| {
        let own = rows.entry(undotted(code)).or_default();
        if !own.contains(&values) {
            own.push(values);
        }
    };
    let mut forward = true;
    let (to, title) = if kind == Kind::Gem {
        for (nth, line) in text(file).lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let [from, to, flags] = words.as_slice() else {
                return Err(wrong(file, nth + 1, "not a line of code, code and flags"));
            };
            put(from, vec![(*to).to_owned(), (*flags).to_owned()]);
            // Both files have one form. ICD-9-CM has five signs at most, digits but for the first.
            forward &= from.len() <= 5 && from.bytes().skip(1).all(|b| b.is_ascii_digit());
        }
        if forward {
            (ListKind::Gem, "General equivalence mappings of ICD-9-CM")
        } else {
            (ListKind::GemBack, "General equivalence mappings to ICD-9-CM")
        }
    } else {
        let table = table(file)?;
        let find =
            |names: &[&str]| table.head.iter().position(|head| names.iter().any(|name| head.contains(name)));
        let need = |names: &[&str]| {
            find(names).ok_or_else(|| wrong(file, 1, format!("the heading names no column {}", names[0])))
        };
        let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
        match kind {
            Kind::Mce => {
                let (code, edit, of) =
                    (need(&["icd_code"])?, need(&["mce_edit_type"])?, need(&["icd_code_type"])?);
                let code = table.head.iter().position(|head| head == "icd_code").unwrap_or(code);
                for (line, row) in &table.rows {
                    let name = cell(row, edit).to_lowercase();
                    if cell(row, of) != "D" {
                        continue;
                    }
                    if cell(row, code).len() < 3 {
                        return Err(wrong(file, *line, "no code"));
                    }
                    let name =
                        MCE.iter().find(|(theirs, _)| *theirs == name).map_or(name.as_str(), |(_, own)| own);
                    put(&cell(row, code), vec![name.to_owned()]);
                }
                (ListKind::Mce, "Medicare Code Editor lists")
            }
            Kind::PoaExempt => {
                let code = need(&["code"])?;
                for (line, row) in &table.rows {
                    let code = cell(row, code);
                    if code.len() < 3 {
                        return Err(wrong(file, *line, "no code"));
                    }
                    put(&code, Vec::new());
                }
                (ListKind::PoaExempt, "Codes exempt from the present-on-admission indicator")
            }
            Kind::Ccsr => {
                let code = need(&["icd-10-cm code"])?;
                let categories: Vec<usize> = (1..=6)
                    .filter_map(|n| table.head.iter().position(|head| *head == format!("ccsr category {n}")))
                    .collect();
                if categories.is_empty() {
                    return Err(wrong(file, 1, "the heading names no column CCSR CATEGORY 1"));
                }
                for (line, row) in &table.rows {
                    for &at in &categories {
                        let category = cell(row, at);
                        if !category.is_empty() {
                            let b = category.as_bytes();
                            if b.len() != 6 || !b[3..].iter().all(u8::is_ascii_digit) {
                                return Err(wrong(
                                    file,
                                    *line,
                                    "a category that is not three letters and digits",
                                ));
                            }
                            put(&cell(row, code), vec![category, cell(row, at + 1)]);
                        }
                    }
                }
                (ListKind::Ccsr, "CCSR categories")
            }
            Kind::Hcc => {
                let (code, category, model) = (need(&["diagnosis_code"])?, need(&["cc"])?, need(&["model"])?);
                let category = table.head.iter().position(|head| head == "cc").unwrap_or(category);
                for (_, row) in &table.rows {
                    let model = cell(row, model);
                    // The payment models of plans; those of kidney disease and of drugs stand in the same file.
                    if let Some(version @ ("V24" | "V28")) = model.strip_prefix("CMS-HCC Model ") {
                        put(
                            &cell(row, code),
                            vec![format!("HCC {}", cell(row, category)), version.to_owned()],
                        );
                    }
                }
                (ListKind::Hcc, "CMS-HCC categories")
            }
            Kind::NcciPairs => {
                super::licensed::pairs(file, &date(options, file)?, &mut put)?;
                (ListKind::NcciPairs, "NCCI procedure-to-procedure edits")
            }
            _ => {
                let (code, most) = (need(&["code"])?, need(&["mue value"])?);
                for (_, row) in &table.rows {
                    put(&cell(row, code), vec![cell(row, most)]);
                }
                (ListKind::NcciUnits, "NCCI medically unlikely edits")
            }
        }
    };
    if rows.is_empty() {
        return Err(ImportError::Unknown { file: file.name.clone() });
    }
    let effective = date(options, file)?;
    let list = CodeList {
        id: id(to.as_str(), &effective),
        kind: to,
        title: format!("{title}, in force from {effective}"),
        effective,
        rows,
    };
    report.results.push(format!("{}: {} codes", list.id, list.rows.len()));
    Ok(list)
}

impl From<Release> for Imported {
    fn from(release: Release) -> Self {
        Self::Release(Box::new(release))
    }
}
