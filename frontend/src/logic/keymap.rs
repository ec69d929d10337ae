//! Every key of the page in one table. Help, tool tips and dispatch read it; two commands on one key are refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a key means something. `Everywhere` holds in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    Everywhere,
    Queue,
    Review,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Help,
    GoQueue,
    GoImport,
    GoAccuracy,
    GoSystem,
    GoCodes,
    Theme,
    RowDown,
    RowUp,
    Open,
    Filter,
    Refresh,
    OpenNext,
    Accept,
    AcceptAll,
    Reject,
    Edit,
    FindCode,
    Candidate,
    NextUndecided,
    PreviousUndecided,
    NextEvidence,
    PreviousEvidence,
    ConfirmEmpty,
    Add,
    UseSelection,
    Undo,
    Escalate,
    Reopen,
    Place,
    Finish,
    FindWords,
    Checks,
    SequenceUp,
    SequenceDown,
    Principal,
    Poa,
    Back,
}

impl Command {
    /// Whether it only moves about: such commands repeat while their key is held, and work beside an open panel.
    pub fn is_movement(self) -> bool {
        matches!(
            self,
            Self::RowDown
                | Self::RowUp
                | Self::NextUndecided
                | Self::PreviousUndecided
                | Self::NextEvidence
                | Self::PreviousEvidence
        )
    }

    /// The stable name under which effort and remappings are kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::GoQueue => "go_queue",
            Self::GoImport => "go_import",
            Self::GoAccuracy => "go_accuracy",
            Self::GoSystem => "go_system",
            Self::GoCodes => "go_codes",
            Self::Theme => "theme",
            Self::RowDown => "row_down",
            Self::RowUp => "row_up",
            Self::Open => "open",
            Self::Filter => "filter",
            Self::Refresh => "refresh",
            Self::OpenNext => "open_next",
            Self::Accept => "accept",
            Self::AcceptAll => "accept_all",
            Self::Reject => "reject",
            Self::Edit => "edit",
            Self::FindCode => "find_code",
            Self::Candidate => "candidate",
            Self::NextUndecided => "next_undecided",
            Self::PreviousUndecided => "previous_undecided",
            Self::NextEvidence => "next_evidence",
            Self::PreviousEvidence => "previous_evidence",
            Self::ConfirmEmpty => "confirm_empty",
            Self::Add => "add",
            Self::UseSelection => "use_selection",
            Self::Undo => "undo",
            Self::Escalate => "escalate",
            Self::Reopen => "reopen",
            Self::Place => "place",
            Self::Finish => "finish",
            Self::FindWords => "find_words",
            Self::Checks => "checks",
            Self::SequenceUp => "sequence_up",
            Self::SequenceDown => "sequence_down",
            Self::Principal => "principal",
            Self::Poa => "poa",
            Self::Back => "back",
        }
    }
}

/// A row of the table. Keys are `KeyboardEvent.key` values: a capital stands for Shift, `Ctrl+` before a key for
/// Control (or Command), and two keys with a space between are pressed one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub scope: Scope,
    pub command: Command,
    pub keys: Vec<String>,
    pub label: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("the key \"{key}\" would stand for both \"{first}\" and \"{second}\"")]
    Collision { key: String, first: &'static str, second: &'static str },
    #[error("the key \"{key}\" begins the keys of \"{other}\"")]
    Prefix { key: String, other: &'static str },
    #[error("no key is named \"{0}\"")]
    BadKey(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The command and which of its keys it was.
    Command(Command, usize),
    /// The first of two keys.
    Prefix,
    None,
}

/// A key press as the browser tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Press {
    pub key: String,
    pub ctrl: bool,
    pub alt: bool,
}

impl Press {
    /// The press as the table writes it; `None` for keys that the table never has.
    pub fn notation(&self) -> Option<String> {
        if self.alt
            || self.key.is_empty()
            || matches!(self.key.as_str(), "Shift" | "Control" | "Alt" | "Meta")
        {
            return None;
        }
        let key = if self.key == " " { "Space" } else { &self.key };
        Some(if self.ctrl { format!("Ctrl+{key}") } else { key.to_owned() })
    }
}

