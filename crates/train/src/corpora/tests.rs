//! Invented lines in the shape of each corpus.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

/// A folder of the test's own that is removed in the end.
pub(super) struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("overread-corpora-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn write(&self, file: &str, lines: &[Value]) -> &Self {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        fs::write(self.0.join(file), lines.join("\n") + "\n").unwrap();
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Code points of the `nth` (from 0) occurrence.
pub(super) fn points(text: &str, quote: &str, nth: usize) -> (usize, usize) {
    let byte = text.match_indices(quote).nth(nth).unwrap().0;
    let start = text[..byte].chars().count();
    (start, start + quote.chars().count())
}

fn span(text: &str, field: &str, quote: &str, nth: usize) -> Value {
    let (start, end) = points(text, quote, nth);
    json!({"field": field, "start": start, "end": end, "quote": quote})
}

fn quoted(text: &str, quote: &str, nth: usize) -> Value {
    let (start, end) = points(text, quote, nth);
    json!({"start": start, "end": end, "quote": quote})
}

fn words<'a>(document: &'a Document, ranges: &[Range<usize>]) -> Vec<&'a str> {
    ranges.iter().map(|range| &document.text[range.clone()]).collect()
}

const NOTE: &str = "Señora Núñez, a 70-year-old woman. She takes Zestril 10 mg daily and folate daily.\n\
    IMPRESSION: Gout. Anemia seen.\nGOUT was stable; no fever. Iron 325 mg was stopped.";

fn gold_line(id: &str) -> Value {
    let mut gout = span(NOTE, "diagnosis", "Gout", 0);
    gout["code"] = json!("M10.9");
    let mut zestril = span(NOTE, "medication", "Zestril", 0);
    zestril["value"] = json!("current");
    zestril["attrs"] = json!({
        "name": quoted(NOTE, "Zestril", 0),
        "dose": quoted(NOTE, "10 mg", 0),
        "frequency": quoted(NOTE, "daily", 0),
    });
    let mut fever = span(NOTE, "absent_condition", "fever", 0);
    fever["assertion"] = json!("absent");
    json!({
        "id": id, "text": NOTE,
        "spans": [gout, zestril, fever, span(NOTE, "sex", "woman", 0)],
        "codes": [
            {"code": "M10.9", "role": "principal", "evidence": [quoted(NOTE, "Gout", 0)]},
            {"code": "D64.9", "role": "secondary", "evidence": [quoted(NOTE, "Anemia", 0)]},
        ],
    })
}

#[test]
fn gold_notes_become_mentions_links_and_doubts() {
    let folder = Folder::new("gold");
    let lines: Vec<_> = (0..7).map(|n| gold_line(&format!("n{n}"))).collect();
    folder.write("notes_gold_dev.jsonl", &lines);
    let found = load(&folder.0, Corpus::NotesGold).unwrap();
    assert_eq!((found.source.lines, found.source.name.as_str()), (7, "notes_gold_dev.jsonl"));
    assert_eq!(found.documents[6].fold, Some(1));

    let note = &found.documents[0];
    let one = |label: &'static str| note.labelled(label).next().unwrap();
    assert_eq!(&note.text[one("diagnosis").range.clone()], "Gout");
    assert_eq!(one("diagnosis").assertion, Some(Assertion::Present));
    assert_eq!(one("diagnosis").code.as_deref(), Some("M10.9"));
    assert_eq!(one("absent_condition").assertion, Some(Assertion::Absent));
    assert_eq!(one("medication").assertion, None);
    assert_eq!(note.note_codes, ["M10.9", "D64.9"]);

    let head = note.mentions.iter().position(|m| m.label == "medication").unwrap();
    let tails: Vec<_> =
        note.attributes(head).map(|m| (m.label.as_str(), &note.text[m.range.clone()])).collect();
    assert_eq!(tails, [("medication.dose", "10 mg"), ("medication.frequency", "daily")]);

    // The second gout and the anemia that only justifies a code may be right; the marked gout is right.
    assert_eq!(words(note, &note.masked("diagnosis")), ["Anemia", "GOUT"]);
    assert_eq!(words(note, &note.masked("history")), ["Gout", "Anemia", "GOUT"]);
    assert_eq!(words(note, &note.masked("medication.frequency")), ["daily"]);
    assert_eq!(words(note, &note.masked("sex")), ["She"]);
    assert!(note.masked("absent_condition").is_empty());
    assert_eq!(note.masked("disease").first(), Some(&(0..NOTE.len())));
    assert!(note.annotated.contains("bmi") && !note.annotated.contains("final_code"));
}

