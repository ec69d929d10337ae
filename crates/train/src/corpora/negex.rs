//! Sentences with one condition each: negation, temporality, experiencer (Chapman et al. 2001, 2007).
//!
//! The kit writes the condition in capitals into its sentence. Here the sentence has the condition as the kit names it
//! beside, which is how the report wrote it.

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::source::SourceFile;
use super::{CorpusError, Dropped, source};

/// One condition in its sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// The kit's own number.
    pub id: String,
    pub text: String,
    /// Bytes of the condition.
    pub condition: Range<usize>,
    pub negated: bool,
    /// `None` where the kit says that time does not matter.
    pub historical: Option<bool>,
    /// Somebody else's condition, not the patient's.
    pub other_experiencer: bool,
}

#[derive(Deserialize)]
struct Row {
    line: String,
    condition: String,
    sentence: String,
    negation: String,
    temporality: String,
    experiencer: String,
}

/// All cases, and those whose condition does not stand in its sentence.
#[derive(Clone, Debug)]
pub struct Kit {
    pub source: SourceFile,
    pub cases: Vec<Case>,
    pub dropped: Vec<Dropped>,
}

/// Reads `negex.jsonl.gz` or `negex.jsonl` in `folder`.
pub fn load(folder: &Path) -> Result<Kit, CorpusError> {
    let path = source::find(folder, "negex")?;
    let (lines, source) = source::read::<Row>(&path)?;
    let (mut cases, mut dropped) = (Vec::new(), Vec::new());
    for (line, found) in lines {
        let unknown = |what| CorpusError::Line { path: path.clone(), line, what };
        let negated = match found.negation.as_str() {
            "Negated" => true,
            "Affirmed" => false,
            _ => return Err(unknown("the negation is neither Affirmed nor Negated")),
        };
        let historical = match found.temporality.as_str() {
            "Historical" => Some(true),
            "Recent" | "Hypothetical" => Some(false),
            "Not particular" => None,
            _ => return Err(unknown("the temporality is not one of the kit")),
        };
        let Some(place) = place(&found.sentence, &found.condition) else {
            dropped.push(Dropped { line, what: "the condition does not stand in its sentence" });
            continue;
        };
        let condition = found.condition.trim();
        let start = place.start;
        let text = format!("{}{condition}{}", &found.sentence[..start], &found.sentence[place.end..]);
        cases.push(Case {
            id: found.line,
            text,
            condition: start..start + condition.len(),
            negated,
            historical,
            other_experiencer: found.experiencer != "Patient",
        });
    }
    Ok(Kit { source, cases, dropped })
}

/// Where the condition stands: in capitals first, else in any case, runs of blanks being equal.
fn place(sentence: &str, condition: &str) -> Option<Range<usize>> {
    let condition = condition.trim();
    let capitals = condition.to_uppercase();
    if capitals.is_empty() {
        return None;
    }
    if let Some(start) = sentence.find(&capitals) {
        return Some(start..start + capitals.len());
    }
    let words: Vec<&str> = condition.split_whitespace().collect();
    sentence.char_indices().map(|(start, _)| start).find_map(|start| {
        let mut at = start;
        for (index, word) in words.iter().enumerate() {
            let rest = &sentence[at..];
            let blanks = if index == 0 { 0 } else { rest.len() - rest.trim_start().len() };
            let end = at + blanks + word.len();
            let found = sentence.get(at + blanks..end)?;
            if !found.eq_ignore_ascii_case(word) {
                return None;
            }
            at = end;
        }
        Some(start..at)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::Folder;
    use super::*;

    #[test]
    fn condition_is_put_back_as_the_report_wrote_it() {
        let row = |line: &str, condition: &str, sentence: &str, negation: &str| {
            json!({"line": line, "condition": condition, "sentence": sentence, "negation": negation,
                "temporality": "Recent", "experiencer": "Patient"})
        };
        let folder = Folder::new("negex");
        folder.write(
            "negex.jsonl",
            &[
                row("1", "gout flare", "He denies GOUT FLARE today.", "Negated"),
                row("2", "mild  gout of both feet", "There is Mild gout of   both feet.", "Affirmed"),
                row("3", "gout", "No pain.", "Affirmed"),
            ],
        );
        let kit = load(&folder.0).unwrap();
        assert_eq!(kit.cases[0].text, "He denies gout flare today.");
        assert_eq!(&kit.cases[0].text[kit.cases[0].condition.clone()], "gout flare");
        assert!(kit.cases[0].negated && !kit.cases[1].negated);
        assert_eq!(kit.cases[1].text, "There is mild  gout of both feet.");
        assert_eq!(kit.dropped, [Dropped { line: 3, what: "the condition does not stand in its sentence" }]);

        folder.write("negex.jsonl", &[row("1", "gout", "GOUT", "Perhaps")]);
        assert!(load(&folder.0).unwrap_err().to_string().contains("line 1: the negation"));
    }
}
