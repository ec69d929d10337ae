//! Decisions on their way: applied on the page at once, kept in the browser until the server has them, sent in order.
//!
//! A request that was sent once is sent again unchanged, so that its idempotency key finds its first answer. A local
//! decision id (`local-…`) stands for the server's until that answers.

use std::collections::BTreeMap;

use overread_api::entry::Decide;
use overread_domain::{Action, Decision, DecisionId, Effort, SuggestionSetId};
use serde::{Deserialize, Serialize};

/// One request of one key press.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    pub key: String,
    pub actions: Vec<Action>,
    pub effort: Effort,
    pub suggestions_shown: bool,
    /// The revision that its maker saw: what others decided after it was not known.
    #[serde(default)]
    pub base: u32,
    /// The set that its suggested rows belong to.
    #[serde(default)]
    pub suggestion_set: Option<SuggestionSetId>,
    /// What went out, once it did.
    pub sent: Option<Decide>,
}

impl Pending {
    pub fn local_id(&self, index: usize) -> DecisionId {
        DecisionId::new(format!("local-{}-{index}", self.key))
    }

    /// Actions with the ids that they have on this page.
    pub fn local(&self) -> impl Iterator<Item = (DecisionId, Action)> + '_ {
        self.actions.iter().enumerate().map(|(index, action)| (self.local_id(index), action.clone()))
    }
}

/// What one tab has yet to hand over for one entry; kept in the browser's storage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    pub tab: String,
    /// When the tab was last alive, milliseconds since 1970.
    pub beat: i64,
    pub pending: Vec<Pending>,
    /// Server's ids for local ones, as far as something still speaks of them.
    #[serde(default)]
    pub known: BTreeMap<String, DecisionId>,
}

/// A tab that was silent so long is gone, and what it left may be taken over.
const GONE_MS: i64 = 15_000;

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether a tab named `tab` may send what is here.
    pub fn may_adopt(&self, tab: &str, now: i64) -> bool {
        self.tab == tab || now - self.beat > GONE_MS
    }

    pub fn push(&mut self, pending: Pending) {
        self.pending.push(pending);
    }

    /// The request to send now. The first time it is fixed with the revision that the server is known to have.
    pub fn next(&mut self, revision: u32) -> Option<Decide> {
        let known = &self.known;
        let first = self.pending.first_mut()?;
        if first.sent.is_none() {
            first.sent = Some(Decide {
                expected_revision: revision,
                idempotency_key: first.key.clone(),
                actions: first.actions.iter().map(|action| resolve(known, action)).collect(),
                effort: first.effort.clone(),
                suggestions_shown: first.suggestions_shown,
                suggestion_set: first.suggestion_set.clone(),
            });
        }
        first.sent.clone()
    }

    /// The server has the request sent under `key`: its decisions take the place of the local ones.
    pub fn delivered(&mut self, key: &str, decisions: &[Decision]) {
        let Some(done) = self.take(key) else { return };
        for (index, decision) in decisions.iter().enumerate() {
            self.known.insert(done.local_id(index).to_string(), decision.id.clone());
        }
        if self.pending.is_empty() {
            self.known.clear();
        }
    }

    /// The server refused the request sent under `key` for good.
    pub fn refused(&mut self, key: &str) -> Option<Pending> {
        self.take(key)
    }

    /// What was first when it was sent need not be first when its answer comes.
    fn take(&mut self, key: &str) -> Option<Pending> {
        let place = self.pending.iter().position(|pending| pending.key == key)?;
        Some(self.pending.remove(place))
    }

    /// The entry has moved on: nothing of what waits was taken, so each may go out anew, under a new key.
    pub fn renew(&mut self, mut key: impl FnMut() -> String) {
        for pending in &mut self.pending {
            if pending.sent.take().is_some() {
                let fresh = key();
                for index in 0..pending.actions.len() {
                    let old = pending.local_id(index).to_string();
                    let id = DecisionId::new(format!("local-{fresh}-{index}"));
                    self.known.insert(old, id);
                }
                pending.key = fresh;
            }
        }
    }

    /// The server's id of a decision, if it has one by now.
    pub fn server_id(&self, id: &DecisionId) -> DecisionId {
        look_up(&self.known, id)
    }
}

fn look_up(known: &BTreeMap<String, DecisionId>, id: &DecisionId) -> DecisionId {
    let mut id = id.clone();
    // A renewed request leads from its old local id over its new one.
    while let Some(next) = known.get(id.as_str()) {
        id = next.clone();
    }
    id
}

fn resolve(known: &BTreeMap<String, DecisionId>, action: &Action) -> Action {
    match action {
        Action::Undo { decision } => Action::Undo { decision: look_up(known, decision) },
        other => other.clone(),
    }
}

