//! Words of two languages, as far as they can be compared.

use std::ops::Range;

/// One word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Lower case, without accents.
    pub fold: String,
    /// [`Word::fold`] without the ending of a plural: what the lexicon counts.
    pub stem: String,
    /// Spelling in which words of common origin come out alike: see [`common_spelling`].
    pub common: String,
    /// Only blanks, a hyphen or a slash stand between this word and the next.
    pub joined: bool,
    /// A sentence ends after this word.
    pub ends_sentence: bool,
}

/// A letter without its accent, in lower case.
pub(super) fn plain(c: char) -> char {
    let lower = c.to_lowercase().next().unwrap_or(c);
    match lower {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

/// Words of `text`: runs of letters and digits with hyphens, apostrophes and decimal points inside.
pub(super) fn words(text: &str) -> Vec<Word> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let end_of = |at: usize| chars.get(at).map_or(text.len(), |c| c.0);
    let mut out: Vec<Word> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if !chars[at].1.is_alphanumeric() {
            at += 1;
            continue;
        }
        let from = at;
        while at < chars.len() {
            let c = chars[at].1;
            let next = chars.get(at + 1).map_or(' ', |c| c.1);
            let digits = chars[at.saturating_sub(1)].1.is_ascii_digit() && next.is_ascii_digit();
            let inner =
                matches!(c, '-' | '\'' | '’') && next.is_alphanumeric() || matches!(c, '.' | ',') && digits;
            if !(c.is_alphanumeric() || inner) {
                break;
            }
            at += 1;
        }
        let range = chars[from].0..end_of(at);
        let fold: String = text[range.clone()].chars().map(plain).collect();
        out.push(Word {
            stem: stem(&fold),
            common: common_spelling(&fold),
            range,
            fold,
            joined: false,
            ends_sentence: false,
        });
    }
    for i in 0..out.len() {
        let next = out.get(i + 1).map_or(text.len(), |w| w.range.start);
        let between = &text[out[i].range.end..next];
        out[i].joined = i + 1 < out.len()
            && between.chars().all(|c| matches!(c, ' ' | '\t' | '-' | '/'))
            && !between.is_empty();
        let stop = between.starts_with(['.', '!', '?']) && between.len() > 1;
        let capital = text[next..].chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
        out[i].ends_sentence = i + 1 == out.len() || between.contains('\n') || stop && capital;
    }
    out
}

fn stem(fold: &str) -> String {
    let long = fold.len() > 4;
    let cut = if long { fold.strip_suffix("es").or_else(|| fold.strip_suffix('s')) } else { None };
    let cut = cut.unwrap_or(fold);
    // Spanish adjectives and nouns by gender; a final e falls in both languages.
    let cut = if cut.len() > 4 { cut.trim_end_matches(['a', 'o', 'e']) } else { cut };
    cut.to_owned()
}

/// Greek and Latin words as both languages would write them if they agreed: "orquitis" and "orchitis", "disnea" and
/// "dyspnea" come out alike.
fn common_spelling(fold: &str) -> String {
    let mut text = fold.to_owned();
    for (from, to) in [
        ("ph", "f"),
        ("th", "t"),
        ("rrh", "r"),
        ("rh", "r"),
        ("qu", "c"),
        ("ch", "c"),
        ("ck", "c"),
        ("k", "c"),
        ("y", "i"),
        ("ae", "e"),
        ("oe", "e"),
        ("ps", "s"),
        ("pn", "n"),
        ("x", "s"),
        ("z", "c"),
        ("cc", "c"),
        ("ism", "ism"),
        ("cion", "tion"),
        ("dad", "ti"),
    ] {
        text = text.replace(from, to);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    for ending in ["icos", "icas", "ico", "ica", "ical", "es", "os", "as", "a", "o", "e", "s"] {
        if out.len() > ending.len() + 3
            && let Some(cut) = out.strip_suffix(ending)
        {
            return cut.to_owned();
        }
    }
    out
}

/// How alike two words in [`common_spelling`] are, 0 to 1: shared pairs of letters (Dice), doubled weight on a shared
/// beginning. Words of under four letters are alike only when equal.
pub(super) fn likeness(a: &str, b: &str) -> f32 {
    if a == b {
        return 1.0;
    }
    if a.len() < 4 || b.len() < 4 {
        return 0.0;
    }
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let prefix = x.iter().zip(y).take_while(|(p, q)| p == q).count();
    if prefix == 0 {
        return 0.0;
    }
    let mut left: Vec<&[u8]> = y.windows(2).collect();
    let mut shared = 0usize;
    for pair in x.windows(2) {
        if let Some(at) = left.iter().position(|p| *p == pair) {
            left.swap_remove(at);
            shared += 1;
        }
    }
    let dice = 2.0 * shared as f32 / (x.len() + y.len() - 2) as f32;
    let beginning = prefix as f32 / x.len().min(y.len()) as f32;
    let value = f32::midpoint(dice, beginning);
    if value < 0.5 { 0.0 } else { value }
}

/// English words that carry no finding; none stands at either end of a phrase.
pub(super) fn idle(fold: &str) -> bool {
    const IDLE: &str = " the a an of in on at to and or with without for by from was were is are be been being she he his her \
        hers its it this that these those which who whom whose as not no nor patient patients had has have after before \
        during but also there he's we our their they them than then when where while however due both other others such \
        into about between within since until although because if so per via did does do can could may might would \
        should only very more most any some all each either neither presented presenting presents showed shows showing \
        revealed reveals observed found reported diagnosed underwent performed associated including developed began \
        started treated history previous presence diagnosis \
        man woman male female year-old ";
    IDLE.contains(&format!(" {fold} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_common_origin_are_alike() {
        for (es, en) in [
            ("orquiepididimitis", "orchiepididymitis"),
            ("angiodisplasia", "angiodysplasia"),
            ("disnea", "dyspnea"),
            ("hemorragia", "hemorrhage"),
            ("cirrosis", "cirrhosis"),
            ("nefrolitiasis", "nephrolithiasis"),
        ] {
            let value = likeness(&common_spelling(es), &common_spelling(en));
            assert!(value >= 0.75, "{es} {en} {value}");
        }
        assert!(likeness(&common_spelling("fiebre"), &common_spelling("cough")) < 0.1);
    }

    #[test]
    fn sentences_end_at_lines_and_at_stops_before_capitals() {
        let text = "No fever. Hb 13.7 g/dl\nStage T2. and so on";
        let found = words(text);
        let ends: Vec<&str> = found.iter().filter(|w| w.ends_sentence).map(|w| w.fold.as_str()).collect();
        assert_eq!(ends, ["fever", "dl", "on"]);
        assert!(found.iter().any(|w| w.fold == "13.7"));
    }
}
