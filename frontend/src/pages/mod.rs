//! The pages beside the review.

mod account;
mod account_factor;
mod account_state;
mod accuracy;
mod audit;
mod book;
mod charts;
mod code_systems;
mod codes;
mod drop;
mod edits;
mod home;
mod import;
mod jobs;
mod memory;
mod not_found;
mod queue_table;
mod system;
mod templates;
mod users;

pub use account::Account;
pub use account_factor::SetUp;
pub use accuracy::Accuracy;
pub use audit::Audit;
pub use code_systems::CodeSystemsPage;
pub use codes::{Builder, Codes, ICD_10_PCS};
pub use edits::Edits;
pub use home::Home;
pub use import::Import;
pub use memory::Memory;
pub use not_found::NotFound;
pub use system::System;
pub use templates::Templates;
pub use users::Users;
