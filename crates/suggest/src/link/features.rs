//! What tells the right code from its neighbours.

use std::collections::HashSet;

use overread_domain::suggestion::Assertion;

use super::{Evidence, Found, Wanted, Way};
use crate::find::condition::HeadKind;
use crate::linear::Row;
use crate::pipeline::Visit;

/// Width of a candidate's binary features, with room for more.
pub(crate) const SPARSE: usize = 320;
/// Width of a candidate's dense features.
pub(crate) const DENSE: usize = 15;

/// Words of titles that say nothing of the condition.
const IDLE: &[&str] = &[
    "of",
    "the",
    "and",
    "or",
    "with",
    "without",
    "in",
    "to",
    "by",
    "for",
    "due",
    "other",
    "unspecified",
    "specified",
    "not",
    "elsewhere",
    "classified",
    "nos",
    "type",
    "as",
    "at",
    "on",
    "a",
    "an",
    "initial",
    "subsequent",
    "encounter",
    "sequela",
    "from",
    "his",
    "her",
    "is",
    "was",
];
/// Words that part codes of one condition: each group is one question.
const QUALIFIERS: &[&[&str]] = &[
    &["acute"],
    &["chronic"],
    &["mild"],
    &["moderate"],
    &["severe"],
    &["recurrent"],
    &["bilateral"],
    &["displaced"],
    &["open"],
    &["malignant"],
    &["benign"],
    &["secondary"],
    &["primary"],
    &["hemorrhage", "bleeding", "hemorrhagic"],
    &["obstruction", "obstructed", "obstructive"],
    &["exacerbation", "exacerbated"],
    &["persistent", "permanent"],
    &["paroxysmal"],
    &["drug-induced", "induced"],
    &["traumatic"],
];

/// The words of a mention and of its surroundings.
pub(super) struct Text {
    quote: HashSet<String>,
    near: HashSet<String>,
    /// Left and right, by the mention itself or else by its sentence.
    side: (bool, bool),
}

fn stem(word: &str) -> String {
    let lower = word.to_lowercase();
    let n = lower.len();
    if n > 4 && lower.is_ascii() && !lower.ends_with("ss") && !lower.ends_with("is") && !lower.ends_with("us")
    {
        if let Some(stem) = lower.strip_suffix("ies") {
            return format!("{stem}y");
        }
        if let Some(stem) = lower.strip_suffix('s') {
            return stem.to_owned();
        }
    }
    lower
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\''))
        .filter(|w| !w.is_empty())
        .map(stem)
        .filter(|w| !IDLE.contains(&w.as_str()))
}

fn side(text: &str) -> (bool, bool) {
    let has =
        |wanted: &str| text.split(|c: char| !c.is_alphanumeric()).any(|w| w.eq_ignore_ascii_case(wanted));
    let both = has("bilateral") || has("bilaterally") || has("both");
    (has("left") || both, has("right") || both)
}

impl Text {
    pub fn of(wanted: &Wanted<'_>) -> Self {
        let quote: HashSet<String> = words(wanted.quote).collect();
        let mut near = quote.clone();
        near.extend(words(wanted.sentence));
        near.extend(wanted.around.into_iter().flat_map(words));
        let own = side(wanted.quote);
        let near_by = wanted.around.map_or((false, false), side);
        let side = if own != (false, false) {
            own
        } else if near_by != (false, false) {
            near_by
        } else {
            side(wanted.sentence)
        };
        Self { quote, near, side }
    }
}

/// The best of all candidates, to compare one with.
pub(super) struct Best {
    quote: f32,
    meaning: f32,
    code_by_quote: String,
    code_by_meaning: String,
}

impl Best {
    pub fn of(found: &Found) -> Self {
        let first = |way: fn(&Evidence) -> Way| {
            let at = |code: &&String| found.by_code.get(*code).and_then(way).is_some_and(|w| w.0 == 0);
            let code = found.order.iter().find(at).cloned().unwrap_or_default();
            let score = found.by_code.get(&code).and_then(way).map_or(0.0, |w| w.1);
            (code, score)
        };
        let (code_by_quote, quote) = first(|e| e.by_quote);
        let (code_by_meaning, meaning) = first(|e| e.by_meaning);
        Self { quote, meaning, code_by_quote, code_by_meaning }
    }
}

fn rank_class(way: Way) -> usize {
    match way {
        None => 5,
        Some((0, _)) => 0,
        Some((1, _)) => 1,
        Some((2 | 3, _)) => 2,
        Some((4..=7, _)) => 3,
        Some(_) => 4,
    }
}

