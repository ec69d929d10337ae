//! XML of official files: no entities, no endless trees, faults with their line.

use roxmltree::{Document, Node, ParsingOptions};

use super::{File, ImportError};
use crate::SourceError;

const NODES: u32 = 4_000_000;

/// `what` says in an error what the file was taken for.
pub(super) fn parse<'f>(file: &'f File, what: &'static str) -> Result<Document<'f>, ImportError> {
    let source = |source: SourceError| ImportError::Source { file: file.name.clone(), source };
    let text = std::str::from_utf8(&file.bytes)
        .map_err(|e| source(SourceError::NotUtf8 { file: what, byte: e.valid_up_to() }))?;
    let parsing = ParsingOptions { allow_dtd: false, nodes_limit: NODES, entity_resolver: None };
    Document::parse_with_options(text, parsing)
        .map_err(|e| source(SourceError::Xml { line: e.pos().row, column: e.pos().col, what: e.to_string() }))
}

/// A fault at a node.
pub(super) fn wrong(file: &File, node: Node<'_, '_>, what: &str) -> ImportError {
    let line = node.document().text_pos_at(node.range().start).row;
    ImportError::Source {
        file: file.name.clone(),
        source: SourceError::Tabular { line, what: what.to_owned() },
    }
}
