//! The books around the tabular list: alphabetic index, index of external causes, table of neoplasms, table of drugs and
//! chemicals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ReleaseError;
use crate::reference::plain;
use crate::release::file;
use crate::release::wire::{Reader, Writer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookKind {
    Index,
    ExternalCauses,
    Neoplasms,
    Drugs,
    Procedures,
}

impl BookKind {
    pub const ALL: [Self; 5] =
        [Self::Index, Self::ExternalCauses, Self::Neoplasms, Self::Drugs, Self::Procedures];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::ExternalCauses => "external-causes",
            Self::Neoplasms => "neoplasms",
            Self::Drugs => "drugs",
            Self::Procedures => "procedures",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Index => "Alphabetic index",
            Self::ExternalCauses => "Index of external causes",
            Self::Neoplasms => "Table of neoplasms",
            Self::Drugs => "Table of drugs and chemicals",
            Self::Procedures => "Index of procedures",
        }
    }
}

/// One line as it is printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// 0 for a main term.
    pub level: u8,
    pub term: String,
    /// Nonessential modifiers, in their parentheses (Official Guidelines, I.A.7).
    pub modifiers: String,
    /// "see ..." or "see also ...".
    pub see: String,
    /// As printed: one in an index, one a column in a table; a dash at the end stands for further characters.
    pub codes: Vec<String>,
}

/// One edition of one book. Immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct Book {
    pub id: String,
    pub kind: BookKind,
    pub title: String,
    /// First day in force, ISO 8601.
    pub effective: String,
    /// Names of a table's columns of codes; empty for an index.
    pub columns: Vec<String>,
    pub lines: Vec<Line>,
    /// Words of each line with those above it, lower case, between blanks.
    words: Vec<String>,
    /// Lines by the code that they lead to.
    by_code: BTreeMap<String, Vec<u32>>,
}

const MAGIC: &[u8; 8] = b"OVRBOOKS";

impl Book {
    pub fn new(
        id: String,
        kind: BookKind,
        title: String,
        effective: String,
        columns: Vec<String>,
        lines: Vec<Line>,
    ) -> Self {
        let mut words = Vec::with_capacity(lines.len());
        let mut by_code: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut path: Vec<String> = Vec::new();
        for (nth, line) in lines.iter().enumerate() {
            path.truncate(usize::from(line.level));
            path.push(folded(&format!("{} {}", line.term, line.modifiers)));
            words.push(format!(" {} ", path.join(" ")));
            for code in &line.codes {
                let code = plain(code.trim_end_matches(['-', '.']));
                if code.len() >= 3 {
                    by_code.entry(code).or_default().push(nth as u32);
                }
            }
        }
        Self { id, kind, title, effective, columns, lines, words, by_code }
    }

    /// Terms from the main term down to a line.
    pub fn path(&self, line: usize) -> Vec<&str> {
        let Some(own) = self.lines.get(line) else { return Vec::new() };
        let mut out = vec![own.term.as_str()];
        let mut level = own.level;
        for above in self.lines[..line].iter().rev() {
            if level == 0 {
                break;
            }
            if above.level < level {
                out.push(&above.term);
                level = above.level;
            }
        }
        out.reverse();
        out
    }

    /// Lines that have every word of the query, or a word that begins so, in themselves or above; those that say
    /// little more come first.
    pub fn find(&self, query: &str, most: usize) -> Vec<usize> {
        let query = folded(query);
        let wanted: Vec<String> =
            query.split(' ').filter(|w| !w.is_empty()).map(|w| format!(" {w}")).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let begins = |text: &str| text.starts_with(wanted[0].as_str());
        let mut found: Vec<(bool, bool, u8, usize, usize)> = self
            .words
            .iter()
            .enumerate()
            .filter(|(_, words)| wanted.iter().all(|word| words.contains(word.as_str())))
            // The main term is what people look up, then the line's own; deep and long lines say more than was asked.
            .map(|(line, words)| {
                let own = &self.lines[line];
                let elsewhere = !begins(&format!(" {}", folded(&own.term)));
                (!begins(words), elsewhere, own.level, words.len(), line)
            })
            .collect();
        let few = most.min(found.len());
        if few > 0 && few < found.len() {
            found.select_nth_unstable(few - 1);
            found.truncate(few);
        }
        found.sort_unstable();
        found.into_iter().map(|(.., line)| line).collect()
    }