fn score(way: Way) -> f32 {
    way.map_or(0.0, |w| w.1)
}

/// Hands out fixed blocks of binary features.
#[derive(Default)]
struct Bits {
    active: Vec<u32>,
    base: usize,
}

impl Bits {
    fn one_of(&mut self, index: usize, width: usize) {
        if index < width {
            self.active.push((self.base + index) as u32);
        }
        self.base += width;
    }

    fn flag(&mut self, on: bool) {
        self.one_of(usize::from(!on), 1);
    }
}

/// Features of `code`, and its score where no head is fitted.
pub(super) fn row(code: &str, e: &Evidence, wanted: &Wanted<'_>, best: &Best, text: &Text) -> (Row, f32) {
    let mut bits = Bits::default();
    let past = wanted.past();
    let title = e.title.to_lowercase();
    first_block(&mut bits, code, e, wanted, &title);
    let coverage = second_block(&mut bits, code, e, wanted, best, text, &title);
    debug_assert!(bits.base <= SPARSE, "{} features", bits.base);
    let z = if past { score(e.by_past).max(0.0) } else { 0.0 };
    let kin = (score(e.by_kin) * 0.7).max(score(e.by_status) * 0.6);
    let plain =
        score(e.by_quote).max(0.9 * score(e.by_item)).max(z * 1.1).max(0.8 * score(e.by_meaning)).max(kin);
    let mut dense = vec![score(e.by_quote), score(e.by_item), score(e.by_past), score(e.by_meaning), plain];
    dense.extend(coverage);
    dense.extend([
        score(e.by_kin),
        (best.quote - score(e.by_quote)).max(-1.0),
        (best.meaning - score(e.by_meaning)).max(-1.0),
        score(e.by_quote) * score(e.by_meaning),
        f32::from(u8::from(e.by_meaning.is_some())) * (score(e.by_meaning) - 0.5) * 2.0,
    ]);
    debug_assert_eq!(dense.len(), DENSE);
    (Row { active: bits.active, dense }, plain)
}

/// The features of the first release, in their places.
fn first_block(bits: &mut Bits, code: &str, e: &Evidence, wanted: &Wanted<'_>, title: &str) {
    let past = wanted.past();
    bits.one_of(rank_class(e.by_quote), 6);
    bits.one_of(rank_class(e.by_item), 6);
    bits.one_of(rank_class(e.by_past), 6);
    bits.one_of(rank_class(e.by_meaning), 6);
    bits.one_of((score(e.by_quote) * 10.0) as usize, 13);
    bits.one_of((score(e.by_item) * 10.0) as usize, 13);
    let letter = code.as_bytes().first().copied().unwrap_or(b'A');
    let status = letter == b'Z';
    bits.one_of(usize::from(status) * 4 + usize::from(past) * 2 + usize::from(wanted.history), 8);
    bits.one_of(usize::from(letter == b'R') * HeadKind::COUNT + wanted.head as usize, 2 * HeadKind::COUNT);
    bits.flag(title.contains("unspecified"));
    bits.flag(title.starts_with("other "));
    let injury = matches!(letter, b'S' | b'T');
    bits.one_of(usize::from(injury) * 2 + usize::from(code.ends_with('A')), 4);
    bits.one_of(e.kind.map_or(3, |k| k as usize).min(3), 4);
    bits.flag(title.contains("sequela") || title.contains("subsequent"));
    bits.flag(letter == b'O' || letter == b'P');
    bits.one_of(usize::from(wanted.alone) * 6 + rank_class(e.by_item), 12);
    bits.one_of(usize::from(past) * 6 + rank_class(e.by_past), 12);
    let sides = |text: &str| (text.contains("left"), text.contains("right"));
    let (own, theirs) = (sides(&wanted.quote.to_lowercase()), sides(title));
    let agree = if own == theirs {
        0
    } else if theirs == (false, false) {
        1
    } else {
        2
    };
    bits.one_of(agree, 3);
}

