//! Measuring on public sets, each in the way its field does.
//!
//! A task takes what a model said and gives a [`Table`] of figures, each with what it rests on and a 95 % interval
//! (percentile bootstrap over whole documents). None knows a model: what is asked is a file of predictions or a
//! closure.

pub mod codiesp;
pub mod learning;
pub mod mention_codes;
pub mod mentions;
pub mod negation;
pub mod reviewer;

use std::fmt::Write as _;

use serde::Serialize;

use crate::eval::interval::Draws;
use crate::eval::{Count, Figure};

/// Figures by row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    pub title: String,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub name: String,
    pub figures: Vec<(String, Figure)>,
}

impl Table {
    /// A figure by the names of its row and itself.
    pub fn figure(&self, row: &str, figure: &str) -> Option<&Figure> {
        let row = self.rows.iter().find(|found| found.name == row)?;
        row.figures.iter().find(|(name, _)| name == figure).map(|(_, figure)| figure)
    }

    /// For a person to read.
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.title);
        for row in &self.rows {
            let _ = write!(out, "  {:38}", row.name);
            for (name, figure) in &row.figures {
                let between =
                    figure.interval.map_or_else(String::new, |i| format!(" ({:.3} to {:.3})", i.low, i.high));
                let _ = write!(out, "  {name} {:.4}{between}", figure.value);
            }
            if let Some((_, figure)) = row.figures.last() {
                let _ = write!(out, "  n {}", figure.n);
            }
            out.push('\n');
        }
        out
    }
}

/// Figures over documents and draws of them.
struct Measured {
    draws: Draws,
    everyone: Vec<u32>,
}

impl Measured {
    fn new(documents: usize, options: &crate::eval::Options) -> Self {
        Self { draws: Draws::new(documents, options), everyone: (0..documents as u32).collect() }
    }

    fn figure(&self, n: usize, of: impl Fn(&[u32]) -> f64) -> Figure {
        let interval = if n == 0 { None } else { self.draws.interval(&of) };
        Figure { value: of(&self.everyone), n, interval }
    }

    /// Precision, recall and F1 of one count a document.
    fn counted(&self, name: &str, counts: &[Count]) -> Row {
        let total = |draw: &[u32]| {
            let mut total = Count::default();
            for index in draw {
                total.add(counts[*index as usize]);
            }
            total
        };
        let all = total(&self.everyone);
        Row {
            name: name.to_owned(),
            figures: vec![
                ("precision".into(), self.figure(all.suggested, |draw| total(draw).precision())),
                ("recall".into(), self.figure(all.reference, |draw| total(draw).recall())),
                ("F1".into(), self.figure(all.reference, |draw| total(draw).f1())),
            ],
        }
    }

    /// `part / whole` summed over documents.
    fn share(&self, parts: &[(usize, usize)]) -> Figure {
        let sum = |draw: &[u32]| {
            draw.iter().fold((0, 0), |sum, index| {
                let (part, whole) = parts[*index as usize];
                (sum.0 + part, sum.1 + whole)
            })
        };
        let ratio = |(part, whole): (usize, usize)| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        self.figure(sum(&self.everyone).1, |draw| ratio(sum(draw)))
    }

    /// Mean over all items of all documents.
    fn mean(&self, items: &[Vec<f64>]) -> Figure {
        let mean = |draw: &[u32]| {
            let (sum, n) = draw.iter().fold((0.0, 0usize), |(sum, n), index| {
                let of = &items[*index as usize];
                (sum + of.iter().sum::<f64>(), n + of.len())
            });
            if n == 0 { 0.0 } else { sum / n as f64 }
        };
        self.figure(items.iter().map(Vec::len).sum(), mean)
    }
}

fn one(name: &str, label: &str, figure: Figure) -> Row {
    Row { name: name.to_owned(), figures: vec![(label.to_owned(), figure)] }
}

#[cfg(test)]
mod tests;
