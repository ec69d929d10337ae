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

/// Whether what stands on the page can be sent. All of it goes in one request or nothing does, so that nothing is left
/// behind in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    Nothing,
    /// A pasted note has no id.
    NeedsId,
    /// Files are chosen and text is pasted: one of them would be left out.
    Both,
    Files,
    Pasted,
}

impl Ready {
    pub fn of(files: usize, text: &str, id: &str) -> Self {
        match (files > 0, !text.trim().is_empty()) {
            (true, true) => Self::Both,
            (true, false) => Self::Files,
            (false, false) => Self::Nothing,
            (false, true) if of_paste(text) == Form::Text && id.trim().is_empty() => Self::NeedsId,
            (false, true) => Self::Pasted,
        }
    }

    pub fn may_send(self) -> bool {
        matches!(self, Self::Files | Self::Pasted)
    }

    /// What the person has to do first.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Both => Some(
                "Files and pasted text go in one after the other: remove the files or empty the box. Nothing is lost.",
            ),
            Self::NeedsId => Some("A pasted note needs an id."),
            _ => None,
        }
    }
}

/// What is certain after an import that brought no result. A server that answered with a status below 500 refused and took
/// nothing; an answer that was lost, or a fault on the way, leaves open whether it arrived.
pub fn after_failure(status: Option<u16>, dry_run: bool) -> &'static str {
    match status {
        _ if dry_run => "Nothing was changed.",
        Some(status) if status < 500 => "Nothing was imported.",
        _ => "It is not known whether it arrived; importing again is safe.",
    }
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
    fn files_and_pasted_text_are_never_sent_over_each_other() {
        assert_eq!(Ready::of(1, "typed", "n1"), Ready::Both);
        assert!(!Ready::Both.may_send() && Ready::Both.advice().is_some());
        assert_eq!(Ready::of(2, " \n", ""), Ready::Files);
        assert_eq!(Ready::of(0, "seen today", " "), Ready::NeedsId);
        assert_eq!(Ready::of(0, "seen today", "n1"), Ready::Pasted);
        assert_eq!(Ready::of(0, "{\"id\":\"a\"}", ""), Ready::Pasted);
        assert_eq!(Ready::of(0, "", "n1"), Ready::Nothing);
    }

    #[test]
    fn only_a_refusal_says_that_nothing_was_imported() {
        assert_eq!(after_failure(Some(422), false), "Nothing was imported.");
        for unknown in [None, Some(500), Some(503)] {
            assert!(after_failure(unknown, false).contains("not known"), "{unknown:?}");
        }
        assert_eq!(after_failure(None, true), "Nothing was changed.");
    }

    #[test]
    fn names_notes_after_files() {
        assert_eq!(stem("dir/ed-chest.pain.txt"), "ed-chest.pain");
        assert_eq!(stem(".txt"), ".txt");
        assert_eq!(stem("plain"), "plain");
    }
}
