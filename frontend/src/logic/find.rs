//! Finding words in the note by typing them: the way to mark evidence without a mouse.

/// Where `words` stand in `text`, in code points, letters of either case, white space of any kind and length alike.
pub fn find(text: &str, words: &str, most: usize) -> Vec<(usize, usize)> {
    let needle: Vec<char> = fold(words.trim().chars());
    if needle.is_empty() {
        return Vec::new();
    }
    let hay: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < hay.len() && found.len() < most {
        if let Some(end) = matches(&hay, at, &needle) {
            found.push((at, end));
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

fn fold(chars: impl Iterator<Item = char>) -> Vec<char> {
    let mut out: Vec<char> = Vec::new();
    for c in chars {
        if c.is_whitespace() {
            if out.last() != Some(&' ') {
                out.push(' ');
            }
        } else {
            out.push(lower(c));
        }
    }
    out
}

/// One letter for one letter, so that offsets stay those of the text.
fn lower(c: char) -> char {
    let mut lowered = c.to_lowercase();
    match (lowered.next(), lowered.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn matches(hay: &[char], from: usize, needle: &[char]) -> Option<usize> {
    let mut at = from;
    for &c in needle {
        if c == ' ' {
            let run = hay[at..].iter().take_while(|c| c.is_whitespace()).count();
            if run == 0 {
                return None;
            }
            at += run;
        } else if hay.get(at).is_some_and(|&h| lower(h) == c) {
            at += 1;
        } else {
            return None;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_over_line_ends_and_case() {
        assert_eq!(find("😀 Chest\r\n  PAIN, chest pain", "chest pain", 9), [(2, 15), (17, 27)]);
    }

    #[test]
    fn nothing_is_found_for_nothing() {
        assert_eq!(find("abc", "  ", 9), []);
        assert_eq!(find("", "a", 9), []);
    }

    #[test]
    fn stops_at_the_most() {
        assert_eq!(find("aaaa", "a", 2).len(), 2);
    }
}
