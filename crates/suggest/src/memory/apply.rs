//! What is remembered, put to the rows of a note.

use std::collections::BTreeMap;
use std::ops::Range;

use overread_domain::code::ICD_10_CM;
use overread_domain::lesson::{phrase_key, teaches};
use overread_domain::suggestion::Assertion;
use overread_domain::template::{Field, FieldKind};
use overread_domain::{CodeRef, CodeRole, Template};

use super::{Memory, Remembered, evidence};
use crate::assertion::Scope;
use crate::bind::Binding;
use crate::compose::Row;
use crate::concept::Concept;
use crate::link::SHOWN;
use crate::note::{Doc, SectionKind, Segment};
use crate::pipeline::Read;
use crate::{Suggest as _, Suggester, link};

/// A shift beyond this says no more.
const MOST_SHIFT: f32 = 4.0;
/// Words of a note that are looked at for phrases that no finder saw.
const MOST_WORDS: usize = 40_000;

struct Applied<'a, 't> {
    model: &'a Suggester,
    memory: &'a Memory,
    doc: &'a Doc<'t>,
    read: &'a Read<'t>,
    /// Of vectors of this note's phrases.
    space: String,
    fields: Vec<&'a Field>,
    concepts: Vec<Option<Concept>>,
}

/// A mention whose first code is another one than the model's.
struct Recoded {
    span: Range<usize>,
    from: String,
    to: (String, String),
}

/// Shifts mentions, ranks codes, and adds what people kept before and no finder saw.
pub(crate) fn apply(
    model: &Suggester,
    memory: &Memory,
    read: &Read<'_>,
    template: &Template,
    binding: &Binding,
    rows: &mut Vec<Row>,
) {
    if memory.is_empty() {
        return;
    }
    let applied = Applied {
        model,
        memory,
        doc: &read.doc,
        read,
        space: model.phrase_space(),
        fields: template.fields().collect(),
        concepts: binding.fields.iter().map(|bound| bound.concept).collect(),
    };
    applied.add_missed(rows);
    let mut recoded = Vec::new();
    for row in rows.iter_mut() {
        recoded.extend(applied.known_row(row));
    }
    applied.final_list(rows, &recoded);
}

fn shifted(probability: f32, shift: f32) -> f32 {
    let p = probability.clamp(1e-4, 1.0 - 1e-4);
    let logit = (p / (1.0 - p)).ln() + shift.clamp(-MOST_SHIFT, MOST_SHIFT);
    1.0 / (1.0 + (-logit).exp())
}

