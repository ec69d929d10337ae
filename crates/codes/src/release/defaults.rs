//! Which billable code a coder lands on when the words say no more than a category does. ICD-10-CM marks it by
//! convention only: "unspecified", NOS, a last character 9 or 0, "without ...", and for injuries the initial
//! encounter (Official Guidelines, I.A.6, I.A.9 and I.C.19.a).

use super::{Entry, EntryKind, Release};

/// For every entry the index of its default billable code; itself when billable, or when nothing billable is below.
pub(super) fn default_leaves(release: &Release) -> Vec<u32> {
    let mut leaf: Vec<u32> = (0..release.nodes.len() as u32).collect();
    for index in (0..release.nodes.len() as u32).rev() {
        let entry = Entry::new(release, index);
        let mut best: Option<(i32, u32)> = None;
        for child in entry.children() {
            let score = plainness(entry, child);
            if best.is_none_or(|(s, _)| score > s) {
                best = Some((score, child.index()));
            }
        }
        if let Some((_, child)) = best {
            leaf[index as usize] = leaf[child as usize];
        }
    }
    leaf
}

fn plainness(parent: Entry<'_>, child: Entry<'_>) -> i32 {
    let title = child.title().to_ascii_lowercase();
    if child.kind() == EntryKind::Extension {
        let meaning = title.rsplit(", ").next().unwrap_or_default();
        return i32::from(meaning.contains("unspecified") || meaning.contains("not applicable"));
    }
    let code = child.code();
    let mut score = 0;
    if code.ends_with('9') {
        score += 6;
    } else if code.ends_with('0') {
        score += 1;
    } else if code.ends_with('8') {
        score -= 2;
    }
    if title.contains("unspecified") && !title.contains("with unspecified") {
        score += 3;
    }
    if title.contains("without") || title.contains("uncomplicated") || title.contains("not intractable") {
        score += 3;
    }
    if title.starts_with("other ") || title.contains("other specified") {
        score -= 4;
    }
    let parent_title = parent.title().to_ascii_lowercase();
    if title == parent_title {
        score += 4;
    }
    let nos = child.inclusion_terms().any(|t| {
        let t = t.to_ascii_lowercase();
        t.strip_suffix(" nos").is_some_and(|t| t == parent_title || parent_title.starts_with(t))
    });
    score + 6 * i32::from(nos)
}
