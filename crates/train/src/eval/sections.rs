//! Which section of a note a place is in, by its headings alone: enough to tell figures apart.

/// Kinds with words of their headings, the first that fits.
const KINDS: [(&str, &[&str]); 13] = [
    ("allergies", &["ALLERG"]),
    ("family history", &["FAMILY"]),
    ("social history", &["SOCIAL", "HABITS"]),
    ("review of systems", &["REVIEW OF SYSTEMS", "ROS"]),
    ("past history", &["PAST", "MEDICAL HISTORY", "SURGICAL HISTORY", "PMH", "PSH", "PREVIOUS"]),
    ("complaint", &["COMPLAINT", "REASON FOR"]),
    ("assessment", &["ASSESSMENT", "IMPRESSION", "DIAGNOS", "CONCLUSION"]),
    ("plan", &["PLAN", "RECOMMEND", "FOLLOW", "DISPOSITION", "INSTRUCTIONS"]),
    ("medications", &["MEDICATION", "MEDS", "PRESCRIPTION"]),
    (
        "results",
        &["LABORATORY", "LABS", "DATA", "STUDIES", "FINDINGS", "IMAGING", "RADIOLOG", "X-RAY", "EKG", "CT"],
    ),
    ("examination", &["EXAM", "EXAMINATION", "VITAL", "OBJECTIVE"]),
    (
        "procedure and course",
        &["PROCEDURE", "OPERATION", "OPERATIVE", "TECHNIQUE", "COURSE", "ANESTHESIA", "INDICATION"],
    ),
    ("present illness", &["PRESENT", "HPI", "SUBJECTIVE", "HISTORY", "INTERVAL"]),
];

/// Where each section starts, in code points.
pub(super) struct Sections(Vec<(usize, &'static str)>);

impl Sections {
    pub fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut out = vec![(0, "before the first heading")];
        let mut at = 0;
        while at < chars.len() {
            let starts = at == 0
                || chars[at - 1] == '\n'
                || (chars[at - 1] == ' ' && at >= 2 && matches!(chars[at - 2], '.' | ' ' | '\n' | ','));
            let heading = if starts { heading(&chars[at..]) } else { None };
            if let Some(length) = heading {
                let words: String = chars[at..at + length].iter().collect();
                // A heading of no known kind, such as a part of the examination, stays in its section.
                if let Some(kind) = kind(&words) {
                    out.push((at, kind));
                }
                at += length;
            }
            at += 1;
        }
        Self(out)
    }

    /// Kind of the section at a code point.
    pub fn at(&self, place: usize) -> &'static str {
        let after = self.0.partition_point(|(start, _)| *start <= place);
        self.0[after.saturating_sub(1)].1
    }
}

/// Length of the capitals before a colon or the end of the line.
fn heading(rest: &[char]) -> Option<usize> {
    const LONGEST: usize = 60;
    let mut letters = 0;
    for (length, c) in rest.iter().take(LONGEST).enumerate() {
        match c {
            ':' | '\n' if letters >= 3 => return Some(length),
            c if c.is_uppercase() => letters += 1,
            ' ' | '/' | '-' | '&' | '\'' | '(' | ')' | ',' => {}
            _ => return None,
        }
    }
    None
}

fn kind(heading: &str) -> Option<&'static str> {
    let words: Vec<&str> = heading.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
    let fits = |key: &str| {
        // Short keys are whole words: "CT" is not in "PAST HISTORY OF FRACTURE".
        if key.len() <= 4 { words.contains(&key) } else { heading.contains(key) }
    };
    KINDS.iter().find(|(_, keys)| keys.iter().any(|key| fits(key))).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_open_sections_and_parts_stay_in_them() {
        let text = "A letter.\nHISTORY OF PRESENT ILLNESS: Ünwell. PAST MEDICAL HISTORY: Gout.\n\
            PHYSICAL EXAMINATION:\nHEENT: Fine.\nIMPRESSION\n1. Gout. See CT: none.";
        let sections = Sections::of(text);
        let at = |words: &str| sections.at(text[..text.find(words).unwrap()].chars().count());
        assert_eq!(at("letter"), "before the first heading");
        assert_eq!(at("Ünwell"), "present illness");
        assert_eq!(at("Gout"), "past history");
        assert_eq!(at("Fine"), "examination");
        assert_eq!(at("1."), "assessment");
        assert_eq!(at("none"), "assessment", "within a sentence");
    }
}
