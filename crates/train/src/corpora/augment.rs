//! Other ways to write a phrase that mean the same, each to be switched on by itself.
//!
//! Equal seeds give equal phrases. What could change the meaning is left alone: a short form is written only for words
//! that it alone stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::CorpusError;
use super::archive::{Archive, Table};
use crate::eval::interval::SplitMix;

/// Probability of each change, 0 for never.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augment {
    /// Words by their short form.
    pub abbreviate: f64,
    /// All in capitals, as in dictated headings; all small.
    pub case: f64,
    /// British for American spelling and the other way round.
    pub spelling: f64,
    /// Without "unspecified", "NOS" and what else tells the coder that nothing is told.
    pub drop_unspecified: f64,
    /// "Fracture of femur" for "femur fracture", "disease, chronic" for "chronic disease".
    pub reorder: f64,
    /// Singular for plural and the other way round, of the last word.
    pub plural: f64,
    /// One slip of the keyboard.
    pub typo: f64,
}

impl Augment {
    pub const NONE: Self = Self {
        abbreviate: 0.0,
        case: 0.0,
        spelling: 0.0,
        drop_unspecified: 0.0,
        reorder: 0.0,
        plural: 0.0,
        typo: 0.0,
    };
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            abbreviate: 0.3,
            case: 0.2,
            spelling: 0.1,
            drop_unspecified: 0.5,
            reorder: 0.3,
            plural: 0.05,
            typo: 0.05,
        }
    }
}

/// Long forms with the short form that stands for nothing else.
#[derive(Clone, Debug, Default)]
pub struct Abbreviations {
    short: BTreeMap<String, BTreeSet<String>>,
    /// Most words of a long form.
    longest: usize,
}

impl Abbreviations {
    /// Reads the tables of the archive (`Abbreviation/Shorthand,Meaning,More Info`).
    pub fn load(path: &Path) -> Result<Self, CorpusError> {
        let archive = Archive::open(path)?;
        let mut rows = Vec::new();
        for text in archive.texts(".csv") {
            for row in Table::parse(text).rows {
                if let [short, long, ..] = row.as_slice() {
                    rows.push((short.trim().to_owned(), long.trim().to_owned()));
                }
            }
        }
        if rows.is_empty() {
            return Err(CorpusError::Archive { path: path.to_owned(), what: "table of abbreviations" });
        }
        Ok(Self::new(&rows))
    }

    /// Takes those of `rows` (short, long) whose short form has one meaning.
    pub fn new(rows: &[(String, String)]) -> Self {
        let mut senses = BTreeMap::<String, BTreeSet<String>>::new();
        for (short, long) in rows {
            senses.entry(short.to_lowercase()).or_default().insert(long.to_lowercase());
        }
        let mut out = Self::default();
        for (short, long) in rows {
            let one = senses[&short.to_lowercase()].len() == 1;
            let words = long.split_whitespace().count();
            let plain = |text: &str| {
                !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || " -/&".contains(c))
            };
            // One word for one word saves nothing but vowels; a gloss of many words is no phrase that is written.
            if one && (2..=6).contains(&words) && plain(short) && plain(long) {
                out.short.entry(long.to_lowercase()).or_default().insert(short.clone());
                out.longest = out.longest.max(words);
            }
        }
        out
    }

    /// Number of long forms.
    pub fn len(&self) -> usize {
        self.short.len()
    }

    pub fn is_empty(&self) -> bool {
        self.short.is_empty()
    }

    /// Every way to write one run of words short.
    fn shortened(&self, text: &str) -> Vec<String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut out = Vec::new();
        for length in (2..=self.longest.min(words.len())).rev() {
            for start in 0..=words.len() - length {
                let run = words[start..start + length].join(" ");
                let long = run.trim_end_matches(',');
                let stop = &run[long.len()..];
                for short in self.short.get(&long.to_lowercase()).into_iter().flatten() {
                    let mut written: Vec<String> = words[..start].iter().map(|&w| w.to_owned()).collect();
                    written.push(format!("{short}{stop}"));
                    written.extend(words[start + length..].iter().map(|&w| w.to_owned()));
                    out.push(written.join(" "));
                }
            }
        }
        out
    }
}