#[test]
fn bounded_fields_are_doubtful_around_their_marks_when_full() {
    let text = "ROS: no a1, no a2, no a3, no a4, no a5, no a6, no a7, no a8, no a9.\nNo b1 today.";
    let note = |n: usize| {
        let spans: Vec<_> = (1..=n)
            .map(|k| {
                let mut span = span(text, "absent_condition", &format!("a{k}"), 0);
                span["assertion"] = json!("absent");
                span
            })
            .collect();
        json!({"id": format!("n{n}"), "text": text, "spans": spans, "codes": []})
    };
    let folder = Folder::new("bounded");
    folder.write("notes_gold_dev.jsonl", &[note(7), note(8)]);
    let found = load(&folder.0, Corpus::NotesGold).unwrap();
    assert!(found.documents[0].masked("absent_condition").is_empty());
    let masked = found.documents[1].masked("absent_condition");
    let masked = words(&found.documents[1], &masked);
    assert!(masked.contains(&", no a9.") && !masked.iter().any(|piece| piece.contains("b1")), "{masked:?}");
}

#[test]
fn gold_faults_have_their_line() {
    let fails = |change: fn(&mut Value)| {
        let mut bad = gold_line("b");
        change(&mut bad);
        let folder = Folder::new("faults");
        folder.write("notes_gold_dev.jsonl", &[gold_line("a"), bad]);
        load(&folder.0, Corpus::NotesGold).unwrap_err().to_string()
    };
    assert!(
        fails(|l| l["spans"][1]["end"] = json!(999))
            .ends_with("line 2, annotation 1: the place reaches beyond the text")
    );
    assert!(fails(|l| l["spans"][0]["start"] = json!(2)).contains("line 2, annotation 0: the quote is not"));
    assert!(
        fails(|l| l["spans"][2]["assertion"] = json!("maybe")).contains("line 2, annotation 2: the assert")
    );
    assert!(fails(|l| l["spans"][2]["field"] = json!("zodiac")).contains("line 2, annotation 2: the field"));
    assert!(fails(|l| l["id"] = json!("a")).contains("line 2 repeats an id"));
    assert!(fails(|l| l["spans"] = json!(3)).contains("line 2 column"));
    let hidden = fails(|l| l["spans"][0]["quote"] = json!("secret words"));
    assert!(!hidden.contains("secret"), "{hidden}");
}

#[test]
fn absent_file_is_named() {
    let folder = Folder::new("absent");
    let said = load(&folder.0, Corpus::Maccrobat).unwrap_err().to_string();
    assert!(said.starts_with("neither maccrobat.jsonl.gz nor maccrobat.jsonl is in "), "{said}");
}

#[test]
fn packed_and_plain_files_read_alike() {
    let line = gold_line("a");
    let (plain, packed) = (Folder::new("plain"), Folder::new("packed"));
    plain.write("notes_gold_dev.jsonl", std::slice::from_ref(&line));
    let file = fs::File::create(packed.0.join("notes_gold_dev.jsonl.gz")).unwrap();
    let mut writer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    writer.write_all(format!("{line}\n").as_bytes()).unwrap();
    writer.finish().unwrap();
    let (a, b) = (load(&plain.0, Corpus::NotesGold).unwrap(), load(&packed.0, Corpus::NotesGold).unwrap());
    assert_eq!(a.source.sha256, b.source.sha256);
    assert_eq!(a.documents, b.documents);
}

