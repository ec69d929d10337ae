//! Words of titles and queries: folding, plural stemming, and what ICD-10-CM's own punctuation means.

/// How much a word of a term must be met by the query for the term to count as fully meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// Says that the condition is of a kind that people name when they mean it: "congenital", "postprocedural".
    Narrowing,
    /// "Other": the residual code of its group, seldom what is meant.
    Residual,
    /// "Unspecified", NOS, "site", and what such a word says is not specified.
    Filler,
    /// Stated to be absent: "without esophagitis".
    Absent,
    /// Nonessential modifier in parentheses, or synonym in brackets (Official Guidelines, I.A.7).
    Optional,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Folded and stemmed; words of role `Absent` begin with `!`.
    pub stem: String,
    pub role: Role,
}

/// Bytes, since the compiler makes a tree of them; a quarter million terms ask.
fn is_stop(word: &str) -> bool {
    matches!(
        word.as_bytes(),
        b"a" | b"an"
            | b"and"
            | b"as"
            | b"at"
            | b"be"
            | b"been"
            | b"by"
            | b"due"
            | b"during"
            | b"for"
            | b"from"
            | b"had"
            | b"has"
            | b"have"
            | b"her"
            | b"him"
            | b"his"
            | b"in"
            | b"into"
            | b"is"
            | b"it"
            | b"its"
            | b"my"
            | b"of"
            | b"on"
            | b"or"
            | b"pt"
            | b"she"
            | b"he"
            | b"that"
            | b"the"
            | b"their"
            | b"this"
            | b"to"
            | b"was"
            | b"were"
            | b"which"
            | b"who"
            | b"with"
            | b"patient"
            | b"some"
            | b"any"
            | b"these"
            | b"those"
    )
}

/// A hyphen after these joins ("post-traumatic", "non-Hodgkin"); elsewhere it separates.
const JOINING: &[&str] = &[
    "post", "pre", "non", "anti", "sub", "intra", "inter", "extra", "trans", "hyper", "hypo", "co", "re",
    "x", "supra", "infra", "peri", "endo", "poly", "multi", "semi", "para", "bi", "de", "over", "ultra",
];

fn is_narrowing(word: &str) -> bool {
    matches!(
        word.as_bytes(),
        b"congenital"
            | b"neonatal"
            | b"newborn"
            | b"fetal"
            | b"fetus"
            | b"puerperium"
            | b"puerperal"
            | b"pregnancy"
            | b"childbirth"
            | b"traumatic"
            | b"postprocedural"
            | b"postoperative"
            | b"intraoperative"
            | b"iatrogenic"
            | b"drug"
            | b"tuberculous"
            | b"syphilitic"
            | b"gonococcal"
            | b"hereditary"
            | b"juvenile"
            | b"occupational"
            | b"screening"
            | b"family"
            | b"poisoning"
            | b"underdosing"
            | b"obstetric"
            | b"maternal"
            | b"antepartum"
            | b"transplant"
            | b"sequela"
            | b"sequelae"
            | b"rheumatic"
            | b"infantile"
    )
}

fn is_filler(word: &str) -> bool {
    matches!(
        word.as_bytes(),
        b"unspecified"
            | b"nos"
            | b"nec"
            | b"specified"
            | b"site"
            | b"organism"
            | b"elsewhere"
            | b"classified"
    )
}

pub(super) fn fold(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        '\u{2019}' => '\'',
        '\u{2010}' | '\u{2011}' => '-',
        c => c.to_ascii_lowercase(),
    }
}

/// Plural to singular; stems are keys, never shown.
pub(super) fn stem(word: &str) -> String {
    let n = word.len();
    if n <= 3 || !word.is_ascii() || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word.to_owned();
    }
    if let Some(head) = word.strip_suffix("ies").filter(|h| h.len() > 2) {
        return format!("{head}y");
    }
    if let Some(head) = word.strip_suffix("oses") {
        return format!("{head}osis");
    }
    for suffix in ["sses", "xes", "ches", "shes"] {
        if word.ends_with(suffix) && !word.ends_with("aches") {
            return word[..n - 2].to_owned();
        }
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

pub(super) fn joins(head: &str) -> bool {
    JOINING.contains(&head) || (head.len() >= 4 && head.ends_with('o'))
}

/// A run of letters and digits, and the mark that ended the run before it.
struct Raw {
    text: String,
    /// In parentheses or brackets.
    inner: bool,
    /// A comma, semicolon or colon stands before it.
    breaks: bool,
}

fn raw(text: &str) -> Vec<Raw> {
    let chars: Vec<char> = text.chars().map(fold).collect();
    let mut out: Vec<Raw> = Vec::new();
    let (mut inner, mut breaks) = (0usize, false);
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if !c.is_alphanumeric() {
            match c {
                '(' | '[' => inner += 1,
                ')' | ']' => inner = inner.saturating_sub(1),
                ',' | ';' | ':' => breaks = true,
                _ => {}
            }
            at += 1;
            continue;
        }
        let mut word = String::new();
        while at < chars.len() {
            let c = chars[at];
            let next = chars.get(at + 1).copied().unwrap_or(' ');
            if c.is_alphanumeric() {
                word.push(c);
            } else if c == '\'' && next.is_alphanumeric() {
                // "Crohn's": the apostrophe and a lone s fall away.
                if next == 's' && !chars.get(at + 2).is_some_and(|c| c.is_alphanumeric()) {
                    at += 1;
                }
            } else if !(c == '-' && next.is_alphanumeric() && joins(&word)) {
                break;
            }
            at += 1;
        }
        out.push(Raw { text: word, inner: inner > 0, breaks });
        breaks = false;
    }
    out
}

/// The words of a term, with what the classification's conventions make of them.
pub(crate) fn term_words(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let (mut absent, mut filler, mut first_segment) = (false, false, true);
    let raws = raw(text);
    for (i, r) in raws.iter().enumerate() {
        if r.breaks {
            (absent, filler, first_segment) = (false, false, false);
        }
        let word = r.text.as_str();
        let next = raws.get(i + 1).map_or("", |r| r.text.as_str());
        match word {
            "without" => {
                absent = true;
                continue;
            }
            "not" => {
                absent = next != "elsewhere";
                continue;
            }
            "with" => {
                absent = false;
                continue;
            }
            _ if is_stop(word) => continue,
            _ => {}
        }
        let stem = stem(word);
        let role = if absent {
            Role::Absent
        } else if r.inner {
            Role::Optional
        } else if is_narrowing(word) {
            Role::Narrowing
        } else if word == "other" {
            Role::Residual
        } else if filler || is_filler(word) {
            Role::Filler
        } else {
            Role::Plain
        };
        filler |= word == "unspecified" && !first_segment;
        let stem = if absent { format!("!{stem}") } else { stem };
        out.push(Word { stem, role });
    }
    out
}

/// A query's words: stems in order, absent ones marked with `!`, and whether the last was still being typed.
pub(crate) fn query_words(text: &str) -> Vec<String> {
    let mut absent = false;
    let mut out = Vec::new();
    for r in raw(text).iter().take(64) {
        if r.breaks {
            absent = false;
        }
        match r.text.as_str() {
            "without" | "no" | "w/o" | "denies" => absent = true,
            "with" | "but" | "and" => absent = false,
            word if is_stop(word) => {}
            word => {
                let stem = stem(word);
                out.push(if absent { format!("!{stem}") } else { stem });
            }
        }
    }
    out
}
