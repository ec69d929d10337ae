//! Which words of the note are marked, for which row, and how.

use overread_domain::{Item, ItemId, ItemState};

use super::segments::Range;

/// What a mark stands for; its place in the list is the [`Range::id`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub item: ItemId,
    pub start: usize,
    pub end: usize,
    pub role: MarkRole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkRole {
    /// Which of the row's evidence, from 0.
    Evidence(usize),
    Attribute,
}

pub fn marks(items: &[Item]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for item in items {
        for (index, quoted) in item.content.evidence.iter().enumerate() {
            marks.push(Mark {
                item: item.id.clone(),
                start: quoted.start,
                end: quoted.end,
                role: MarkRole::Evidence(index),
            });
        }
        for quoted in item.content.attributes.values() {
            marks.push(Mark {
                item: item.id.clone(),
                start: quoted.start,
                end: quoted.end,
                role: MarkRole::Attribute,
            });
        }
    }
    marks
}

pub fn ranges(marks: &[Mark]) -> Vec<Range> {
    marks
        .iter()
        .enumerate()
        .map(|(id, mark)| Range { start: mark.start, end: mark.end, id: id as u32 })
        .collect()
}

/// The class that words get from all rows that rest on them: what is undecided comes before what is decided.
pub fn class(states: impl Iterator<Item = ItemState>) -> &'static str {
    let weight = |state: ItemState| match state {
        ItemState::Suggested => 0,
        ItemState::Corrected => 1,
        ItemState::Added => 2,
        ItemState::Accepted => 3,
        ItemState::Rejected => 4,
    };
    match states.min_by_key(|&state| weight(state)) {
        None => "",
        Some(ItemState::Suggested) => "m suggested",
        Some(ItemState::Corrected) => "m corrected",
        Some(ItemState::Added) => "m added",
        Some(ItemState::Accepted) => "m accepted",
        Some(ItemState::Rejected) => "m rejected",
    }
}

/// The row that a click on words selects: the one with the shortest span there; the next one when the current row is
/// among them and the same words are clicked again.
pub fn pick<'a>(marks: &'a [Mark], here: &[u32], current: Option<&ItemId>) -> Option<&'a ItemId> {
    let mut under: Vec<&Mark> = here
        .iter()
        .filter_map(|&id| marks.get(id as usize))
        .filter(|mark| mark.role != MarkRole::Attribute)
        .collect();
    if under.is_empty() {
        under = here.iter().filter_map(|&id| marks.get(id as usize)).collect();
    }
    under.sort_by_key(|mark| mark.end - mark.start);
    let at = current.and_then(|current| under.iter().position(|mark| mark.item == *current));
    let next = at.map_or(0, |at| (at + 1) % under.len().max(1));
    under.get(next).map(|mark| &mark.item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(item: &str, start: usize, end: usize, role: MarkRole) -> Mark {
        Mark { item: item.into(), start, end, role }
    }

    #[test]
    fn a_click_takes_the_shortest_and_goes_round() {
        let marks = [
            mark("s0", 0, 20, MarkRole::Evidence(0)),
            mark("s1", 5, 9, MarkRole::Evidence(0)),
            mark("s2", 5, 7, MarkRole::Attribute),
        ];
        let here = [0, 1, 2];
        assert_eq!(pick(&marks, &here, None).unwrap().as_str(), "s1");
        assert_eq!(pick(&marks, &here, Some(&"s1".into())).unwrap().as_str(), "s0");
        assert_eq!(pick(&marks, &here, Some(&"s0".into())).unwrap().as_str(), "s1");
        assert_eq!(pick(&marks, &[2], None).unwrap().as_str(), "s2");
        assert_eq!(pick(&marks, &[], None), None);
    }

    #[test]
    fn undecided_shows_before_decided() {
        assert_eq!(class([ItemState::Rejected, ItemState::Suggested].into_iter()), "m suggested");
        assert_eq!(class([ItemState::Rejected, ItemState::Accepted].into_iter()), "m accepted");
        assert_eq!(class([].into_iter()), "");
    }
}
