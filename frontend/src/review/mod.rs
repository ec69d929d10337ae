//! The review page: the note left, the entry's rows right, the current row in full below them.
//!
//! One [`Review`] lives as long as the page and is opened on one entry after another; what it knows stands in
//! `logic::review`, what it shows in signals, and the note is built once by hand ([`note`]) because a thousand marks
//! must not be looked at again when the current row moves.

mod actions;
mod as_written;
mod card;
mod checks;
mod choosers;
mod code_detail;
mod code_search;
mod commands;
mod editor;
mod list;
mod minimap;
mod note;
mod note_pane;
mod open;
mod page;
mod panel;
mod place;
mod state;
mod sync;

pub use code_detail::CodeDetail;
pub use code_search::{CodeBox, CodeFinder};
pub use page::ReviewPage;
pub use state::Review;
