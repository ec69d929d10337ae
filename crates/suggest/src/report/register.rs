//! Whether a text is a case report or a note of an encounter.

use crate::linear::Row;
use crate::note::Doc;

/// Width of [`row`].
pub(super) const DENSE: usize = 10;

/// How a text is written: headings, items, length of its sentences, who speaks, tense, capitals.
pub(super) fn row(doc: &Doc<'_>) -> Row {
    let words = doc.words.len().max(1) as f32;
    let segments = doc.segments.len().max(1) as f32;
    let per_hundred = |list: &[&str]| {
        let count =
            doc.words.iter().filter(|w| list.iter().any(|l| w.of(doc.text).eq_ignore_ascii_case(l))).count();
        (count as f32 * 100.0 / words).min(6.0) / 3.0
    };
    let items = doc.segments.iter().filter(|s| s.item).count() as f32;
    let shouted = doc
        .words
        .iter()
        .filter(|w| {
            let word = w.of(doc.text);
            word.len() > 4 && word.chars().all(|c| c.is_ascii_uppercase())
        })
        .count() as f32;
    let dense = vec![
        (doc.sections.len() as f32 - 1.0).min(8.0) / 4.0,
        f32::from(u8::from(doc.sections.len() > 1)),
        items / segments,
        (words / segments).min(40.0) / 20.0,
        per_hundred(&["we", "our", "us"]),
        per_hundred(&[
            "was",
            "were",
            "showed",
            "revealed",
            "presented",
            "performed",
            "observed",
            "diagnosed",
        ]),
        per_hundred(&["i", "is", "denies", "states", "today", "he's", "she's", "will"]),
        per_hundred(&["mg", "p.o", "daily", "bid", "prn", "q"]),
        (shouted * 100.0 / words).min(6.0) / 3.0,
        words.ln() / 6.0,
    ];
    Row { active: Vec::new(), dense }
}
