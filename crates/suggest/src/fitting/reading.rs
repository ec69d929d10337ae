//! One note as one model reads it, without heads.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::bind::Binding;
use crate::codeset::Condition;
use crate::heads::CLASSES;
use crate::linear::Row;
use crate::mention::Candidate;
use crate::pipeline::{Analysis, Ask, Read, analyse, codes, final_assertion, final_codes};
use crate::{Heads, SuggestError, Suggested, Suggester, link, mention};

/// A note after one pass of the encoder. Byte ranges belong to its text.
#[derive(Debug)]
pub struct Reading<'t> {
    pub(super) read: Read<'t>,
    pub(super) analysis: Analysis,
    /// Code candidates by span, class, assertion and whether meaning took part: they follow from no head, and heads
    /// are fitted many times.
    known: RefCell<HashMap<Key, Vec<link::Candidate>>>,
}

type Key = (usize, usize, usize, u8, bool);

impl Suggester {
    /// Reads a note; `states` says whether mentions carry the encoder's states where the model has no trained heads.
    pub fn reading<'t>(&self, text: &'t str, states: bool) -> Result<Reading<'t>, SuggestError> {
        let read = self.read(text)?;
        let mut heads = Heads::default();
        heads.mention.dense = if states { self.encoder.hidden() } else { 0 };
        let analysis = analyse(&read, self.sense.as_deref(), &self.release, &heads);
        Ok(Reading { read, analysis, known: RefCell::default() })
    }

    /// Fills a template as if no finder knew any of its fields: how well meaning alone does.
    pub fn suggest_by_meaning(
        &self,
        text: &str,
        template: &overread_domain::Template,
    ) -> Result<Suggested, SuggestError> {
        let binding = Binding::new(&*self.encoder, self.sense.as_deref(), None, template, false)?;
        self.fill(text, template, &binding)
    }

    /// Code candidates of `candidate` as field `class`.
    pub(super) fn code_rows(
        &self,
        reading: &Reading<'_>,
        candidate: &Candidate,
        class: usize,
    ) -> Vec<(String, Row)> {
        let assertion = final_assertion(&self.heads, candidate, class);
        let ask = Ask { candidate, class, assertion };
        let found = reading.answers(self, &[ask]).into_iter().flatten();
        found.map(|c| (c.code, c.row)).collect()
    }

    /// Codes of the final list with their features and evidence, by the heads that this model has; `probabilities` are
    /// those of the mentions.
    pub(super) fn final_rows(
        &self,
        reading: &Reading<'_>,
        probabilities: &[Vec<f32>],
        own: &[String],
    ) -> Vec<(String, Row)> {
        let analysis = &reading.analysis;
        let chosen = mention::choose(&analysis.candidates, probabilities);
        let least = crate::compose::least_final(&reading.read.doc);
        let asked: Vec<_> = chosen
            .iter()
            .filter(|c| c.class <= 2 && c.probability >= least)
            .map(|c| {
                let candidate = &analysis.candidates[c.candidate];
                (
                    c,
                    Ask {
                        candidate,
                        class: c.class,
                        assertion: final_assertion(&self.heads, candidate, c.class),
                    },
                )
            })
            .collect();
        let asks: Vec<Ask<'_>> = asked.iter().map(|a| a.1).collect();
        let answers = reading.answers(self, &asks);
        let conditions: Vec<Condition> = asked
            .into_iter()
            .zip(answers)
            .map(|((chosen, ask), found)| Condition {
                span: ask.candidate.mention.span.clone(),
                history: chosen.class == 2,
                assertion: ask.assertion,
                section: ask.candidate.section,
                probability: chosen.probability,
                codes: link::rank(&self.heads, found),
            })
            .collect();
        let finals = final_codes(&reading.read, &self.release, &self.heads, &conditions, analysis, own);
        finals.into_iter().map(|f| (f.code, f.row)).collect()
    }
}

impl Reading<'_> {
    /// [`codes`], each looked up once.
    fn answers(&self, model: &Suggester, asks: &[Ask<'_>]) -> Vec<Vec<link::Candidate>> {
        let key = |ask: &Ask<'_>| -> Key {
            let span = &ask.candidate.mention.span;
            (span.start, span.end, ask.class, ask.assertion as u8, model.has_vectors())
        };
        let mut known = self.known.borrow_mut();
        let new: Vec<Ask<'_>> = asks.iter().filter(|ask| !known.contains_key(&key(ask))).copied().collect();
        for (ask, found) in new.iter().zip(codes(model, &self.read, &self.analysis, &new)) {
            known.insert(key(ask), found);
        }
        asks.iter().map(|ask| known.get(&key(ask)).cloned().unwrap_or_default()).collect()
    }

    /// Probabilities of [`CLASSES`] of all mentions.
    pub(super) fn probabilities(&self, head: &crate::linear::Linear) -> Vec<Vec<f32>> {
        debug_assert_eq!(head.classes, CLASSES.len());
        self.analysis.candidates.iter().map(|c| head.probabilities(&c.row)).collect()
    }

    /// Whether the note has any heading.
    pub(super) fn has_headings(&self) -> bool {
        self.read.doc.sections.len() > 1
    }
}
