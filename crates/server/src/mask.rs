//! Notes behind their masks, for who measures quality: names, numbers and dates are others than the note has, and every place
//! in it is carried over. [`overread_deid`] says how they are found.

use overread_api::correction::CorrectionLine;
use overread_api::entry::{EntryRow, EntryView};
use overread_deid::{Kind, Masked, Surrogates};
use overread_domain::{NoteId, NoteMeta, Quoted};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::auth::Signed;
use crate::{App, Failure};

/// What the surrogates are derived for.
const PURPOSE: &str = "masks";
/// Keys whose text people or the model wrote about the note.
const WORDS: [&str; 3] = ["value", "comment", "reason"];

/// Masks what is told of one note.
#[derive(Clone, Debug)]
pub struct Mask {
    surrogates: Surrogates,
    /// What came with the note as the person's name or number.
    known: Vec<String>,
}

impl Mask {
    /// None where the person sees the note as it is written. All notes of a patient have one mask.
    pub fn of(app: &App, signed: &Signed, note: &NoteId, meta: &NoteMeta) -> Option<Self> {
        if signed.shows_as_written(note) {
            return None;
        }
        let person = meta.patient.as_deref().unwrap_or(note.as_str());
        Some(Self { surrogates: surrogates(app, person), known: meta.patient.clone().into_iter().collect() })
    }

    /// For words whose note is not known.
    pub fn of_nobody(app: &App) -> Self {
        Self { surrogates: surrogates(app, ""), known: Vec::new() }
    }

    fn text(&self, text: &str) -> Masked {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        Masked::new(text, &known, &self.surrogates)
    }

    pub fn words(&self, words: &str) -> String {
        self.text(words).text().to_owned()
    }

    pub fn row(&self, mut row: EntryRow) -> EntryRow {
        self.meta(&mut row.meta, &self.text(""));
        row
    }

    fn meta(&self, meta: &mut NoteMeta, masked: &Masked) {
        let stands = |kind: Kind, words: &str| self.surrogates.of(kind, words);
        meta.title = meta.title.take().map(|title| masked.words(&title));
        meta.service_date = meta.service_date.take().map(|date| stands(Kind::Date, &date));
        meta.encounter = meta.encounter.take().map(|number| stands(Kind::Number, &number));
        // It may be a name.
        meta.patient = meta.patient.take().map(|patient| stands(Kind::Number, &patient));
    }

    pub fn entry(&self, mut view: EntryView) -> Result<EntryView, Failure> {
        let masked = self.text(&view.text);
        view.items = carried(&masked, &view.items)?;
        view.suggestions = match view.suggestions {
            Some(mut set) => {
                set.read_until = set.read_until.map(|point| masked.at(point));
                set.suggestions = carried(&masked, &set.suggestions)?;
                Some(set)
            }
            None => None,
        };
        view.decisions = carried(&masked, &view.decisions)?;
        view.findings = carried(&masked, &view.findings)?;
        view.ahead = carried(&masked, &view.ahead)?;
        view.coded_on = view.coded_on.map(|date| self.surrogates.of(Kind::Date, &date));
        self.meta(&mut view.meta, &masked);
        view.text_sha256 = sha256(masked.text());
        masked.text().clone_into(&mut view.text);
        Ok(view)
    }

    /// Lines of one note of the export: its text, and all that speaks of it.
    pub fn lines(&self, lines: Vec<CorrectionLine>, text: &str) -> Result<Vec<CorrectionLine>, Failure> {
        let masked = self.text(text);
        let hash = sha256(masked.text());
        lines
            .into_iter()
            .map(|mut line| {
                line.text = line.text.map(|_| masked.text().to_owned());
                line.text_sha256.clone_from(&hash);
                line.outcome = carried(&masked, &line.outcome)?;
                line.decisions = carried(&masked, &line.decisions)?;
                Ok(line)
            })
            .collect()
    }
}

fn surrogates(app: &App, person: &str) -> Surrogates {
    Surrogates::new(&app.sign_in.keys.derive(PURPOSE), person)
}

fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

/// The same with every place and every free word as the mask has them, wherever they stand in it.
fn carried<T: Serialize + DeserializeOwned>(masked: &Masked, value: &T) -> Result<T, Failure> {
    let broken = |_| Failure::internal("what is shown masked could not be carried over");
    let mut whole = serde_json::to_value(value).map_err(broken)?;
    carry(masked, &mut whole, "");
    serde_json::from_value(whole).map_err(broken)
}

fn carry(masked: &Masked, value: &mut Value, key: &str) {
    match value {
        Value::Object(fields) if fields.len() == 3 && fields.contains_key("quote") => {
            if let Ok(place) = serde_json::from_value::<Quoted>(Value::Object(fields.clone())) {
                let there = masked.quoted(&place);
                fields.insert("start".into(), there.start.into());
                fields.insert("end".into(), there.end.into());
                fields.insert("quote".into(), there.quote.into());
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                carry(masked, value, key);
            }
        }
        Value::Array(values) => {
            for value in values {
                carry(masked, value, key);
            }
        }
        Value::String(words) if WORDS.contains(&key) => *words = masked.words(words),
        _ => {}
    }
}
