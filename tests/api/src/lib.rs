//! A server in memory for tests: the real router over a real database, with a clock that tests turn and a model that
//! tests write. Every answer is held against the interface's own description.

mod client;
mod model;

mod world;

pub use client::{Answer, Client};
pub use model::{Scripted, Trouble, info};
pub use overread_test_support::TestSource;
pub use world::{NOTE, PASSWORD, World, WorldOptions, release, root};
