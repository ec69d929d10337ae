//! Masks of notes for who needs the medicine and not the person: identifiers are found ([`find`]) and replaced by others of
//! their kind ([`Surrogates`]), and every place in the text is carried over ([`Masked`]).
//!
//! What counts as an identifier follows the Safe Harbor list of the HIPAA Privacy Rule (45 CFR 164.514(b)(2)(i)) as far as text
//! can hold it: names, places smaller than a state, dates but for the year, ages over 89, telephone and fax numbers, addresses of
//! mail, web and machines, and numbers that name a person, an account or a device. Names of clinicians and hospitals are masked,
//! too, although the rule does not ask for it: they tell where somebody was.
//!
//! It is found by rules: the shape of numbers and dates, the words around a name (titles, credentials, labels, relatives), lists of
//! frequent given and family names, and what one place of the note says is looked for in all others. No rule finds everything; what
//! is missed stands beside surrogates that look like it, so that it is not known for what it is (Carrell et al. 2013, "hiding in
//! plain sight", <https://doi.org/10.1136/amiajnl-2012-001034>). The share that is found is measured by `overread eval deid`.

mod calendar;
mod find;
mod mask;
mod names;
mod surrogate;

pub use find::{Found, Kind, find};
pub use mask::Masked;
pub use surrogate::Surrogates;

#[cfg(test)]
mod tests;
