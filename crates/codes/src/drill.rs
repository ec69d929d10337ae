//! From a code that is not complete to one that is, asking only for what the words leave open: kind, side, severity,
//! trimester, encounter.

use serde::Serialize;

use crate::release::{Entry, EntryKind, Release};
use crate::search::{Side, query_words, term_words};

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    Side,
    Encounter,
    Trimester,
    Displacement,
    Severity,
    /// With or without something.
    Complication,
    Kind,
}

/// One answer: the code under it, and what tells it from the others.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    pub entry: Entry<'a>,
    /// The part of its title that the others do not have.
    pub words: String,
    /// It says no more than the code above it does.
    pub plain: bool,
}

/// Where the questions stand.
#[derive(Debug, Clone)]
pub struct Drill<'a> {
    /// Codes that the words led to without a question, from the top.
    pub taken: Vec<Entry<'a>>,
    /// Where the next question is asked; billable when there is none.
    pub at: Entry<'a>,
    pub axis: Axis,
    /// Empty when `at` is complete.
    pub choices: Vec<Choice<'a>>,
}

impl Release {
    /// The next question below `code`, after all that `said` (a phrase, a sentence of the note) answers.
    pub fn drill(&self, code: &str, said: &str) -> Option<Drill<'_>> {
        let mut at = self.get(code)?;
        let words = query_words(said);
        let side = Side::of(said);
        let mut taken = Vec::new();
        loop {
            let choices = choices(at);
            let axis = axis(&choices);
            let next = match choices.as_slice() {
                [] => return Some(Drill { taken, at, axis: Axis::Kind, choices }),
                [only] => Some(only.entry),
                _ => answered(&choices, axis, &words, side),
            };
            let Some(next) = next else { return Some(Drill { taken, at, axis, choices }) };
            taken.push(next);
            at = next;
        }
    }
}

fn choices(at: Entry<'_>) -> Vec<Choice<'_>> {
    let entries: Vec<Entry<'_>> = at.children().collect();
    let titles: Vec<Vec<&str>> = entries.iter().map(|e| e.title().split_whitespace().collect()).collect();
    let shared = |from_end: bool| -> usize {
        let Some(first) = titles.first() else { return 0 };
        let nth = |title: &[&str], i: usize| -> Option<String> {
            let at = if from_end { title.len().checked_sub(i + 1)? } else { i };
            title.get(at).map(|word| word.to_lowercase())
        };
        (0..first.len()).take_while(|&i| titles.iter().all(|title| nth(title, i) == nth(first, i))).count()
    };
    let (head, tail) = (shared(false), shared(true));
    entries
        .iter()
        .zip(&titles)
        .map(|(&entry, title)| {
            let words = if entry.kind() == EntryKind::Extension {
                entry.title().get(at.title().len()..).unwrap_or_default().trim_start_matches(", ").to_owned()
            } else {
                let end = title.len().saturating_sub(tail).max(head.min(title.len()));
                title[head.min(title.len())..end].join(" ").trim_matches([',', ' ', ';']).to_owned()
            };
            let words = if words.is_empty() { entry.title().to_owned() } else { words };
            Choice { entry, words, plain: entry.default_leaf() == at.default_leaf() }
        })
        .collect()
}

fn axis(choices: &[Choice<'_>]) -> Axis {
    let each = |words: &[&str]| {
        choices.iter().all(|choice| {
            let text = format!(" {} ", choice.words.to_lowercase());
            words.iter().any(|word| text.contains(word))
        })
    };
    if choices.iter().all(|c| c.entry.kind() == EntryKind::Extension) || each(&["encounter", "sequela"]) {
        Axis::Encounter
    } else if choices.iter().all(|c| Side::said(c.entry.title()).is_some())
        && choices.iter().filter(|c| Side::of(&c.words).is_some()).count() * 2 >= choices.len()
    {
        Axis::Side
    } else if choices.iter().all(|c| {
        let title = c.entry.title();
        ["trimester", "childbirth", "puerperium"].iter().any(|word| title.contains(word))
    }) {
        Axis::Trimester
    } else if each(&["displaced", "nondisplaced"]) {
        Axis::Displacement
    } else if each(&[
        "mild",
        "moderate",
        "severe",
        "persistent",
        "intermittent",
        "stage",
        "degree",
        "unspecified",
    ]) {
        Axis::Severity
    } else if each(&[" with ", "without", " not "]) {
        Axis::Complication
    } else {
        Axis::Kind
    }
}

/// The one choice that the words name; none where they name none or several.
fn answered<'a>(
    choices: &[Choice<'a>],
    axis: Axis,
    words: &[String],
    side: Option<Side>,
) -> Option<Entry<'a>> {
    if axis == Axis::Side {
        let side = side?;
        let mut fit = choices.iter().filter(|c| Side::said(c.entry.title()) == Some(side));
        let first = fit.next()?;
        return fit.next().is_none().then_some(first.entry);
    }
    // How many words a choice has that the phrase has too, where the phrase has all that count.
    let met = |choice: &Choice<'_>| -> usize {
        let own: Vec<String> = term_words(&choice.words)
            .into_iter()
            .filter(|w| w.role == crate::search::Role::Plain || w.role == crate::search::Role::Narrowing)
            .map(|w| w.stem)
            .collect();
        if own.iter().all(|word| words.contains(word)) { own.len() } else { 0 }
    };
    let most = choices.iter().map(&met).max().filter(|most| *most > 0)?;
    let mut best = choices.iter().filter(|choice| met(choice) == most);
    let first = best.next()?;
    best.next().is_none().then_some(first.entry)
}
