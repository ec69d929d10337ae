//! Phrases with the code that they mean, for learning vectors in which they meet.
//!
//! Positives share a code. The hard negatives of a pair are the other codes of its category: they differ in site, side,
//! severity or cause, as the words do.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use overread_codes::{NoteKind, Release, TermKind};
use serde::Serialize;

use super::archive::Archive;
use super::{CorpusError, Document, index};

/// Words of a note "Includes" up to which it is a phrase and not a rule.
const MAX_INCLUDED: usize = 8;

/// A phrase and its code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Pair {
    pub text: String,
    /// As the source gives it; may have codes below it.
    pub code: String,
    /// The code to report where the text says no more: `code` itself when that is billable.
    pub leaf: String,
    /// First three characters.
    pub category: String,
    pub source: Source,
}

/// Where a pair is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Title,
    Inclusion,
    /// A note "Includes" of the tabular list, where it is short enough to be a phrase.
    Includes,
    /// The project's own table of everyday phrases.
    Synonym,
    /// The alphabetic index, main terms and subterms put in order.
    Index,
    /// The table of neoplasms.
    Neoplasm,
    /// The index to external causes.
    ExternalCause,
    /// A mention in a note with reference entries.
    Mention,
}

/// Pairs, and what of the tables the release does not know.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    pub pairs: Vec<Pair>,
    /// Rows whose code the release does not have, by source.
    pub unknown: BTreeMap<Source, usize>,
}

impl Terms {
    /// Titles, inclusion terms, what is included and synonyms of the release.
    pub fn of_release(release: &Release) -> Self {
        let mut out = Self::default();
        for term in release.terms() {
            let Some(entry) = release.entry(term.entry) else { continue };
            let source = match term.kind {
                TermKind::Inclusion => Source::Inclusion,
                TermKind::Synonym => Source::Synonym,
                _ => Source::Title,
            };
            out.add(release, term.text, entry.code(), source);
        }
        for entry in release.iter().filter(|entry| entry.is_code()) {
            for note in entry.notes().filter(|note| note.kind == NoteKind::Includes) {
                let phrase = index::bare(note.text);
                if (1..=MAX_INCLUDED).contains(&phrase.split_whitespace().count()) {
                    out.add(release, &phrase, entry.code(), Source::Includes);
                }
            }
        }
        out
    }

    /// Adds the alphabetic index, the table of neoplasms and the external causes from the archive of ICD-10-CM tables.
    pub fn add_index(&mut self, release: &Release, path: &Path) -> Result<(), CorpusError> {
        let archive = Archive::open(path)?;
        let mut seen: HashSet<(String, String)> =
            self.pairs.iter().map(|pair| (pair.text.to_lowercase(), pair.code.clone())).collect();
        let tables = [
            ("_Index.csv", "alphabetic index", Source::Index),
            ("_ExternalIndex.csv", "index to external causes", Source::ExternalCause),
            ("_neoplasms.csv", "table of neoplasms", Source::Neoplasm),
        ];
        for (end, what, source) in tables {
            let text = archive.text(end, what)?;
            let rows = if source == Source::Neoplasm { index::neoplasms(text) } else { index::phrases(text) };
            let rows = rows.ok_or(CorpusError::Archive { path: path.to_owned(), what })?;
            for (phrase, code) in rows {
                if seen.insert((phrase.to_lowercase(), code.clone())) {
                    self.add(release, &phrase, &code, source);
                }
            }
        }
        Ok(())
    }

