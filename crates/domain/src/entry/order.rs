//! The order of a list of codes.

use super::{Entry, Item, ItemState};
use crate::CodeRole;

/// Rows of a list of codes as a claim has them: in the order that was given, then principal, secondary, symptoms,
/// history; otherwise as they came (UHDDS; ICD-10-CM Official Guidelines, sections II and III).
pub fn in_claim_order<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<&'a Item> {
    let mut rows: Vec<&Item> = items.into_iter().collect();
    rows.sort_by_key(|item| {
        let role = match item.content.role {
            Some(CodeRole::Principal) => 0,
            Some(CodeRole::Secondary) | None => 1,
            Some(CodeRole::Symptom) => 2,
            Some(CodeRole::History) => 3,
        };
        (item.rank.unwrap_or(u32::MAX), role)
    });
    rows
}

impl Entry<'_> {
    /// Gives rows the place that the last order gave them. The first that stands is the principal one, and the only one
    /// (Official Guidelines, section II: one principal diagnosis).
    pub(super) fn put_in_order(&mut self) {
        for (field, order) in &self.sequences {
            for item in self.items.iter_mut().filter(|item| item.content.field == *field) {
                item.rank = order.iter().position(|id| *id == item.id).map(|place| place as u32);
            }
            let first = order
                .iter()
                .find(|id| self.items.iter().any(|i| i.id == **id && i.state != ItemState::Rejected));
            let Some(first) = first else { continue };
            for item in self.items.iter_mut().filter(|item| item.content.field == *field) {
                if item.id == *first {
                    item.content.role = Some(CodeRole::Principal);
                } else if item.content.role == Some(CodeRole::Principal) {
                    item.content.role = Some(CodeRole::Secondary);
                }
            }
        }
    }
}
