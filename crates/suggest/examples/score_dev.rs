//! Writes suggestions in the form that evaluation scripts read:
//! `score_dev NOTES.jsonl OUT.jsonl [--model DIR] [--codes FILE] [--vectors FOLDER]
//! [--by-meaning 1]`. `-` reads standard input, so that packed notes come through `zcat`. The last option fills every
//! field as if no rule knew it.

mod common;

use std::io::Write as _;
use std::time::Instant;

use overread_domain::{NoteMeta, Template, template::ENCOUNTER_ABSTRACT};
use overread_suggest::{NoteInput, Suggest as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = common::Args::parse();
    let model = common::model(&args)?;
    let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT)?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(args.positional(1)?)?);
    let (mut times, mut words) = (Vec::new(), 0);
    for note in common::notes(args.positional(0)?)? {
        let started = Instant::now();
        let suggested = if args.named("by-meaning") == Some("1") {
            model.suggest_by_meaning(&note.text, &template)?
        } else {
            model.suggest(&NoteInput { text: &note.text, meta: &NoteMeta::default() }, &template)?
        };
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        words += note.text.split_whitespace().count();
        writeln!(out, "{}", common::line(&note.id, model.model(), &suggested))?;
    }
    times.sort_by(f64::total_cmp);
    if let Some(last) = times.last() {
        let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize];
        eprintln!(
            "{} notes, {words} words, p50 {:.0} ms, p95 {:.0} ms, most {last:.0} ms",
            times.len(),
            at(0.5),
            at(0.95)
        );
    }
    Ok(())
}
