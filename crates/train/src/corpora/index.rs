//! From the rows of the alphabetic index to phrases as people write them.
//!
//! A row is a term at a depth; what it means follows from the terms above it: `Anemia` / `iron deficiency` / `due to` /
//! `blood loss`. Subterms that stand before a noun in speech go before the main term, those that begin with a
//! preposition stay behind.

use super::archive::Table;

/// Words with which a subterm stays behind what it belongs to.
const BEHIND: [&str; 22] = [
    "with",
    "without",
    "due",
    "in",
    "of",
    "from",
    "following",
    "by",
    "during",
    "for",
    "on",
    "affecting",
    "complicating",
    "after",
    "as",
    "at",
    "to",
    "involving",
    "caused",
    "resulting",
    "associated",
    "and",
];

/// Phrase and code of every row of an index that has a code.
pub(super) fn phrases(text: &str) -> Option<Vec<(String, String)>> {
    let table = Table::parse(text);
    let (level, term, code) = (table.column("Level")?, table.column("Term")?, table.column("Code")?);
    let mut path: Vec<&str> = Vec::new();
    let mut out = Vec::new();
    for row in &table.rows {
        step(&mut path, row.get(level)?, row.get(term)?)?;
        let Some(code) = clean_code(row.get(code)?) else { continue };
        for phrase in spoken(&path) {
            out.push((phrase, code.clone()));
        }
    }
    Some(out)
}

/// Phrase and code of every cell of the table of neoplasms.
pub(super) fn neoplasms(text: &str) -> Option<Vec<(String, String)>> {
    const KINDS: [(&str, &[&str]); 6] = [
        ("MalignantPrimary", &["malignant neoplasm of {}", "{} cancer"]),
        ("MalignantSecondary", &["secondary malignant neoplasm of {}", "metastasis to {}"]),
        ("CaInSitu", &["carcinoma in situ of {}"]),
        ("Benign", &["benign neoplasm of {}"]),
        ("UncertainBehavior", &["neoplasm of uncertain behavior of {}"]),
        ("UnspecifiedBehavior", &["neoplasm of unspecified behavior of {}", "{} tumor"]),
    ];
    let table = Table::parse(text);
    let (level, term) = (table.column("Level")?, table.column("Term")?);
    let mut path: Vec<&str> = Vec::new();
    let mut out = Vec::new();
    for row in &table.rows {
        step(&mut path, row.get(level)?, row.get(term)?)?;
        // The first level is the word neoplasm itself.
        let Some(sites) = path.get(1..).filter(|sites| !sites.is_empty()) else { continue };
        let Some(site) = spoken(sites).into_iter().next() else { continue };
        for (column, patterns) in KINDS {
            let Some(code) = clean_code(row.get(table.column(column)?)?) else { continue };
            out.extend(patterns.iter().map(|pattern| (pattern.replace("{}", &site), code.clone())));
        }
    }
    Some(out)
}

/// Puts `term` at its depth.
fn step<'t>(path: &mut Vec<&'t str>, level: &str, term: &'t str) -> Option<()> {
    let level: usize = level.trim().parse().ok()?;
    path.truncate(level);
    // A depth that the file leaps over has no words.
    path.resize(level, "");
    path.push(term);
    Some(())
}

/// The code before its marks: `H93.29-` asks for further characters, `[..]` names a manifestation.
fn clean_code(found: &str) -> Option<String> {
    let code: String = found.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
    let code = code.trim_end_matches('.');
    (code.len() >= 3 && code.starts_with(|c: char| c.is_ascii_uppercase())).then(|| code.to_owned())
}

