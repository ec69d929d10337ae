//! What the example programs share: arguments, notes with reference entries, the form of the output.
#![allow(dead_code, reason = "each program uses a part")]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use overread_codes::Release;
use overread_encoder::Precision;
use overread_suggest::fitting;
use overread_suggest::{CodeSearch, ModelInfo, Options, Suggested, Suggester};
use serde::Deserialize;
use serde_json::{Value, json};

pub type Failure = Box<dyn std::error::Error>;

/// Positional arguments and `--name value` pairs.
pub struct Args {
    positional: Vec<String>,
    named: Vec<(String, String)>,
}

impl Args {
    pub fn parse() -> Self {
        let mut args = std::env::args().skip(1);
        let mut parsed = Self { positional: Vec::new(), named: Vec::new() };
        while let Some(arg) = args.next() {
            match arg.strip_prefix("--") {
                Some(name) => parsed.named.push((name.to_owned(), args.next().unwrap_or_default())),
                None => parsed.positional.push(arg),
            }
        }
        parsed
    }

    pub fn positional(&self, index: usize) -> Result<&str, Failure> {
        self.positional
            .get(index)
            .map(String::as_str)
            .ok_or_else(|| format!("argument {} is missing", index + 1).into())
    }

    pub fn named(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn release(args: &Args) -> Result<Arc<Release>, Failure> {
    let path = args.named("codes").map_or_else(|| root().join("data/icd-10-cm/2026-04.ovr"), PathBuf::from);
    Ok(Arc::new(Release::from_bytes(&std::fs::read(path)?)?))
}

pub fn model(args: &Args) -> Result<Suggester, Failure> {
    let folder = args.named("model").map_or_else(|| root().join("models/overread-minilm"), PathBuf::from);
    model_at(args, &folder, release(args)?)
}

/// The model of `folder`, in `--precision auto|f32|bf16|int8`; with `--vectors FOLDER` with vectors of the code terms, made where they are not there yet.
pub fn model_at(args: &Args, folder: &Path, release: Arc<Release>) -> Result<Suggester, Failure> {
    let precision = match args.named("precision") {
        None | Some("auto") => Precision::Auto,
        Some("f32") => Precision::F32,
        Some("bf16") => Precision::Bf16,
        Some("int8") => Precision::Int8,
        Some(other) => return Err(format!("no precision {other}").into()),
    };
    let options = Options { precision, ..Options::default() };
    let model = Suggester::load(folder, release, options)?.with_tail(60);
    let Some(folder) = args.named("vectors") else { return Ok(model) };
    let search = CodeSearch::of(&model);
    if !search.load(Path::new(folder))? {
        search.build_vectors(&mut |done, of| eprint!("\rvectors {done}/{of}"), &|| false)?;
        search.save(Path::new(folder))?;
        eprintln!();
    }
    Ok(search.vectors().map_or(model.clone(), |v| model.with_vectors(v)))
}

#[derive(Clone, Deserialize)]
pub struct Reference {
    pub field: String,
    pub start: usize,
    pub end: usize,
    pub quote: String,
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default)]
    pub assertion: Option<String>,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub attrs: std::collections::BTreeMap<String, Value>,
}

#[derive(Clone, Deserialize)]
pub struct ReferenceCode {
    pub code: String,
}

#[derive(Clone, Deserialize)]
pub struct Note {
    pub id: String,
    pub text: String,
    #[serde(default)]
    pub spans: Vec<Reference>,
    #[serde(default)]
    pub codes: Vec<ReferenceCode>,
}

impl Note {
    /// The same with places in bytes.
    pub fn reference(&self) -> fitting::Note {
        let bytes: Vec<usize> = self.text.char_indices().map(|(at, _)| at).chain([self.text.len()]).collect();
        let place = |at: &Value| {
            let at = if at.is_array() { &at[0] } else { at };
            let end = |key: &str| bytes.get(usize::try_from(at[key].as_u64()?).ok()?).copied();
            Some(end("start")?..end("end")?)
        };
        let span = |s: &Reference| fitting::Gold {
            field: s.field.clone(),
            span: bytes[s.start]..bytes[s.end],
            value: s.value.clone(),
            assertion: s.assertion.clone(),
            code: s.code.clone(),
            attributes: s.attrs.iter().filter_map(|(name, at)| Some((name.clone(), place(at)?))).collect(),
        };
        fitting::Note {
            id: self.id.clone(),
            text: self.text.clone(),
            spans: self.spans.iter().map(span).collect(),
            codes: self.codes.iter().map(|c| c.code.clone()).collect(),
        }
    }
}

/// Case reports with code lists: `codes` may be names or objects, `text` may be `text_en` (CodiEsp).
pub fn coded(path: &str) -> Result<Vec<fitting::Note>, Failure> {
    let text = std::fs::read_to_string(path)?;
    let mut out = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let value: Value = serde_json::from_str(line).map_err(|e| format!("line {}: {e}", i + 1))?;
        let words = |key: &str| value[key].as_str().map(str::to_owned);
        let listed = ["codes", "diagnosis"].iter().find_map(|key| value[*key].as_array());
        let code = |c: &Value| c.as_str().or_else(|| c["code"].as_str()).map(str::to_uppercase);
        let mut codes: Vec<String> = listed.into_iter().flatten().filter_map(code).collect();
        codes.sort();
        codes.dedup();
        out.push(fitting::Note {
            id: words("id").unwrap_or_default(),
            text: words("text").or_else(|| words("text_en")).ok_or("a line has no text")?,
            spans: Vec::new(),
            codes,
        });
    }
    Ok(out)
}

/// Notes of a JSON Lines file; `-` is standard input.
pub fn notes(path: &str) -> Result<Vec<Note>, Failure> {
    let mut text = String::new();
    if path == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(path)?;
    }
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines.map(|(i, l)| serde_json::from_str(l).map_err(|e| format!("line {}: {e}", i + 1).into())).collect()
}

/// One line of output, as `model.md` has it.
pub fn line(id: &str, info: &ModelInfo, suggested: &Suggested) -> Value {
    let mut suggestions = Vec::new();
    let mut codes = Vec::new();
    for s in &suggested.suggestions {
        let c = &s.content;
        if c.field == "final_code" {
            if let Some(code) = &c.code {
                codes.push(json!({"system": code.system, "code": code.code, "role": c.role, "confidence": s.confidence,
                    "shown": s.shown, "evidence": c.evidence}));
            }
            continue;
        }
        let first = &c.evidence[0];
        let list: Vec<Value> = s
            .candidates
            .iter()
            .map(|x| json!({"system": x.system, "code": x.code, "confidence": x.confidence}))
            .collect();
        suggestions.push(
            json!({"field": c.field, "start": first.start, "end": first.end, "quote": first.quote,
            "value": c.value, "assertion": c.assertion, "confidence": s.confidence, "shown": s.shown,
            "attrs": c.attributes, "codes": list}),
        );
    }
    json!({"id": id, "model": info.version, "code_release": info.code_release, "suggestions": suggestions, "codes": codes})
}
