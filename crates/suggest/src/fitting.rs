//! What the fitting program sees of the pipeline: rows of features with their places, so that reference entries can
//! say which were right. Used by `examples/fit.rs`; nothing here runs when a note is filled.

use std::ops::Range;

use overread_domain::Template;
use overread_domain::suggestion::Assertion;

use crate::bind::Binding;
use crate::codeset::Condition;
use crate::heads::CLASSES;
use crate::linear::Row;
use crate::mention::Candidate;
use crate::note::Doc;
use crate::pipeline::{Analysis, analyse, codes, final_assertion, final_codes, past_row};
use crate::states::States;
use crate::{SuggestError, Suggested, Suggester, codeset, link, mention, pipeline};

/// Widths of the heads' binary features and of their dense blocks (the mention head's is the encoder's width).
pub const MENTION_SPARSE: usize = mention::SPARSE;
pub const CODE_SPARSE: usize = link::SPARSE;
pub const CODE_DENSE: usize = link::DENSE;
pub const FINAL_SPARSE: usize = codeset::SPARSE;
pub const FINAL_DENSE: usize = codeset::DENSE;
pub const PAST_SPARSE: usize = pipeline::PAST_SPARSE;
pub use crate::heads::CLASSES as MENTION_CLASSES;
pub use crate::mention::matches;

/// A mention and its features; `group` is equal for mentions of one thing.
#[derive(Clone, Debug)]
pub struct MentionRow {
    pub span: Range<usize>,
    pub group: usize,
    pub row: Row,
    pub past: Row,
}

/// A find of a rule.
#[derive(Clone, Debug)]
pub struct RuleFind {
    pub concept: &'static str,
    pub rule: &'static str,
    pub span: Range<usize>,
    pub value: Option<String>,
}

/// A note after one pass of the encoder. Byte ranges belong to its text.
#[derive(Debug)]
pub struct Reading<'t> {
    doc: Doc<'t>,
    states: States,
    analysis: Analysis,
}

impl Suggester {
    /// Reads a note; `dense` says whether mention rows carry the encoder's states.
    pub fn reading<'t>(&self, text: &'t str, dense: bool) -> Result<Reading<'t>, SuggestError> {
        let (doc, states) = self.read(text)?;
        let mut heads = (*self.heads).clone();
        heads.mention.dense = if dense { self.encoder.hidden() } else { 0 };
        heads.mention.classes = 0;
        let analysis = analyse(&doc, Some(&states), &self.release, &heads);
        Ok(Reading { doc, states, analysis })
    }

    /// Code candidates with their features for the mention nearest to `span`, as field `history` or not.
    pub fn code_rows(&self, reading: &Reading<'_>, span: &Range<usize>, history: bool) -> Vec<(String, Row)> {
        let Some(candidate) = reading.nearest(span) else { return Vec::new() };
        let class = if history { 2 } else { 1 };
        let assertion = final_assertion(&self.heads, candidate, class);
        let found =
            codes(self, &reading.doc, &reading.states, &reading.analysis, candidate, class, assertion);
        found.into_iter().map(|c| (c.code, c.row)).collect()
    }

    /// Codes of the final list with their features, by the heads that this model has.
    pub fn final_rows(&self, reading: &Reading<'_>) -> Vec<(String, Row)> {
        let probabilities: Vec<Vec<f32>> =
            reading.analysis.candidates.iter().map(|c| self.heads.mention.probabilities(&c.row)).collect();
        let chosen = mention::choose(&reading.analysis.candidates, &probabilities);
        let mut conditions = Vec::new();
        for c in chosen.iter().filter(|c| c.class <= 2) {
            let threshold = self.heads.threshold(CLASSES[c.class]);
            if c.probability < threshold * 0.5 {
                continue;
            }
            let candidate = &reading.analysis.candidates[c.candidate];
            let assertion: Assertion = final_assertion(&self.heads, candidate, c.class);
            let found =
                codes(self, &reading.doc, &reading.states, &reading.analysis, candidate, c.class, assertion);
            conditions.push(Condition {
                span: candidate.mention.span.clone(),
                history: c.class == 2,
                assertion,
                section: candidate.section,
                probability: c.probability,
                codes: link::rank(&self.heads, found),
            });
        }
        final_codes(&reading.doc, &self.release, &self.heads, &conditions, &reading.analysis.found)
            .into_iter()
            .map(|f| (f.code, f.row))
            .collect()
    }
}

impl Suggester {
    /// Fills a template as if no finder knew any of its fields: how well meaning alone does.
    pub fn suggest_by_meaning(&self, text: &str, template: &Template) -> Result<Suggested, SuggestError> {
        let binding = Binding::new(&*self.encoder, template, false)?;
        self.fill(text, template, &binding)
    }
}

impl Reading<'_> {
    /// All mentions with their features.
    pub fn mentions(&self) -> Vec<MentionRow> {
        let groups = mention::groups(&self.analysis.candidates);
        let rows = self.analysis.candidates.iter().zip(groups);
        rows.map(|(c, group)| MentionRow {
            span: c.mention.span.clone(),
            group,
            row: c.row.clone(),
            past: past_row(c),
        })
        .collect()
    }

    /// All finds of rules.
    pub fn finds(&self) -> Vec<RuleFind> {
        let found = self.analysis.found.iter();
        found
            .map(|f| RuleFind {
                concept: f.concept.id(),
                rule: f.rule,
                span: f.span.clone(),
                value: f.value.clone(),
            })
            .collect()
    }

    fn nearest(&self, span: &Range<usize>) -> Option<&Candidate> {
        self.analysis
            .candidates
            .iter()
            .filter(|c| matches(&c.mention.span, span))
            .min_by_key(|c| c.mention.span.start.abs_diff(span.start) + c.mention.span.end.abs_diff(span.end))
    }
}
