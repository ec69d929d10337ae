//! From documents to windows with targets in rows.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use overread_domain::Assertion;
use overread_encoder::{Tokenizer, Tokens};
use overread_suggest::{Limits, Plan, plan};

use super::TrainError;
use super::example::{Target, Window};
use crate::corpora::Document;

/// Labels of a run and their numbers.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    numbers: HashMap<String, usize>,
    names: Vec<String>,
}

impl Labels {
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut labels = Self::default();
        for name in names {
            let next = labels.names.len();
            labels.numbers.entry(name.clone()).or_insert_with(|| {
                labels.names.push(name);
                next
            });
        }
        labels
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }
}

/// Turns documents into windows; keeps what is shared between them.
pub struct Preparer<'a> {
    tokenizer: &'a Tokenizer,
    labels: &'a Labels,
    /// Code -> number in the run's list of codes.
    codes: &'a HashMap<String, u32>,
    annotated: BTreeMap<Vec<usize>, Arc<Vec<usize>>>,
}

impl std::fmt::Debug for Preparer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Preparer").field("labels", &self.labels.names.len()).finish_non_exhaustive()
    }
}

impl<'a> Preparer<'a> {
    pub fn new(tokenizer: &'a Tokenizer, labels: &'a Labels, codes: &'a HashMap<String, u32>) -> Self {
        Self { tokenizer, labels, codes, annotated: BTreeMap::new() }
    }

    /// Windows of one document. Mentions that a window cuts are left to the window that holds them whole; where none
    /// does, their rows are doubtful.
    pub fn windows(&mut self, document: &Document) -> Result<Vec<Window>, TrainError> {
        let plan = plan(self.tokenizer, &document.text, Limits::default())?;
        let tokens = &plan.tokens;
        let mut annotated: Vec<usize> =
            document.annotated.iter().filter_map(|name| self.labels.number(name)).collect();
        annotated.sort_unstable();
        let annotated = Arc::clone(
            self.annotated.entry(annotated.clone()).or_insert_with(|| Arc::new(annotated.clone())),
        );
        let mentions: Vec<Range<usize>> =
            document.mentions.iter().map(|m| tokens.overlapping(m.range.clone())).collect();
        let owned = owned(&plan);
        let mut out = Vec::with_capacity(plan.windows.len());
        for (window, own) in plan.windows.iter().zip(owned) {
            let skip = 1 + window.prefix.len();
            let row = |token: usize| token - window.range.start + skip;
            let rows = |t: &Range<usize>| row(t.start)..row(t.end);
            let inside = |t: &Range<usize>| {
                !t.is_empty() && t.start >= window.range.start && t.end <= window.range.end
            };
            let mut ids = Vec::with_capacity(window.range.len() + skip + 1);
            ids.push(self.tokenizer.cls());
            ids.extend_from_slice(&window.prefix);
            ids.extend_from_slice(&tokens.ids[window.range.clone()]);
            ids.push(self.tokenizer.sep());
            let mut prepared = Window {
                own: rows(&own),
                word_start: vec![false; ids.len()],
                word_end: vec![false; ids.len()],
                annotated: Arc::clone(&annotated),
                ids,
                ..Window::default()
            };
            for token in window.range.clone() {
                prepared.word_start[row(token)] = starts_word(tokens, token);
                prepared.word_end[row(token)] = token + 1 == tokens.len() || starts_word(tokens, token + 1);
            }
            for doubt in &document.doubtful {
                let at = tokens.overlapping(doubt.range.clone());
                let at = at.start.max(own.start)..at.end.min(own.end);
                let labels: Vec<usize> =
                    doubt.labels.iter().filter_map(|name| self.labels.number(name)).collect();
                if at.start < at.end && !labels.is_empty() {
                    prepared.doubtful.push((rows(&at), labels));
                }
            }
            for (mention, at) in document.mentions.iter().zip(&mentions) {
                let label = self.labels.number(&mention.label);
                let owns = own.start <= at.start && at.end <= own.end && inside(at);
                if !owns {
                    let cut = at.start.max(own.start)..at.end.min(own.end);
                    if let Some(label) = label.filter(|_| cut.start < cut.end) {
                        prepared.doubtful.push((rows(&cut), vec![label]));
                    }
                    continue;
                }
                if let Some(label) = label {
                    prepared.spans.push(Target { label, rows: rows(at) });
                }
                if let Some(assertion) = mention.assertion {
                    let class = Assertion::ALL.iter().position(|a| *a == assertion).unwrap_or(0);
                    prepared.assertions.push((rows(at), class as u32));
                }
                if let Some(&code) = mention.code.as_ref().and_then(|c| self.codes.get(c)) {
                    prepared.mentions.push((rows(at), code));
                }
            }
            links(document, &mentions, &own, &rows, &mut prepared);
            out.push(prepared);
        }
        Ok(out)
    }
}

/// Pairs that belong together, and for each attribute the other heads of the same kind, which it does not
/// belong to.
fn links(
    document: &Document,
    mentions: &[Range<usize>],
    own: &Range<usize>,
    rows: &impl Fn(&Range<usize>) -> Range<usize>,
    window: &mut Window,
) {
    let inside = |i: usize| {
        let at = &mentions[i];
        !at.is_empty() && own.start <= at.start && at.end <= own.end
    };
    for link in document.links.iter().filter(|l| inside(l.head) && inside(l.tail)) {
        window.links.push((rows(&mentions[link.head]), rows(&mentions[link.tail]), true));
        let kind = &document.mentions[link.head].label;
        let mut others: Vec<usize> = (0..mentions.len())
            .filter(|&i| {
                i != link.head
                    && i != link.tail
                    && document.mentions[i].label == *kind
                    && inside(i)
                    && !document.links.iter().any(|l| l.head == i && l.tail == link.tail)
            })
            .collect();
        // The nearest are the ones that it might be mistaken for.
        others.sort_by_key(|&i| mentions[i].start.abs_diff(mentions[link.tail].start));
        for &other in others.iter().take(3) {
            window.links.push((rows(&mentions[other]), rows(&mentions[link.tail]), false));
        }
    }
}

/// Whether a word begins at this token.
pub fn starts_word(tokens: &Tokens, token: usize) -> bool {
    token == 0 || tokens.words[token] != tokens.words[token - 1]
}

/// Tokens of each window that it is to learn from: where windows overlap, the cut lies in the middle.
fn owned(plan: &Plan) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = plan.windows.iter().map(|w| w.range.clone()).collect();
    for i in 1..out.len() {
        if out[i].start < out[i - 1].end {
            let middle = usize::midpoint(out[i].start, out[i - 1].end);
            out[i - 1].end = middle;
            out[i].start = middle;
        }
    }
    out
}