    /// Lines that lead to a code or to what holds it, most exact first.
    pub fn leading_to(&self, code: &str) -> Vec<usize> {
        let mut code = plain(code);
        let mut out = Vec::new();
        while code.len() >= 3 {
            out.extend(self.by_code.get(&code).into_iter().flatten().map(|line| *line as usize));
            code.pop();
        }
        out
    }

    pub fn is_book(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub fn to_bytes(&self) -> Result<Vec<u8>, ReleaseError> {
        let mut w = Writer::default();
        for text in [&self.id, &self.title, &self.effective] {
            w.text(text);
        }
        w.text(self.kind.as_str());
        w.int(self.columns.len() as u32);
        for column in &self.columns {
            w.text(column);
        }
        w.int(self.lines.len() as u32);
        for line in &self.lines {
            w.byte(line.level);
            w.text(&line.term);
            w.text(&line.modifiers);
            w.text(&line.see);
            w.int(line.codes.len() as u32);
            for code in &line.codes {
                w.text(code);
            }
        }
        file::seal(*MAGIC, &w.0, 19)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReleaseError> {
        let (content, _) = file::open(*MAGIC, bytes)?;
        let mut r = Reader::new(&content);
        let (id, title, effective) = (r.text()?.to_owned(), r.text()?.to_owned(), r.text()?.to_owned());
        let kind = r.text()?;
        let kind = BookKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or_else(|| r.malformed("kind of book"))?;
        let columns: Result<Vec<String>, _> = (0..r.count()?).map(|_| r.text().map(str::to_owned)).collect();
        let columns = columns?;
        let mut lines: Vec<Line> = Vec::new();
        for _ in 0..r.count()? {
            let level = r.byte()?;
            if usize::from(level) > lines.last().map_or(0, |line| usize::from(line.level) + 1) {
                return Err(r.malformed("a line deeper than the one above it allows"));
            }
            let (term, modifiers, see) = (r.text()?.to_owned(), r.text()?.to_owned(), r.text()?.to_owned());
            let codes: Result<Vec<String>, _> =
                (0..r.count()?).map(|_| r.text().map(str::to_owned)).collect();
            lines.push(Line { level, term, modifiers, see, codes: codes? });
        }
        r.end()?;
        Ok(Self::new(id, kind, title, effective, columns, lines))
    }
}

/// Lower case, letters and digits alone.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with(' ') && c != '\'' {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn book() -> Book {
        let line = |level: u8, term: &str, code: &str| Line {
            level,
            term: term.into(),
            codes: if code.is_empty() { Vec::new() } else { vec![code.into()] },
            ..Line::default()
        };
        let lines = vec![
            line(0, "Abscess (connective tissue)", "L02.91"),
            line(1, "kidney", "N15.1"),
            line(2, "with calculus", "N20.0"),
            line(1, "liver", "K75.0"),
            line(0, "Kidney, see condition", ""),
        ];
        Book::new(
            "index-2026-04".into(),
            BookKind::Index,
            "Index".into(),
            "2026-04-01".into(),
            Vec::new(),
            lines,
        )
    }

    #[test]
    fn lines_are_found_by_words_of_their_path() {
        let book = book();
        assert_eq!(book.find("kidney absc", 5), [1, 2]);
        assert_eq!(book.find("kidney", 5)[0], 4, "the main term first");
        assert!(book.find("", 5).is_empty() && book.find("spleen", 5).is_empty());
        assert_eq!(book.path(2), ["Abscess (connective tissue)", "kidney", "with calculus"]);
        assert_eq!(book.leading_to("N20.0"), [2]);
        assert_eq!(book.leading_to("N15.11"), [1]);
    }

    #[test]
    fn comes_back_from_its_file() {
        let book = book();
        let bytes = book.to_bytes().unwrap();
        let back = Book::from_bytes(&bytes).unwrap();
        assert_eq!((back.lines, back.kind, back.id), (book.lines, book.kind, book.id));
        for cut in [10, 60, bytes.len() - 1] {
            assert!(Book::from_bytes(&bytes[..cut]).is_err());
        }
    }
}
