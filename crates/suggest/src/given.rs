//! Codes of mentions that somebody else found: a reviewer who marked words, a reference entry.

use std::ops::Range;

use crate::mention::{Trained, candidate_at};
use crate::pipeline::{self, Ask, analyse, final_assertion};
use crate::{SuggestError, Suggester, link};

/// A marked condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Whether it is an entry of the past history.
    pub history: bool,
}

impl Suggester {
    /// Codes of the release for each of `given`, likeliest first, with their probabilities; empty where a span holds no
    /// words.
    ///
    /// # Errors
    /// Where the encoder fails, or a span is no range of characters of `text`.
    pub fn codes_of(&self, text: &str, given: &[Given]) -> Result<Vec<Vec<(String, f32)>>, SuggestError> {
        if let Some(Given { span, .. }) =
            given.iter().find(|g| text.get(g.span.clone()).is_none_or(str::is_empty))
        {
            return Err(SuggestError::Span { start: span.start, end: span.end });
        }
        let read = self.read(text)?;
        let sense = self.sense.as_deref();
        let analysis = analyse(&read, sense, &self.release, &self.heads);
        let trained = sense.zip(read.insight.as_ref()).map(|(sense, insight)| Trained {
            sense,
            insight,
            states: &read.states,
        });
        let candidates: Vec<_> = given
            .iter()
            .map(|g| candidate_at(&read.doc, trained, &self.release, analysis.patient, &g.span))
            .collect();
        let asked: Vec<(usize, Ask<'_>)> = candidates
            .iter()
            .enumerate()
            .filter_map(|(i, candidate)| {
                let candidate = candidate.as_ref()?;
                let class = if given[i].history { 2 } else { 1 };
                Some((i, Ask { candidate, class, assertion: final_assertion(&self.heads, candidate, class) }))
            })
            .collect();
        let asks: Vec<Ask<'_>> = asked.iter().map(|a| a.1).collect();
        let mut out = vec![Vec::new(); given.len()];
        for ((i, _), found) in asked.iter().zip(pipeline::codes(self, &read, &analysis, &asks)) {
            out[*i] = link::rank(&self.heads, found).into_iter().map(|(code, _, p)| (code, p)).collect();
        }
        Ok(out)
    }
}
