//! The outline of a note: headings as clinicians write them, found by their form alone.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub label: String,
    /// Code point offset of the heading.
    pub start: usize,
}

const LONGEST: usize = 48;

/// Headings in their order: a line that is a heading and nothing else ("Assessment and plan:", "IMPRESSION"), or
/// upper-case words before a colon at the start of a line or after a comma ("HISTORY: The patient ...").
pub fn outline(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if let Some((skip, label)) = heading(line) {
            sections.push(Section { label, start: start + skip });
        } else {
            start += inline(line, start, &mut sections);
            continue;
        }
        let rest_start = line.find(':').map_or(line.len(), |at| at + 1);
        let before = line[..rest_start].chars().count();
        start += before + inline(&line[rest_start..], start + before, &mut sections);
    }
    sections
}

fn heading(line: &str) -> Option<(usize, String)> {
    let trimmed = line.trim();
    let skip = line.chars().take_while(|c| c.is_whitespace()).count();
    let (label, alone) = match trimmed.find(':') {
        Some(at) => (trimmed[..at].trim_end(), trimmed[at + 1..].trim().is_empty()),
        None => (trimmed, true),
    };
    let colon = trimmed.contains(':');
    let words = label.split_whitespace().count();
    let letters = label.chars().filter(|c| c.is_alphabetic()).count();
    let fits = letters >= 3 && words <= 7 && label.chars().count() <= LONGEST;
    let begins = label.chars().next().is_some_and(char::is_uppercase);
    let shouted = is_shouted(label);
    (fits && begins && (shouted && (colon || words <= 6) || colon && alone)).then(|| (skip, label.to_owned()))
}

/// Upper-case headings after a comma or full stop, as transcription systems run them together.
fn inline(line: &str, start: usize, sections: &mut Vec<Section>) -> usize {
    let chars: Vec<char> = line.chars().collect();
    for (colon, _) in chars.iter().enumerate().filter(|&(_, &c)| c == ':') {
        let from = chars[..colon]
            .iter()
            .rposition(|c| !(c.is_uppercase() || matches!(c, ' ' | '/' | '&' | '-')))
            .map_or(0, |at| at + 1);
        let begin = from + chars[from..colon].iter().take_while(|c| **c == ' ').count();
        let broken = from > 0 && matches!(chars[from - 1], ',' | '.');
        let label: String = chars[begin..colon].iter().collect();
        if broken && label.len() <= LONGEST && label.chars().filter(|c| c.is_alphabetic()).count() >= 4 {
            sections.push(Section { label: label.trim_end().to_owned(), start: start + begin });
        }
    }
    chars.len()
}

fn is_shouted(label: &str) -> bool {
    !label.chars().any(char::is_lowercase) && !label.chars().next().is_some_and(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<(String, usize)> {
        outline(text).into_iter().map(|s| (s.label, s.start)).collect()
    }

    #[test]
    fn finds_headings_alone_and_before_text() {
        let text =
            "DISCHARGE SUMMARY\r\n\r\nAllergies: none\r\nAssessment and plan:\r\n1. Rest.\r\nHPI: é old\n";
        let found = labels(text);
        assert_eq!(
            found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(),
            ["DISCHARGE SUMMARY", "Assessment and plan", "HPI"]
        );
        let chars: Vec<char> = text.chars().collect();
        assert!(found.iter().all(|(label, at)| chars[*at..].iter().collect::<String>().starts_with(label)));
    }

    #[test]
    fn finds_headings_run_together() {
        let found = labels("SUBJECTIVE:, A woman of 23.,MEDICATIONS: , Her only one.,ALLERGIES: , none");
        assert_eq!(
            found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(),
            ["SUBJECTIVE", "MEDICATIONS", "ALLERGIES"]
        );
    }

    #[test]
    fn leaves_sentences_and_figures_alone() {
        assert_eq!(labels("The plan is this: rest.\nBP 120/80\n12:30 seen\nSee below\n"), []);
    }
}
