//! What must not be trained on, in the corpora of a folder: `cargo run -p overread-train --example leaks -- FOLDER`.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;

use overread_train::corpora::leaks::{Guard, Leak};
use overread_train::corpora::{self, Corpus, Split};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: leaks FOLDER")?);
    let mut documents = Vec::new();
    for corpus in Corpus::ALL {
        documents.extend(corpora::load(&folder, corpus)?.documents);
    }
    // Each note with reference entries is for measuring in its fold.
    let held = documents.iter().filter(|d| d.split == Split::Dev || d.fold.is_some());
    let guard = Guard::new(held);
    let mut pairs = BTreeMap::<(&str, &str), Vec<Leak>>::new();
    for leak in documents.iter().flat_map(|document| guard.leaks(document)) {
        pairs.entry((leak.held.0, leak.other.0)).or_default().push(leak);
    }
    for ((held, other), mut leaks) in pairs {
        leaks.sort_by(|a, b| b.contained.total_cmp(&a.contained));
        let texts: BTreeSet<_> = leaks.iter().map(|leak| &leak.other.1).collect();
        println!("{held} again in {other}: {} pairs, {} texts", leaks.len(), texts.len());
        for leak in leaks.iter().filter(|leak| leak.contained < 0.999).take(12) {
            println!("  {} {} {:.2} {}", leak.held.1, leak.other.1, leak.contained, leak.shared);
        }
        if leaks.len() > 12 {
            for leak in &leaks[leaks.len() - 6..] {
                println!("  … {} {} {:.2} {}", leak.held.1, leak.other.1, leak.contained, leak.shared);
            }
        }
    }
    Ok(())
}
