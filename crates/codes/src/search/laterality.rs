//! Sides: a phrase that names one leads to the code of that side, whichever side the matching term spoke of
//! (Official Guidelines, I.B.13).

use super::rank::{Found, keep};
use super::text::stem;
use crate::release::{Entry, EntryKind, Release};

/// The side of the body that words speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Right,
    Left,
    Both,
    /// "Unspecified": only of titles.
    Unsaid,
}

const SIDE_WORDS: &[&str] = &["right", "left", "bilateral", "both", "unspecified", "unilateral"];

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_ascii_lowercase)
}

impl Side {
    /// The side that ordinary words name; none where they name none.
    pub fn of(query: &str) -> Option<Self> {
        Self::said(query).filter(|s| *s != Self::Unsaid)
    }

    /// The side that a title names, [`Side::Unsaid`] where it says that none is specified.
    pub fn said(text: &str) -> Option<Self> {
        let (mut right, mut left, mut both, mut unsaid) = (false, false, false, false);
        for word in words(text) {
            match word.as_str() {
                "right" | "rt" => right = true,
                "left" | "lt" => left = true,
                "bilateral" | "bilaterally" | "both" => both = true,
                "unspecified" => unsaid = true,
                _ => {}
            }
        }
        match (right, left, both) {
            (_, _, true) | (true, true, _) => Some(Self::Both),
            (true, false, false) => Some(Self::Right),
            (false, true, false) => Some(Self::Left),
            _ => unsaid.then_some(Self::Unsaid),
        }
    }
}

/// A title without its sides; equal for codes that differ in nothing else.
fn family(title: &str) -> Vec<String> {
    let small = ["of", "in", "the", "and"];
    words(title)
        .filter(|w| !SIDE_WORDS.contains(&w.as_str()) && !small.contains(&w.as_str()))
        .map(|w| stem(&w))
        .collect()
}

impl<'a> Entry<'a> {
    /// The code that says the same as this one of another side.
    pub fn on_side(self, side: Side) -> Option<Entry<'a>> {
        turned(self, side)
    }
}

/// The code that says the same as `e` of `side`.
fn turned(e: Entry<'_>, side: Side) -> Option<Entry<'_>> {
    if e.kind() == EntryKind::Extension {
        let base = turned(e.parent()?, side)?;
        let last = e.code().chars().last()?;
        return base.children().find(|c| c.code().ends_with(last));
    }
    let wanted = family(e.title());
    e.siblings().find(|s| Side::said(s.title()) == Some(side) && family(s.title()) == wanted)
}

/// Gives the score of the best entries of another or no side to their like of the side meant.
pub(super) fn project(release: &Release, side: Side, found: &mut Found) {
    let mut best: Vec<(u32, f32, u32)> =
        found.iter().map(|(&entry, &(score, doc))| (entry, score, doc)).collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    best.truncate(40);
    for (entry, score, doc) in best {
        let Some(e) = release.entry(entry) else { continue };
        if Side::said(e.title()).is_some_and(|s| s != side)
            && let Some(like) = turned(e, side)
        {
            keep(found, like.index(), score, doc);
        }
    }
}

/// Against codes of the wrong side, and a little against those of none where the query names one.
pub(super) fn fit(meant: Option<Side>, e: Entry<'_>) -> f32 {
    match (meant, Side::said(e.title())) {
        (None, _) | (_, None) => 0.0,
        (Some(meant), Some(said)) if meant == said => 0.02,
        (Some(_), Some(Side::Unsaid)) => -0.03,
        (Some(_), Some(_)) => -0.15,
    }
}
