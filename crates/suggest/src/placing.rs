//! Headings that no list knows: the transformer says which known heading they are most like.

use std::sync::OnceLock;

use overread_encoder::Encode;

use crate::SuggestError;
use crate::note::{Doc, SectionKind, prototypes};
use crate::states::dot;

/// Likeness (cosine) from which a heading is taken to mean what a known one means: below it, unlike headings of
/// MTSamples begin to be mistaken for each other.
const SAME: f32 = 0.68;
/// Headings of one note that are looked at.
const MOST: usize = 48;

/// Vectors of the known headings, made at the first unknown one.
#[derive(Debug, Default)]
pub(crate) struct Placing(OnceLock<Vec<(SectionKind, Vec<f32>)>>);

impl Placing {
    /// Gives unknown headings of `doc` the kind of the known heading that they are most like.
    pub fn place(&self, encoder: &dyn Encode, doc: &mut Doc<'_>) -> Result<(), SuggestError> {
        let mut unknown = doc.unknown_headings();
        unknown.truncate(MOST);
        if unknown.is_empty() {
            return Ok(());
        }
        let known = if let Some(known) = self.0.get() {
            known
        } else {
            let names = prototypes();
            let texts: Vec<&str> = names.iter().flat_map(|(_, headings)| headings.iter().copied()).collect();
            let kinds = names.iter().flat_map(|(kind, headings)| headings.iter().map(move |_| *kind));
            let vectors = kinds.zip(encoder.embed(&texts)?).collect();
            self.0.get_or_init(|| vectors)
        };
        let titles: Vec<&str> = unknown.iter().map(|&i| doc.sections[i].title.as_str()).collect();
        let vectors = encoder.embed(&titles)?;
        for (index, vector) in unknown.into_iter().zip(vectors) {
            let best =
                known.iter().map(|(kind, v)| (dot(v, &vector), *kind)).max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((like, kind)) = best
                && like >= SAME
            {
                doc.sections[index].kind = kind;
            }
        }
        Ok(())
    }
}
