//! The part of a book that is on the page.

use std::sync::Arc;

use overread_api::code::{BookLine, BookView};

use super::format::count;

/// Lines one after another, or those that were looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    pub lines: Vec<BookLine>,
    pub columns: Arc<Vec<String>>,
    /// Lines of the whole book.
    pub total: u32,
    /// Looked for by words: they do not follow on each other.
    pub found: bool,
    /// Nothing comes after the last line.
    ended: bool,
}

impl Window {
    pub fn new(book: BookView, found: bool) -> Self {
        Self { lines: book.lines, columns: Arc::new(book.columns), total: book.total, found, ended: false }
    }

    pub fn line(&self, number: u32) -> Option<&BookLine> {
        self.lines.iter().find(|line| line.line == number)
    }

    /// The wanted line, or the next that is there: some numbers have none of their own.
    pub fn nearest(&self, wanted: Option<u32>) -> u32 {
        let first = self.lines.first().map_or(0, |line| line.line);
        let Some(wanted) = wanted else { return first };
        self.lines.iter().map(|line| line.line).find(|line| *line >= wanted).unwrap_or(first)
    }

    /// The line `by` further, at most the last or the first.
    pub fn step(&self, at: u32, by: isize) -> Option<u32> {
        let place = self.lines.iter().position(|line| line.line == at).unwrap_or(0);
        let last = self.lines.len().checked_sub(1)?;
        let to = place.saturating_add_signed(by).min(last);
        Some(self.lines[to].line)
    }

    /// Where to read on, after the last line or before the first; none where there is nothing.
    pub fn further(&self, forward: bool, page: u32) -> Option<u32> {
        if self.found {
            return None;
        }
        if forward {
            let next = self.lines.last()?.line + 1;
            (!self.ended && next < self.total).then_some(next)
        } else {
            let first = self.lines.first()?.line;
            (first > 0).then(|| first.saturating_sub(page))
        }
    }

    /// Takes lines in at one end and lets go of as many at the other as are too many.
    pub fn take(&mut self, lines: Vec<BookLine>, forward: bool, most: usize) {
        if forward {
            let after = self.lines.last().map(|line| line.line);
            let new: Vec<BookLine> =
                lines.into_iter().filter(|line| after.is_none_or(|after| line.line > after)).collect();
            self.ended = new.is_empty();
            self.lines.extend(new);
            let many = self.lines.len().saturating_sub(most);
            self.lines.drain(..many);
        } else {
            let before = self.lines.first().map_or(u32::MAX, |line| line.line);
            let new = lines.into_iter().filter(|line| line.line < before);
            self.lines.splice(0..0, new);
            if self.lines.len() > most {
                self.lines.truncate(most);
                self.ended = false;
            }
        }
    }

    /// A line that stays whichever end lets lines go.
    pub fn middle(&self) -> Option<u32> {
        self.lines.get(self.lines.len() / 2).map(|line| line.line)
    }
}

/// "line 1,204 of 98,186"
pub fn place_told(window: &Window, at: u32) -> String {
    if window.found {
        let many = window.lines.len();
        return if many == 1 { "1 line".to_owned() } else { format!("{} lines", count(many as u64)) };
    }
    format!("line {} of {}", count(u64::from(at) + 1), count(u64::from(window.total)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(numbers: impl Iterator<Item = u32>, total: u32) -> BookView {
        let line = |line| BookLine {
            line,
            level: 0,
            term: format!("line {line}"),
            modifiers: String::new(),
            see: String::new(),
            codes: Vec::new(),
            above: Vec::new(),
            notes: Vec::new(),
            billable: false,
        };
        BookView {
            id: "b".into(),
            title: "b".into(),
            columns: Vec::new(),
            total,
            lines: numbers.map(line).collect(),
        }
    }

    fn ends(window: &Window) -> (u32, u32) {
        (window.lines[0].line, window.lines[window.lines.len() - 1].line)
    }

    #[test]
    fn lines_come_at_one_end_and_go_at_the_other() {
        // Every second number has no line, as where 7th characters are left out.
        let mut window = Window::new(book((100..120).step_by(2), 200), false);
        assert_eq!(window.further(true, 20), Some(119));
        window.take(book((120..140).step_by(2), 200).lines, true, 15);
        assert_eq!((ends(&window), window.lines.len()), ((110, 138), 15));
        assert_eq!(window.further(false, 20), Some(90));
        window.take(book((90..112).step_by(2), 200).lines, false, 15);
        assert_eq!((ends(&window), window.lines.len()), ((90, 118), 15), "110 came twice and stands once");
        assert_eq!(window.line(110).map(|line| line.line), Some(110));
    }

    #[test]
    fn the_book_has_two_ends() {
        let mut window = Window::new(book(0..5, 9), false);
        assert_eq!(window.further(false, 5), None);
        // The last numbers have no lines of their own.
        window.take(Vec::new(), true, 10);
        assert_eq!(window.further(true, 5), None);
        assert_eq!(
            Window::new(book(0..5, 9), true).further(true, 5),
            None,
            "what was found has no next page"
        );
    }

    #[test]
    fn a_number_without_a_line_leads_to_the_next() {
        let window = Window::new(book((10..20).step_by(3), 30), false);
        assert_eq!((window.nearest(Some(11)), window.nearest(Some(99)), window.nearest(None)), (13, 10, 10));
        assert_eq!(
            (window.step(13, 1), window.step(13, -9), window.step(19, 5)),
            (Some(16), Some(10), Some(19))
        );
    }
}
