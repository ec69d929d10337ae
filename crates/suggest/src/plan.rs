//! Which word pieces the transformer reads together: windows packed from whole sentences and list items, each under
//! the heading that it belongs to. Training and inference read by the same plan.

use std::ops::Range;

use overread_encoder::{Tokenizer, Tokens, Window};

use crate::note::Doc;

/// Word pieces that two windows share where a sentence is longer than a window and must be cut.
const OVERLAP: usize = 32;
/// Word pieces of a section's heading set before a window that begins inside the section.
pub const HEADING: usize = 12;

/// How much is read, and in how large parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Positions of a window: `[CLS]`, heading, word pieces and `[SEP]` together.
    pub window: usize,
    /// Word pieces of a text that are read; what follows is left out.
    pub tokens: usize,
    /// Bytes of a text that are read.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { window: 256, tokens: 16_384, bytes: 131_072 }
    }
}

/// A text cut for the transformer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The word pieces that are read.
    pub tokens: Tokens,
    /// In order; every token lies in one, and in two only where a sentence was cut.
    pub windows: Vec<Window>,
    /// Byte up to which the text is read.
    pub until: usize,
}

/// Plans the windows of `text`: sections, sentences and list items as the rules see them, packed into windows of
/// nearly equal length. A window that begins inside a section has the first [`HEADING`] pieces of the section's
/// heading before it; a text without headings gives plain windows of whole sentences.
pub fn plan(tokenizer: &Tokenizer, text: &str, limits: Limits) -> overread_encoder::Result<Plan> {
    plan_doc(tokenizer, &Doc::new(text, limits.bytes), limits)
}

/// [`plan`] for a text that is already taken apart.
pub(crate) fn plan_doc(
    tokenizer: &Tokenizer,
    doc: &Doc<'_>,
    limits: Limits,
) -> overread_encoder::Result<Plan> {
    // The tokenizer need not see megabytes of which the transformer reads the beginning only.
    let mut until = doc.text.len().min(limits.tokens.saturating_mul(12));
    while !doc.text.is_char_boundary(until) {
        until -= 1;
    }
    let mut tokens = tokenizer.encode(&doc.text[..until])?;
    if tokens.len() > limits.tokens {
        until = tokens.offsets[limits.tokens].0;
        tokens.ids.truncate(limits.tokens);
        tokens.offsets.truncate(limits.tokens);
        tokens.words.truncate(limits.tokens);
    }
    let windows = pack(&tokens, &units(doc, &tokens), limits.window);
    Ok(Plan { tokens, windows, until })
}

/// Tokens that are not parted without need, and the tokens of the heading above them.
#[derive(Clone)]
struct Unit {
    range: Range<usize>,
    heading: Range<usize>,
    /// The heading stands at the unit's own beginning.
    opens: bool,
}

/// Sentences and list items with the heading or list mark before them, covering all tokens in order.
fn units(doc: &Doc<'_>, tokens: &Tokens) -> Vec<Unit> {
    let token = |byte: usize| tokens.offsets.partition_point(|o| o.0 < byte);
    // A cut before every heading and after every sentence: what stands between (numbers, blanks) goes with what
    // follows.
    let mut cuts: Vec<usize> = doc.segments.iter().map(|s| token(s.range.end)).collect();
    let mut headings: Vec<(usize, Range<usize>)> = Vec::with_capacity(doc.sections.len());
    let mut before = 0;
    for section in &doc.sections {
        let heading = token(before)..token(section.body.start);
        headings.push((heading.start, heading.start..heading.end.min(heading.start + HEADING)));
        cuts.push(heading.start);
        before = section.body.end;
    }
    cuts.push(0);
    cuts.push(tokens.len());
    cuts.sort_unstable();
    let mut units = Vec::with_capacity(cuts.len());
    let mut section = 0;
    for (i, &start) in cuts.iter().enumerate() {
        let end = cuts.get(i + 1).copied().unwrap_or(start);
        if end == start {
            continue;
        }
        while headings.get(section + 1).is_some_and(|next| next.0 <= start) {
            section += 1;
        }
        let heading = headings.get(section).map_or(0..0, |h| h.1.clone());
        units.push(Unit { range: start..end, opens: start <= heading.start, heading });
    }
    units
}

/// Packs units into as few windows as their order allows, none longer than it must be for that.
fn pack(tokens: &Tokens, units: &[Unit], positions: usize) -> Vec<Window> {
    let room = positions.saturating_sub(2).max(1);
    let fewest = fill(tokens, units, room).len();
    let (mut low, mut high) = (room / 2, room);
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        if fill(tokens, units, middle).len() <= fewest { high = middle } else { low = middle }
    }
    fill(tokens, units, high)
}

