//! Sentences and list items.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::section::Section;

/// A sentence or a list item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Without the list marker and without blanks at either end.
    pub range: Range<usize>,
    pub section: usize,
    /// It began with a marker, or stands alone on a line of its own in a list of such lines.
    pub item: bool,
    /// First of its section.
    pub first: bool,
}

static MARKER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[ \t]*(?:\(?\d{1,2}[.):]|\(?[a-h][.)]|#\d{0,2}|[-*•·–—]+|\d{1,2}(?:[ \t]{1,3}))[ \t]*")
        .expect("a legal pattern")
});
static INLINE_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:[.,;:)]|\s)[ \t]*(\(?(\d{1,2})[.)][ \t]+)[A-Z]").expect("a legal pattern")
});

/// After these a full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &[
    "dr", "mr", "mrs", "ms", "vs", "st", "no", "approx", "e.g", "i.e", "p.o", "b.i.d", "t.i.d", "q.i.d",
    "q.d", "q.h", "p.r.n", "i.v", "i.m", "h.s", "a.m", "p.m", "q.a.m", "q.p.m", "temp", "resp", "jr", "sr",
    "ph.d", "m.d", "fig", "etc", "dept", "wt", "ht",
];

/// Sentences and list items of all bodies, in order.
pub(super) fn split(text: &str, sections: &[Section]) -> Vec<Segment> {
    let mut out = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let before = out.len();
        for (range, item) in blocks(text, section.body.clone()) {
            for sentence in sentences(text, range, item) {
                out.push(Segment { range: sentence, section: index, item, first: false });
            }
        }
        if let Some(first) = out.get_mut(before) {
            first.first = true;
        }
    }
    out
}

/// Lines joined where they were only wrapped, and list items apart.
fn blocks(text: &str, body: Range<usize>) -> Vec<(Range<usize>, bool)> {
    let mut out: Vec<(Range<usize>, bool)> = Vec::new();
    let mut start = body.start;
    let mut open = false;
    for line in text[body].split_inclusive(['\n', '\r']) {
        let from = start;
        start += line.len();
        let bare = line.trim();
        if bare.is_empty() {
            open = open && line.len() == 1;
            continue;
        }
        let marker = MARKER.find(line).filter(|m| {
            line[m.end()..].starts_with(|c: char| c.is_alphabetic() || c == '"' || c == '(' || c == '+')
        });
        let item = marker.is_some();
        let begin = from + marker.map_or(line.len() - line.trim_start().len(), |m| m.end());
        let end = from + line.trim_end().len();
        if begin >= end {
            continue;
        }
        let wrapped = !item
            && open
            && out.last().is_some_and(|(last, _)| {
                let tail = &text[last.clone()];
                let lower = bare.starts_with(|c: char| c.is_lowercase());
                let last_line = tail.rsplit(['\n', '\r']).next().unwrap_or(tail);
                lower || (last_line.len() > 60 && !tail.ends_with(['.', ':', ';', '?', '!']))
            });
        match out.last_mut() {
            Some((last, _)) if wrapped => last.end = end,
            _ => out.push((begin..end, item)),
        }
        open = true;
    }
    // Several short lines without full stops are a list too.
    let short = |r: &Range<usize>| r.len() < 80 && !text[r.clone()].contains(['\n', '\r']);
    let count = out.iter().filter(|(r, _)| short(r)).count();
    if out.len() >= 2 && count * 3 >= out.len() * 2 {
        for (range, item) in &mut out {
            *item |= short(range);
        }
    }
    out.into_iter().flat_map(|(range, item)| numbered(text, range, item)).collect()
}

/// Takes "1. Diabetes. 2. Hypertension." apart.
fn numbered(text: &str, range: Range<usize>, item: bool) -> Vec<(Range<usize>, bool)> {
    let body = &text[range.clone()];
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut expected: Option<u32> = None;
    let mut at = 0;
    while let Some(captures) = INLINE_NUMBER.captures_at(body, at) {
        let (Some(marker), Some(number)) = (captures.get(1), captures.get(2)) else { break };
        at = marker.end();
        let number: u32 = number.as_str().parse().unwrap_or(0);
        let fits = match expected {
            Some(next) => number == next,
            None => number == 2 && (item || body.starts_with('1')) || number == 1,
        };
        if fits {
            cuts.push((marker.start(), marker.end()));
            expected = Some(number + 1);
        }
    }
    if cuts.is_empty() || cuts.len() == 1 && expected == Some(2) {
        return vec![(range, item)];
    }
    let mut out = Vec::new();
    let mut start = 0;
    let mut marked = item;
    for (cut, next) in cuts.into_iter().chain([(body.len(), body.len())]) {
        if let Some(part) = trimmed(body, start..cut) {
            out.push((range.start + part.start..range.start + part.end, marked));
        }
        (start, marked) = (next, true);
    }
    out
}

fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = text.get(range.clone())?;
    let start = range.start + part.len() - part.trim_start().len();
    let end = range.start + part.trim_end().len();
    (start < end).then_some(start..end)
}

fn sentences(text: &str, range: Range<usize>, _item: bool) -> Vec<Range<usize>> {
    let body = &text[range.clone()];
    let mut out = Vec::new();
    let mut start = 0;
    for (at, c) in body.char_indices() {
        if !matches!(c, '.' | '?' | '!' | ';') {
            continue;
        }
        let rest = &body[at + c.len_utf8()..];
        let mut following = rest.chars();
        if !following.next().is_some_and(char::is_whitespace) {
            continue;
        }
        let next = rest.trim_start().chars().next().unwrap_or(' ');
        if c == '.' {
            let word = body[start..at].rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("");
            let lower = word.to_lowercase();
            let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I";
            if (initial || ABBREVIATIONS.contains(&lower.as_str()))
                && !(next.is_uppercase() && lower.contains('.'))
                || next.is_lowercase()
            {
                continue;
            }
        }
        if let Some(part) = trimmed(body, start..at + c.len_utf8()) {
            out.push(range.start + part.start..range.start + part.end);
        }
        start = at + c.len_utf8();
    }
    if let Some(part) = trimmed(body, start..body.len()) {
        out.push(range.start + part.start..range.start + part.end);
    }
    out
}
