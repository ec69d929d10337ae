//! What tests share: a `PostgreSQL` of their own, and a clock and randomness that repeat.

mod cluster;
mod postgres;
#[cfg(feature = "source")]
mod source;

pub use cluster::Cluster;
pub use postgres::Postgres;
#[cfg(feature = "source")]
pub use source::TestSource;