fn table() -> Vec<(Scope, Command, &'static [&'static str], &'static str)> {
    use Command as C;
    use Scope::{Everywhere, Queue, Review};
    vec![
        (Review, C::Accept, &["a", "Enter"], "Accept the suggestion"),
        (Review, C::AcceptAll, &["A"], "Accept all of this field that are highly likely"),
        (Review, C::Reject, &["x"], "Reject, then a reason"),
        (Review, C::Edit, &["e"], "Edit value, words, assertion, attributes"),
        (Review, C::FindCode, &["/"], "Find a code: for the selected words, else for the row"),
        (Review, C::Candidate, &["1", "2", "3", "4", "5", "6", "7", "8"], "Take the nth code offered"),
        (Review, C::ConfirmEmpty, &["0", "z"], "Nothing belongs in this field"),
        (Review, C::Add, &["i", "+"], "Add a value (from the selected words)"),
        (Review, C::UseSelection, &["w"], "Make the selected words this row's evidence"),
        (Review, C::FindWords, &["f"], "Find and select words in the note"),
        (Review, C::Undo, &["u"], "Undo your last decision"),
        (Review, C::NextUndecided, &["n"], "Next undecided"),
        (Review, C::PreviousUndecided, &["p"], "Previous undecided"),
        (Review, C::RowDown, &["j", "ArrowDown"], "Next row"),
        (Review, C::RowUp, &["k", "ArrowUp"], "Previous row"),
        (Review, C::NextEvidence, &["]"], "Next evidence of this row"),
        (Review, C::PreviousEvidence, &["["], "Previous evidence of this row"),
        (Review, C::Checks, &["c"], "What the checks found: go to it, mend it, override it"),
        (Review, C::SequenceUp, &["K"], "Move the code up in the final list"),
        (Review, C::SequenceDown, &["J"], "Move the code down in the final list"),
        (Review, C::Principal, &["P"], "Make the code the principal diagnosis"),
        (Review, C::Poa, &["o"], "Present on admission"),
        (Review, C::Escalate, &["s"], "Send the entry to exceptions"),
        (Review, C::Reopen, &["r"], "Reopen a finished entry, return an exception"),
        (Review, C::Place, &["m"], "Move the note to another site, queue or guarded category"),
        (Review, C::Finish, &["Ctrl+Enter"], "Finish and open the next"),
        (Review, C::Back, &["Escape"], "Close what is open; back to the queue"),
        (Queue, C::RowDown, &["j", "ArrowDown"], "Next entry"),
        (Queue, C::RowUp, &["k", "ArrowUp"], "Previous entry"),
        (Queue, C::Open, &["Enter", "o"], "Open the entry"),
        (Queue, C::OpenNext, &["n"], "Open the next entry to review"),
        (Queue, C::Filter, &["/"], "Filter by text"),
        (Queue, C::Refresh, &["r"], "Refresh the list"),
        (Everywhere, C::GoQueue, &["g q"], "Go to the queue"),
        (Everywhere, C::GoImport, &["g i"], "Go to import"),
        (Everywhere, C::GoAccuracy, &["g a"], "Go to accuracy"),
        (Everywhere, C::GoSystem, &["g s"], "Go to system"),
        (Everywhere, C::GoCodes, &["g c"], "Go to the code books"),
        (Everywhere, C::Theme, &["t"], "Light, dark or as the system"),
        (Everywhere, C::Help, &["?"], "Keys and help"),
    ]
}

impl Default for Keymap {
    fn default() -> Self {
        let bindings = table()
            .into_iter()
            .map(|(scope, command, keys, label)| Binding {
                scope,
                command,
                keys: keys.iter().map(|key| (*key).to_owned()).collect(),
                label,
            })
            .collect();
        Self { bindings }
    }
}

/// Keys that a person chose, by scope and command.
pub type Overrides = BTreeMap<String, Vec<String>>;

pub fn override_name(scope: Scope, command: Command) -> String {
    let scope = match scope {
        Scope::Everywhere => "everywhere",
        Scope::Queue => "queue",
        Scope::Review => "review",
    };
    format!("{scope}.{}", command.name())
}