#[test]
fn abstracts_have_diseases_and_chemicals() {
    let text = "Über gout \u{1F9EA} after ethanol.  ";
    let annotation = |quote: &str, label: &str, concept: &str| {
        let (start, end) = points(text, quote, 0);
        json!({"start": start, "end": end, "quote": quote, "label": label, "concept": concept})
    };
    let spans = [annotation("gout", "Disease", "D006073"), annotation("ethanol", "Chemical", "-1")];
    let folder = Folder::new("abstracts");
    folder.write("bc5cdr_dev.jsonl", &[json!({"id": "1", "text": text, "spans": spans})]);
    let found = load(&folder.0, Corpus::Bc5cdrDev).unwrap();
    let document = &found.documents[0];
    assert_eq!(document.split, Split::Dev);
    let mentions: Vec<_> = document
        .mentions
        .iter()
        .map(|m| (m.label.as_str(), &text[m.range.clone()], m.concept.as_deref()))
        .collect();
    assert_eq!(mentions, [("disease", "gout", Some("D006073")), ("chemical", "ethanol", None)]);

    let classes = ["SpecificDisease", "DiseaseClass", "Modifier", "CompositeMention"];
    let lines: Vec<_> = classes
        .iter()
        .enumerate()
        .map(|(n, class)| {
            let split = if n == 0 { "dev" } else { "train" };
            // One corpus quotes blanks that its text does not have there.
            let mut mention = annotation("gout", class, " D006073");
            mention["quote"] = json!("gout  ");
            json!({"id": n.to_string(), "text": text, "split": split, "spans": [mention]})
        })
        .collect();
    folder.write("ncbi_disease.jsonl", &lines);
    let found = load(&folder.0, Corpus::NcbiDisease).unwrap();
    assert_eq!((found.part(Split::Dev).count(), found.part(Split::Train).count()), (1, 3));
    for document in &found.documents {
        assert_eq!(document.mentions[0].label, "disease");
        assert_eq!(document.mentions[0].concept.as_deref(), Some("D006073"));
        assert!(document.masked("disease").is_empty() && !document.masked("chemical").is_empty());
    }
    folder.write(
        "ncbi_disease.jsonl",
        &[json!({"id": "1", "text": text, "spans": [
        annotation("ethanol", "Chemical", "")]})],
    );
    assert!(load(&folder.0, Corpus::NcbiDisease).is_err(), "chemicals are not of this corpus");
}

#[test]
fn brat_lines_become_assertions_and_links() {
    let text = "A man with prior gout took 5 mg of colchicine; no fever, perhaps renal (mild) failure. \
        Left and also, after a long while, right knee hurt.";
    let annotation = |id: &str, label: &str, quotes: &[&str]| {
        let offsets: Vec<_> = quotes.iter().map(|quote| points(text, quote, 0)).collect();
        json!({"id": id, "label": label, "offsets": offsets, "quote": quotes.join(" ")})
    };
    let line = json!({"id": "7", "text": text, "spans": [
        annotation("T1", "Sex", &["man"]),
        annotation("T2", "History", &["prior gout"]),
        annotation("T3", "Disease_disorder", &["gout"]),
        annotation("T4", "Dosage", &["5 mg"]),
        annotation("T5", "Medication", &["colchicine"]),
        annotation("T6", "Sign_symptom", &["fever"]),
        annotation("T7", "Disease_disorder", &["renal", "failure"]),
        annotation("T8", "Severity", &["mild"]),
        annotation("T9", "Biological_structure", &["Left", "knee"]),
        annotation("T10", "Sign_symptom", &["hurt"]),
    ], "other": [
        "E1\tMedication:T5 ", "E2\tDosage:T4 ", "R1\tMODIFY Arg1:E2 Arg2:E1\t", "E3\tSign_symptom:T6 ",
        "A1\tPOLARITY E3 NEG", "E4\tDisease_disorder:T7 ", "A2\tPOLARITY E4 UNCERTAIN",
        "R2\tMODIFY Arg1:T8 Arg2:E4\t", "R3\tBEFORE Arg1:E3 Arg2:E4\t", "R4\tMODIFY Arg1:T9 Arg2:T10\t",
        "*\tOVERLAP E1 E2", "#1\tAnnotatorNotes E1\tan aside",
    ]});
    let folder = Folder::new("brat");
    folder.write("maccrobat.jsonl", &[line]);
    let found = load(&folder.0, Corpus::Maccrobat).unwrap();
    let document = &found.documents[0];
    let of = |quote: &str, label: &str| {
        let label = format!("maccrobat.{label}");
        let place = |m: &Mention| &text[m.range.clone()] == quote && m.label == label;
        document.mentions.iter().position(place).unwrap()
    };
    let said = |quote: &str, label: &str| document.mentions[of(quote, label)].assertion;
    assert_eq!(said("fever", "sign_symptom"), Some(Assertion::Absent));
    assert_eq!(said("hurt", "sign_symptom"), Some(Assertion::Present));
    assert_eq!(said("renal (mild) failure", "disease_disorder"), Some(Assertion::Possible));
    assert_eq!(said("gout", "disease_disorder"), None, "the history says no more");
    assert_eq!(said("man", "sex"), None);
    assert_eq!(
        document.links,
        [
            Link { head: of("colchicine", "medication"), tail: of("5 mg", "dosage") },
            Link { head: of("renal (mild) failure", "disease_disorder"), tail: of("mild", "severity") },
        ]
    );
    assert_eq!(found.dropped, [Dropped { line: 1, what: "a span in pieces that stand far apart" }]);
    assert_eq!(words(document, &document.masked("maccrobat.biological_structure")), ["Left", "knee"]);
}

