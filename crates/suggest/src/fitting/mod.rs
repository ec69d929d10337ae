//! Fitting the linear heads ([`Heads`]) to notes with reference entries.
//!
//! Every note is read by a model that was trained without it ("out of fold"), so that the heads learn how far to trust
//! the trained heads on notes that those never saw, and then serve with the model that was trained on everything.
//! Nothing here runs when a note is filled.

mod calibrate;
mod codes;
mod finds;
mod gold;
mod labels;
mod mentions;
mod reading;

pub use gold::{Gold, Note};
pub use labels::{Marked, labels};
pub use reading::Reading;

use crate::linear::Linear;
use crate::{Heads, Suggester};

/// A note, the reading of a model that never saw it, and that model.
#[derive(Debug)]
pub struct Example<'n> {
    pub note: &'n Note,
    pub reading: &'n Reading<'n>,
    pub model: &'n Suggester,
}

/// How many parts the notes are split into to get honest probabilities within a training set.
const INNER: usize = 4;

/// Fits all heads. `notes` have reference entries, `coded` only code lists (case reports); `reader` is
/// [`Suggester::reader`] of the model that the heads will serve.
pub fn fit(notes: &[Example<'_>], coded: &[Example<'_>], reader: &str) -> Heads {
    let notes: Vec<&Example<'_>> = notes.iter().collect();
    let coded: Vec<&Example<'_>> = coded.iter().collect();
    fit_to(&notes, &coded, reader)
}

/// [`fit`] for a choice of examples.
pub fn fit_to(notes: &[&Example<'_>], coded: &[&Example<'_>], reader: &str) -> Heads {
    let mut heads = Heads {
        encoder: reader.to_owned(),
        fitted_on: format!(
            "{} notes with reference entries, {} coded case reports",
            notes.len(),
            coded.len()
        ),
        ..Heads::default()
    };
    finds::fit(notes, &mut heads);
    heads.past = mentions::past(notes);
    heads.assertion = mentions::assertion(notes);
    heads.mention = mentions::fit(notes);
    // What follows wants probabilities of notes that the mention head did not see.
    let inner: Vec<Linear> = (0..INNER).map(|part| mentions::fit(&without(notes, part))).collect();
    mentions::calibrate(notes, &inner, &mut heads);
    codes::fit(notes, &mut heads);
    codes::fit_final(notes, coded, &inner, &mut heads);
    heads
}

/// The examples but those of one inner part.
fn without<'e, 'n>(notes: &[&'e Example<'n>], part: usize) -> Vec<&'e Example<'n>> {
    notes.iter().enumerate().filter(|(i, _)| i % INNER != part).map(|(_, e)| *e).collect()
}

/// A model that serves `heads` as `example` was read.
fn serving(example: &Example<'_>, heads: &Heads) -> Suggester {
    example.model.with_heads(heads.clone())
}
