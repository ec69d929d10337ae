//! One file a command.

pub mod attached;
pub mod audit;
pub mod backup;
pub mod check;
pub mod codes;
pub mod eval;
pub mod export;
pub mod gate;
pub mod import;
pub mod keys;
pub mod masks;
pub mod recipe;
pub mod schedule;
pub mod serve;
pub mod suggest;
pub mod train;
pub mod user;
pub mod worker;