    /// Adds the coded mentions of notes as they are written there, without the notes of `fold`.
    pub fn add_mentions<'a>(
        &mut self,
        release: &Release,
        documents: impl IntoIterator<Item = &'a Document>,
        fold: Option<u8>,
    ) {
        for document in documents.into_iter().filter(|d| !super::leaks::is_held(d, fold)) {
            for mention in &document.mentions {
                if let Some(code) = &mention.code {
                    let words: Vec<_> = document.text[mention.range.clone()].split_whitespace().collect();
                    self.add(release, &words.join(" "), code, Source::Mention);
                }
            }
        }
    }

    fn add(&mut self, release: &Release, text: &str, code: &str, source: Source) {
        let Some(entry) = release.get(code).filter(|entry| entry.is_code()) else {
            *self.unknown.entry(source).or_default() += 1;
            return;
        };
        let leaf = entry.default_leaf();
        let leaf = if leaf.is_code() { leaf } else { entry };
        self.pairs.push(Pair {
            text: text.to_owned(),
            code: entry.code().to_owned(),
            leaf: leaf.code().to_owned(),
            category: entry.code().chars().take(3).collect(),
            source,
        });
    }

    /// Indices of the pairs of each code.
    pub fn by_code(&self) -> BTreeMap<&str, Vec<usize>> {
        grouped(&self.pairs, |pair| &pair.code)
    }

    /// Indices of the pairs of each category.
    pub fn by_category(&self) -> BTreeMap<&str, Vec<usize>> {
        grouped(&self.pairs, |pair| &pair.category)
    }
}

fn grouped<'a>(pairs: &'a [Pair], key: impl Fn(&'a Pair) -> &'a str) -> BTreeMap<&'a str, Vec<usize>> {
    let mut out = BTreeMap::<&str, Vec<usize>>::new();
    for (index, pair) in pairs.iter().enumerate() {
        out.entry(key(pair)).or_default().push(index);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::PathBuf;

    use super::super::archive::tests::tar;
    use super::super::tests::Folder;
    use super::*;

    fn release() -> Release {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/icd-10-cm/2026-04.ovr");
        Release::from_bytes(&fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn tables_add_phrases_of_known_codes() {
        let folder = Folder::new("terms");
        let heading = "RowID,Letter,Level,Term,See,SeeAlso,NonEssModif,Code\n";
        let index =
            format!("{heading}1,G,0,Gout,,,(acute),M10.9\n2,G,1,invented,,,,Q99.X77\n3,Z,0,Zoo,Gout,,,\n");
        let neoplasm = "RowID,Level,Term,SeeAlso,NonEssModif,MalignantPrimary,MalignantSecondary,CaInSitu,Benign,\
            UncertainBehavior,UnspecifiedBehavior\n1,0,\"Neoplasm, neoplastic\",,,C80.1,-,-,-,-,-\n\
            2,1,bone,,,C41.9,C79.51,-,D16.9-,D48.0,D49.2\n";
        let path = folder.0.join("icd10cm.tar.gz");
        let mut writer =
            flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::fast());
        writer
            .write_all(&tar(&[
                ("x/A_Index.csv", &index),
                ("x/A_ExternalIndex.csv", heading),
                ("x/A_neoplasms.csv", neoplasm),
            ]))
            .unwrap();
        writer.finish().unwrap();

        let release = release();
        let mut terms = Terms::default();
        terms.add_index(&release, &path).unwrap();
        let has =
            |text: &str, code: &str| terms.pairs.iter().any(|pair| pair.text == text && pair.code == code);
        assert!(has("Gout", "M10.9") && has("malignant neoplasm of bone", "C41.9"));
        assert!(has("benign neoplasm of bone", "D16.9") && has("metastasis to bone", "C79.51"));
        assert_eq!(terms.unknown[&Source::Index], 2, "both ways to say an invented code");
        assert!(terms.pairs.iter().all(|pair| release.get(&pair.leaf).unwrap().billable()));

        fs::write(folder.0.join("none.tar"), tar(&[("a", "b")])).unwrap();
        let said = terms.add_index(&release, &folder.0.join("none.tar")).unwrap_err().to_string();
        assert!(said.ends_with("holds no alphabetic index"), "{said}");
    }

    #[test]
    fn release_gives_titles_inclusions_and_synonyms() {
        let terms = Terms::of_release(&release());
        let by_code = terms.by_code();
        let of: HashSet<_> = by_code["I10"].iter().map(|at| terms.pairs[*at].source).collect();
        assert_eq!(of, HashSet::from([Source::Title, Source::Includes, Source::Synonym]));
        assert!(terms.unknown.is_empty());
        assert!(terms.by_category()["E11"].len() > by_code["E11"].len());
    }
}
