//! The tabular list as XML (schema `icd-10-cm-tabular.xsd` of CDC/NCHS).
//!
//! Document types, and with them entities of the file's own, are refused. Blocks that hold no category but span
//! later blocks ("C00-C96") become their parents, so that their notes reach the codes below.

use roxmltree::{Document, Node, ParsingOptions};

use super::list::is_code;
use crate::SourceError;
use crate::release::{DraftEntry, EntryKind, NoteKind, extended};

/// Deeper nesting than any code can have.
const MAX_DEPTH: u8 = 20;
/// Four times what the tabular of 2026 holds.
const MAX_NODES: u32 = 4_000_000;

/// Entries in order, those that 7th characters make included.
pub(super) fn parse(text: &str) -> Result<Vec<DraftEntry>, SourceError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, entity_resolver: None };
    let document = Document::parse_with_options(text, options).map_err(|e| {
        let at = e.pos();
        SourceError::Xml { line: at.row, column: at.col, what: e.to_string() }
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "ICD10CM.tabular" {
        return Err(wrong(root, "root element is not ICD10CM.tabular"));
    }
    let mut entries = Vec::new();
    for child in elements(root) {
        match child.tag_name().name() {
            "chapter" => chapter(child, &mut entries)?,
            "version" | "introduction" => {}
            other => return Err(wrong(child, &format!("unexpected element {other:?}"))),
        }
    }
    if entries.is_empty() {
        return Err(wrong(root, "no chapter"));
    }
    Ok(entries)
}

fn chapter(node: Node<'_, '_>, out: &mut Vec<DraftEntry>) -> Result<(), SourceError> {
    let (name, title) = (required(node, "name")?, required(node, "desc")?);
    let mut entry = DraftEntry::new(0, EntryKind::Chapter, name, title);
    let mut sections = Vec::new();
    for child in elements(node) {
        match child.tag_name().name() {
            "name" | "desc" | "sectionIndex" => {}
            "section" => sections.push(child),
            _ => content(child, &mut entry)?,
        }
    }
    out.push(entry);
    // First and last category of the open blocks that hold blocks only.
    let mut open: Vec<(String, String)> = Vec::new();
    for section in sections {
        let id = section.attribute("id").ok_or_else(|| wrong(section, "section without id"))?.trim();
        let (first, last) = id.split_once('-').unwrap_or((id, id));
        while open.last().is_some_and(|(f, l)| first < f.as_str() || last > l.as_str()) {
            open.pop();
        }
        let holds_categories = elements(section).any(|c| c.tag_name().name() == "diag");
        let depth = open.len() as u8 + 1;
        if !holds_categories {
            open.push((first.to_owned(), last.to_owned()));
        }
        let mut entry = DraftEntry::new(depth, EntryKind::Block, id.to_owned(), required(section, "desc")?);
        let mut categories = Vec::new();
        for child in elements(section) {
            match child.tag_name().name() {
                "desc" => {}
                "diag" => categories.push(child),
                _ => content(child, &mut entry)?,
            }
        }
        out.push(entry);
        for category in categories {
            diagnosis(category, depth + 1, &[], out)?;
        }
    }
    Ok(())
}

fn diagnosis(
    node: Node<'_, '_>,
    depth: u8,
    inherited: &[(char, String, String)],
    out: &mut Vec<DraftEntry>,
) -> Result<(), SourceError> {
    if depth > MAX_DEPTH {
        return Err(wrong(node, "codes nested too deep"));
    }
    let (code, title) = (required(node, "name")?, required(node, "desc")?);
    let plain: String = code.chars().filter(|c| *c != '.').collect();
    if !is_code(&plain) || (plain.len() > 3) != (code.find('.') == Some(3)) {
        return Err(wrong(node, &format!("{code:?} is not a code")));
    }
    let kind = if plain.len() == 3 { EntryKind::Category } else { EntryKind::Subcategory };
    let mut entry = DraftEntry::new(depth, kind, code.clone(), title.clone());
    let mut below = Vec::new();
    for child in elements(node) {
        match child.tag_name().name() {
            "name" | "desc" => {}
            "diag" => below.push(child),
            _ => content(child, &mut entry)?,
        }
    }
    let own = entry.sevenths.clone();
    let sevenths = if own.is_empty() { inherited } else { &own };
    out.push(entry);
    if below.is_empty() {
        if plain.len() < 7 {
            for (character, meaning, _) in sevenths {
                let code =
                    extended(&code, *character).ok_or_else(|| wrong(node, "no room for a 7th character"))?;
                let title = format!("{title}, {meaning}");
                out.push(DraftEntry::new(depth + 1, EntryKind::Extension, code, title));
            }
        }
        return Ok(());
    }
    below.into_iter().try_for_each(|child| diagnosis(child, depth + 1, sevenths, out))
}

/// Notes and definitions of 7th characters.
fn content(node: Node<'_, '_>, entry: &mut DraftEntry) -> Result<(), SourceError> {
    let kind = match node.tag_name().name() {
        "inclusionTerm" => NoteKind::InclusionTerm,
        "includes" => NoteKind::Includes,
        "excludes1" => NoteKind::Excludes1,
        "excludes2" => NoteKind::Excludes2,
        "codeFirst" => NoteKind::CodeFirst,
        "useAdditionalCode" => NoteKind::UseAdditionalCode,
        "codeAlso" => NoteKind::CodeAlso,
        "notes" => NoteKind::Note,
        "sevenChrNote" => NoteKind::SeventhCharacterNote,
        "sevenChrDef" => return seventh_characters(node, entry),
        "visualImpairment" => {
            entry.notes.extend(visual_impairment(node).map(|row| (NoteKind::Note, row)));
            return Ok(());
        }
        other => return Err(wrong(node, &format!("unexpected element {other:?}"))),
    };
    for note in elements(node) {
        if note.tag_name().name() != "note" {
            return Err(wrong(note, &format!("unexpected element {:?}", note.tag_name().name())));
        }
        let text = words(note);
        if !text.is_empty() {
            entry.notes.push((kind, text));
        }
    }
    Ok(())
}

fn seventh_characters(node: Node<'_, '_>, entry: &mut DraftEntry) -> Result<(), SourceError> {
    for child in elements(node) {
        let text = words(child);
        match child.tag_name().name() {
            "extension" => {
                let mut chars = child.attribute("char").unwrap_or_default().trim().chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) if c.is_ascii_alphanumeric() && !text.is_empty() => {
                        entry.sevenths.push((c.to_ascii_uppercase(), text, String::new()));
                    }
                    _ => return Err(wrong(child, "extension without one character and a meaning")),
                }
            }
            // Stands after the extension that it explains.
            "note" => match entry.sevenths.last_mut() {
                Some((_, _, note)) => {
                    let gap = if note.is_empty() { "" } else { "; " };
                    *note = format!("{note}{gap}{text}");
                }
                None => return Err(wrong(child, "note before any extension")),
            },
            other => return Err(wrong(child, &format!("unexpected element {other:?}"))),
        }
    }
    Ok(())
}

