//! Files to one batch of notes, whole or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;

use overread_domain::{NoteId, NoteMeta};
use sha2::{Digest, Sha256};

use crate::{Fault, FaultKind, Faults, Limits, encoding, fields, jsonl};

/// What a file's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    JsonLines,
    /// One note. Without an id the file's name stands for it, without folders and without `.txt`.
    PlainText {
        id: Option<String>,
        title: Option<String>,
    },
}

impl Form {
    /// By the ending of a file's name; `None` for endings that are not read.
    pub fn of_name(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())?;
        match ending.as_str() {
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "txt" | "text" => Some(Self::PlainText { id: None, title: None }),
            _ => None,
        }
    }
}

/// One file as it came.
#[derive(Clone, Debug)]
pub struct File<'b> {
    /// What faults call it.
    pub name: String,
    pub form: Form,
    pub bytes: &'b [u8],
}

/// A note fit to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub id: NoteId,
    /// As it came, to the byte.
    pub text: String,
    /// SHA-256 of the text's UTF-8 bytes, in hex.
    pub sha256: String,
    pub meta: NoteMeta,
    /// The name of the file that it came in.
    pub file: String,
    /// From 1; none for plain text.
    pub line: Option<usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In the order of files and lines.
    pub notes: Vec<Note>,
    /// Notes left out because the batch holds the same id with the same text before.
    pub repeated: usize,
}

/// SHA-256 in lower-case hex, as it stands on every border.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Reads all files, or says everything that is wrong with them.
pub fn read(files: &[File<'_>], limits: Limits) -> Result<Batch, Faults> {
    let mut reader =
        Reader { limits, batch: Batch::default(), known: HashMap::new(), faults: Faults::default() };
    for file in files {
        let (notes, faults) = (reader.batch.notes.len() + reader.batch.repeated, reader.faults.len());
        match encoding::check_mark(file.bytes) {
            Err(kind) => reader.fault(file, None, Some(0), None, kind),
            Ok(()) => match &file.form {
                Form::JsonLines => reader.json_lines(file),
                Form::PlainText { id, title } => reader.plain(file, id.as_deref(), title.as_deref()),
            },
        }
        if reader.batch.notes.len() + reader.batch.repeated == notes && reader.faults.len() == faults {
            reader.fault(file, None, None, None, FaultKind::NoNotes);
        }
    }
    if reader.faults.is_empty() { Ok(reader.batch) } else { Err(reader.faults) }
}

struct Reader {
    limits: Limits,
    batch: Batch,
    /// Index of the first note with an id.
    known: HashMap<NoteId, usize>,
    faults: Faults,
}

impl Reader {
    fn fault(
        &mut self,
        file: &File<'_>,
        line: Option<usize>,
        byte: Option<usize>,
        field: Option<&'static str>,
        kind: FaultKind,
    ) {
        self.faults.push(Fault { file: file.name.clone(), line, byte, field, kind }, self.limits.faults);
    }

    fn json_lines(&mut self, file: &File<'_>) {
        let bytes = file.bytes.strip_prefix(encoding::MARK).unwrap_or(file.bytes);
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let number = Some(index + 1);
            match jsonl::read_line(line, self.limits) {
                Ok((id, text, meta)) => self.take(file, number, id, text, meta),
                Err(faults) => {
                    for (kind, byte, field) in faults {
                        self.fault(file, number, byte, field, kind);
                    }
                }
            }
        }
    }

    fn plain(&mut self, file: &File<'_>, id: Option<&str>, title: Option<&str>) {
        let text = match encoding::decode(file.bytes) {
            Ok(text) => text,
            Err((kind, byte)) => return self.fault(file, None, Some(byte), None, kind),
        };
        if let Err(kind) = fields::text(text, self.limits) {
            return self.fault(file, None, None, None, kind);
        }
        let id = match fields::id(id.unwrap_or_else(|| stem(&file.name))) {
            Ok(id) => id,
            Err(kind) => return self.fault(file, None, None, Some("id"), kind),
        };
        let title = match fields::meta(title.unwrap_or_default()) {
            Ok(title) => title,
            Err(kind) => return self.fault(file, None, None, Some("title"), kind),
        };
        self.take(file, None, id, text.to_owned(), NoteMeta { title, ..NoteMeta::default() });
    }

    fn take(&mut self, file: &File<'_>, line: Option<usize>, id: NoteId, text: String, meta: NoteMeta) {
        match self.known.entry(id.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.batch.notes.len());
                let sha256 = sha256_hex(text.as_bytes());
                self.batch.notes.push(Note { id, text, sha256, meta, file: file.name.clone(), line });
            }
            Entry::Occupied(place) => {
                let first = &self.batch.notes[*place.get()];
                if first.text == text {
                    self.batch.repeated += 1;
                } else {
                    let kind = FaultKind::OtherTextUnderId {
                        id: id.to_string(),
                        file: first.file.clone(),
                        line: first.line,
                    };
                    self.fault(file, line, None, Some("id"), kind);
                }
            }
        }
    }
}

fn stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