/// A path in the order of speech, and where that differs as the index reads.
fn spoken(path: &[&str]) -> Vec<String> {
    let words: Vec<String> = path.iter().map(|term| bare(term)).filter(|term| !term.is_empty()).collect();
    let Some((main, rest)) = words.split_first() else { return Vec::new() };
    let (mut before, mut behind): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for term in rest {
        let first = term.split_whitespace().next().unwrap_or("").to_lowercase();
        if !behind.is_empty() || BEHIND.contains(&first.as_str()) {
            behind.push(term);
        } else {
            before.push(term);
        }
    }
    before.reverse();
    // "Fracture, traumatic" says itself the other way round.
    let (main, qualifier) = main.split_once(", ").map_or((main.as_str(), ""), |(main, rest)| (main, rest));
    let join = |parts: Vec<&str>| -> String {
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    };
    let lower = if before.is_empty() && qualifier.is_empty() { main.to_owned() } else { lower_first(main) };
    let mut natural = vec![qualifier];
    natural.extend(&before);
    natural.push(&lower);
    natural.extend(&behind);
    let mut out = vec![join(natural)];
    let listed = words.join(", ");
    if listed != out[0] {
        out.push(listed);
    }
    out
}

/// A proper name ("Crohn's disease") keeps its capital, a common word loses it.
fn lower_first(term: &str) -> String {
    let first = term.split_whitespace().next().unwrap_or("");
    if first.contains('\'') || first.chars().skip(1).any(char::is_uppercase) {
        return term.to_owned();
    }
    let mut chars = term.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// Without what speaks to the coder only.
pub(super) fn bare(term: &str) -> String {
    let mut out = term.to_owned();
    while let Some(open) = out.find('(') {
        let Some(close) = out[open..].find(')') else { break };
        out.replace_range(open..=open + close, "");
    }
    let words = out.split_whitespace().filter(|word| !matches!(*word, "NEC" | "NOS"));
    let out = words.collect::<Vec<_>>().join(" ");
    let out = out.trim_matches([' ', ',', '-', '—']);
    match out {
        "specified" | "specified type" | "specified site" | "unspecified site" | "unspecified" => {
            String::new()
        }
        _ => without_variants(out),
    }
}

/// "Insufficiency, insufficient" names one thing twice, "Fracture, traumatic" does not.
fn without_variants(term: &str) -> String {
    const STEM: usize = 4;
    let stem = |part: &str| part.chars().take(STEM).collect::<String>().to_lowercase();
    let mut parts = term.split(", ");
    let Some(first) = parts.next() else { return String::new() };
    let mut out = first.to_owned();
    for part in parts.filter(|part| stem(part) != stem(first)) {
        out.push_str(", ");
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subterms_take_their_place() {
        let say = |path: &[&str]| spoken(path)[0].clone();
        assert_eq!(
            say(&["Anemia", "iron deficiency", "due to", "blood loss"]),
            "iron deficiency anemia due to blood loss"
        );
        assert_eq!(
            say(&["Fracture, traumatic (abduction)", "femur", "neck"]),
            "traumatic neck femur fracture"
        );
        assert_eq!(say(&["Crohn's disease", "with abscess"]), "Crohn's disease with abscess");
        assert_eq!(say(&["Gout"]), "Gout");
        assert_eq!(
            spoken(&["Anemia", "sickle-cell", "with", "crisis"])[1],
            "Anemia, sickle-cell, with, crisis"
        );
        assert_eq!(say(&["Disease", "renal", "specified NEC"]), "renal disease");
        assert!(spoken(&["(x)"]).is_empty());
        assert_eq!(say(&["Insufficiency, insufficient", "mitral, mitralis"]), "mitral insufficiency");
    }

    #[test]
    fn marks_of_the_code_are_taken_off() {
        assert_eq!(clean_code("H93.29-").as_deref(), Some("H93.29"));
        assert_eq!(clean_code("E11.9 [I79]").as_deref(), Some("E11.9"));
        assert_eq!(clean_code("S72.-").as_deref(), Some("S72"));
        assert_eq!((clean_code("-"), clean_code("")), (None, None));
    }

    #[test]
    fn table_without_its_columns_is_none() {
        assert!(phrases("A,B\n1,2\n").is_none());
        assert!(phrases("Level,Term,Code\nx,Gout,M10.9\n").is_none());
    }
}
