//! One file a command.

pub mod codes;
pub mod eval;
pub mod export;
pub mod import;
pub mod serve;
pub mod suggest;
pub mod user;
pub mod worker;
