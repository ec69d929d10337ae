//! What tests share: a PostgreSQL of their own, clocks, sample notes.
