//! What tests share: a `PostgreSQL` of their own, and a clock and randomness that repeat.

mod cluster;
mod postgres;
mod source;

pub use cluster::Cluster;
pub use postgres::Postgres;
pub use source::TestSource;
