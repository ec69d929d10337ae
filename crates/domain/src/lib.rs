//! Notes, spans, templates, entries, suggestions and decisions: states and legal transitions
