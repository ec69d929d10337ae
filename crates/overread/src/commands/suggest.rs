//! `overread suggest`: the stable contract that evaluation stands on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use overread_domain::{Assertion, CodeRole, Quoted, Suggestion, Template, template};
use overread_intake::{Form, Limits};
use overread_suggest::{CodeSearch, ModelInfo, NoteInput, Suggest as _, Suggested};
use serde::Serialize;

use super::worker::bar;
use crate::Exit;
use crate::cli::Suggest;
use crate::parts;
use crate::settings::Settings;

/// Codes of the final list that are written, those below the threshold with `"shown": false`: rankings are measured on
/// more than a reviewer is shown.
pub const RANKED: usize = 60;

pub fn run(settings: &Settings, command: &Suggest) -> Result<()> {
    let bytes = read(&command.input)?;
    let name = command.input.display().to_string();
    let file = overread_intake::File { name, form: Form::JsonLines, bytes: &bytes };
    let limits = Limits { note_bytes: settings.server.note_bytes, ..Limits::default() };
    let batch =
        overread_intake::read(&[file], limits).map_err(|faults| Exit::BadInput(faults.to_string()))?;
    let template = template(&command.template)?;
    let release = parts::release(settings)?;
    let model = parts::suggester(settings, &release)?;
    let search = CodeSearch::of(&model);
    parts::load_vectors(&search, settings);
    let model = parts::complete(model, &search).with_tail(RANKED);

    let mut out: BufWriter<Box<dyn Write>> = BufWriter::new(if command.output == Path::new("-") {
        Box::new(io::stdout().lock())
    } else {
        Box::new(File::create(&command.output).with_context(|| command.output.display().to_string())?)
    });
    let bar = bar(batch.notes.len() as u64, "notes");
    for note in &batch.notes {
        let input = NoteInput { text: &note.text, meta: &note.meta };
        let suggested = model.suggest(&input, &template).with_context(|| format!("note \"{}\"", note.id))?;
        let line = Line::new(note.id.as_str(), &note.sha256, model.model(), suggested);
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
        bar.inc(1);
    }
    out.flush()?;
    bar.finish_and_clear();
    eprintln!("{} notes, model {}", batch.notes.len(), model.model().version);
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| path.display().to_string())
}

fn template(name: &str) -> Result<Template> {
    let shipped: Template = serde_json::from_str(template::ENCOUNTER_ABSTRACT)?;
    if name == shipped.id {
        return Ok(shipped);
    }
    let text = std::fs::read_to_string(name).with_context(|| format!("template {name}"))?;
    let template: Template = serde_json::from_str(&text).with_context(|| format!("template {name}"))?;
    template.check().with_context(|| format!("template {name}"))?;
    Ok(template)
}

/// One line of the output. Field names and their meaning are fixed: evaluation scripts rely on them.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    id: &'a str,
    text_sha256: &'a str,
    model: &'a str,
    /// The correction memory that took part, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<&'a str>,
    code_release: &'a str,
    suggestions: Vec<SpanLine>,
    codes: Vec<CodeLine>,
    /// Code point where reading stopped, for notes longer than the model takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_until: Option<usize>,
}

#[derive(Debug, Serialize)]
struct SpanLine {
    field: String,
    /// Of the first evidence; both absent where there is none.
    #[serde(flatten)]
    place: Option<Quoted>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    further_evidence: Vec<Quoted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion: Option<Assertion>,
    confidence: f32,
    shown: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attrs: BTreeMap<String, Quoted>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    codes: Vec<Candidate>,
}

#[derive(Debug, Serialize)]
struct Candidate {
    system: String,
    code: String,
    confidence: f32,
}

#[derive(Debug, Serialize)]
struct CodeLine {
    system: String,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<CodeRole>,
    confidence: f32,
    shown: bool,
    evidence: Vec<Quoted>,
}

