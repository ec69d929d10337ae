//! From a note to suggestions with evidence and confidence
