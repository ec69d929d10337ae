//! The list of all codes: a line each, the first word counts (the `icd10cm-codes` files go on with the title).

use std::collections::HashSet;

use crate::SourceError;

pub(super) struct Listed {
    /// Without the dot.
    pub code: String,
    pub line: u32,
}

pub(super) struct List {
    /// Distinct codes in the list's order.
    pub codes: Vec<Listed>,
    /// Lines that hold a code, repetitions included.
    pub code_lines: usize,
}

pub(super) fn parse(text: &str) -> Result<List, SourceError> {
    let mut seen = HashSet::new();
    let mut list = List { codes: Vec::new(), code_lines: 0 };
    for (line, row) in (1..).zip(text.lines()) {
        let mut words = row.split_ascii_whitespace();
        let Some(mut word) = words.next() else { continue };
        // The order file numbers its lines.
        if word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit()) {
            let Some(code) = words.next() else { continue };
            word = code;
        }
        if is_chapter(word) || is_range(word) {
            continue;
        }
        let code: String = word.chars().filter(|c| *c != '.').collect();
        if !is_code(&code) {
            return Err(SourceError::List { line, what: format!("{word:?} is not a code") });
        }
        list.code_lines += 1;
        if seen.insert(code.clone()) {
            list.codes.push(Listed { code, line });
        }
    }
    Ok(list)
}

fn is_chapter(word: &str) -> bool {
    word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit())
}

fn is_range(word: &str) -> bool {
    word.split_once('-').is_some_and(|(a, b)| a.len() == 3 && b.len() == 3 && is_code(a) && is_code(b))
}

/// A letter, then two to six letters or digits (Official Guidelines, I.A.2).
pub(crate) fn is_code(plain: &str) -> bool {
    let bytes = plain.as_bytes();
    (3..=7).contains(&bytes.len())
        && bytes[0].is_ascii_uppercase()
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
