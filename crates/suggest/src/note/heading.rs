//! Headings of dictated notes: `ASSESSMENT:`, `Past Medical History -`, `2. Allergies:`, a line in capitals, or
//! capitals with a colon in the middle of a line.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::section::{SectionKind, by_keyword, listed};

pub(super) struct Heading {
    /// From the number or first letter to the colon.
    pub range: Range<usize>,
    pub title: String,
    pub kind: Option<SectionKind>,
}

/// At a line's start: words, then a colon or a spaced dash.
static AT_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[ \t*#>_]*(?:(?:\d{1,2}|[IVX]{1,4}|[A-H])[.)][ \t]+)?([A-Za-z][A-Za-z0-9 \t/&,'’()\-]{0,69}?)[ \t*_]*(:|[ \t]+[-–—][ \t]+|[ \t]+[-–—]$)").expect("a legal pattern")
});

/// In the middle of a line: capitals and a colon, after the end of a sentence.
static IN_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:[.;?!)\d]|[ \t]{2})[ \t]+((?:[A-Z][A-Za-z/&'\-]*[ \t]){0,5}[A-Z][A-Za-z/&'()\-]*)[ \t]*:")
        .expect("a legal pattern")
});

fn fold(title: &str) -> String {
    title.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ").replace('’', "'")
}

fn capitals(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.chars().any(char::is_lowercase)
}

/// All headings in order, never overlapping.
pub(super) fn find(text: &str) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let bare = line.trim_end();
        line_headings(bare, start, &mut found);
        start += line.len();
    }
    found
}

fn line_headings(line: &str, offset: usize, found: &mut Vec<Heading>) {
    let mut covered = 0;
    if let Some(captures) = AT_LINE.captures(line) {
        let (whole, title, mark) = (&captures[0], &captures[1], &captures[2]);
        let folded = fold(title);
        let kind = listed(&folded);
        let words = folded.split(' ').count();
        let colon = mark == ":";
        // A clock time ("at 10:30") or a ratio is no heading.
        let figure = colon
            && line[whole.len()..].starts_with(|c: char| c.is_ascii_digit())
            && title.ends_with(|c: char| c.is_ascii_digit());
        let accepted = !figure
            && if kind.is_some() {
                colon || capitals(title) || folded.len() > 5
            } else {
                colon && (capitals(title) && words <= 9 || words <= 5 && by_keyword(&folded).is_some())
            };
        if accepted {
            covered = captures[0].len();
            let lead = whole.len() - whole.trim_start_matches([' ', '\t', '*', '#', '>', '_']).len();
            let kind = kind.or_else(|| by_keyword(&folded));
            found.push(Heading { range: offset + lead..offset + covered, title: folded, kind });
        }
    } else if line.trim().len() <= 60 {
        // A heading on a line of its own, without any mark.
        let title = line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '#' | '_' | '='));
        let folded = fold(title);
        let kind = listed(&folded).filter(|_| folded.len() > 3);
        let shouted = capitals(title) && by_keyword(&folded).is_some() && folded.split(' ').count() <= 5;
        if kind.is_some() || shouted {
            let lead = line.find(title).unwrap_or(0);
            let kind = kind.or_else(|| by_keyword(&folded));
            found.push(Heading { range: offset + lead..offset + lead + title.len(), title: folded, kind });
            return;
        }
    }
    let from = covered.saturating_sub(2);
    let Some(rest) = line.get(from..) else { return };
    for captures in IN_LINE.captures_iter(rest) {
        let Some(title) = captures.get(1) else { continue };
        let (start, end) = (from + title.start(), from + captures.get(0).map_or(0, |m| m.end()));
        if start < covered {
            continue;
        }
        let folded = fold(title.as_str());
        let shout = capitals(title.as_str());
        let kind = listed(&folded).or_else(|| if shout { by_keyword(&folded) } else { None });
        let long_enough = folded.len() > 2 || shout;
        if long_enough && (kind.is_some() && (shout || folded.len() > 5) || shout && folded.len() > 3) {
            found.push(Heading { range: offset + start..offset + end, title: folded, kind });
        }
    }
}
