//! A model that says what tests expect: it knows a few words and finds them wherever they stand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use overread_domain::span::CodePoints;
use overread_domain::{
    Assertion, CodeCandidate, CodeRef, CodeRole, Content, Quoted, Span, Suggestion, Template,
};
use overread_suggest::{Memory, ModelInfo, NoteInput, Suggest, SuggestError, Suggested};

/// What goes wrong, and how often before it goes right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    #[default]
    None,
    Error(usize),
    Panic(usize),
}

/// Knows "hypertension" (diagnosis, I10), "lisinopril 10 mg" (medication), "65-year-old" (age), and for notes with the
/// first also the final code.
#[derive(Debug)]
pub struct Scripted {
    info: ModelInfo,
    trouble: Trouble,
    calls: Arc<AtomicUsize>,
    memory: Option<Arc<Memory>>,
}

pub fn info() -> ModelInfo {
    ModelInfo {
        name: "scripted".into(),
        version: "scripted-1".into(),
        encoder: "none".into(),
        code_release: "icd-10-cm-2026-04".into(),
        parameters: 0,
        loaded_in_ms: 0,
        token_limit: 1_000_000,
        byte_limit: 10_000_000,
        memory: None,
        heads: false,
    }
}

impl Scripted {
    pub fn new(trouble: Trouble) -> Self {
        Self { info: info(), trouble, calls: Arc::default(), memory: None }
    }
}

impl Suggest for Scripted {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn remembering(&self, memory: Arc<Memory>) -> Option<Arc<dyn Suggest>> {
        let info = ModelInfo { memory: Some(memory.version().to_owned()), ..self.info.clone() };
        let calls = Arc::clone(&self.calls);
        Some(Arc::new(Self { info, trouble: self.trouble, calls, memory: Some(memory) }))
    }

    fn phrase_space(&self) -> String {
        "lengths".into()
    }

    fn phrase_vectors(&self, phrases: &[&str]) -> Result<Vec<Vec<f32>>, SuggestError> {
        Ok(phrases.iter().map(|phrase| vec![phrase.len() as f32, 1.0]).collect())
    }

    fn suggest(&self, note: &NoteInput<'_>, _: &Template) -> Result<Suggested, SuggestError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        match self.trouble {
            Trouble::Error(times) if call < times => {
                return Err(SuggestError::Template(overread_domain::TemplateError::NoFields));
            }
            Trouble::Panic(times) if call < times => panic!("told to"),
            _ => {}
        }
        let points = CodePoints::new(note.text);
        let find = |words: &str| -> Option<Quoted> {
            let at = note.text.find(words)?;
            Some(points.quoted(Span::new(note.text, at, at + words.len()).ok()?))
        };
        let mut suggestions = Vec::new();
        if let Some(age) = find("65-year-old") {
            suggestions.push(suggestion(Content {
                field: "age".into(),
                evidence: vec![age],
                value: Some("65 years".into()),
                ..Content::default()
            }));
        }
        if let Some(words) = find("hypertension") {
            let codes = self.codes(&words.quote);
            let code = CodeRef::icd10cm(codes[0].code.as_str());
            let content = Content {
                field: "diagnosis".into(),
                evidence: vec![words.clone()],
                assertion: Some(Assertion::Present),
                code: Some(code.clone()),
                ..Content::default()
            };
            suggestions.push(Suggestion { candidates: codes, ..suggestion(content) });
            let last = Content {
                field: "final_code".into(),
                evidence: vec![words],
                code: Some(code),
                role: Some(CodeRole::Principal),
                ..Content::default()
            };
            suggestions.push(Suggestion { candidates: candidates(), ..suggestion(last) });
        }
        if let (Some(name), Some(dose)) = (find("lisinopril"), find("10 mg")) {
            suggestions.push(suggestion(Content {
                field: "medication".into(),
                evidence: vec![name],
                attributes: BTreeMap::from([("dose".to_owned(), dose)]),
                ..Content::default()
            }));
        }
        Ok(Suggested { threshold: 0.3, suggestions, read_until: None })
    }
}

impl Scripted {
    /// The codes of a diagnosis, as it remembers them.
    fn codes(&self, phrase: &str) -> Vec<CodeCandidate> {
        let Some(memory) = &self.memory else { return candidates() };
        let known: Vec<(CodeRef, f32)> =
            candidates().into_iter().map(|c| (CodeRef::icd10cm(c.code), c.confidence)).collect();
        memory
            .rank(&memory.look_up(phrase, None), "diagnosis", &known)
            .into_iter()
            .map(|(code, confidence)| CodeCandidate {
                system: code.system,
                code: code.code,
                title: String::new(),
                confidence,
            })
            .collect()
    }
}

fn suggestion(content: Content) -> Suggestion {
    Suggestion { content, candidates: Vec::new(), confidence: 0.9, shown: true, remembered: false }
}

fn candidates() -> Vec<CodeCandidate> {
    let one = |code: &str, confidence| CodeCandidate {
        system: "icd-10-cm".into(),
        code: code.into(),
        title: String::new(),
        confidence,
    };
    vec![one("I10", 0.9), one("I15.9", 0.05)]
}