/// Another way to write `text`, or `text` itself. Never empty where `text` is not.
pub fn vary(text: &str, augment: &Augment, abbreviations: &Abbreviations, seed: u64) -> String {
    let mut random = SplitMix(seed);
    let mut out = text.to_owned();
    // Always drawn, so that switching one change off leaves the others as they were.
    let mut turn = |p: f64| {
        let coin = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
        let choice = random.next() as usize;
        (coin < p).then_some(choice)
    };
    if turn(augment.drop_unspecified).is_some() {
        out = without_unspecified(&out);
    }
    if turn(augment.reorder).is_some() {
        out = reordered(&out).unwrap_or(out);
    }
    if let Some(choice) = turn(augment.abbreviate) {
        let mut found = abbreviations.shortened(&out);
        if !found.is_empty() {
            out = found.swap_remove(choice % found.len());
        }
    }
    if turn(augment.spelling).is_some() {
        out = respelled(&out);
    }
    if turn(augment.plural).is_some() {
        out = renumbered(&out);
    }
    if let Some(choice) = turn(augment.typo) {
        out = mistyped(&out, choice);
    }
    if let Some(choice) = turn(augment.case) {
        out = if choice % 2 == 0 { out.to_uppercase() } else { out.to_lowercase() };
    }
    if out.trim().is_empty() { text.to_owned() } else { out }
}

/// Without words that say that nothing is said.
pub fn without_unspecified(text: &str) -> String {
    const PARTS: [&str; 9] = [
        "unspecified",
        "not otherwise specified",
        "not elsewhere classified",
        "site not specified",
        "type not specified",
        "unspecified site",
        "unspecified type",
        "initial encounter",
        "unspecified whether",
    ];
    let kept = |part: &&str| !PARTS.contains(&part.trim().to_lowercase().as_str());
    let parts: Vec<&str> = text.split(", ").filter(kept).collect();
    let joined = parts.join(", ");
    let words = joined.split_whitespace();
    let words: Vec<&str> =
        words.filter(|w| !matches!(w.to_lowercase().as_str(), "unspecified" | "nos" | "nec")).collect();
    words.join(" ").trim_matches([' ', ',']).to_owned()
}

/// Words that can't be put before what they belong to.
const OPEN: [&str; 9] = ["with", "without", "due", "in", "not", "other", "unspecified", "following", "by"];

/// With a small first letter, unless the word is written in capitals.
fn small(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(_), Some(second)) if second.is_uppercase() => text.to_owned(),
        (Some(first), _) => first.to_lowercase().chain(text.chars().skip(1)).collect(),
        _ => text.to_owned(),
    }
}

/// "A of B" as "B A"; "A, B" as "B A" where B is short; else "B A" of two words as "A of B" can't be told and stays.
fn reordered(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let Some(of) = words.iter().position(|word| *word == "of") {
        let tail = &words[of + 1..];
        let simple = tail.len() <= 4
            && !tail
                .iter()
                .any(|w| matches!(*w, "of" | "and" | "or" | "with" | "without" | "due" | "in" | "to"));
        if of == 0 || of > 3 || tail.is_empty() || !simple || text.contains(',') {
            return None;
        }
        let tail = tail.iter().skip_while(|w| matches!(**w, "the" | "a" | "an"));
        let tail: Vec<&str> = tail.copied().collect();
        if tail.first().is_none_or(|first| OPEN.contains(first)) {
            return None;
        }
        return Some(format!("{} {}", tail.join(" "), small(&words[..of].join(" "))));
    }
    let (head, tail) = text.split_once(", ")?;
    let short = tail.split_whitespace().count() <= 2 && !tail.contains(',');
    let joint = OPEN.iter().any(|word| tail.split_whitespace().next() == Some(word));
    (short && !joint).then(|| format!("{tail} {}", small(head)))
}