/// Milliseconds to wait before attempt number `attempt` (from 1) after a failure: doubled up to half a minute.
pub fn backoff(attempt: u32) -> u32 {
    500 * 2u32.pow(attempt.clamp(1, 7) - 1).min(60)
}

#[cfg(test)]
mod tests {
    use overread_domain::{EntryId, ItemId, Timestamp, UserId};

    use super::*;

    fn pending(key: &str, action: Action) -> Pending {
        Pending {
            key: key.into(),
            actions: vec![action],
            effort: Effort::default(),
            suggestions_shown: true,
            base: 0,
            suggestion_set: None,
            sent: None,
        }
    }

    fn accept(index: usize) -> Action {
        Action::Accept { item: ItemId::suggested(index) }
    }

    fn decision(id: &str, action: Action) -> Decision {
        Decision {
            id: id.into(),
            entry: EntryId::new("e"),
            revision: 1,
            user: UserId::new("u"),
            at: Timestamp(0),
            action,
            effort: Effort::default(),
            suggestion_set: None,
            suggestions_shown: true,
        }
    }

    #[test]
    fn sends_in_order_and_the_same_again() {
        let mut outbox = Outbox::default();
        outbox.push(pending("k1", accept(0)));
        outbox.push(pending("k2", accept(1)));
        let first = outbox.next(4).unwrap();
        assert_eq!((first.idempotency_key.as_str(), first.expected_revision), ("k1", 4));
        assert_eq!(outbox.next(9).unwrap(), first, "a request that went out is never changed");
        outbox.delivered("k1", &[decision("d1", accept(0))]);
        assert_eq!(outbox.next(5).unwrap().idempotency_key, "k2");
    }

    #[test]
    fn an_undo_of_a_waiting_decision_learns_its_id() {
        let mut outbox = Outbox::default();
        outbox.push(pending("k1", accept(0)));
        let local = outbox.pending[0].local_id(0);
        outbox.push(pending("k2", Action::Undo { decision: local }));
        outbox.next(0);
        outbox.delivered("k1", &[decision("d1", accept(0))]);
        let sent = outbox.next(1).unwrap();
        assert_eq!(sent.actions, [Action::Undo { decision: "d1".into() }]);
    }

    #[test]
    fn what_is_sent_anew_keeps_its_undo() {
        let mut outbox = Outbox::default();
        outbox.push(pending("k1", accept(0)));
        let local = outbox.pending[0].local_id(0);
        outbox.push(pending("k2", Action::Undo { decision: local }));
        outbox.next(0);
        outbox.renew(|| "k3".into());
        assert_eq!(outbox.next(7).unwrap().idempotency_key, "k3");
        outbox.delivered("k3", &[decision("d9", accept(0))]);
        assert_eq!(outbox.next(8).unwrap().actions, [Action::Undo { decision: "d9".into() }]);
    }

    #[test]
    fn survives_storage() {
        let mut outbox = Outbox { tab: "t".into(), ..Outbox::default() };
        outbox.push(pending("k1", Action::Finish {}));
        outbox.next(3);
        let json = serde_json::to_string(&outbox).unwrap();
        assert_eq!(serde_json::from_str::<Outbox>(&json).unwrap(), outbox);
    }

    #[test]
    fn an_answer_finds_its_request_wherever_it_stands() {
        let mut outbox = Outbox::default();
        outbox.push(pending("k1", accept(0)));
        outbox.push(pending("k2", accept(1)));
        outbox.delivered("gone", &[decision("d0", accept(2))]);
        assert_eq!(outbox.pending.len(), 2, "an answer to a request that is gone takes no other");
        outbox.delivered("k2", &[decision("d2", accept(1))]);
        assert_eq!(outbox.refused("k2"), None);
        assert_eq!(outbox.refused("k1").unwrap().actions, [accept(0)]);
    }

    #[test]
    fn what_was_stored_without_its_revision_counts_as_made_on_the_first() {
        let mut json = serde_json::to_value(Pending { base: 7, ..pending("k1", accept(0)) }).unwrap();
        json.as_object_mut().unwrap().retain(|name, _| name != "base" && name != "suggestion_set");
        assert_eq!(serde_json::from_value::<Pending>(json).unwrap(), pending("k1", accept(0)));
    }

    #[test]
    fn leaves_what_a_living_tab_holds() {
        let outbox = Outbox { tab: "other".into(), beat: 100_000, ..Outbox::default() };
        assert!(!outbox.may_adopt("mine", 105_000));
        assert!(outbox.may_adopt("mine", 120_000));
        assert!(outbox.may_adopt("other", 100_001));
    }

    #[test]
    fn waits_longer_each_time_up_to_half_a_minute() {
        assert_eq!(
            (1..9).map(backoff).collect::<Vec<_>>(),
            [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
        );
    }
}
