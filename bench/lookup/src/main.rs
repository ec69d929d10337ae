//! Look-up side by side: `lookup RELEASE.ovr TABULAR.xml CODELIST.txt INDEX.csv [MORE.ovr ...]`.
//!
//! Three sets of queries, none of which stands in the index that is searched: entries of the alphabetic index (INDEX, which
//! no searched index holds), inclusion terms (taken out of the tabular list before it is built and searched), and
//! everyday phrases (`phrases.tsv`; those that the product's own synonyms hold word for word are left out and
//! counted). SQLite FTS5 and tantivy search the same titles and inclusion terms; the product also has its own synonyms and
//! abbreviations. A hit counts where its code is the expected one, under it, or its default complete code.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::time::{Duration, Instant};

use overread_codes::source::{Source, build};
use overread_codes::{Entry, Options, Release, TermKind};
use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{Schema, TextFieldIndexing, TextOptions, Value as _, STORED, STRING};
use tantivy::{Index, TantivyDocument, doc};

struct Case {
    phrase: String,
    expected: Vec<String>,
}

const DEPTH: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [release, tabular, list, index, more @ ..] = args.as_slice() else {
        return Err("usage: lookup RELEASE.ovr TABULAR.xml CODELIST.txt INDEX.csv [MORE.ovr ...]".into());
    };
    let whole = Release::from_bytes(&std::fs::read(release)?)?;
    let xml = std::fs::read_to_string(tabular)?;
    let (held_out, inclusion) = hold_out(&xml, &whole);
    let (searched, _) = build(&Source {
        id: "icd-10-cm-held-out",
        title: "held out",
        effective: "2026-04-01",
        tabular: ("tabular", held_out.as_bytes()),
        list: ("list", &std::fs::read(list)?),
    })?;
    let index = index_entries(index, &searched)?;
    let (everyday, known) = phrases(&searched);
    println!(
        "{} index entries, {} inclusion terms held out, {} everyday phrases ({known} more are among the product's synonyms)",
        index.len(),
        inclusion.len(),
        everyday.len()
    );
    let terms: Vec<(String, String)> = searched
        .terms()
        .filter(|term| term.kind != TermKind::Synonym)
        .filter_map(|term| Some((searched.entry(term.entry)?.code().to_owned(), term.text.to_owned())))
        .collect();
    println!("{} terms of titles and inclusion terms in all three", terms.len());
    let fts = Fts::new(&terms)?;
    let tantivy = Tantivy::new(&terms)?;
    println!("\n{:<18} {:<10} {:>6} {:>7} {:>7} {:>7} {:>10} {:>10}", "queries", "engine", "MRR", "hit@1", "hit@5", "hit@10", "p50 ms", "p99 ms");
    for (name, cases) in [("index entries", &index), ("inclusion terms", &inclusion), ("everyday", &everyday)] {
        let options = Options { limit: DEPTH, typing: false, ..Options::default() };
        score(name, "overread", cases, &searched, |phrase| {
            searched.search(phrase, &options).into_iter().map(|hit| hit.code).collect()
        });
        score(name, "FTS5", cases, &searched, |phrase| fts.search(phrase));
        score(name, "tantivy", cases, &searched, |phrase| tantivy.search(phrase));
    }
    speed(release, more, &index, &everyday)
}

fn score(name: &str, engine: &str, cases: &[Case], release: &Release, search: impl Fn(&str) -> Vec<String>) {
    let (mut reciprocal, mut at) = (0.0, [0usize; 3]);
    let mut times: Vec<Duration> = Vec::with_capacity(cases.len());
    for case in cases {
        let started = Instant::now();
        let hits = search(&case.phrase);
        times.push(started.elapsed());
        let rank = hits.iter().take(DEPTH).position(|code| fits(release, code, &case.expected));
        if let Some(rank) = rank {
            reciprocal += 1.0 / (rank + 1) as f64;
            for (slot, limit) in at.iter_mut().zip([1, 5, 10]) {
                *slot += usize::from(rank < limit);
            }
        }
    }
    times.sort_unstable();
    let n = cases.len() as f64;
    let of = |hits: usize| hits as f64 / n;
    println!(
        "{name:<18} {engine:<10} {:>6.3} {:>7.3} {:>7.3} {:>7.3} {:>10.2} {:>10.2}",
        reciprocal / n,
        of(at[0]),
        of(at[1]),
        of(at[2]),
        ms(&times, 0.5),
        ms(&times, 0.99)
    );
}