impl Keymap {
    /// The table with a person's own keys; refused if two commands would share one.
    pub fn with(overrides: &Overrides) -> Result<Self, KeymapError> {
        let mut map = Self::default();
        for binding in &mut map.bindings {
            if let Some(keys) = overrides.get(&override_name(binding.scope, binding.command)) {
                if let Some(bad) = keys.iter().find(|key| !is_key(key)) {
                    return Err(KeymapError::BadKey(bad.clone()));
                }
                binding.keys.clone_from(keys);
            }
        }
        map.check()?;
        Ok(map)
    }

    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Refuses two commands on one key where both could be meant.
    pub fn check(&self) -> Result<(), KeymapError> {
        for (index, one) in self.bindings.iter().enumerate() {
            for other in &self.bindings[index + 1..] {
                let meet = one.scope == other.scope
                    || one.scope == Scope::Everywhere
                    || other.scope == Scope::Everywhere;
                if !meet {
                    continue;
                }
                for (key, theirs) in one.keys.iter().flat_map(|k| other.keys.iter().map(move |o| (k, o))) {
                    if key == theirs {
                        return Err(KeymapError::Collision {
                            key: key.clone(),
                            first: one.label,
                            second: other.label,
                        });
                    }
                    let begins = |short: &str, long: &str| long.split_once(' ').is_some_and(|l| l.0 == short);
                    if begins(key, theirs) {
                        return Err(KeymapError::Prefix { key: key.clone(), other: other.label });
                    }
                    if begins(theirs, key) {
                        return Err(KeymapError::Prefix { key: theirs.clone(), other: one.label });
                    }
                }
            }
        }
        Ok(())
    }

    /// What a press means in a scope, after the first key of two if there was one.
    pub fn lookup(&self, scope: Scope, before: Option<&str>, pressed: &str) -> Match {
        let wanted = before.map_or_else(|| pressed.to_owned(), |first| format!("{first} {pressed}"));
        let here = || self.bindings.iter().filter(|b| b.scope == scope || b.scope == Scope::Everywhere);
        for binding in here() {
            if let Some(place) = binding.keys.iter().position(|key| *key == wanted) {
                return Match::Command(binding.command, place);
            }
        }
        let begins = |key: &String| key.split_once(' ').is_some_and(|(first, _)| first == wanted);
        if here().any(|binding| binding.keys.iter().any(begins)) { Match::Prefix } else { Match::None }
    }

    /// Whether a press closes an open panel, typed into a text box or not. Escape always does unless it was given to
    /// another command, so that no box holds a person.
    pub fn goes_back(&self, pressed: &str, text: bool) -> bool {
        match self.lookup(Scope::Review, None, pressed) {
            Match::Command(Command::Back, _) => !text || pressed.chars().count() > 1,
            Match::None => pressed == "Escape",
            _ => false,
        }
    }

    /// The first key of a command, as people read it ("Ctrl Enter").
    pub fn hint(&self, scope: Scope, command: Command) -> String {
        self.bindings
            .iter()
            .find(|b| b.command == command && (b.scope == scope || b.scope == Scope::Everywhere))
            .and_then(|binding| binding.keys.first())
            .map(|key| pretty(key))
            .unwrap_or_default()
    }
}

fn is_key(key: &str) -> bool {
    let bare = key.strip_prefix("Ctrl+").unwrap_or(key);
    let named = |part: &str| part.chars().count() == 1 || part.chars().all(|c| c.is_ascii_alphanumeric());
    !bare.is_empty()
        && bare.split(' ').count() <= 2
        && bare.split(' ').all(|part| !part.is_empty() && named(part))
}