/// First fit in order, with at most `room` positions for heading and tokens.
fn fill(tokens: &Tokens, units: &[Unit], room: usize) -> Vec<Window> {
    let prefix = |unit: &Unit| {
        // A window too small for both goes without its heading.
        let fits = !unit.opens && unit.heading.len() * 2 <= room;
        if fits { tokens.ids[unit.heading.clone()].to_vec() } else { Vec::new() }
    };
    let mut windows: Vec<Window> = Vec::new();
    let mut open: Option<Window> = None;
    for unit in units {
        if let Some(window) = &mut open
            && window.prefix.len() + unit.range.end - window.range.start <= room
        {
            window.range.end = unit.range.end;
            continue;
        }
        windows.extend(open.take());
        let head = prefix(unit);
        if head.len() + unit.range.len() <= room {
            open = Some(Window { range: unit.range.clone(), prefix: head });
            continue;
        }
        // Longer than a window: cut, with tokens in common where it is cut.
        let own = room - tokens.ids[unit.heading.clone()].len().min(room / 2);
        let overlap = OVERLAP.min(own / 4);
        let mut start = unit.range.start;
        loop {
            let end = (start + own).min(unit.range.end);
            let opens = start == unit.range.start && unit.opens;
            let head = prefix(&Unit { opens, ..unit.clone() });
            let window = Window { range: start..end, prefix: head };
            if end == unit.range.end {
                open = Some(window);
                break;
            }
            windows.push(window);
            start = end - overlap;
        }
    }
    windows.extend(open);
    windows
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::OnceLock;

    use proptest::prelude::*;

    use super::*;

    fn tokenizer() -> &'static Tokenizer {
        static TOKENIZER: OnceLock<Tokenizer> = OnceLock::new();
        TOKENIZER.get_or_init(|| {
            let path =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/overread-minilm/tokenizer.json");
            Tokenizer::from_json(&std::fs::read(path).unwrap()).unwrap()
        })
    }

    /// Windows in order, of legal size, each token in one or, where a sentence is cut, in two.
    fn check(text: &str, limits: Limits) -> Plan {
        let plan = plan(tokenizer(), text, limits).unwrap();
        let mut next = 0;
        let mut before = 0;
        for window in &plan.windows {
            assert!(window.range.start <= next, "a token is left out before {}", window.range.start);
            assert!(window.range.end > next, "a window adds nothing");
            assert!(window.range.start >= before, "out of order");
            assert!(next - window.range.start <= OVERLAP);
            assert!(window.range.len() + window.prefix.len() + 2 <= limits.window.max(3));
            assert!(window.prefix.len() <= HEADING);
            (before, next) = (window.range.start, window.range.end);
        }
        assert_eq!(next, plan.tokens.len());
        assert!(plan.tokens.len() <= limits.tokens && plan.until <= limits.bytes);
        plan
    }

    #[test]
    fn windows_end_with_sentences_and_carry_their_heading() {
        let text = format!(
            "HOSPITAL COURSE: {}",
            "The swelling of the left ankle went down slowly over several days. ".repeat(40)
        );
        let plan = check(&text, Limits::default());
        assert_eq!(plan.windows.len(), 3);
        let heading = tokenizer().ids("HOSPITAL COURSE:").unwrap();
        for (i, window) in plan.windows.iter().enumerate() {
            let last = plan.tokens.offsets[window.range.end - 1];
            assert_eq!(&text[last.0..last.1], ".");
            assert_eq!(window.prefix, if i == 0 { Vec::new() } else { heading.clone() });
        }
        let lengths: Vec<usize> = plan.windows.iter().map(|w| w.range.len()).collect();
        assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() < 40, "{lengths:?}");
    }

    #[test]
    fn a_text_without_headings_has_no_prefix() {
        let text = "We report a rare course of gout in a young man. ".repeat(60);
        let plan = check(&text, Limits::default());
        assert!(plan.windows.len() > 1 && plan.windows.iter().all(|w| w.prefix.is_empty()));
    }

    #[test]
    fn short_sections_share_a_window() {
        let plan =
            check("ALLERGIES: None.\n\nMEDICATIONS: Aspirin.\n\nPLAN: Return in a week.", Limits::default());
        assert_eq!(plan.windows.len(), 1);
    }

    #[test]
    fn odd_texts_are_cut_soberly() {
        let sentence = "PLAN: ".to_owned() + &"rest and, ".repeat(9000);
        let odd = ["", " \r\n", &"x".repeat(100_000), &"1,".repeat(30_000), &sentence, &"肺".repeat(20_000)];
        for text in odd {
            check(text, Limits::default());
            check(text, Limits { window: 20, tokens: 300, bytes: 60_000 });
            check(text, Limits { window: 3, tokens: 40, bytes: 1000 });
        }
        assert!(check("", Limits::default()).windows.is_empty());
    }

    proptest! {
        #[test]
        fn every_token_is_read_once(
            text in "((\\PC|[\r\n\t:.0-9A-Z -]|(HISTORY: |Pain\\. |1\\. |\nPLAN: |chronic obstructive )){0,300})",
            window in 3usize..300,
            tokens in 1usize..400,
        ) {
            check(&text, Limits { window, tokens, bytes: 60_000 });
        }
    }
}