/// American word parts and British ones.
const SPELLINGS: [(&str, &str); 30] = [
    ("anemia", "anaemia"),
    ("anemic", "anaemic"),
    ("leukemia", "leukaemia"),
    ("ischemi", "ischaemi"),
    ("glycemi", "glycaemi"),
    ("lipidemi", "lipidaemi"),
    ("kalemi", "kalaemi"),
    ("natremi", "natraemi"),
    ("calcemi", "calcaemi"),
    ("volemi", "volaemi"),
    ("uremi", "uraemi"),
    ("septicemi", "septicaemi"),
    ("bacteremi", "bacteraemi"),
    ("hemorrh", "haemorrh"),
    ("hemat", "haemat"),
    ("hemoglobin", "haemoglobin"),
    ("hemophilia", "haemophilia"),
    ("hemodialysis", "haemodialysis"),
    ("hemangioma", "haemangioma"),
    ("edema", "oedema"),
    ("esophag", "oesophag"),
    ("diarrhea", "diarrhoea"),
    ("tumor", "tumour"),
    ("pediatric", "paediatric"),
    ("orthopedic", "orthopaedic"),
    ("gynecolog", "gynaecolog"),
    ("anesthe", "anaesthe"),
    ("fetal", "foetal"),
    ("cecum", "caecum"),
    ("feces", "faeces"),
];

/// Every word part by that of the other side of the sea; which side the text is on shows in its first.
fn respelled(text: &str) -> String {
    let low = text.to_lowercase();
    let british = SPELLINGS.iter().any(|(_, british)| low.contains(british));
    let mut out = text.to_owned();
    for (american, over) in SPELLINGS {
        let (from, to) = if british { (over, american) } else { (american, over) };
        out = out.replace(from, to).replace(&capital(from), &capital(to));
    }
    out
}