/// A key as people read it.
pub fn pretty(key: &str) -> String {
    let key = key.replace("Ctrl+", "Ctrl ");
    match key.as_str() {
        "ArrowDown" => "↓".to_owned(),
        "ArrowUp" => "↑".to_owned(),
        "Escape" => "Esc".to_owned(),
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(key: &str) -> Press {
        Press { key: key.into(), ..Press::default() }
    }

    #[test]
    fn the_table_has_no_collisions() {
        Keymap::default().check().unwrap();
    }

    #[test]
    fn refuses_a_key_that_is_taken() {
        let mut overrides = Overrides::new();
        overrides.insert("review.undo".into(), vec!["x".into()]);
        assert!(matches!(Keymap::with(&overrides), Err(KeymapError::Collision { .. })));
    }

    #[test]
    fn refuses_a_key_that_begins_another() {
        let mut overrides = Overrides::new();
        overrides.insert("review.undo".into(), vec!["g".into()]);
        assert!(matches!(Keymap::with(&overrides), Err(KeymapError::Prefix { .. })));
    }

    #[test]
    fn refuses_what_is_no_key() {
        let mut overrides = Overrides::new();
        overrides.insert("review.undo".into(), vec!["a b c".into()]);
        assert!(matches!(Keymap::with(&overrides), Err(KeymapError::BadKey(_))));
    }

    #[test]
    fn takes_a_persons_own_key() {
        let mut overrides = Overrides::new();
        overrides.insert("review.undo".into(), vec!["y".into()]);
        let map = Keymap::with(&overrides).unwrap();
        assert_eq!(map.lookup(Scope::Review, None, "y"), Match::Command(Command::Undo, 0));
        assert_eq!(map.lookup(Scope::Review, None, "u"), Match::None);
    }

    #[test]
    fn the_same_key_may_mean_two_things_on_two_pages() {
        let map = Keymap::default();
        assert_eq!(map.lookup(Scope::Review, None, "n"), Match::Command(Command::NextUndecided, 0));
        assert_eq!(map.lookup(Scope::Queue, None, "n"), Match::Command(Command::OpenNext, 0));
    }

    #[test]
    fn two_keys_are_pressed_one_after_the_other() {
        let map = Keymap::default();
        assert_eq!(map.lookup(Scope::Review, None, "g"), Match::Prefix);
        assert_eq!(map.lookup(Scope::Review, Some("g"), "q"), Match::Command(Command::GoQueue, 0));
        assert_eq!(map.lookup(Scope::Review, Some("g"), "x"), Match::None);
    }

    #[test]
    fn says_which_candidate() {
        assert_eq!(Keymap::default().lookup(Scope::Review, None, "3"), Match::Command(Command::Candidate, 2));
    }

    #[test]
    fn writes_presses_as_the_table_does() {
        assert_eq!(press("A").notation().as_deref(), Some("A"));
        assert_eq!(Press { ctrl: true, ..press("Enter") }.notation().as_deref(), Some("Ctrl+Enter"));
        assert_eq!(press("Shift").notation(), None);
        assert_eq!(Press { alt: true, ..press("a") }.notation(), None);
    }

    #[test]
    fn nothing_that_decides_or_leaves_repeats() {
        let map = Keymap::default();
        let moves: Vec<_> = map
            .bindings()
            .iter()
            .filter(|b| b.scope == Scope::Review && b.command.is_movement())
            .map(|b| b.command.name())
            .collect();
        let expected = [
            "next_undecided",
            "previous_undecided",
            "row_down",
            "row_up",
            "next_evidence",
            "previous_evidence",
        ];
        assert_eq!(moves, expected);
    }

    #[test]
    fn going_back_follows_its_key_and_escape_stays_a_way_out() {
        let map = Keymap::default();
        assert!(map.goes_back("Escape", false) && map.goes_back("Escape", true));
        assert!(!map.goes_back("q", false));
        let mut overrides = Overrides::new();
        overrides.insert("review.back".into(), vec!["q".into()]);
        let map = Keymap::with(&overrides).unwrap();
        assert!(map.goes_back("q", false));
        assert!(!map.goes_back("q", true), "a letter typed into a box is text");
        assert!(map.goes_back("Escape", true));
        overrides.insert("review.undo".into(), vec!["Escape".into()]);
        assert!(!Keymap::with(&overrides).unwrap().goes_back("Escape", false));
    }

    #[test]
    fn names_are_unique_within_a_scope() {
        let map = Keymap::default();
        let mut names: Vec<_> = map.bindings().iter().map(|b| override_name(b.scope, b.command)).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