fn ms(sorted: &[Duration], share: f64) -> f64 {
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

fn fits(release: &Release, code: &str, expected: &[String]) -> bool {
    expected.iter().any(|wanted| {
        code.starts_with(wanted.as_str())
            || release.get(wanted).is_some_and(|e| {
                e.default_leaf().code() == code || release.get(code).is_some_and(|hit| hit.is_within(e))
            })
    })
}

/// Every so many words, evenly spread.
fn spread<T>(items: Vec<T>, most: usize) -> Vec<T> {
    let step = (items.len() / most.max(1)).max(1);
    items.into_iter().step_by(step).take(most).collect()
}

/// The tabular list without some of its inclusion terms, and those.
fn hold_out(xml: &str, release: &Release) -> (String, Vec<Case>) {
    let all: Vec<(String, String)> = release
        .iter()
        .filter(|e| e.is_code())
        .flat_map(|e| e.inclusion_terms().map(move |term| (e.code().to_owned(), term.to_owned())))
        .filter(|(_, term)| term.split_whitespace().count() >= 2 && !term.contains(['&', '<']))
        .collect();
    let mut text = xml.to_owned();
    let mut cases = Vec::new();
    for (code, phrase) in spread(all, 400) {
        let Some(at) = text.find(&format!("<name>{code}</name>")) else { continue };
        let note = format!("<note>{phrase}</note>");
        let Some(place) = text[at..].find(&note).filter(|place| *place < 6000) else { continue };
        text.replace_range(at + place..at + place + note.len(), "");
        cases.push(Case { phrase, expected: vec![code] });
        if cases.len() == 150 {
            break;
        }
    }
    (text, cases)
}

/// Index entries as phrases: the main term and what is indented under it.
fn index_entries(path: &str, release: &Release) -> Result<Vec<Case>, Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(path)?;
    let mut path: Vec<String> = Vec::new();
    let mut cases = Vec::new();
    for row in reader.records() {
        let row = row?;
        let level: usize = row[2].parse()?;
        path.truncate(level);
        path.push(row[3].trim().to_owned());
        let code = row[7].trim().trim_end_matches('-').trim_end_matches('.');
        let whole: Vec<&str> = path.iter().map(String::as_str).collect();
        let phrase = whole.join(" ").replace([',', '(', ')'], " ");
        let known = release.get(code).is_some_and(Entry::is_code);
        if known && row[4].is_empty() && (2..=7).contains(&phrase.split_whitespace().count()) {
            cases.push(Case { phrase, expected: vec![code.to_owned()] });
        }
    }
    Ok(spread(cases, 200))
}

fn phrases(release: &Release) -> (Vec<Case>, usize) {
    let synonyms: HashSet<String> = release
        .terms()
        .filter(|term| term.kind == TermKind::Synonym)
        .map(|term| term.text.to_lowercase())
        .collect();
    let lines = include_str!("../phrases.tsv").lines().filter(|line| !line.starts_with('#'));
    let all: Vec<Case> = lines
        .filter_map(|line| {
            let (phrase, codes) = line.split_once('\t')?;
            Some(Case { phrase: phrase.to_owned(), expected: codes.split('|').map(str::to_owned).collect() })
        })
        .collect();
    let count = all.len();
    let new: Vec<Case> = all.into_iter().filter(|case| !synonyms.contains(&case.phrase.to_lowercase())).collect();
    let known = count - new.len();
    (new, known)
}

struct Fts(rusqlite::Connection);

