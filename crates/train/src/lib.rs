//! Corpora and evaluation of suggestions against reference entries
