//! What became of decisions that had been left unsent, and how that is told: what was lost comes last, and never goes
//! under in what went well.

use super::outbox::Pending;
use super::review::Dropped;

/// Counted in decisions, not in requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    pub sent: usize,
    pub dropped: Vec<Dropped>,
}

impl Settled {
    pub fn refuse(&mut self, pending: Pending, why: &str) {
        let why = why.trim_end_matches('.');
        self.dropped
            .extend(pending.actions.into_iter().map(|action| Dropped { action, why: why.to_owned() }));
    }

    /// For the page of the entry. `label` names what an action was about.
    pub fn told(&self, restored: bool, label: impl Fn(&Dropped) -> String) -> Option<String> {
        let mut parts = Vec::new();
        if restored {
            parts.push("What you had typed is back.".to_owned());
        }
        if self.sent > 0 {
            parts.push(format!("Saved now: {} left unsent.", decisions(self.sent)));
        }
        if let Some(first) = self.dropped.first() {
            let more = match self.dropped.len() {
                1 => String::new(),
                all => format!(" ({} more)", all - 1),
            };
            parts.push(format!("Not kept, {}: {}{more}.", label(first), first.why));
        }
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// For other pages: what became of several entries, those where nothing was left not counted.
pub fn told_of_all(all: &[Settled]) -> Option<String> {
    let sent: usize = all.iter().map(|one| one.sent).sum();
    let on = all.iter().filter(|one| one.sent > 0).count();
    let dropped: Vec<&Dropped> = all.iter().flat_map(|one| &one.dropped).collect();
    let lost_on = all.iter().filter(|one| !one.dropped.is_empty()).count();
    let mut parts = Vec::new();
    if sent > 0 {
        parts.push(format!("Saved now: {} left unsent on {}.", decisions(sent), entries(on)));
    }
    if let Some(first) = dropped.first() {
        parts.push(format!(
            "Not kept: {} on {} ({}).",
            decisions(dropped.len()),
            entries(lost_on),
            first.why
        ));
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn decisions(count: usize) -> String {
    if count == 1 { "1 decision".to_owned() } else { format!("{count} decisions") }
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

#[cfg(test)]
mod tests {
    use overread_domain::{Action, ItemId};

    use super::*;

    fn lost(why: &str) -> Dropped {
        Dropped { action: Action::Accept { item: ItemId::suggested(0) }, why: why.into() }
    }

    #[test]
    fn nothing_left_is_nothing_told() {
        assert_eq!(told_of_all(&[Settled::default(), Settled::default()]), None);
        assert_eq!(Settled::default().told(false, |_| String::new()), None);
    }

    #[test]
    fn what_was_dropped_is_not_told_as_saved() {
        let all = [Settled { sent: 0, dropped: vec![lost("bob decided it in the meantime")] }];
        let text = told_of_all(&all).unwrap();
        assert_eq!(text, "Not kept: 1 decision on 1 entry (bob decided it in the meantime).");
    }

    #[test]
    fn both_are_told_and_the_loss_last() {
        let one = Settled { sent: 2, dropped: vec![lost("bob decided it in the meantime"), lost("x")] };
        assert_eq!(
            one.told(true, |_| "Diagnosis".into()).unwrap(),
            "What you had typed is back. Saved now: 2 decisions left unsent. \
             Not kept, Diagnosis: bob decided it in the meantime (1 more)."
        );
        let all = [one, Settled { sent: 1, dropped: Vec::new() }, Settled::default()];
        assert_eq!(
            told_of_all(&all).unwrap(),
            "Saved now: 3 decisions left unsent on 2 entries. \
             Not kept: 2 decisions on 1 entry (bob decided it in the meantime)."
        );
    }
}
