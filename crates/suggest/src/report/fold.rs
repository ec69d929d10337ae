//! Phrases in the form in which they are compared: words folded, small words left out, hashed.

use std::ops::Range;

/// Words of a phrase, at most, small ones included.
const LONGEST: usize = 9;

/// Words that join others and stand at neither end of a phrase.
const JOINING: &str = " of the a an in on at to and or with without for by from was were is are be been she he his her it \
    this that which who as not no had has have ";
/// Words that phrases are compared without.
const SKIPPED: &str = " the a an of ";

#[derive(Clone, Debug)]
struct Token {
    range: Range<usize>,
    hash: u64,
    /// A comma, a stop, a bracket: no phrase goes across.
    barrier: bool,
    joining: bool,
    skipped: bool,
}

/// A phrase of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    pub key: u64,
    /// Words that count.
    pub words: usize,
    /// Bytes.
    pub range: Range<usize>,
}

/// FNV-1a with a final mix: a name for a phrase, from which the phrase can't be read (but guessed phrases can be tried).
fn hash(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)))
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One spelling for American and British words, and the singular.
fn fold(word: &str) -> String {
    let lower = word.to_lowercase().replace("oe", "e").replace("ae", "e");
    let n = lower.len();
    let plural = n > 3 && lower.ends_with('s') && !["ss", "us", "is"].iter().any(|end| lower.ends_with(end));
    match (plural, lower.strip_suffix("ies")) {
        (true, Some(stem)) if stem.len() > 2 => format!("{stem}y"),
        (true, _) => lower[..n - 1].to_owned(),
        _ => lower,
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        if c.is_alphanumeric() {
            let mut last = c;
            while let Some(&(at, next)) = chars.peek() {
                let decimal = matches!(next, '.' | ',')
                    && last.is_ascii_digit()
                    && text[at + 1..].starts_with(|c: char| c.is_ascii_digit());
                if !(next.is_alphanumeric() || decimal) {
                    break;
                }
                end = at + next.len_utf8();
                last = next;
                chars.next();
            }
            let word = &text[start..end];
            // The s of a genitive.
            if !(word == "s" && matches!(before, '\'' | '’')) {
                let fold = fold(word);
                let is = |list: &str| list.contains(&format!(" {fold} "));
                out.push(Token {
                    hash: hash(fold.as_bytes()),
                    joining: is(JOINING),
                    skipped: is(SKIPPED),
                    range: start..end,
                    barrier: false,
                });
            }
        } else if matches!(c, '.' | ';' | ':' | '(' | ')' | '\n' | ',' | '?' | '!') {
            out.push(Token { range: start..end, hash: 0, barrier: true, joining: false, skipped: false });
        }
        before = c;
    }
    out
}

/// All phrases of a text that may be known, in order of place.
pub(super) fn phrases(text: &str) -> Vec<Phrase> {
    let tokens = tokens(text);
    let mut out = Vec::new();
    for (i, first) in tokens.iter().enumerate() {
        if first.barrier || first.joining {
            continue;
        }
        let (mut key, mut words) = (0u64, 0usize);
        for token in tokens[i..].iter().take(LONGEST) {
            if token.barrier {
                break;
            }
            if token.skipped {
                continue;
            }
            key = mix(key.rotate_left(17) ^ token.hash);
            words += 1;
            if !token.joining {
                out.push(Phrase { key, words, range: first.range.start..token.range.end });
            }
        }
    }
    out
}

/// Name and number of words of a phrase that stands alone, whatever its punctuation.
pub(super) fn key(phrase: &str) -> Option<(u64, usize)> {
    let (mut key, mut words) = (0u64, 0usize);
    let mut tokens: Vec<Token> = tokens(phrase).into_iter().filter(|t| !t.barrier).collect();
    while tokens.last().is_some_and(|t| t.joining) {
        tokens.pop();
    }
    for token in tokens.iter().skip_while(|t| t.joining).filter(|t| !t.skipped) {
        key = mix(key.rotate_left(17) ^ token.hash);
        words += 1;
    }
    (words > 0).then_some((key, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_phrases_have_one_name() {
        assert_eq!(key("Oesophageal varices"), key("the esophageal varice"));
        assert_eq!(key("edema of the lung"), key("oedema lung"));
        assert_ne!(key("lung edema"), key("edema of lung"));
        assert_eq!(key("of the"), None);
    }

    #[test]
    fn finds_the_phrase_in_a_text_but_not_across_stops() {
        let text = "Severe pain of the left knee. Fever";
        let found = phrases(text);
        let (wanted, words) = key("pain of left knee").unwrap();
        let hit = found.iter().find(|p| p.key == wanted).unwrap();
        assert_eq!((&text[hit.range.clone()], hit.words), ("pain of the left knee", words));
        assert!(!found.iter().any(|p| p.key == key("knee fever").unwrap().0));
    }
}
