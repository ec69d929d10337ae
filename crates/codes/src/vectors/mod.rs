//! Semantic index.
