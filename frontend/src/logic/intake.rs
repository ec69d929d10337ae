//! What a file or pasted text is, and how the import route wants it.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    JsonLines,
    /// One note.
    Text,
}

impl Form {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// By the file's name; `None` for what cannot be imported here.
pub fn of_file(name: &str) -> Option<Form> {
    let lower = name.to_lowercase();
    let ends = |suffix: &str| lower.ends_with(suffix);
    if ends(".jsonl") || ends(".ndjson") || ends(".json") {
        Some(Form::JsonLines)
    } else if ends(".txt") || ends(".text") || ends(".md") {
        Some(Form::Text)
    } else {
        None
    }
}

/// Pasted text is JSON Lines if its first line is an object.
pub fn of_paste(text: &str) -> Form {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    if first.starts_with('{') && first.ends_with('}') { Form::JsonLines } else { Form::Text }
}

/// A file's name without folder and ending: the note's id.
pub fn stem(name: &str) -> &str {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    base.rsplit_once('.').map_or(base, |(stem, _)| if stem.is_empty() { base } else { stem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_files_by_their_names() {
        assert_eq!(of_file("Notes.JSONL"), Some(Form::JsonLines));
        assert_eq!(of_file("a.txt"), Some(Form::Text));
        assert_eq!(of_file("scan.pdf"), None);
    }

    #[test]
    fn tells_pasted_json_lines_from_a_note() {
        assert_eq!(of_paste("\n{\"id\":\"a\",\"text\":\"b\"}\n"), Form::JsonLines);
        assert_eq!(of_paste("{sic} seen today"), Form::Text);
        assert_eq!(of_paste(""), Form::Text);
    }

    #[test]
    fn names_notes_after_files() {
        assert_eq!(stem("dir/ed-chest.pain.txt"), "ed-chest.pain");
        assert_eq!(stem(".txt"), ".txt");
        assert_eq!(stem("plain"), "plain");
    }
}