impl<'a> Line<'a> {
    pub fn new(id: &'a str, text_sha256: &'a str, model: &'a ModelInfo, suggested: Suggested) -> Self {
        let mut line = Self {
            id,
            text_sha256,
            model: &model.version,
            memory: model.memory.as_deref(),
            code_release: &model.code_release,
            suggestions: Vec::new(),
            codes: Vec::new(),
            read_until: suggested.read_until,
        };
        for suggestion in suggested.suggestions {
            let Suggestion { content, candidates, confidence, shown, .. } = suggestion;
            if content.field == template::FINAL_CODES {
                if let Some(code) = content.code {
                    let (system, code) = (code.system, code.code);
                    let evidence = content.evidence;
                    line.codes.push(CodeLine {
                        system,
                        code,
                        role: content.role,
                        confidence,
                        shown,
                        evidence,
                    });
                }
                continue;
            }
            let mut evidence = content.evidence.into_iter();
            line.suggestions.push(SpanLine {
                field: content.field,
                place: evidence.next(),
                further_evidence: evidence.collect(),
                value: content.value,
                assertion: content.assertion,
                confidence,
                shown,
                attrs: content.attributes,
                codes: candidates
                    .into_iter()
                    .map(|c| Candidate { system: c.system, code: c.code, confidence: c.confidence })
                    .collect(),
            });
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use overread_domain::{CodeCandidate, CodeRef, Content};
    use overread_train::prediction::Prediction;

    use super::*;

    #[test]
    fn writes_what_evaluation_reads() {
        let quoted =
            |start, quote: &str| Quoted { start, end: start + quote.chars().count(), quote: quote.into() };
        let info = ModelInfo {
            name: "m".into(),
            version: "v1".into(),
            encoder: "e".into(),
            code_release: "icd-10-cm-2026-04".into(),
            parameters: 1,
            loaded_in_ms: 1,
            token_limit: 1,
            byte_limit: 1,
            memory: None,
            heads: false,
        };
        let diagnosis = Suggestion {
            content: Content {
                field: "diagnosis".into(),
                evidence: vec![quoted(10, "hypertension")],
                assertion: Some(Assertion::Present),
                code: Some(CodeRef::icd10cm("I10")),
                attributes: BTreeMap::from([("dose".to_owned(), quoted(30, "40 mg"))]),
                ..Content::default()
            },
            candidates: vec![CodeCandidate {
                system: "icd-10-cm".into(),
                code: "I10".into(),
                title: "Essential (primary) hypertension".into(),
                confidence: 0.5,
            }],
            confidence: 0.75,
            shown: true,
            remembered: false,
        };
        let mut last = diagnosis.clone();
        last.content.field = template::FINAL_CODES.to_owned();
        last.content.role = Some(CodeRole::Principal);
        last.shown = false;
        let suggested = Suggested { threshold: 0.5, suggestions: vec![diagnosis, last], read_until: None };
        let line = serde_json::to_value(Line::new("n1", "ab", &info, suggested.clone())).unwrap();
        let read: Prediction = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(read, Prediction::of("n1", suggested));
        assert_eq!(
            line,
            serde_json::json!({
                "id": "n1", "text_sha256": "ab", "model": "v1", "code_release": "icd-10-cm-2026-04",
                "suggestions": [{
                    "field": "diagnosis", "start": 10, "end": 22, "quote": "hypertension", "assertion": "present",
                    "confidence": 0.75, "shown": true,
                    "attrs": {"dose": {"start": 30, "end": 35, "quote": "40 mg"}},
                    "codes": [{"system": "icd-10-cm", "code": "I10", "confidence": 0.5}],
                }],
                "codes": [{
                    "system": "icd-10-cm", "code": "I10", "role": "principal", "confidence": 0.75, "shown": false,
                    "evidence": [{"start": 10, "end": 22, "quote": "hypertension"}],
                }],
            })
        );
    }
}
