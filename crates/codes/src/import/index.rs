//! The alphabetic index and its kin, XML of CDC/NCHS (schemas `cm_index` and `drug-neoplasm`) and of CMS (ICD-10-PCS).

use roxmltree::Node;

use super::{File, ImportError, Options, Report, effective, xml};
use crate::book::{Book, BookKind, Line};

/// Deeper than any index.
const MAX_DEPTH: u8 = 15;

pub(super) fn read(file: &File, options: &Options, report: &mut Report) -> Result<Book, ImportError> {
    let document = xml::parse(file, "index")?;
    let wrong = |node, what: &str| xml::wrong(file, node, what);
    let root = document.root_element();
    let mut columns = Vec::new();
    let mut heading = String::new();
    for node in root.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "title" => heading = words(node),
            "indexHeading" => {
                let heads: Vec<String> =
                    node.children().filter(|n| n.has_tag_name("head")).map(words).collect();
                heading = heads.first().cloned().unwrap_or_default();
                columns = heads.into_iter().skip(1).collect();
            }
            _ => {}
        }
    }
    let lower = heading.to_lowercase();
    let procedures = root.has_tag_name("ICD10PCS.index");
    let kind = if procedures {
        BookKind::Procedures
    } else if lower.contains("neoplasm") {
        BookKind::Neoplasms
    } else if lower.contains("substance") || lower.contains("drug") {
        BookKind::Drugs
    } else if lower.contains("external cause") {
        BookKind::ExternalCauses
    } else {
        BookKind::Index
    };
    let mut lines = Vec::new();
    let mut open: Vec<(Node<'_, '_>, u8)> = root
        .descendants()
        .filter(|n| n.has_tag_name("mainTerm"))
        .map(|node| (node, 0))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    while let Some((node, level)) = open.pop() {
        if level > MAX_DEPTH {
            return Err(wrong(node, "terms nested too deep"));
        }
        let mut line = Line { level, ..Line::default() };
        let mut below = Vec::new();
        if !columns.is_empty() {
            line.codes = vec![String::new(); columns.len()];
        }
        for child in node.children().filter(Node::is_element) {
            match child.tag_name().name() {
                "title" => {
                    line.modifiers = child
                        .children()
                        .filter(|n| n.has_tag_name("nemod"))
                        .map(words)
                        .collect::<Vec<_>>()
                        .join(" ");
                    line.term = child
                        .children()
                        .filter(Node::is_text)
                        .filter_map(|n| n.text())
                        .collect::<String>()
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ");
                }
                "code" | "manif" if columns.is_empty() => line.codes.push(words(child)),
                "cell" => {
                    let column = child.attribute("col").and_then(|c| c.parse::<usize>().ok());
                    let cell = column.and_then(|c| c.checked_sub(2)).and_then(|c| line.codes.get_mut(c));
                    let code = words(child);
                    *cell.ok_or_else(|| wrong(child, "a cell of no column"))? =
                        code.trim_matches('-').is_empty().then(String::new).unwrap_or(code);
                }
                "see" | "use" if procedures => {
                    if !line.see.is_empty() {
                        line.see.push_str("; ");
                    }
                    line.see.push_str(child.tag_name().name());
                    line.see.push(' ');
                    line.see.push_str(&own_words(child));
                    line.codes.extend(child.children().filter(is_named).map(words));
                }
                "codes" | "tab" if procedures => line.codes.push(words(child)),
                "see" => line.see = format!("see {}", words(child)),
                "seeAlso" => line.see = format!("see also {}", words(child)),
                "seecat" => line.see = format!("see category {}", words(child)),
                "subcat" => line.see = format!("see subcategory {}", words(child)),
                "term" => below.push((child, level + 1)),
                _ => {}
            }
        }
        // A procedure may be two things, each with a line that says only where to look.
        let named = !line.term.is_empty() || !line.modifiers.is_empty() || !line.see.is_empty();
        let leads = procedures && !line.codes.is_empty();
        if !named && !leads {
            return Err(wrong(node, "a term without a title"));
        }
        lines.push(line);
        open.extend(below.into_iter().rev());
    }
    if lines.is_empty() {
        return Err(wrong(root, "no term"));
    }
    let effective = effective(options, &file.bytes)?;
    let (system, name) = if procedures { ("icd-10-pcs", "ICD-10-PCS") } else { ("icd-10-cm", "ICD-10-CM") };
    let id = format!("{system}-{}-{}", kind.as_str(), &effective[..7]);
    report.results.push(format!("{id}: {} lines", lines.len()));
    let title = format!("{} of {name}, in force from {effective}", kind.label());
    Ok(Book::new(id, kind, title, effective, columns, lines))
}

/// Whether a reference names a code, its beginning, or a table.
fn is_named(node: &Node<'_, '_>) -> bool {
    ["code", "codes", "tab"].iter().any(|tag| node.has_tag_name(*tag))
}

/// The text of a node without that of the nodes in it.
fn own_words(node: Node<'_, '_>) -> String {
    let text: String = node.children().filter(Node::is_text).filter_map(|n| n.text()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn words(node: Node<'_, '_>) -> String {
    let text: String = node.descendants().filter_map(|d| if d.is_text() { d.text() } else { None }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
