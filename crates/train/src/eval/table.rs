//! A report as text for the terminal.

use std::fmt::Write as _;

use super::fields::{DATES, SPANS, VALUES};
use super::report::{Figure, Interval, Report, Row, Slice};
use super::slices::Part;

/// The rows that say most, for slices of the notes.
const HEADLINES: [&str; 5] = ["value fields", "condition", "medication+dose", "lab_result", "note codes"];
/// Specialties with fewer notes are in the JSON only.
const FEW: usize = 5;
const SUMS: [&str; 5] =
    ["value fields", "condition", "medication+dose", "note codes", "note codes 3 characters"];

pub fn table(report: &Report) -> String {
    let mut out = String::new();
    let all = &report.summary;
    line(
        &mut out,
        format_args!(
            "{} notes, {} without prediction, {} quotes that do not match the text, threshold {}",
            all.notes, all.notes_without_prediction, all.quotes_that_do_not_match, report.threshold
        ),
    );
    line(
        &mut out,
        format_args!("95 % intervals by {} bootstrap draws of notes, seed {}\n", report.draws, report.seed),
    );
    line(
        &mut out,
        format_args!(
            "{:26} {:>9} {:>7} {:>6}  {:15} {:>9} {:>9}",
            "", "precision", "recall", "F1", "F1 95 %", "predicted", "reference"
        ),
    );
    for part in [&SUMS[..], &VALUES, &DATES, &SPANS] {
        for name in part {
            if let Some(row) = all.rows.get(*name) {
                row_line(&mut out, name, row);
            }
        }
        out.push('\n');
    }
    for at in &all.condition_code {
        figure_line(&mut out, &format!("condition code @{}", at.k), &at.figure);
    }
    figure_line(&mut out, "assertion of matched conditions", &all.assertion_accuracy);
    figure_line(&mut out, "note codes MAP", &all.note_codes_map);
    figure_line(&mut out, "ECE", &all.ece);
    slices(&mut out, "F1 by document type", &report.by_document_type);
    slices(&mut out, "F1 by length", &report.by_length);
    let mut specialties: Vec<Slice> =
        report.by_specialty.iter().filter(|slice| slice.summary.notes >= FEW).cloned().collect();
    specialties.sort_by_key(|slice| std::cmp::Reverse(slice.summary.notes));
    if !specialties.is_empty() {
        slices(&mut out, "F1 by specialty", &specialties);
    }
    parts(&mut out, "with the right assertion", &report.by_assertion);
    parts(&mut out, "by section", &report.by_section);
    if !report.calibration.is_empty() {
        out.push('\n');
        out.push_str(&super::calibration::table(&report.calibration, false));
    }
    out
}

/// Precision, recall and F1 a part, the parts of one thing together.
fn parts(out: &mut String, title: &str, parts: &[Part]) {
    line(
        out,
        format_args!(
            "\n{title:42} {:>9} {:>7} {:>6}  {:15} {:>9} {:>9}",
            "precision", "recall", "F1", "F1 95 %", "predicted", "reference"
        ),
    );
    for part in parts.iter().filter(|part| part.predicted + part.reference > 0) {
        line(
            out,
            format_args!(
                "{:16} {:25} {:>9.4} {:>7.4} {:>6.4}  {:15} {:>9} {:>9}",
                part.what,
                part.part,
                part.precision,
                part.recall,
                part.f1,
                between(part.f1_interval),
                part.predicted,
                part.reference
            ),
        );
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}

fn row_line(out: &mut String, name: &str, row: &Row) {
    if row.predicted == 0 && row.reference == 0 {
        line(out, format_args!("{name:26} {:>9} {:>7} {:>6}  {:15} {:>9} {:>9}", "-", "-", "-", "", 0, 0));
        return;
    }
    line(
        out,
        format_args!(
            "{name:26} {:>9.4} {:>7.4} {:>6.4}  {:15} {:>9} {:>9}",
            row.precision,
            row.recall,
            row.f1,
            between(row.f1_interval),
            row.predicted,
            row.reference
        ),
    );
}

fn figure_line(out: &mut String, name: &str, figure: &Figure) {
    line(out, format_args!("{name:34} {:.4}  {:15} n {}", figure.value, between(figure.interval), figure.n));
}

fn between(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |i| format!("{:.3} to {:.3}", i.low, i.high))
}

fn slices(out: &mut String, title: &str, slices: &[Slice]) {
    line(
        out,
        format_args!("\n{title:26} {:>5}  {}", "notes", HEADLINES.map(|h| format!("{h:>22}")).concat()),
    );
    for slice in slices {
        let cells = HEADLINES.map(|name| {
            let cell = slice.summary.rows.get(name).filter(|row| row.predicted + row.reference > 0);
            let cell = cell.map(|row| {
                let interval = row.f1_interval.map(|i| format!(" ({:.2}-{:.2})", i.low, i.high));
                format!("{:.3}{}", row.f1, interval.unwrap_or_default())
            });
            format!("{:>22}", cell.unwrap_or_else(|| "-".into()))
        });
        line(out, format_args!("{:26} {:>5}  {}", slice.name, slice.summary.notes, cells.concat()));
    }
}