fn capital(part: &str) -> String {
    let mut chars = part.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// The last word, where it ends like an English noun, in the other number.
fn renumbered(text: &str) -> String {
    let (before, last) = text.rsplit_once(' ').map_or(("", text), |(before, last)| (before, last));
    let plain = last.len() > 3 && last.chars().all(|c| c.is_ascii_lowercase());
    let other = match last {
        _ if !plain => return text.to_owned(),
        l if l.ends_with("sis") => format!("{}ses", &l[..l.len() - 3]),
        l if l.ends_with("ses") => format!("{}sis", &l[..l.len() - 3]),
        l if ["us", "is", "as", "ss", "ia", "itis"].iter().any(|end| l.ends_with(end)) => {
            return text.to_owned();
        }
        l if l.ends_with("ies") => format!("{}y", &l[..l.len() - 3]),
        l if ["xes", "ches", "shes"].iter().any(|end| l.ends_with(end)) => l[..l.len() - 2].to_owned(),
        l if l.ends_with('s') => l[..l.len() - 1].to_owned(),
        l if l.ends_with('y') && !["ay", "ey", "oy", "uy"].iter().any(|e| l.ends_with(e)) => {
            format!("{}ies", &l[..l.len() - 1])
        }
        l if ["x", "ch", "sh"].iter().any(|end| l.ends_with(end)) => format!("{l}es"),
        l => format!("{l}s"),
    };
    if before.is_empty() { other } else { format!("{before} {other}") }
}

/// Two letters of a longer word swapped, or one of it left out or twice.
fn mistyped(text: &str, choice: usize) -> String {
    const SHORTEST: usize = 5;
    let words: Vec<&str> = text.split(' ').collect();
    let long: Vec<usize> = (0..words.len())
        .filter(|at| words[*at].len() >= SHORTEST && words[*at].bytes().all(|b| b.is_ascii_alphabetic()))
        .collect();
    let Some(&at) = long.get(choice % long.len().max(1)) else { return text.to_owned() };
    let mut letters: Vec<u8> = words[at].bytes().collect();
    // The first letter of a word is seldom wrong.
    let place = 1 + (choice >> 8) % (letters.len() - 2);
    match (choice >> 20) % 3 {
        0 => letters.swap(place, place + 1),
        1 => {
            letters.remove(place);
        }
        _ => letters.insert(place, letters[place]),
    }
    let typed = String::from_utf8_lossy(&letters).into_owned();
    let mut out: Vec<&str> = words;
    out[at] = &typed;
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Abbreviations {
        let row = |short: &str, long: &str| (short.to_owned(), long.to_owned());
        Abbreviations::new(&[
            row("CHF", "congestive heart failure"),
            row("MS", "multiple sclerosis"),
            row("MS", "mitral stenosis"),
            row("ca", "calcium"),
            row("BPH", "benign prostatic hyperplasia"),
            row("BPH", "Benign prostatic hyperplasia"),
        ])
    }

    #[test]
    fn only_unambiguous_short_forms_are_written() {
        let table = table();
        assert_eq!(table.len(), 2);
        assert_eq!(table.shortened("acute congestive heart failure, left"), ["acute CHF, left"]);
        assert!(table.shortened("multiple sclerosis").is_empty());
    }

    #[test]
    fn each_change_by_itself() {
        let only = |set: fn(&mut Augment)| {
            let mut augment = Augment::NONE;
            set(&mut augment);
            augment
        };
        let with = |text: &str, augment: Augment| vary(text, &augment, &table(), 7);
        assert_eq!(with("Gout, unspecified", Augment::NONE), "Gout, unspecified");
        let drop = only(|a| a.drop_unspecified = 1.0);
        assert_eq!(with("Gout, unspecified", drop), "Gout");
        assert_eq!(with("Pain in unspecified knee NOS", drop), "Pain in knee");
        assert_eq!(with("Unspecified", drop), "Unspecified", "never nothing");
        let reorder = only(|a| a.reorder = 1.0);
        assert_eq!(with("fracture of the left femur", reorder), "left femur fracture");
        assert_eq!(with("Anemia, aplastic", reorder), "aplastic anemia");
        assert_eq!(with("disease of heart and kidney", reorder), "disease of heart and kidney");
        let spelling = only(|a| a.spelling = 1.0);
        assert_eq!(with("Anemia with edema", spelling), "Anaemia with oedema");
        assert_eq!(with("oesophageal tumour", spelling), "esophageal tumor");
        let plural = only(|a| a.plural = 1.0);
        assert_eq!(with("kidney stone", plural), "kidney stones");
        assert_eq!(with("rib fractures", plural), "rib fracture");
        assert_eq!(with("metastasis", plural), "metastases");
        assert_eq!(with("arthritis", plural), "arthritis");
        let short = only(|a| a.abbreviate = 1.0);
        assert_eq!(with("congestive heart failure", short), "CHF");
        let case = only(|a| a.case = 1.0);
        assert!(["GOUT", "gout"].contains(&with("Gout", case).as_str()));
    }

    proptest! {
        #[test]
        fn equal_seeds_write_alike_and_never_nothing(text in "\\PC{1,40}", seed in any::<u64>()) {
            let augment = Augment { typo: 0.5, plural: 0.5, ..Augment::default() };
            let one = vary(&text, &augment, &table(), seed);
            prop_assert_eq!(&one, &vary(&text, &augment, &table(), seed));
            prop_assert!(text.trim().is_empty() || !one.trim().is_empty());
        }

        #[test]
        fn a_slip_changes_at_most_one_word(choice in any::<usize>()) {
            let text = "displaced fracture of femur";
            let typed = mistyped(text, choice);
            let differ = text.split(' ').zip(typed.split(' ')).filter(|(a, b)| a != b).count();
            prop_assert!(differ <= 1 && typed.split(' ').count() == 4);
        }
    }
}
