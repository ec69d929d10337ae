//! Time of loading and of one search on one core: `search_bench RELEASE.ovr`.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use overread_codes::{Options, Release};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: search_bench RELEASE.ovr")?;
    let bytes = std::fs::read(path)?;
    let mut loads = Vec::new();
    let mut release = None;
    for _ in 0..5 {
        let start = Instant::now();
        release = Some(Release::from_bytes(&bytes)?);
        loads.push(start.elapsed());
    }
    let release = release.ok_or("no release")?;
    loads.sort_unstable();
    println!(
        "load: median {:?}, worst {:?} of {}",
        loads[loads.len() / 2],
        loads[loads.len() - 1],
        loads.len()
    );

    let phrases: Vec<&str> = include_str!("../data/phrases.tsv")
        .lines()
        .filter_map(|l| l.split_once('\t'))
        .map(|(p, _)| p)
        .collect();
    let keystrokes: Vec<&str> =
        phrases.iter().flat_map(|p| p.char_indices().skip(1).map(move |(i, _)| &p[..i])).collect();
    let titles: Vec<&str> =
        release.iter().filter(|e| e.billable()).step_by(97).map(overread_codes::Entry::title).collect();
    let misspelt: Vec<String> = titles.iter().map(|t| misspell(t)).collect();
    let misspelt: Vec<&str> = misspelt.iter().map(String::as_str).collect();
    for (name, queries) in [
        ("phrases", &phrases),
        ("every keystroke", &keystrokes),
        ("full titles", &titles),
        ("misspelt titles", &misspelt),
    ] {
        report(name, &release, queries);
    }
    Ok(())
}

/// Swaps the middle letters of every long word.
fn misspell(text: &str) -> String {
    let swap = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        let middle = letters.len() / 2;
        if letters.len() > 5 {
            letters.swap(middle, middle + 1);
        }
        letters.into_iter().collect::<String>()
    };
    text.split(' ').map(swap).collect::<Vec<_>>().join(" ")
}

fn report(name: &str, release: &Release, queries: &[&str]) {
    let options = Options::default();
    let mut times: Vec<Duration> = queries
        .iter()
        .map(|query| {
            let start = Instant::now();
            black_box(release.search(black_box(query), &options));
            start.elapsed()
        })
        .collect();
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{name}: {} queries, {:.0}/s, p50 {:?}, p99 {:?}, worst {:?}",
        times.len(),
        times.len() as f64 / total.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
