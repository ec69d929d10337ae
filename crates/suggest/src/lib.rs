//! From a note to suggestions with evidence and confidence.
//!
//! [`Suggester`] runs the encoder once over a note and fills whatever template it is given; [`CodeSearch`] looks
//! codes up by words and by meaning. What is learned and what is rule stands in `models/MODEL_CARD.md`. This crate
//! sees codes through `overread-codes` and vectors through [`overread_encoder::Encode`]; it keeps nothing and
//! knows neither users nor entries.

mod asserted;
mod assertion;
mod bind;
mod codeset;
mod compose;
mod concept;
mod error;
mod find;
pub mod fitting;
mod generic;
mod given;
mod heads;
mod insight;
pub mod known;
pub mod linear;
mod link;
pub mod memory;
mod mention;
mod model;
pub mod neural;
mod note;
mod pipeline;
mod placing;
mod plan;
pub mod report;
mod search;
mod stack;
mod states;
mod suggester;

pub use error::{LoadError, SearchError, SuggestError};
pub use given::Given;
pub use heads::Heads;
pub use insight::text_means;
pub use memory::Memory;
pub use model::{ModelInfo, NoteInput, Suggest, Suggested};
pub use plan::{HEADING, Limits, Plan, plan};
pub use search::{CodeSearch, SearchHit, SearchOptions};
pub use suggester::{Options, Suggester, seal};
