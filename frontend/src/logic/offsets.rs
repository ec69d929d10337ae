//! Between code points, in which every border counts, and UTF-16 units, in which the browser's Range API counts.
//!
//! Positions are never read back from what the browser shows, only from the offset inside one text node whose words
//! we put there ourselves, so CRLF, tabs and combining characters stay where the note has them.

/// Code points before the UTF-16 offset `units` of `text`. Inside a surrogate pair it is the pair's start; beyond the
/// end it is the end.
pub fn points_at_utf16(text: &str, units: usize) -> usize {
    let mut seen = 0;
    let mut points = 0;
    for c in text.chars() {
        seen += c.len_utf16();
        if seen > units {
            return points;
        }
        points += 1;
    }
    points
}

/// UTF-16 units before the code point offset `points` of `text`; beyond the end it is the end.
pub fn utf16_at_points(text: &str, points: usize) -> usize {
    text.chars().take(points).map(char::len_utf16).sum()
}

/// Narrows a range of code points to the words in it: white space at both ends is left out. `None` if nothing is left.
pub fn trim_range(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let slice: Vec<char> = text.chars().skip(start).take(end.saturating_sub(start)).collect();
    let lead = slice.iter().take_while(|c| c.is_whitespace()).count();
    if lead == slice.len() {
        return None;
    }
    let trail = slice.iter().rev().take_while(|c| c.is_whitespace()).count();
    Some((start + lead, start + slice.len() - trail))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HARD: &str = "a\r\nb\té e\u{301} 😀 𝔘 \u{a0}שלום👩‍⚕️";

    #[test]
    fn counts_astral_characters_as_two_units() {
        assert_eq!(utf16_at_points("😀b", 1), 2);
        assert_eq!(points_at_utf16("😀b", 2), 1);
        assert_eq!(points_at_utf16("😀b", 3), 2);
    }

    #[test]
    fn the_middle_of_a_pair_is_its_start() {
        assert_eq!(points_at_utf16("a😀b", 2), 1);
    }

    #[test]
    fn keeps_carriage_returns_and_combining_marks_as_points() {
        assert_eq!(points_at_utf16("a\r\nb", 3), 3);
        assert_eq!(points_at_utf16("e\u{301}x", 2), 2);
    }

    #[test]
    fn every_point_of_a_hard_text_comes_back() {
        for point in 0..=HARD.chars().count() {
            assert_eq!(points_at_utf16(HARD, utf16_at_points(HARD, point)), point);
        }
    }

    #[test]
    fn trims_to_words() {
        assert_eq!(trim_range("a  chest pain\r\n", 1, 15), Some((3, 13)));
        assert_eq!(trim_range("a  \r\n", 1, 5), None);
    }

    proptest! {
        #[test]
        fn round_trips(text in any::<String>(), at in 0usize..200) {
            let at = at.min(text.chars().count());
            prop_assert_eq!(points_at_utf16(&text, utf16_at_points(&text, at)), at);
        }

        #[test]
        fn trimmed_ranges_lie_inside(text in "[ \r\nab😀]{0,30}", a in 0usize..31, b in 0usize..31) {
            let len = text.chars().count();
            let (a, b) = (a.min(b).min(len), a.max(b).min(len));
            if let Some((start, end)) = trim_range(&text, a, b) {
                prop_assert!(a <= start && start < end && end <= b);
            }
        }
    }
}
