//! What corrections are worth, on notes with reference entries and a reviewer who knows them:
//! `learning_curve GOLD.jsonl --model DIR --codes FILE [--folds 5] [--points 0,25,50,100,300] [--vectors FOLDER]
//! [--heads 0|1] [--no-near 1] [--all PREDICTIONS]`.
//!
//! In turn, one fold of the notes is held out, two are what the heads know at the start, and on the rest the reviewer decides
//! note by note, in order, until so many corrections are made (acceptances come along; they are decisions too). Arms:
//! the memory alone, and the memory with heads fitted again to what the reviewer left. A model that was trained on the
//! notes of GOLD says nothing here: give one that was not. `--all` adds what training the encoder too comes to at the last
//! point: PREDICTIONS are those of `--example fit` with fold models, each trained on what a reviewer who has been through all
//! other notes leaves, with heads to match and no memory.
//!
//! `wrong put right`: of the reference items that the model without corrections has wrong (a mention missed or in another
//! field, a wrong code or value), the share that is right after; `right put wrong` is the reverse.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use overread_codes::Release;
use overread_domain::lesson::{phrase_key, teaches};
use overread_domain::template::ENCOUNTER_ABSTRACT;
use overread_domain::{CodeRef, LessonKind, NoteMeta, Template};
use overread_suggest::fitting::{self, Example, Note, Reading};
use overread_suggest::memory::fit::{Judged, Taught, fit};
use overread_suggest::memory::{Fact, Weights};
use overread_suggest::{CodeSearch, Memory, NoteInput, Options, Suggest as _, Suggester};
use overread_train::eval::{Figure, Options as Scoring, Report, score_with};
use overread_train::gold::{self, GoldNote};
use overread_train::prediction::{self, Prediction};
use overread_train::tasks::learning::{Arm, POINTS, Scores, curve};
use overread_train::tasks::reviewer::{Act, review};

type Failure = Box<dyn Error>;

struct Args(Vec<String>);

impl Args {
    fn named(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|a| a.strip_prefix("--") == Some(name))?;
        self.0.get(at + 1).map(String::as_str)
    }
}

const SCORING: Scoring = Scoring { threshold: 0.0, draws: 0, seed: 1 };

fn main() -> Result<(), Failure> {
    let args = Args(std::env::args().skip(1).collect());
    let path = args.0.first().filter(|a| !a.starts_with("--")).ok_or("the first argument is GOLD.jsonl")?;
    let need = |name: &str| args.named(name).ok_or_else(|| format!("--{name} is missing"));
    let notes = gold::read(Path::new(path))?;
    let release = Arc::new(Release::from_bytes(&std::fs::read(need("codes")?)?)?);
    let mut base = Suggester::load(Path::new(need("model")?), release, Options::default())?;
    if let Some(folder) = args.named("vectors") {
        let search = CodeSearch::of(&base);
        if search.load(&PathBuf::from(folder))? {
            base = base.with_vectors(search.vectors().ok_or("no vectors")?);
        }
    }
    let folds: usize = args.named("folds").unwrap_or("5").parse()?;
    let points: Vec<usize> = match args.named("points") {
        Some(list) => list.split(',').map(str::parse).collect::<Result<_, _>>()?,
        None => POINTS.to_vec(),
    };
    let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT)?;
    let arms: &[Arm] =
        if args.named("heads") == Some("0") { &[Arm::Memory] } else { &[Arm::Memory, Arm::MemoryAndHeads] };
    let near = args.named("no-near") != Some("1");

    let references: Vec<Note> = notes.iter().map(GoldNote::reference).collect();
    let mut readings: Vec<Reading<'_>> = Vec::new();
    for note in &references {
        readings.push(base.reading(&note.text, false)?);
    }
    eprintln!("read {} notes{}", notes.len(), if base.has_vectors() { ", vectors" } else { "" });
    let mut runs = Vec::new();
    for fold in 0..folds {
        let part = |i: usize| (i % folds + folds - fold) % folds;
        let of = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..notes.len()).filter(|i| wanted(part(*i))).collect()
        };
        let run = Run {
            notes: &notes,
            references: &references,
            readings: &readings,
            base: &base,
            template: &template,
            held: of(&|p| p == 0),
            known: of(&|p| p == 1 || p == 2),
            fresh: of(&|p| p > 2),
            near,
        };
        runs.push(run.prepare()?);
        eprintln!("fold {fold} prepared");
    }
    let start: HashMap<String, Prediction> = runs.iter().flat_map(|run| run.start.clone()).collect();
    let mut found = curve(arms, &points, |arm, n| -> Result<Scores, Failure> {
        let (mut predictions, mut made) = (HashMap::new(), 0);
        for run in &runs {
            let (said, count) = run.after(arm, n)?;
            made += count;
            predictions.extend(said);
        }
        eprintln!("{} after {n}: {made} corrections in all folds", arm.name());
        Ok(scores(&notes, &start, &predictions))
    })?;
    if let (Some(path), Some(&last)) = (args.named("all"), points.last()) {
        let predictions = prediction::read(Path::new(path))?;
        found.points.push((Arm::All, 0, scores(&notes, &start, &start)));
        found.points.push((Arm::All, last, scores(&notes, &start, &predictions)));
    }
    print!("{}", found.to_text());
    for run in &runs {
        eprintln!("fitted {:?}", run.weights);
    }
    Ok(())
}

