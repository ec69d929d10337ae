//! Whether a mention is there, weighed from cue words, the section and the trained head.

use std::ops::Range;

use overread_codes::search::Patient;
use overread_codes::{Context, Release};
use overread_domain::suggestion::Assertion;

use crate::assertion::{REACH_CLASSES, REACHES, Scope};
use crate::find::condition::{HeadKind, mention_at};
use crate::heads::{CLASSES, Heads};
use crate::insight::Sense;
use crate::linear::Row;
use crate::link;
use crate::mention::Candidate;
use crate::neural::ASSERTIONS;
use crate::note::SectionKind;
use crate::pipeline::{LASTING, Read};

const RULES: usize = ASSERTIONS;
const KNOWN: usize = 2;
/// Width of the binary features.
pub(crate) const SPARSE: usize = RULES
    + SectionKind::COUNT
    + SectionKind::COUNT * RULES
    + REACHES * REACH_CLASSES
    + HeadKind::COUNT
    + HeadKind::COUNT * RULES
    + 2
    + 27
    + 2
    + CLASSES.len()
    + CLASSES.len() * RULES
    + KNOWN;
/// Width of the dense features: log probabilities of the trained head, zeros without one.
pub(crate) const DENSE: usize = ASSERTIONS;

/// What is known of a mention when its assertion is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub rule: Assertion,
    pub planned: bool,
    pub section: SectionKind,
    pub cues: [u8; REACHES],
    pub head: HeadKind,
    /// Best code by words.
    pub code: &'a str,
    /// Of [`CLASSES`]; 0 where the field is not known.
    pub class: usize,
    pub asserted: [f32; ASSERTIONS],
}

impl<'a> Facts<'a> {
    pub fn of(c: &'a Candidate, class: usize) -> Self {
        Self {
            rule: c.assertion,
            planned: c.planned,
            section: c.section,
            cues: c.cues,
            head: c.mention.head,
            code: c.hits.first().map_or("", |h| h.code.as_str()),
            class,
            asserted: c.asserted,
        }
    }
}

/// Features for the assertion head.
pub(crate) fn row(f: &Facts<'_>) -> Row {
    let mut active = Vec::with_capacity(16);
    let mut base = 0usize;
    let mut one_of = |index: usize, width: usize| {
        if index < width {
            active.push((base + index) as u32);
        }
        base += width;
    };
    let (rule, section, head) = (f.rule as usize, f.section as usize, f.head as usize);
    one_of(rule, RULES);
    one_of(section, SectionKind::COUNT);
    one_of(section * RULES + rule, SectionKind::COUNT * RULES);
    for cue in f.cues {
        one_of(usize::from(cue), REACH_CLASSES);
    }
    one_of(head, HeadKind::COUNT);
    one_of(head * RULES + rule, HeadKind::COUNT * RULES);
    one_of(usize::from(f.planned), 2);
    let letter = f.code.bytes().next().map_or(26, |b| usize::from(b.wrapping_sub(b'A')).min(26));
    one_of(letter, 27);
    one_of(usize::from(LASTING.iter().any(|p| f.code.starts_with(p))), 2);
    one_of(f.class, CLASSES.len());
    one_of(f.class * RULES + rule, CLASSES.len() * RULES);
    // Whether the trained head spoke at all: zeros are no opinion of it.
    one_of(usize::from(f.asserted.iter().all(|x| x.abs() < f32::MIN_POSITIVE)), KNOWN);
    debug_assert!(base == SPARSE);
    Row { active, dense: f.asserted.iter().map(|x| x.max(-8.0) / 2.0).collect() }
}

/// The assertion of a span of the text, whatever it names.
pub(crate) fn of_span(
    read: &Read<'_>,
    sense: Option<&Sense>,
    release: &Release,
    heads: &Heads,
    span: &Range<usize>,
) -> Assertion {
    let doc = &read.doc;
    let Some(segment) = doc.segment_at(span.start) else { return Assertion::Present };
    let scope = Scope::new(doc, segment);
    let rule = scope.assertion(span);
    if heads.assertion.classes != ASSERTIONS {
        return if rule == Assertion::Present && scope.planned(span) { Assertion::Planned } else { rule };
    }
    let words = span.start.min(doc.text.len())..span.end.min(doc.text.len());
    let hits = link::lookup(release, doc.str(&words), Context::Current, Patient::Anyone, 1);
    let asserted = sense.map(|sense| {
        let looks = sense.look(&read.states, std::slice::from_ref(span));
        sense.assertions(&read.states, &looks)[0]
    });
    let facts = Facts {
        rule,
        planned: scope.planned(span),
        section: doc.section(segment).kind,
        cues: scope.reaches(span),
        head: mention_at(doc, span).map_or(HeadKind::Unknown, |m| m.head),
        code: hits.first().map_or("", |h| h.code.as_str()),
        class: 0,
        asserted: asserted.unwrap_or_default(),
    };
    let p = heads.assertion.probabilities(&row(&facts));
    let best = (0..ASSERTIONS).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap_or(0);
    Assertion::ALL[best]
}
