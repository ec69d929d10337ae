//! ICD-10-PCS: tables to codes, with the labels of their axes and the meaning of their operations.

use std::collections::{BTreeMap, HashMap};

use roxmltree::Node;

use super::{File, ImportError, Options, draft, effective, xml};
use crate::release::{Draft, DraftEntry, EntryKind, NoteKind};

/// Twice what the tables of 2025 hold.
const MAX_CODES: usize = 200_000;

/// One axis of a row: position, what it is called, values.
struct Axis {
    position: usize,
    title: String,
    values: Vec<(char, String)>,
    definition: Option<String>,
}

struct Table {
    name: String,
    title: String,
    definition: Option<String>,
    /// Position, character, label; the name of an axis under the character `:`.
    labels: BTreeMap<(usize, char), String>,
    codes: Vec<(String, String)>,
}

pub(super) fn read(
    tables: &File,
    titles: Option<&File>,
    meanings: Option<&File>,
    options: &Options,
) -> Result<(Draft, String), ImportError> {
    let meant = meanings;
    let meanings = meant.map(definitions).transpose()?.unwrap_or_default();
    let document = xml::parse(tables, "tables")?;
    let wrong = |node, what: &str| xml::wrong(tables, node, what);
    let official = titles.map(order).transpose()?.unwrap_or_default();

    let mut sections: BTreeMap<char, String> = BTreeMap::new();
    let mut systems: BTreeMap<String, String> = BTreeMap::new();
    let mut all: BTreeMap<String, Table> = BTreeMap::new();
    let mut count = 0usize;
    for node in document.root_element().children().filter(|n| n.has_tag_name("pcsTable")) {
        let heads: Vec<Axis> = axes(node).map_err(|(node, what)| wrong(node, what))?;
        let [section, system, operation] = heads.as_slice() else {
            return Err(wrong(node, "a table without the three axes of its name"));
        };
        let one = |axis: &Axis| match axis.values.as_slice() {
            [one] => Ok(one.clone()),
            _ => Err(wrong(node, "an axis of a table's name without exactly one value")),
        };
        let (a, b, c) = (one(section)?, one(system)?, one(operation)?);
        sections.entry(a.0).or_insert(a.1);
        systems.entry(format!("{}{}", a.0, b.0)).or_insert(b.1);
        let name = format!("{}{}{}", a.0, b.0, c.0);
        let table = all.entry(name.clone()).or_insert_with(|| Table {
            name: name.clone(),
            title: c.1.clone(),
            definition: operation.definition.clone(),
            labels: BTreeMap::new(),
            codes: Vec::new(),
        });
        for row in node.children().filter(|n| n.has_tag_name("pcsRow")) {
            let own = axes(row).map_err(|(node, what)| wrong(node, what))?;
            if own.len() != 4 || own.iter().enumerate().any(|(i, axis)| axis.position != i + 4) {
                return Err(wrong(row, "a row without the axes 4 to 7"));
            }
            for axis in &own {
                table.labels.insert((axis.position, ':'), axis.title.clone());
                for (character, label) in &axis.values {
                    table.labels.entry((axis.position, *character)).or_insert_with(|| label.clone());
                }
            }
            count += own.iter().map(|axis| axis.values.len()).product::<usize>();
            if count > MAX_CODES {
                return Err(wrong(row, "more codes than the system can hold"));
            }
            for (d, part) in &own[0].values {
                for (e, approach) in &own[1].values {
                    for (f, device) in &own[2].values {
                        for (g, qualifier) in &own[3].values {
                            let code = format!("{}{d}{e}{f}{g}", table.name);
                            let title = official.get(&code).cloned().unwrap_or_else(|| {
                                let parts = [&table.title, part, approach, device, qualifier];
                                let said = parts.iter().filter(|p| !p.starts_with("No "));
                                said.map(|p| p.as_str()).collect::<Vec<_>>().join(", ")
                            });
                            table.codes.push((code, title));
                        }
                    }
                }
            }
        }
    }
    if all.is_empty() {
        return Err(wrong(document.root_element(), "no table"));
    }
    let mut entries = Vec::with_capacity(count + all.len() + 200);
    let (mut section, mut system) = (None, String::new());
    for table in all.into_values() {
        let first = table.name.chars().next().unwrap_or('0');
        if section != Some(first) {
            section = Some(first);
            let mut entry =
                DraftEntry::new(0, EntryKind::Chapter, first.to_string(), sections[&first].clone());
            // What a value means is said once a section, as `position=value=meaning`.
            let own = meanings.iter().filter(|((section, ..), _)| *section == first);
            entry.notes.extend(
                own.map(|((_, at, title), said)| (NoteKind::AxisValue, format!("{at}={title}={said}"))),
            );
            entries.push(entry);
        }
        if system != table.name[..2] {
            table.name[..2].clone_into(&mut system);
            entries.push(DraftEntry::new(1, EntryKind::Block, system.clone(), systems[&system].clone()));
        }
        let mut entry = DraftEntry::new(2, EntryKind::Category, table.name.clone(), table.title.clone());
        entry.notes.extend(table.definition.map(|d| (NoteKind::Definition, d)));
        for ((position, character), label) in table.labels {
            let text = if character == ':' {
                format!("{position}::{label}")
            } else {
                format!("{position}:{character}:{label}")
            };
            entry.notes.push((NoteKind::AxisValue, text));
        }
        entries.push(entry);
        let mut codes = table.codes;
        codes.sort_unstable();
        codes.dedup_by(|a, b| a.0 == b.0);
        for (code, title) in codes {
            entries.push(DraftEntry::new(3, EntryKind::Subcategory, code, title));
        }
    }
    let codes = entries.iter().filter(|e| e.depth == 3).count();
    if let Some(missing) = official
        .keys()
        .find(|code| code.len() == 7 && entries.binary_search_by(|e| e.code.as_str().cmp(code)).is_err())
        && !entries.iter().any(|e| e.code == *missing)
    {
        let what = format!("{missing} of the order file is in no table");
        return Err(ImportError::Incomplete { what });
    }
    let effective = effective(options, &tables.bytes)?;
    let title = format!("ICD-10-PCS, in force from {effective}");
    let files: Vec<&File> = std::iter::once(tables).chain(titles).chain(meant).collect();
    Ok((draft("icd-10-pcs", title, &effective, &files, entries), format!("{codes} codes")))
}