/// The table at H54, a line a category.
fn visual_impairment<'a>(node: Node<'a, 'a>) -> impl Iterator<Item = String> + 'a {
    elements(node).filter_map(|row| {
        let value = elements(row).find(|c| c.tag_name().name() == "value").map(words)?;
        let bounds = |tag: &str| {
            let found: Vec<String> = row
                .descendants()
                .filter(|d| d.tag_name().name() == tag)
                .map(words)
                .filter(|w| !w.is_empty())
                .collect();
            found.join(", ")
        };
        let (max, min) = (bounds("visMax"), bounds("visMin"));
        let least = if min.is_empty() { String::new() } else { format!("; equal to or better than {min}") };
        Some(format!(
            "Category {value} of visual impairment, best possible correction: less than {max}{least}"
        ))
    })
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// All text below `node`, white space folded.
fn words(node: Node<'_, '_>) -> String {
    let text: String = node.descendants().filter_map(|d| if d.is_text() { d.text() } else { None }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn required(node: Node<'_, '_>, tag: &str) -> Result<String, SourceError> {
    let found = elements(node).find(|c| c.tag_name().name() == tag).map(words).filter(|w| !w.is_empty());
    found.ok_or_else(|| wrong(node, &format!("{} without {tag}", node.tag_name().name())))
}

fn wrong(node: Node<'_, '_>, what: &str) -> SourceError {
    let line = node.document().text_pos_at(node.range().start).row;
    SourceError::Tabular { line, what: what.to_owned() }
}
