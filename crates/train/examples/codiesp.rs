//! Case reports with codes:
//! `codiesp align DATA_FOLDER MODEL_FOLDER RELEASE OUT.tsv` writes the English words for each piece of evidence;
//! `codiesp learn DATA_FOLDER MODEL_FOLDER RELEASE OUT.json` learns how reports are coded, for `reports.json` of the model
//! folder, and tells how well in parts left out. `overread eval --public codiesp` measures the model on other reports.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use overread_codes::Release;
use overread_encoder::Encoder;
use overread_suggest::{Options, Suggester};
use overread_train::codiesp;
use overread_train::corpora::{self, Corpus};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["align", data, model, release, out] => align(data, model, release, out),
        ["learn", data, model, release, out] => learn(data, model, release, out),
        _ => Err("codiesp align|learn ...; see the head of this program".into()),
    }
}

fn align(data: &str, model: &str, release: &str, out: &str) -> Result<(), Failure> {
    let release = Release::from_bytes(&std::fs::read(release)?)?;
    let encoder = Encoder::load(model)?;
    let cases = codiesp::cases(&PathBuf::from(data), Corpus::CodiespTrain)?;
    let started = Instant::now();
    let found = codiesp::align(&cases, &encoder, &release)?;
    eprintln!("{:.0} s", started.elapsed().as_secs_f32());
    let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
    for (case, found) in cases.iter().zip(&found) {
        for a in found {
            let quote: Vec<&str> =
                case.evidence[a.evidence].ranges.iter().map(|r| &case.spanish[r.clone()]).collect();
            let title = release.get(&a.code).map_or("", |e| e.title());
            writeln!(
                file,
                "{:.3}\t{:.2}\t{:.2}\t{}\t{}\t{}\t{}\t{}\t{}",
                a.score,
                a.words,
                a.meaning,
                case.id,
                a.range.start,
                quote.join(" … ").replace('\n', " "),
                a.code,
                title,
                case.english[a.range.clone()].replace('\n', " ")
            )?;
        }
    }
    let total: usize = cases.iter().map(|c| c.evidence.len()).sum();
    for from in [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.0] {
        let count = found.iter().flatten().filter(|a| a.score >= from).count();
        eprintln!("score >= {from}: {count} of {total}");
    }
    Ok(())
}

fn learn(data: &str, model: &str, release: &str, out: &str) -> Result<(), Failure> {
    let data = Path::new(data);
    let release = Arc::new(Release::from_bytes(&std::fs::read(release)?)?);
    let model = Suggester::load(Path::new(model), Arc::clone(&release), Options::default())?;
    let reports = codiesp::reports(data, &*model.encoder(), &release)?;
    eprintln!("{} phrases marked", reports.iter().map(|r| r.marked.len()).sum::<usize>());
    let notes = corpora::load(data, Corpus::Mtsamples)?.documents;
    let others: Vec<&str> = notes.iter().map(|n| n.text.as_str()).collect();
    let what =
        format!("{} case reports (CodiEsp, training part), {} other notes", reports.len(), others.len());
    let (learned, scores) =
        overread_suggest::report::fit(&model, &reports, &others, &what, &mut |done, of| {
            eprint!("\rread {done} of {of}");
        })?;
    eprintln!("\n{scores:#?}");
    std::fs::write(out, learned.to_json())?;
    Ok(())
}
