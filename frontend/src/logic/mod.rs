//! What the page knows without a browser: plain structs and functions that native tests reach.

pub mod books;
pub mod charts;
pub mod checks;
pub mod codes;
pub mod drafts;
pub mod effort;
pub mod filters;
pub mod find;
pub mod form;
pub mod format;
pub mod intake;
pub mod keymap;
pub mod marks;
pub mod offsets;
pub mod outbox;
pub mod person;
pub mod review;
pub mod rows;
pub mod sections;
pub mod segments;
pub mod settled;
pub mod template_text;