/// Added later: coverage of words both ways, sides, encounters, qualifiers, agreement of the two searches, chapter.
fn second_block(
    bits: &mut Bits,
    code: &str,
    e: &Evidence,
    wanted: &Wanted<'_>,
    best: &Best,
    text: &Text,
    title: &str,
) -> [f32; 5] {
    let named: HashSet<String> = words(title).collect();
    let share = |a: usize, b: usize| if b == 0 { 0.0 } else { a as f32 / b as f32 };
    let quoted = named.intersection(&text.quote).count();
    let nearby = named.intersection(&text.near).count();
    let missing = named.len() - nearby;
    let coverage = [
        share(quoted, text.quote.len()),
        share(quoted, named.len()),
        share(nearby, named.len()),
        (missing.min(6) as f32) / 3.0,
        (named.len().min(12) as f32) / 6.0,
    ];
    bits.one_of(missing.min(5), 6);
    bits.one_of((coverage[0] * 4.0) as usize, 5);
    bits.one_of((coverage[2] * 4.0) as usize, 5);
    // Sides: none named, the same, another, a side that the text does not name, a side that the title leaves open.
    let theirs = side(title);
    let sides = match (text.side, theirs) {
        ((false, false), (false, false)) => 0,
        (a, b) if a == b => 1,
        ((false, false), _) => 2,
        (_, (false, false)) if title.contains("unspecified") => 3,
        (_, (false, false)) => 4,
        _ => 5,
    };
    bits.one_of(sides, 6);
    // The encounter's character against what the note says of the visit.
    let seventh = if code.len() == 8 { code.as_bytes()[7] } else { 0 };
    let encounter = match (seventh, wanted.visit) {
        (0, _) => 0,
        (b'A', Visit::Initial) => 1,
        (b'A', Visit::Subsequent) => 2,
        (b'D', Visit::Initial) => 3,
        (b'D', Visit::Subsequent) => 4,
        (b'S', _) if wanted.past() => 5,
        (b'S', _) => 6,
        (b'B' | b'C', _) => 7,
        _ => 8,
    };
    bits.one_of(encounter, 9);
    let (mut met, mut added, mut dropped) = (0usize, 0usize, 0usize);
    for group in QUALIFIERS {
        let in_title = group.iter().any(|w| named.contains(*w));
        let in_quote = group.iter().any(|w| text.quote.contains(*w));
        let in_text = in_quote || group.iter().any(|w| text.near.contains(*w));
        met += usize::from(in_title && in_text);
        added += usize::from(in_title && !in_text);
        dropped += usize::from(!in_title && in_quote);
    }
    bits.one_of(met.min(2), 3);
    bits.one_of(added.min(2), 3);
    bits.one_of(dropped.min(2), 3);
    // What follows "with" is claimed; the text must say it.
    let claim = title.split_once(" with ").map(|(_, claim)| {
        let claim: Vec<String> = words(claim).collect();
        share(claim.iter().filter(|w| text.near.contains(*w)).count(), claim.len())
    });
    bits.one_of(claim.map_or(0, |c| 1 + (c * 2.0) as usize), 4);
    let letter = usize::from(code.as_bytes().first().copied().unwrap_or(b'A').wrapping_sub(b'A')).min(25);
    bits.one_of(letter, 26);
    let category = |c: &str| c.len() >= 3 && code.get(..3) == c.get(..3);
    let agreeing =
        usize::from(category(&best.code_by_quote)) * 2 + usize::from(category(&best.code_by_meaning));
    bits.one_of(agreeing, 4);
    let both = !best.code_by_quote.is_empty() && best.code_by_quote == best.code_by_meaning;
    bits.one_of(usize::from(both) * 2 + usize::from(best.code_by_quote == code), 4);
    let found = e.by_quote.or(e.by_item).or(e.by_past).or(e.by_meaning).is_some();
    bits.one_of(usize::from(found) * 2 + usize::from(e.by_kin.is_some()), 4);
    bits.one_of(rank_class(e.by_kin), 6);
    bits.one_of(code.len().saturating_sub(3).min(5), 6);
    let family = wanted.assertion == Assertion::Family;
    let relatives = matches!(code.get(..3), Some("Z80" | "Z81" | "Z82" | "Z83" | "Z84"));
    let former = matches!(code.get(..3), Some("Z85" | "Z86" | "Z87"));
    bits.one_of(usize::from(family) * 2 + usize::from(relatives), 4);
    bits.one_of(usize::from(wanted.past()) * 4 + usize::from(wanted.history) * 2 + usize::from(former), 8);
    let unspecified = title.contains("unspecified");
    bits.one_of(usize::from(unspecified) * 3 + e.by_kin.map_or(0, |k| 1 + usize::from(k.0 > 0)), 6);
    bits.one_of(
        usize::from(e.by_status.is_none()) * 4 + usize::from(wanted.past()) * 2 + usize::from(wanted.history),
        4,
    );
    bits.flag(code == "Z98.890");
    coverage
}
