//! A note behind its mask.

use std::collections::{BTreeSet, HashMap};

use overread_domain::Quoted;

use crate::find::{Kind, find};
use crate::surrogate::Surrogates;

/// A text with its identifiers replaced, and where each place of the original is in it.
#[derive(Clone, Debug)]
pub struct Masked {
    text: String,
    characters: Vec<char>,
    pieces: Vec<Piece>,
    names: BTreeSet<String>,
    surrogates: Surrogates,
}

/// One replaced stretch, in code points.
#[derive(Clone, Copy, Debug)]
struct Piece {
    old: (usize, usize),
    new: (usize, usize),
}

impl Masked {
    /// `known` are names that came with the note.
    pub fn new(text: &str, known: &[&str], surrogates: &Surrogates) -> Self {
        let mut names: BTreeSet<String> = known.iter().map(|name| (*name).to_owned()).collect();
        let mut out = String::with_capacity(text.len());
        let mut pieces = Vec::new();
        // The same words stand often in a note.
        let mut known_stands: HashMap<(Kind, &str), String> = HashMap::new();
        let (mut last, mut old, mut new) = (0, 0, 0);
        for found in find(text, known) {
            let before = &text[last..found.span.start];
            let plain = before.chars().count();
            let original = &text[found.span.clone()];
            let stands = known_stands
                .entry((found.kind, original))
                .or_insert_with(|| surrogates.of(found.kind, original))
                .clone();
            old += plain;
            new += plain;
            let (was, is) = (original.chars().count(), stands.chars().count());
            pieces.push(Piece { old: (old, old + was), new: (new, new + is) });
            old += was;
            new += is;
            out.push_str(before);
            out.push_str(&stands);
            last = found.span.end;
            if found.kind == Kind::Name {
                names.insert(original.to_owned());
            }
        }
        out.push_str(&text[last..]);
        Self { characters: out.chars().collect(), text: out, pieces, names, surrogates: surrogates.clone() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many stretches are replaced.
    pub fn replaced(&self) -> usize {
        self.pieces.len()
    }

    /// Where a place of the original is: a place that reaches into a replaced stretch holds all of it.
    pub fn quoted(&self, place: &Quoted) -> Quoted {
        let start = self.point(place.start, |piece| piece.new.0);
        let end = self.point(place.end, |piece| piece.new.1).clamp(start, self.characters.len());
        let start = start.min(end);
        Quoted { start, end, quote: self.characters[start..end].iter().collect() }
    }

    /// Where a code point of the original is.
    pub fn at(&self, point: usize) -> usize {
        self.point(point, |piece| piece.new.1)
    }

    fn point(&self, point: usize, inside: impl Fn(&Piece) -> usize) -> usize {
        let before = self.pieces.partition_point(|piece| piece.old.0 < point);
        match before.checked_sub(1).map(|last| &self.pieces[last]) {
            None => point,
            Some(piece) if point < piece.old.1 => inside(piece),
            Some(piece) => piece.new.1 + (point - piece.old.1),
        }
    }

    /// Words about the note (a value, a comment, a title) with what is known of it replaced as it is in the text.
    pub fn words(&self, words: &str) -> String {
        let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let mut out = String::with_capacity(words.len());
        let mut last = 0;
        for found in find(words, &known) {
            out.push_str(&words[last..found.span.start]);
            out.push_str(&self.surrogates.of(found.kind, &words[found.span.clone()]));
            last = found.span.end;
        }
        out.push_str(&words[last..]);
        out
    }
}