/// Figures of `after`, and what became of the items that were right and wrong at the start.
fn scores(
    notes: &[GoldNote],
    start: &HashMap<String, Prediction>,
    after: &HashMap<String, Prediction>,
) -> Scores {
    let (mut wrong, mut righted, mut right, mut wronged) = (0, 0, 0, 0);
    for note in notes {
        let before = items(note, start.get(&note.id));
        for (was, is) in before.into_iter().zip(items(note, after.get(&note.id))) {
            wrong += usize::from(!was);
            right += usize::from(was);
            righted += usize::from(!was && is);
            wronged += usize::from(was && !is);
        }
    }
    let mut scores = figures(&score_with(notes, after, &SCORING));
    let share = |part: usize, n: usize| Figure { value: part as f64 / n.max(1) as f64, n, interval: None };
    scores.insert("1 wrong put right".into(), share(righted, wrong));
    scores.insert("2 right put wrong".into(), share(wronged, right));
    scores.insert("3 items right".into(), share(right + righted - wronged, right + wrong));
    scores
}

fn figures(report: &Report) -> Scores {
    let mut out = Scores::new();
    let all = &report.summary;
    for name in ["condition", "medication+dose", "allergy", "procedure", "note codes"] {
        if let Some(row) = all.rows.get(name) {
            out.insert(format!("{name} F1"), Figure { value: row.f1, n: row.reference, interval: None });
        }
    }
    for at in &all.condition_code {
        out.insert(format!("condition code @{}", at.k), at.figure);
    }
    out.insert("ECE".into(), all.ece);
    out
}

/// Whether each reference item is right, in the order of the reference: by the reviewer's acts.
fn items(note: &GoldNote, prediction: Option<&Prediction>) -> Vec<bool> {
    let acts = review(note, prediction, &SCORING);
    note.spans
        .iter()
        .map(|span| {
            acts.iter().any(|act| match act {
                Act::Accept { gold, .. } => std::ptr::eq(*gold, span),
                Act::Correct { gold, wrong, .. } => {
                    std::ptr::eq(*gold, span) && !wrong.field && !wrong.value && !wrong.code
                }
                _ => false,
            })
        })
        .collect()
}

/// One fold.
struct Run<'a> {
    notes: &'a [GoldNote],
    references: &'a [Note],
    readings: &'a [Reading<'a>],
    base: &'a Suggester,
    template: &'a Template,
    held: Vec<usize>,
    known: Vec<usize>,
    fresh: Vec<usize>,
    near: bool,
}

