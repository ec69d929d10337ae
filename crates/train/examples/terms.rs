//! Pairs of phrase and code by source, and some of each to look at:
//! `cargo run -p overread-train --example terms -- RELEASE FOLDER [EVERY]`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use overread_codes::Release;
use overread_train::corpora::augment::{Abbreviations, Augment, vary};
use overread_train::corpora::terms::Terms;
use overread_train::corpora::{self, Corpus};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: terms RELEASE FOLDER [EVERY]");
    let release = Release::from_bytes(&std::fs::read(next()?)?)?;
    let folder = PathBuf::from(next()?);
    let every: usize = next().unwrap_or_else(|_| "4000".into()).parse()?;
    let mut terms = Terms::of_release(&release);
    terms.add_index(&release, &folder.join("icd10cm.tar.gz"))?;
    terms.add_mentions(&release, &corpora::load(&folder, Corpus::NotesGold)?.documents, None);
    let abbreviations = Abbreviations::load(&folder.join("abbreviations_imantsm.tar.gz"))?;
    println!("{} long forms with a short form of their own", abbreviations.len());
    let mut count = BTreeMap::new();
    for pair in &terms.pairs {
        let seen = count.entry(pair.source).or_insert(0usize);
        if *seen % every == 0 {
            let other = vary(&pair.text, &Augment::default(), &abbreviations, *seen as u64);
            println!("{:?} {} {} {} | {other}", pair.source, pair.code, pair.leaf, pair.text);
        }
        *seen += 1;
    }
    println!(
        "{} pairs of {} codes in {} categories",
        terms.pairs.len(),
        terms.by_code().len(),
        terms.by_category().len()
    );
    println!("{count:?}\nunknown {:?}", terms.unknown);
    Ok(())
}
