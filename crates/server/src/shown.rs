//! What a page asks for again by itself and has shown already.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use overread_domain::EntryId;

/// Views on record, by session and entry: the last state that was shown. A page that waits for suggestions asks every few
/// seconds; a row of the trail for each of them would hide the rows that say something.
#[derive(Debug, Default)]
pub struct Shown(Mutex<HashMap<(String, EntryId), String>>);

/// Beyond this all are forgotten, and the next views are on record once more.
const MOST: usize = 20_000;

impl Shown {
    /// Whether just this state was the last that the session was shown.
    pub fn is(&self, session: &str, entry: &EntryId, state: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(session.to_owned(), entry.clone())).is_some_and(|known| known == state)
    }

    /// After its row is written.
    pub fn was(&self, session: &str, entry: &EntryId, state: String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert((session.to_owned(), entry.clone()), state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_state_entry_or_session_is_news_and_memory_is_bounded() {
        let (shown, one, two) = (Shown::default(), EntryId::new("e1"), EntryId::new("e2"));
        assert!(!shown.is("a", &one, "1"));
        shown.was("a", &one, "1".into());
        assert!(shown.is("a", &one, "1"));
        assert!(!shown.is("a", &one, "2") && !shown.is("a", &two, "1") && !shown.is("b", &one, "1"));
        shown.was("a", &one, "2".into());
        assert!(!shown.is("a", &one, "1"), "what it was before is news again");
        for n in 0..MOST {
            shown.was(&n.to_string(), &one, "1".into());
        }
        assert!(shown.0.lock().unwrap().len() <= MOST);
    }
}
