//! From corrections to a memory with fitted weights.

use std::collections::{BTreeMap, HashMap};

use overread_domain::lesson::{phrase_key, teaches};
use overread_domain::{CodeRef, FieldKind, LessonKind, OutcomeKind, Template};
use overread_suggest::memory::fit::{Judged, Taught, fit};
use overread_suggest::memory::{Fact, Weights};
use overread_suggest::{Memory, Suggest, SuggestError};

use super::Reviewed;

/// Everything that was taught, with its weights fitted leave-one-note-out, for the model that will ask it.
pub fn memory(
    reviewed: &[Reviewed],
    template: &Template,
    model: &dyn Suggest,
) -> Result<Memory, SuggestError> {
    let mut taught = Vec::new();
    let mut judged = Vec::new();
    for (note, entry) in reviewed.iter().enumerate() {
        let lessons = entry.lessons(template).into_iter();
        taught.extend(lessons.map(|lesson| Taught {
            note,
            kind: lesson.kind,
            field: lesson.field,
            phrase: lesson.phrase,
            code: lesson.code,
        }));
        judged.extend(judgements(note, entry, template));
    }
    let mut keys: Vec<String> = taught
        .iter()
        .map(|t| &t.phrase)
        .chain(judged.iter().map(|j| &j.phrase))
        .map(|phrase| phrase_key(phrase))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
    let vectors: HashMap<String, Vec<f32>> =
        keys.iter().cloned().zip(model.phrase_vectors(&texts)?).collect();
    let weights = fit(&taught, &judged, &vectors, Weights::default());
    let facts = facts(&taught);
    let memory = Memory::new(&facts, weights);
    let space = model.phrase_space();
    if space.is_empty() || vectors.is_empty() {
        return Ok(memory);
    }
    Ok(memory.with_vectors(&space, |key| vectors.get(key).map(Vec::as_slice)))
}

fn facts(taught: &[Taught]) -> Vec<Fact> {
    type Key<'t> = (LessonKind, &'t str, String, Option<&'t CodeRef>);
    let mut counts: BTreeMap<Key<'_>, (&str, u32)> = BTreeMap::new();
    for one in taught {
        let key = (one.kind, one.field.as_str(), phrase_key(&one.phrase), one.code.as_ref());
        counts.entry(key).or_insert((&one.phrase, 0)).1 += 1;
    }
    counts
        .into_iter()
        .map(|((kind, field, _, code), (phrase, uses))| Fact {
            kind,
            field: field.to_owned(),
            phrase: phrase.to_owned(),
            code: code.cloned(),
            uses,
        })
        .collect()
}

/// Offers that a memory could have judged. Where a memory took part in the offer already, its confidence holds that memory's
/// word: such offers would count it twice.
fn judgements<'r>(
    note: usize,
    entry: &'r Reviewed,
    template: &'r Template,
) -> impl Iterator<Item = Judged> + 'r {
    entry.corrections.iter().filter(|c| c.memory.is_none()).filter_map(move |correction| {
        let outcome = &correction.outcome;
        let suggested = outcome.suggested.as_ref()?;
        let field = template.field(&suggested.content.field)?;
        if !teaches(field) || field.kind == FieldKind::Code {
            return None;
        }
        let kept = matches!(outcome.kind, OutcomeKind::Accepted | OutcomeKind::Corrected)
            && outcome.content.as_ref().is_some_and(|content| content.field == field.id);
        Some(Judged {
            note,
            field: field.id.clone(),
            phrase: suggested.content.evidence.first()?.quote.clone(),
            confidence: suggested.confidence,
            kept,
            codes: suggested
                .candidates
                .iter()
                .map(|c| (CodeRef { system: c.system.clone(), code: c.code.clone() }, c.confidence))
                .collect(),
            code: outcome.content.as_ref().filter(|_| kept).and_then(|content| content.code.clone()),
        })
    })
}