type Fault<'a, 'i> = (Node<'a, 'i>, &'static str);

fn axes<'a, 'i>(node: Node<'a, 'i>) -> Result<Vec<Axis>, Fault<'a, 'i>> {
    let text = |node: Node<'_, '_>, tag: &str| -> Option<String> {
        let found = node.children().find(|n| n.has_tag_name(tag))?;
        Some(found.text().unwrap_or_default().trim().to_owned()).filter(|text| !text.is_empty())
    };
    node.children()
        .filter(|n| n.has_tag_name("axis"))
        .map(|axis| {
            let position = axis.attribute("pos").and_then(|p| p.parse().ok()).filter(|p| (1..=7).contains(p));
            let position = position.ok_or((axis, "an axis without a position from 1 to 7"))?;
            let values = axis
                .children()
                .filter(|n| n.has_tag_name("label"))
                .map(|label| {
                    let mut code = label.attribute("code").unwrap_or_default().chars();
                    match (code.next(), code.next(), label.text()) {
                        (Some(c), None, Some(text)) if c.is_ascii_digit() || c.is_ascii_uppercase() => {
                            Ok((c, text.split_whitespace().collect::<Vec<_>>().join(" ")))
                        }
                        _ => Err((label, "a value without one character and a label")),
                    }
                })
                .collect::<Result<Vec<_>, _>>()?;
            if values.is_empty() {
                return Err((axis, "an axis without values"));
            }
            Ok(Axis {
                position,
                title: text(axis, "title").unwrap_or_default(),
                values,
                definition: text(axis, "definition"),
            })
        })
        .collect()
}

/// Section, position of the axis, value.
type Meant = (char, usize, String);

/// What the values of axes mean: definition, explanation, and what is included.
fn definitions(file: &File) -> Result<BTreeMap<Meant, String>, ImportError> {
    let document = xml::parse(file, "definitions")?;
    let wrong = |node, what: &str| xml::wrong(file, node, what);
    let words = |node: Node<'_, '_>, tag: &str| -> Vec<String> {
        let found = node.children().filter(|n| n.has_tag_name(tag));
        let tidy =
            found.map(|n| n.text().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "));
        tidy.filter(|text| !text.is_empty()).collect()
    };
    let mut out = BTreeMap::new();
    for section in document.root_element().children().filter(|n| n.has_tag_name("section")) {
        let mut name = section.attribute("code").unwrap_or_default().chars();
        let (Some(letter), None) = (name.next(), name.next()) else {
            return Err(wrong(section, "a section without one character"));
        };
        for axis in section.children().filter(|n| n.has_tag_name("axis")) {
            let position = axis.attribute("pos").and_then(|p| p.parse::<usize>().ok());
            let position = position.filter(|p| (1..=7).contains(p));
            let position = position.ok_or_else(|| wrong(axis, "an axis without a position from 1 to 7"))?;
            for terms in axis.children().filter(|n| n.has_tag_name("terms")) {
                let includes = words(terms, "includes").join("; ");
                let mut said = words(terms, "definition");
                said.extend(words(terms, "explanation"));
                if !includes.is_empty() {
                    said.push(format!("Includes: {includes}"));
                }
                let titles = words(terms, "title");
                if titles.is_empty() {
                    return Err(wrong(terms, "a meaning without a value"));
                }
                if said.is_empty() {
                    continue;
                }
                for title in titles {
                    out.insert((letter, position, title), said.join(". "));
                }
            }
        }
    }
    Ok(out)
}

/// Long titles of the order file.
fn order(file: &File) -> Result<HashMap<String, String>, ImportError> {
    let text = String::from_utf8_lossy(&file.bytes);
    let mut out = HashMap::new();
    for (nth, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong =
            |what: &str| ImportError::Line { file: file.name.clone(), line: nth + 1, what: what.to_owned() };
        if !super::kinds::is_order(line) {
            return Err(wrong("not a line of an order file"));
        }
        let code = line.get(6..13).unwrap_or_default().trim().to_owned();
        let title = line.get(77..).or_else(|| line.get(16..)).unwrap_or_default().trim().to_owned();
        if line.as_bytes()[14] == b'1' && out.insert(code, title).is_some() {
            return Err(wrong("the same code twice"));
        }
    }
    Ok(out)
}
