//! Small readings of values and words.

/// Leading number of a text, and what follows it.
pub(crate) fn number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || *c == ',' && *i > 0))
        .map_or(text.len(), |(i, _)| i);
    let digits: String = text[..end].chars().filter(|c| *c != ',').collect();
    let value: f64 = digits.trim_end_matches('.').parse().ok()?;
    Some((value, text[end..].trim_start()))
}

/// Lower-case words of letters and digits.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Whether `text` has all words of `phrase` in a row, whatever stands between them.
pub(crate) fn has_phrase(text: &str, phrase: &str) -> bool {
    let (text, phrase): (Vec<String>, Vec<String>) = (words(text).collect(), words(phrase).collect());
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_with_what_follows() {
        assert_eq!(number(" 98.4 F"), Some((98.4, "F")));
        assert_eq!(number("1,000mg"), Some((1000.0, "mg")));
        assert_eq!(number("mg"), None);
    }

    #[test]
    fn phrases_meet_whole_words() {
        assert!(has_phrase("Tylenol No. 3 (codeine)", "codeine"));
        assert!(!has_phrase("hydrocodeine", "codeine"));
        assert!(has_phrase("sulfa drugs", "Sulfa"));
    }
}