#[test]
fn part_for_measuring_follows_from_the_id() {
    let line = |id: usize| json!({"id": id.to_string(), "text": "x", "spans": []});
    let folder = Folder::new("split");
    let splits = |ids: Vec<usize>| -> Vec<(String, Split)> {
        folder.write("maccrobat.jsonl", &ids.into_iter().map(line).collect::<Vec<_>>());
        let documents = load(&folder.0, Corpus::Maccrobat).unwrap().documents;
        documents.into_iter().map(|d| (d.id, d.split)).collect()
    };
    let all = splits((0..200).collect());
    let dev = all.iter().filter(|(_, split)| *split == Split::Dev).count();
    assert!((20..=60).contains(&dev), "{dev}");
    let some = splits((100..200).rev().collect());
    assert!(some.iter().all(|found| all.contains(found)));
}

#[test]
fn plain_corpora_have_ids_texts_codes_and_sections() {
    let folder = Folder::new("texts");
    folder
        .write(
            "codiesp_dev.jsonl",
            &[json!({"id": "S1", "text_en": "Gout.", "text_es": "Gota.",
            "diagnosis": ["m10.9", "I10", "M10.9"], "procedure": ["BT41ZZZ"]})],
        )
        .write("mtsamples.jsonl", &[json!({"sample_id": 29, "text": "Gout."})])
        .write(
            "aci_bench.jsonl",
            &[json!({"encounter_id": "D1", "note": "Gout.", "dialogue": "[doctor] gout"})],
        )
        .write(
            "mts_dialog.jsonl",
            &[
                json!({"ID": "0", "file": "a.csv", "section_header": "CC", "section_text": "Gout."}),
                json!({"ID": "0", "file": "b.csv", "section_header": "ROS", "section_text": "Gout."}),
            ],
        )
        .write("codiesp_background_en.jsonl", &[json!({"id": "S1"})]);
    let read = |corpus| load(&folder.0, corpus).unwrap().documents;
    let coded = &read(Corpus::CodiespDev)[0];
    assert_eq!(
        (coded.split, &coded.note_codes[..]),
        (Split::Dev, &["M10.9".to_owned(), "I10".to_owned()][..])
    );
    assert_eq!(read(Corpus::Mtsamples)[0].id, "mt00029");
    assert_eq!(read(Corpus::AciBench)[0].text, "Gout.");
    assert_eq!(read(Corpus::MtsDialog)[1].section.as_deref(), Some("ROS"));
    let said = load(&folder.0, Corpus::CodiespBackground).unwrap_err().to_string();
    assert!(said.ends_with("line 1: the line has no text"), "{said}");
}
