//! From a note to suggestions with evidence and confidence.
//!
//! [`Suggester`] runs the encoder once over a note and fills whatever template it is given; [`CodeSearch`] looks
//! codes up by words and by meaning. What is learned and what is rule stands in `models/MODEL_CARD.md`. This crate
//! sees codes through `overread-codes` and vectors through [`overread_encoder::Encode`]; it keeps nothing and
//! knows neither users nor entries.

mod error;
mod model;
mod search;
mod suggester;

pub use error::{LoadError, SearchError, SuggestError};
pub use model::{ModelInfo, NoteInput, Suggest, Suggested};
pub use search::{CodeSearch, SearchHit, SearchOptions};
pub use suggester::{Options, Suggester};
