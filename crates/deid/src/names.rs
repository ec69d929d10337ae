//! Words that are names, and words that look like names and are none.

use std::collections::HashSet;
use std::sync::LazyLock;

static GIVEN: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("given.txt").split_whitespace().collect());
static FAMILY: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("family.txt").split_whitespace().collect());
static TOWNS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("towns.txt").split_whitespace().collect());
static WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("words.txt").split_whitespace().collect());
static EPONYMS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("eponyms.txt").split_whitespace().collect());

/// A given name of the list.
pub(crate) fn is_given(word: &str) -> bool {
    GIVEN.contains(plain(word).as_str())
}

/// A family name of the list.
pub(crate) fn is_family(word: &str) -> bool {
    FAMILY.contains(plain(word).as_str())
}

/// A word of ordinary or clinical language, also where it begins with a capital.
pub(crate) fn is_word(word: &str) -> bool {
    WORDS.contains(plain(word).as_str())
}

/// A name that stands for a disease, a sign, a device or a manoeuvre.
pub(crate) fn is_eponym(word: &str) -> bool {
    EPONYMS.contains(plain(word).as_str())
}

/// A large town that is no ordinary word.
pub(crate) fn is_town(word: &str) -> bool {
    let word = plain(word);
    TOWNS.contains(word.as_str()) && !WORDS.contains(word.as_str())
}

/// Whether a word's end says that it is of a craft, a disease or a procedure.
pub(crate) fn is_medical(word: &str) -> bool {
    const ENDS: [&str; 22] = [
        "ology", "ologist", "iatry", "iatrics", "iatrist", "edics", "edic", "otomy", "ectomy", "ostomy",
        "plasty", "itis", "oscopy", "graphy", "gram", "osis", "emia", "opathy", "ation", "cillin", "mycin",
        "olol",
    ];
    let word = plain(word);
    ENDS.iter().any(|end| word.ends_with(end))
}

/// A name in a place where only names stand: also one that is a word elsewhere.
pub(crate) fn is_name(word: &str) -> bool {
    is_given(word) || is_family(word)
}

/// In lower case, without the genitive.
fn plain(word: &str) -> String {
    let word = word.to_lowercase();
    let word = word.trim_end_matches("'s").trim_end_matches("’s");
    word.trim_matches(['\'', '’', '.', '-']).to_owned()
}

/// Names that may stand for others: neither short nor long, and no words; given ones where asked for.
pub(crate) fn stand_ins(given: bool) -> &'static [&'static str] {
    static BOTH: LazyLock<[Vec<&str>; 2]> = LazyLock::new(|| {
        [include_str!("family.txt"), include_str!("given.txt")].map(|list| {
            list.split_whitespace().filter(|name| (4..=8).contains(&name.len()) && !is_word(name)).collect()
        })
    });
    &BOTH[usize::from(given)]
}
