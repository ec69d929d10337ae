//! Words: runs of letters and digits with what binds them inside ("65-year-old", "7.5", "patient's", "120/80").

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub start: usize,
    pub end: usize,
}

impl Word {
    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }
}

pub(super) fn split(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut open: Option<usize> = None;
    let mut previous = ' ';
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |&(_, n)| n);
        let inside = c.is_alphanumeric()
            || is_mark(c)
            || (open.is_some()
                && match c {
                    '\'' | '\u{2019}' | '-' => previous.is_alphanumeric() && next.is_alphanumeric(),
                    '.' | '/' | ',' => previous.is_ascii_digit() && next.is_ascii_digit(),
                    _ => false,
                });
        match (inside, open) {
            (true, None) => open = Some(at),
            (false, Some(start)) => {
                words.push(Word { start, end: at });
                open = None;
            }
            _ => {}
        }
        previous = c;
    }
    if let Some(start) = open {
        words.push(Word { start, end: text.len() });
    }
    words
}

/// Combining accents belong to the letter before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}