impl Fts {
    fn new(terms: &[(String, String)]) -> Result<Self, Box<dyn Error>> {
        let mut connection = rusqlite::Connection::open_in_memory()?;
        connection.execute_batch("CREATE VIRTUAL TABLE terms USING fts5(text, code UNINDEXED, tokenize = 'porter unicode61')")?;
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare("INSERT INTO terms (text, code) VALUES (?1, ?2)")?;
            for (code, text) in terms {
                insert.execute([text, code])?;
            }
        }
        transaction.commit()?;
        Ok(Self(connection))
    }

    fn search(&self, phrase: &str) -> Vec<String> {
        let words: Vec<String> = words(phrase).map(|word| format!("\"{word}\"")).collect();
        let found = || -> Result<Vec<String>, rusqlite::Error> {
            let mut query = self.0.prepare_cached("SELECT code FROM terms WHERE terms MATCH ?1 ORDER BY bm25(terms) LIMIT 40")?;
            query.query_map([words.join(" OR ")], |row| row.get(0))?.collect()
        };
        first(found().unwrap_or_default())
    }
}

struct Tantivy {
    reader: tantivy::IndexReader,
    parser: QueryParser,
    code: tantivy::schema::Field,
}

impl Tantivy {
    fn new(terms: &[(String, String)]) -> Result<Self, Box<dyn Error>> {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("en_stem")
            .set_index_option(tantivy::schema::IndexRecordOption::WithFreqsAndPositions);
        let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
        let code = schema.add_text_field("code", STRING | STORED);
        let index = Index::create_in_ram(schema.build());
        let mut writer = index.writer(50_000_000)?;
        for (own, words) in terms {
            writer.add_document(doc!(text => words.as_str(), code => own.as_str()))?;
        }
        writer.commit()?;
        let parser = QueryParser::for_index(&index, vec![text]);
        Ok(Self { reader: index.reader()?, parser, code })
    }

    fn search(&self, phrase: &str) -> Vec<String> {
        let query: Vec<String> = words(phrase).collect();
        let Ok(query) = self.parser.parse_query(&query.join(" ")) else { return Vec::new() };
        let searcher = self.reader.searcher();
        let Ok(found) = searcher.search(&query, &TopDocs::with_limit(40)) else { return Vec::new() };
        let codes = found.into_iter().filter_map(|(_, at)| {
            let document: TantivyDocument = searcher.doc(at).ok()?;
            document.get_first(self.code)?.as_str().map(str::to_owned)
        });
        first(codes.collect())
    }
}

fn words(phrase: &str) -> impl Iterator<Item = String> {
    phrase.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Each code once.
fn first(codes: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for code in codes {
        if !out.contains(&code) {
            out.push(code);
        }
    }
    out
}

fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// One box over all systems: load, memory and time of a keystroke.
fn speed(release: &str, more: &[String], index: &[Case], everyday: &[Case]) -> Result<(), Box<dyn Error>> {
    let before = resident();
    let started = Instant::now();
    let mut systems = vec![Release::from_bytes(&std::fs::read(release)?)?];
    for path in more {
        systems.push(Release::from_bytes(&std::fs::read(path)?)?);
    }
    let loaded = started.elapsed();
    let mut terms: BTreeMap<&str, usize> = BTreeMap::new();
    for system in &systems {
        *terms.entry(system.id()).or_default() += system.terms().count();
    }
    let all: usize = terms.values().sum();
    println!("\n{all} terms of {} systems: loaded in {:.0} ms, {:.0} MB", systems.len(), loaded.as_secs_f64() * 1000.0, resident() - before);
    println!("  {terms:?}");
    let options = Options { limit: 30, ..Options::default() };
    let mut times = Vec::new();
    for case in index.iter().chain(everyday) {
        // As it is typed: every beginning is a query.
        let letters: Vec<char> = case.phrase.chars().collect();
        for len in 2..=letters.len().min(24) {
            let typed: String = letters[..len].iter().collect();
            let started = Instant::now();
            for system in &systems {
                std::hint::black_box(system.search(&typed, &options));
            }
            times.push(started.elapsed());
        }
    }
    times.sort_unstable();
    println!(
        "{} keystrokes over all of them: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        times.len(),
        ms(&times, 0.5),
        ms(&times, 0.99),
        ms(&times, 1.0)
    );
    Ok(())
}