struct Prepared<'a> {
    run: Run<'a>,
    model: Suggester,
    /// What the model without corrections says of the notes held out.
    start: HashMap<String, Prediction>,
    /// What the reviewer decided on each fresh note.
    decided: Vec<Decided>,
    weights: Weights,
    vectors: HashMap<String, Vec<f32>>,
}

struct Decided {
    note: usize,
    corrections: usize,
    taught: Vec<Taught>,
}

impl<'a> Run<'a> {
    fn prepare(self) -> Result<Prepared<'a>, Failure> {
        let model = self.fitted(&self.known);
        let start = self.said(&model, &self.held)?;
        let fresh = self.said(&model, &self.fresh)?;
        let mut decided = Vec::new();
        for &i in &self.fresh {
            let note = &self.notes[i];
            decided.push(self.decide(i, &review(note, fresh.get(&note.id), &SCORING)));
        }
        // The weights come from notes that the start knows, judged by heads that did not see them.
        let (mut taught, mut judged) = (Vec::new(), Vec::new());
        for half in 0..2 {
            let of = |wanted: usize| -> Vec<usize> {
                let numbered = self.known.iter().enumerate();
                numbered.filter(|(k, _)| k % 2 == wanted).map(|(_, i)| *i).collect()
            };
            let (seen, unseen) = (of(half), of(1 - half));
            let said = self.said(&self.fitted(&seen), &unseen)?;
            for i in unseen {
                let note = &self.notes[i];
                let acts = review(note, said.get(&note.id), &SCORING);
                taught.extend(self.decide(i, &acts).taught);
                judged.extend(acts.iter().filter_map(|act| judgement(i, act)));
            }
        }
        let mut keys: BTreeSet<String> =
            decided.iter().flat_map(|d| &d.taught).chain(&taught).map(|t| phrase_key(&t.phrase)).collect();
        keys.extend(judged.iter().map(|j| phrase_key(&j.phrase)));
        let keys: Vec<String> = keys.into_iter().collect();
        let mut vectors = HashMap::new();
        if self.near {
            for some in keys.chunks(256) {
                let texts: Vec<&str> = some.iter().map(String::as_str).collect();
                vectors.extend(some.iter().cloned().zip(model.phrase_vectors(&texts)?));
            }
        }
        let weights = fit(&taught, &judged, &vectors, Weights::default());
        Ok(Prepared { run: self, model, start, decided, weights, vectors })
    }

    fn fitted(&self, notes: &[usize]) -> Suggester {
        let examples: Vec<Example<'_>> = notes
            .iter()
            .map(|&i| Example { note: &self.references[i], reading: &self.readings[i], model: self.base })
            .collect();
        self.base.with_heads(fitting::fit(&examples, &[], &self.base.reader()))
    }

    fn said(&self, model: &Suggester, notes: &[usize]) -> Result<HashMap<String, Prediction>, Failure> {
        notes
            .iter()
            .map(|&i| {
                let note = &self.notes[i];
                let input = NoteInput { text: &note.text, meta: &NoteMeta::default() };
                Ok((note.id.clone(), Prediction::of(&note.id, model.suggest(&input, self.template)?)))
            })
            .collect()
    }

    fn decide(&self, note: usize, acts: &[Act<'_>]) -> Decided {
        let mut taught = Vec::new();
        for act in acts {
            let mut add = |kind, field: &str, phrase: &str, code: Option<&str>| {
                let fits = self.template.field(field).is_some_and(teaches)
                    && phrase.split_whitespace().count() <= 8
                    && phrase.chars().any(char::is_alphabetic);
                if fits {
                    let (field, phrase) = (field.to_owned(), phrase.to_owned());
                    taught.push(Taught { note, kind, field, phrase, code: code.map(CodeRef::icd10cm) });
                }
            };
            match act {
                Act::Accept { gold, .. } | Act::Correct { gold, .. } | Act::Add { gold } => {
                    add(LessonKind::MentionAccepted, &gold.field, &gold.quote, None);
                    if let Some(code) = gold.code.as_deref() {
                        add(LessonKind::CodeAccepted, &gold.field, &gold.quote, Some(code));
                    }
                }
                Act::Reject { .. } => {}
            }
            match act {
                Act::Correct { suggested, gold, wrong } => {
                    let offered = suggested.codes.first().map(|c| c.code.as_str());
                    if wrong.code && offered.is_some() && offered != gold.code.as_deref() {
                        add(LessonKind::CodeRejected, &suggested.field, &suggested.quote, offered);
                    }
                    if wrong.field {
                        add(LessonKind::MentionRejected, &suggested.field, &suggested.quote, None);
                    }
                }
                // A reviewer says why; one who knows only the reference can't: as if it were the words.
                Act::Reject { suggested } => {
                    add(LessonKind::MentionRejected, &suggested.field, &suggested.quote, None);
                }
                _ => {}
            }
        }
        for code in &self.notes[note].codes {
            if let Some(words) = code.evidence.first().filter(|q| q.quote.split_whitespace().count() <= 8) {
                taught.push(Taught {
                    note,
                    kind: LessonKind::CodeAccepted,
                    field: "final_code".into(),
                    phrase: words.quote.clone(),
                    code: Some(CodeRef::icd10cm(code.code.as_str())),
                });
            }
        }
        Decided { note, corrections: acts.iter().filter(|act| act.teaches()).count(), taught }
    }
}

