//! The invented notes: from their source form (`samples/notes/NAME.txt` and `samples/entries/NAME.json`, where an
//! annotator gives quotes) to the two collections with code point offsets.
//!
//! Building is checking: a quote that is not in its note, a code set without exactly one principal code or a field with
//! two values where there can be one is an error that names the entry and the quote's number, not its words.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use overread_domain::span::CodePoints;
use overread_domain::{Quoted, Span};
use serde::{Deserialize, Serialize};

use crate::gold::{GoldCode, GoldNote, GoldSpan};

mod rules;

/// At most this many codes a note.
pub const MAX_CODES: usize = 15;

#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{} is not an entry: line {line}", path.display())]
    Json { path: PathBuf, line: usize },
    #[error("entry {entry} has no note of its name, or its id is another")]
    NoNote { entry: String },
    #[error("entry {entry} span {span}: {what}")]
    Span { entry: String, span: usize, what: &'static str },
    #[error("entry {entry} code {code}: {what}")]
    Code { entry: String, code: String, what: &'static str },
    #[error("entry {entry}: {what}")]
    Entry { entry: String, what: String },
}

/// A quote by its words: the first occurrence, or the nth.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum QuoteRef {
    Words(String),
    Nth { quote: String, nth: usize },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceSpan {
    field: String,
    quote: String,
    #[serde(default = "first")]
    nth: usize,
    value: Option<String>,
    assertion: Option<String>,
    code: Option<String>,
    #[serde(default)]
    attrs: BTreeMap<String, QuoteRef>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceCode {
    code: String,
    role: String,
    quotes: Vec<QuoteRef>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceEntry {
    id: String,
    title: String,
    document_type: String,
    service_date: String,
    invented: bool,
    spans: Vec<SourceSpan>,
    codes: Vec<SourceCode>,
    remarks: Option<String>,
}

fn first() -> usize {
    1
}

/// A note as import reads it.
#[derive(Serialize)]
struct ImportLine<'a> {
    id: &'a str,
    text: &'a str,
    title: Option<&'a str>,
    document_type: Option<&'a str>,
    service_date: Option<&'a str>,
}

/// Every entry of `folder` (the one that holds `notes` and `entries`), checked, by id.
pub fn build(folder: &Path) -> Result<Vec<GoldNote>, SampleError> {
    let entries = files(&folder.join("entries"), "json")?;
    let mut notes = files(&folder.join("notes"), "txt")?;
    let mut out = Vec::with_capacity(entries.len());
    for (name, path) in entries {
        let source = read(&path)?;
        let entry: SourceEntry = serde_json::from_str(&source)
            .map_err(|error| SampleError::Json { path: path.clone(), line: error.line() })?;
        let note = notes
            .remove(&name)
            .filter(|_| entry.id == name)
            .ok_or_else(|| SampleError::NoNote { entry: name.clone() })?;
        out.push(resolve(entry, read(&note)?)?);
    }
    if let Some(name) = notes.into_keys().next() {
        return Err(SampleError::Entry { entry: name, what: "note without an entry".into() });
    }
    Ok(out)
}

/// The collection in import form, one note a line.
pub fn import_lines(notes: &[GoldNote]) -> String {
    lines(notes.iter().map(|note| ImportLine {
        id: &note.id,
        text: &note.text,
        title: note.title.as_deref(),
        document_type: note.document_type.as_deref(),
        service_date: note.service_date.as_deref(),
    }))
}

/// The collection of reference entries, one note a line.
pub fn reference_lines(notes: &[GoldNote]) -> String {
    lines(notes.iter())
}

fn lines(values: impl Iterator<Item = impl Serialize>) -> String {
    values.fold(String::new(), |mut out, value| {
        out += &serde_json::to_string(&value).expect("strings and numbers are JSON");
        out.push('\n');
        out
    })
}

fn files(folder: &Path, extension: &str) -> Result<BTreeMap<String, PathBuf>, SampleError> {
    let io = |source| SampleError::Io { path: folder.to_owned(), source };
    let mut out = BTreeMap::new();
    for file in std::fs::read_dir(folder).map_err(io)? {
        let path = file.map_err(io)?.path();
        if path.extension().is_some_and(|found| found == extension) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            out.insert(name, path);
        }
    }
    Ok(out)
}

fn read(path: &Path) -> Result<String, SampleError> {
    std::fs::read_to_string(path).map_err(|source| SampleError::Io { path: path.to_owned(), source })
}

fn resolve(entry: SourceEntry, text: String) -> Result<GoldNote, SampleError> {
    let SourceEntry { id, title, document_type, service_date, invented, spans: sources, codes, remarks } =
        entry;
    let points = CodePoints::new(&text);
    let mut spans = Vec::with_capacity(sources.len());
    for (index, source) in sources.into_iter().enumerate() {
        let fault = |what| SampleError::Span { entry: id.clone(), span: index + 1, what };
        let place = nth(&text, &source.quote, source.nth).ok_or_else(|| fault("quote is not in the note"))?;
        let mut attrs = BTreeMap::new();
        for (name, reference) in source.attrs {
            let at = match &reference {
                QuoteRef::Words(quote) => nearest(&text, quote, place),
                QuoteRef::Nth { quote, nth: n } => nth(&text, quote, *n),
            };
            attrs.insert(name, points.quoted(at.ok_or_else(|| fault("attribute is not in the note"))?));
        }
        let Quoted { start, end, quote } = points.quoted(place);
        let span = GoldSpan {
            field: source.field,
            start,
            end,
            quote,
            value: source.value,
            assertion: source.assertion,
            code: source.code,
            attrs,
        };
        rules::span(&span).map_err(fault)?;
        spans.push(span);
    }
    let codes = codes
        .into_iter()
        .map(|source| {
            let fault = |what| SampleError::Code { entry: id.clone(), code: source.code.clone(), what };
            let evidence = source.quotes.iter().map(|reference| {
                let (quote, n) = match reference {
                    QuoteRef::Words(quote) => (quote, 1),
                    QuoteRef::Nth { quote, nth } => (quote, *nth),
                };
                nth(&text, quote, n).map(|place| points.quoted(place))
            });
            let evidence: Vec<_> =
                evidence.collect::<Option<_>>().ok_or_else(|| fault("quote is not in the note"))?;
            let code = GoldCode { code: source.code.clone(), role: source.role.clone(), evidence };
            rules::code(&code).map_err(fault)?;
            Ok(code)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let note = GoldNote {
        specialties: Vec::new(),
        id,
        title: Some(title),
        document_type: Some(document_type),
        service_date: Some(service_date),
        invented,
        text,
        spans,
        codes,
        remarks,
    };
    rules::note(&note).map_err(|what| SampleError::Entry { entry: note.id.clone(), what })?;
    Ok(note)
}

fn occurrences<'t>(text: &'t str, quote: &'t str) -> impl Iterator<Item = Span> + 't {
    let step = quote.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(quote)?;
        from = start + step;
        Span::new(text, start, start + quote.len()).ok()
    })
}

fn nth(text: &str, quote: &str, n: usize) -> Option<Span> {
    occurrences(text, quote).nth(n.checked_sub(1)?)
}

/// The occurrence with the smallest gap to `place`, the later one of two as near.
fn nearest(text: &str, quote: &str, place: Span) -> Option<Span> {
    occurrences(text, quote).min_by_key(|found| {
        let after = found.start().saturating_sub(place.end());
        let before = place.start().saturating_sub(found.end());
        (after.max(before), std::cmp::Reverse(found.start()))
    })
}

/// How many entries hold each field.
pub fn fields(notes: &[GoldNote]) -> HashMap<&str, usize> {
    let mut out = HashMap::new();
    for span in notes.iter().flat_map(|note| &note.spans) {
        *out.entry(span.field.as_str()).or_default() += 1;
    }
    out
}

#[cfg(test)]
mod tests;
