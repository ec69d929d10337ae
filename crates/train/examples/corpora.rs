//! What the corpora in a folder hold: `cargo run -p overread-train --example corpora -- FOLDER`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use overread_train::corpora::{self, Corpus, Split};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: corpora FOLDER")?);
    for corpus in Corpus::ALL {
        let found = corpora::load(&folder, corpus)?;
        let mut labels = BTreeMap::<&str, usize>::new();
        let mut assertions = BTreeMap::new();
        for mention in found.documents.iter().flat_map(|d| &d.mentions) {
            *labels.entry(&mention.label).or_default() += 1;
            if let Some(assertion) = mention.assertion {
                *assertions.entry(assertion).or_insert(0usize) += 1;
            }
        }
        println!(
            "{} {} lines {}: {} train, {} dev documents, {} mentions, {} links, {} doubts, {} codes, {} dropped",
            found.source.name,
            found.source.lines,
            &found.source.sha256[..12],
            found.part(Split::Train).count(),
            found.part(Split::Dev).count(),
            found.documents.iter().map(|d| d.mentions.len()).sum::<usize>(),
            found.documents.iter().map(|d| d.links.len()).sum::<usize>(),
            found.documents.iter().map(|d| d.doubtful.len()).sum::<usize>(),
            found.documents.iter().map(|d| d.note_codes.len()).sum::<usize>(),
            found.dropped.len(),
        );
        println!("  {labels:?}\n  {assertions:?}");
    }
    Ok(())
}
