//! English words for the evidence of case reports: `codiesp align DATA_FOLDER MODEL_FOLDER RELEASE OUT.tsv` writes one
//! line a piece of evidence.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use overread_codes::Release;
use overread_encoder::Encoder;
use overread_train::codiesp;
use overread_train::corpora::Corpus;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [task, data, model, release, out] = args.as_slice() else {
        return Err("codiesp align DATA_FOLDER MODEL_FOLDER RELEASE OUT.tsv".into());
    };
    if task != "align" {
        return Err(format!("unknown task {task}").into());
    }
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