fn judgement(note: usize, act: &Act<'_>) -> Option<Judged> {
    let (suggested, gold) = match act {
        Act::Accept { suggested, gold } | Act::Correct { suggested, gold, .. } => (suggested, Some(gold)),
        Act::Reject { suggested } => (suggested, None),
        Act::Add { .. } => return None,
    };
    let kept = gold.is_some_and(|gold| gold.field == suggested.field);
    // Candidates carry no confidence here: a share by rank, as good as any for one number.
    let shares = (1u8..).map(|rank| 0.5 / f32::from(rank));
    Some(Judged {
        note,
        field: suggested.field.clone(),
        phrase: suggested.quote.clone(),
        confidence: suggested.confidence as f32,
        kept,
        codes: suggested.codes.iter().map(|c| CodeRef::icd10cm(c.code.as_str())).zip(shares).collect(),
        code: gold.filter(|_| kept).and_then(|gold| gold.code.as_deref()).map(CodeRef::icd10cm),
    })
}

impl Prepared<'_> {
    /// What the model says of the notes held out after `n` corrections, and how many there were.
    fn after(&self, arm: Arm, n: usize) -> Result<(HashMap<String, Prediction>, usize), Failure> {
        let (mut made, mut taught, mut seen) = (0, Vec::new(), Vec::new());
        for decided in &self.decided {
            if made >= n {
                break;
            }
            made += decided.corrections;
            taught.extend(&decided.taught);
            seen.push(decided.note);
        }
        if seen.is_empty() {
            return Ok((self.start.clone(), 0));
        }
        let memory = self.memory(&taught);
        let model = match arm {
            Arm::Memory => self.model.clone(),
            Arm::MemoryAndHeads | Arm::All => {
                self.run.fitted(&self.run.known.iter().chain(&seen).copied().collect::<Vec<_>>())
            }
        };
        Ok((self.run.said(&model.with_memory(Arc::new(memory)), &self.run.held)?, made))
    }

    fn memory(&self, taught: &[&Taught]) -> Memory {
        let mut counts: BTreeMap<(LessonKind, &str, &str, Option<&CodeRef>), u32> = BTreeMap::new();
        for one in taught {
            *counts.entry((one.kind, &one.field, &one.phrase, one.code.as_ref())).or_default() += 1;
        }
        let facts: Vec<Fact> = counts
            .into_iter()
            .map(|((kind, field, phrase, code), uses)| Fact {
                kind,
                field: field.to_owned(),
                phrase: phrase.to_owned(),
                code: code.cloned(),
                uses,
            })
            .collect();
        let memory = Memory::new(&facts, self.weights);
        if self.vectors.is_empty() {
            return memory;
        }
        memory.with_vectors(&self.model.phrase_space(), |key| self.vectors.get(key).map(Vec::as_slice))
    }
}
