//! Finders: what a note says, as spans with normal forms. Each speaks for a family of concepts and knows nothing of
//! templates; binding finds to fields is [`crate::bind`]'s matter.

pub(crate) mod allergy;
pub(crate) mod condition;
pub(crate) mod dates;
pub(crate) mod drugs;
pub(crate) mod habits;
pub(crate) mod labs;
pub(crate) mod medication;
pub(crate) mod outcome;
pub(crate) mod person;
pub(crate) mod vitals;

use std::ops::Range;

use overread_domain::suggestion::Assertion;

use crate::concept::Concept;

/// Something found, before it is bound to a field.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub concept: Concept,
    pub span: Range<usize>,
    pub value: Option<String>,
    pub assertion: Option<Assertion>,
    pub attributes: Vec<(&'static str, Range<usize>)>,
    /// Which way of finding it was: confidence is fitted for each.
    pub rule: &'static str,
    /// Where several compete, the higher wins; between 0 and 1.
    pub weight: f32,
    /// Probability that it is right; see [`crate::stack`].
    pub confidence: f32,
    /// What the trained heads say of it, empty without them.
    pub numbers: Vec<f32>,
    /// Logits that the attributes are its own, by the trained heads; empty without them.
    pub links: Vec<f32>,
}

impl Found {
    pub fn new(concept: Concept, span: Range<usize>, rule: &'static str) -> Self {
        Self {
            concept,
            span,
            value: None,
            assertion: None,
            attributes: Vec::new(),
            rule,
            weight: 0.5,
            confidence: 0.5,
            numbers: Vec::new(),
            links: Vec::new(),
        }
    }

    pub fn value(self, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..self }
    }
}

/// A pattern that is known to be legal.
macro_rules! pattern {
    ($($name:ident = $text:expr;)*) => {
        $(static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($text).expect("a legal pattern"));)*
    };
}
pub(crate) use pattern;