impl<'a> Applied<'a, '_> {
    fn field(&self, row: &Row) -> Option<&'a Field> {
        self.fields.get(row.field).copied().filter(|field| teaches(field))
    }

    fn remembered(&self, span: &Range<usize>) -> Vec<Remembered<'a>> {
        let vector = self.memory.vectors.are_of(&self.space).then(|| self.vector(span));
        self.memory.look_up(self.doc.str(span), vector.as_deref())
    }

    fn vector(&self, span: &Range<usize>) -> Vec<f32> {
        match &self.model.sense {
            Some(sense) => {
                sense.phrases(&self.read.states, std::slice::from_ref(span)).pop().unwrap_or_default()
            }
            None => self.read.states.mean(span.clone()),
        }
    }

    /// A row of the model's: its confidence and the order of its codes.
    fn known_row(&self, row: &mut Row) -> Option<Recoded> {
        let field = self.field(row)?;
        let span = row.evidence.first()?.clone();
        let remembered = self.remembered(&span);
        if remembered.is_empty() || field.kind == FieldKind::Code {
            return None;
        }
        let shift = self.memory.mention_shift(&remembered, &field.id);
        if shift != 0.0 {
            row.confidence = shifted(row.confidence, shift);
            row.remembered = true;
        }
        if field.code_system.as_deref() != Some(ICD_10_CM) {
            return None;
        }
        let before = row.code.clone();
        let codes: Vec<(CodeRef, f32)> =
            row.codes.iter().map(|(code, _, p)| (CodeRef::icd10cm(code.as_str()), *p)).collect();
        row.codes = self.titled(self.memory.rank(&remembered, &field.id, &codes), &row.codes);
        row.code = row.codes.first().map(|(code, title, _)| (code.clone(), title.clone()));
        row.remembered |= before.as_ref().map(|code| &code.0) != row.code.as_ref().map(|code| &code.0);
        match (before, &row.code) {
            (Some((from, _)), Some(to)) if from != to.0 => Some(Recoded { span, from, to: to.clone() }),
            _ => None,
        }
    }

    /// Only codes that the release has and that can stand on a claim: what was accepted under another release may be gone.
    fn titled(
        &self,
        ranked: Vec<(CodeRef, f32)>,
        known: &[(String, String, f32)],
    ) -> Vec<(String, String, f32)> {
        let mut out: Vec<(String, String, f32)> = ranked
            .into_iter()
            .filter_map(|(code, p)| {
                let own = known.iter().find(|(known, ..)| *known == code.code);
                let title = if let Some((_, title, _)) = own {
                    title.clone()
                } else {
                    self.model.release.get(&code.code).filter(|entry| entry.billable())?.title().to_owned()
                };
                Some((code.code, title, p))
            })
            .collect();
        out.truncate(SHOWN);
        out
    }

    /// The final list follows the mentions that it rests on, then what was decided about the list itself.
    fn final_list(&self, rows: &mut Vec<Row>, recoded: &[Recoded]) {
        let Some(index) = self.fields.iter().position(|field| field.kind == FieldKind::Code) else { return };
        let field = self.fields[index];
        for change in recoded {
            let is_mention = |row: &Row| row.field != index && !row.codes.is_empty();
            let still = rows
                .iter()
                .any(|row| is_mention(row) && row.code.as_ref().is_some_and(|c| c.0 == change.from));
            let there =
                rows.iter().any(|r| r.field == index && r.code.as_ref().is_some_and(|c| c.0 == change.to.0));
            let old = rows.iter().position(|row| {
                row.field == index
                    && row.evidence.contains(&change.span)
                    && row.code.as_ref().is_some_and(|c| c.0 == change.from)
            });
            let Some(old) = old else { continue };
            if there && !still {
                rows.remove(old);
            } else if !there {
                let confidence = rows[old].confidence;
                let mut row = if still { rows[old].clone() } else { rows.remove(old) };
                row.code = Some(change.to.clone());
                row.codes = vec![(change.to.0.clone(), change.to.1.clone(), confidence)];
                row.evidence = vec![change.span.clone()];
                row.remembered = true;
                rows.push(row);
            }
        }
        for row in rows.iter_mut().filter(|row| row.field == index) {
            let Some((code, _)) = &row.code else { continue };
            let code = CodeRef::icd10cm(code.as_str());
            // The strongest word about any of its evidence.
            let shift = row
                .evidence
                .iter()
                .map(|span| self.memory.code_shift(&self.remembered(span), &field.id, &code))
                .fold(0.0f32, |most, shift| if shift.abs() > most.abs() { shift } else { most });
            if shift != 0.0 {
                row.confidence = shifted(row.confidence, shift);
                row.remembered = true;
                for (.., p) in &mut row.codes {
                    *p = row.confidence;
                }
            }
        }
        let mut new = Vec::new();
        for row in rows.iter().filter(|row| row.field != index && row.confidence >= row.threshold) {
            let Some(span) = row.evidence.first() else { continue };
            for (code, title, shift) in self.final_codes_of(self.doc.str(span), &field.id) {
                let known = |r: &Row| r.field == index && r.code.as_ref().is_some_and(|c| c.0 == code);
                if rows.iter().chain(&new).any(known) {
                    continue;
                }
                let confidence = shifted(self.memory.weights.missed, shift);
                let role = match code.as_bytes().first() {
                    Some(b'R') => CodeRole::Symptom,
                    Some(b'Z') => CodeRole::History,
                    _ => CodeRole::Secondary,
                };
                new.push(Row {
                    field: index,
                    evidence: vec![span.clone()],
                    value: None,
                    assertion: None,
                    role: Some(role),
                    code: Some((code.clone(), title.clone())),
                    codes: vec![(code, title, confidence)],
                    attributes: Vec::new(),
                    confidence,
                    threshold: self.model.heads.threshold(Concept::FinalCode.id()),
                    remembered: true,
                });
            }
        }
        rows.extend(new);
    }

    /// Codes kept in the final list for exactly these words, with their shift.
    fn final_codes_of(&self, phrase: &str, field: &str) -> Vec<(String, String, f32)> {
        let Some(own) = self.memory.by_key.get(&phrase_key(phrase)) else { return Vec::new() };
        let Some(counts) = self.memory.phrases[*own].fields.get(field) else { return Vec::new() };
        let kept = counts.codes.iter().filter(|(_, (accepted, rejected))| accepted > rejected);
        kept.filter_map(|(code, (accepted, rejected))| {
            let entry = self.model.release.get(&code.code).filter(|entry| entry.billable())?;
            let shift = self.memory.weights.mention * evidence(*accepted, *rejected);
            Some((code.code.clone(), entry.title().to_owned(), shift))
        })
        .collect()
    }

    /// Rows for phrases that people kept in a field and that no finder saw in this note, once a field and phrase.
    fn add_missed(&self, rows: &mut Vec<Row>) {
        let mut new: BTreeMap<(usize, usize), Row> = BTreeMap::new();
        for (phrase, span) in self.occurrences() {
            for (field_id, counts) in &self.memory.phrases[phrase].fields {
                if counts.kept <= counts.rejected {
                    continue;
                }
                let Some(index) = self.fields.iter().position(|field| field.id == *field_id) else {
                    continue;
                };
                let (field, concept) = (self.fields[index], self.concepts.get(index).copied().flatten());
                if !teaches(field) || field.kind == FieldKind::Code || new.contains_key(&(index, phrase)) {
                    continue;
                }
                let Some(assertion) = self.fits(concept, &span, phrase) else { continue };
                if rows.iter().any(|row| self.is_same(row, index, &span, phrase)) {
                    continue;
                }
                new.insert((index, phrase), self.missed_row(index, &span, assertion));
            }
        }
        rows.extend(new.into_values());
    }

    /// The assertion that the words have here, if that is one of the field's.
    fn fits(&self, concept: Option<Concept>, span: &Range<usize>, phrase: usize) -> Option<Assertion> {
        let segment = self.doc.segment_at(span.start)?;
        let kind = self.doc.section(segment).kind;
        let assertion = Scope::new(self.doc, segment).assertion(span);
        let past = kind.is_past() || assertion == Assertion::Historical;
        let kept = |concept: Concept| {
            let counts = self.memory.phrases[phrase].fields.get(concept.id());
            counts.is_some_and(|counts| counts.kept > counts.rejected)
        };
        let told = !matches!(assertion, Assertion::Absent | Assertion::Family);
        let fits = match concept {
            // Where both fields know the words, the section says which of them is meant.
            Some(Concept::Diagnosis) => told && !(past && kept(Concept::History)),
            Some(Concept::History) => told && (past || !kept(Concept::Diagnosis)),
            Some(Concept::FamilyHistory) => assertion == Assertion::Family,
            Some(Concept::AbsentCondition) => assertion == Assertion::Absent,
            // A drug is named alike where it is taken and where it is not borne.
            Some(Concept::Allergy) => told && self.tells_allergies(segment, kind),
            Some(Concept::Medication) => told && !self.tells_allergies(segment, kind),
            _ => told,
        };
        fits.then_some(assertion)
    }

    fn tells_allergies(&self, segment: &Segment, kind: SectionKind) -> bool {
        kind == SectionKind::Allergies || self.doc.str(&segment.range).to_lowercase().contains("allerg")
    }

    /// Whether a row speaks of these words already: an overlap in the field or its sister, or the same words elsewhere.
    fn is_same(&self, row: &Row, index: usize, span: &Range<usize>, phrase: usize) -> bool {
        let conditions = [Some(Concept::Diagnosis), Some(Concept::History)];
        let concept = |index: usize| self.concepts.get(index).copied().flatten();
        let sisters = conditions.contains(&concept(index)) && conditions.contains(&concept(row.field));
        (row.field == index || sisters)
            && row.evidence.iter().any(|own| {
                own.start < span.end && span.start < own.end
                    || phrase_key(self.doc.str(own)) == self.memory.phrases[phrase].key
            })
    }

    fn missed_row(&self, index: usize, span: &Range<usize>, assertion: Assertion) -> Row {
        let field = self.fields[index];
        let concept = self.concepts.get(index).copied().flatten();
        let codes = if field.code_system.as_deref() == Some(ICD_10_CM) {
            let context = if assertion == Assertion::Family {
                overread_codes::Context::FamilyHistory
            } else {
                overread_codes::Context::Current
            };
            let patient = overread_codes::search::Patient::Anyone;
            let hits = link::lookup(
                &self.model.release,
                &self.doc.str(span).to_lowercase(),
                context,
                patient,
                SHOWN,
            );
            // Words alone: right for the first in about a third of cases.
            let shares = (1u8..).map(|rank| 0.3 / f32::from(rank));
            hits.into_iter().zip(shares).map(|(hit, p)| (hit.code, hit.title, p)).collect()
        } else {
            Vec::new()
        };
        Row {
            field: index,
            evidence: vec![span.clone()],
            value: None,
            assertion: field.assertion.then_some(assertion),
            role: None,
            code: codes.first().map(|(code, title, _): &(String, String, f32)| (code.clone(), title.clone())),
            codes,
            attributes: Vec::new(),
            confidence: self.memory.weights.missed,
            threshold: self.model.heads.threshold(concept.map_or("", Concept::id)),
            remembered: true,
        }
    }

    /// Where remembered phrases stand, longest first at each word.
    fn occurrences(&self) -> Vec<(usize, Range<usize>)> {
        let words = &self.doc.words[..self.doc.words.len().min(MOST_WORDS)];
        let folded: Vec<String> = words.iter().map(|word| word.of(self.doc.text).to_lowercase()).collect();
        let mut out = Vec::new();
        let mut key = String::new();
        for first in 0..words.len() {
            key.clear();
            for last in first..words.len().min(first + self.memory.longest) {
                if last > first {
                    key.push(' ');
                }
                key.push_str(&folded[last]);
                let Some(phrases) = self.memory.by_words.get(&key) else { continue };
                let span = words[first].start..words[last].end;
                // The same words with a full stop between them are not the phrase.
                let whole = phrase_key(self.doc.str(&span));
                out.extend(
                    phrases
                        .iter()
                        .filter(|phrase| self.memory.phrases[**phrase].key == whole)
                        .map(|phrase| (*phrase, span.clone())),
                );
            }
        }
        out.sort_by_key(|(_, span)| (span.start, std::cmp::Reverse(span.end)));
        out
    }
}
