//! Figures, dates and names as people read them.

use overread_domain::suggestion::Band;
use overread_domain::{Assertion, CodeRole, EntryStatus, ItemState, Placing};

pub fn percent(value: f64) -> String {
    let figure = value * 100.0;
    if (0.05..99.95).contains(&figure) { format!("{figure:.1} %") } else { format!("{figure:.0} %") }
}

pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// "1 entry", "3 entries".
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// How long ago, roughly: "now", "5 min", "3 h", "12 d".
pub fn ago(now: i64, then: i64) -> String {
    let seconds = (now - then).max(0) / 1_000;
    match seconds {
        0..60 => "now".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Milliseconds since 1970 as `2026-03-14 09:26` in UTC.
pub fn moment(ms: i64) -> String {
    let minute = ms.div_euclid(60_000).rem_euclid(1_440);
    format!("{} {:02}:{:02}", overread_domain::Timestamp(ms).day(), minute / 60, minute % 60)
}

/// One line of at most `most` letters, white space drawn together.
pub fn brief(text: &str, most: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= most {
        return flat;
    }
    let mut cut: String = flat.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

pub fn band_word(band: Band) -> &'static str {
    match band {
        Band::High => "high",
        Band::Medium => "medium",
        Band::Low => "low",
    }
}

/// Three bars that fill up, so that the band is told by shape too.
pub fn band_shape(band: Band) -> &'static str {
    match band {
        Band::High => "▮▮▮",
        Band::Medium => "▮▮▯",
        Band::Low => "▮▯▯",
    }
}

pub fn status_word(status: EntryStatus) -> &'static str {
    match status {
        EntryStatus::Open => "Open",
        EntryStatus::InProgress => "In progress",
        EntryStatus::Exception => "Exception",
        EntryStatus::Finished => "Finished",
    }
}

pub fn status_shape(status: EntryStatus) -> &'static str {
    match status {
        EntryStatus::Open => "○",
        EntryStatus::InProgress => "◐",
        EntryStatus::Exception => "▲",
        EntryStatus::Finished => "●",
    }
}

pub fn state_word(state: ItemState) -> &'static str {
    match state {
        ItemState::Suggested => "suggested",
        ItemState::Accepted => "accepted",
        ItemState::Corrected => "corrected",
        ItemState::Rejected => "rejected",
        ItemState::Added => "added",
    }
}

pub fn state_shape(state: ItemState) -> &'static str {
    match state {
        ItemState::Suggested => "○",
        ItemState::Accepted => "✓",
        ItemState::Corrected => "✎",
        ItemState::Rejected => "✕",
        ItemState::Added => "＋",
    }
}

pub fn assertion_word(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => "present",
        Assertion::Possible => "possible",
        Assertion::Absent => "absent",
        Assertion::Historical => "historical",
        Assertion::Family => "family",
        Assertion::Planned => "planned",
    }
}

pub const CODE_ROLES: [CodeRole; 4] =
    [CodeRole::Principal, CodeRole::Secondary, CodeRole::History, CodeRole::Symptom];

pub fn role_word(role: CodeRole) -> &'static str {
    match role {
        CodeRole::Principal => "principal",
        CodeRole::Secondary => "secondary",
        CodeRole::History => "history",
        CodeRole::Symptom => "symptom",
    }
}

/// "South · inpatient · HIV", for people.
pub fn place_words(place: &Placing) -> String {
    let mut parts: Vec<&str> =
        [place.site.as_str(), place.queue.as_str()].into_iter().filter(|name| !name.is_empty()).collect();
    parts.extend(place.sensitivity.iter().map(|one| one.label()));
    if parts.is_empty() { "no site, no queue".to_owned() } else { parts.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_what_it_has() {
        use overread_domain::Sensitivity;
        assert_eq!(place_words(&Placing::default()), "no site, no queue");
        let place = Placing {
            queue: "inpatient".into(),
            sensitivity: [Sensitivity::Hiv].into(),
            ..Placing::default()
        };
        assert_eq!(place_words(&place), "inpatient · HIV");
    }

    #[test]
    fn writes_moments_in_utc() {
        assert_eq!(moment(0), "1970-01-01 00:00");
        assert_eq!(moment(951_782_400_000), "2000-02-29 00:00");
        assert_eq!(moment(1_772_582_399_999), "2026-03-03 23:59");
    }

    #[test]
    fn groups_digits() {
        assert_eq!(count(74_719), "74\u{202f}719");
        assert_eq!(count(999), "999");
        assert_eq!(plural(1, "entry", "entries"), "1 entry");
    }

    #[test]
    fn percents_keep_one_digit_but_never_pretend_to_be_whole() {
        assert_eq!(percent(0.9571), "95.7 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn cuts_by_letters_and_not_bytes() {
        assert_eq!(brief("é\r\n 😀  b", 9), "é 😀 b");
        assert_eq!(brief("ééééé", 3), "éé…");
    }

    #[test]
    fn tells_how_long_ago() {
        assert_eq!(ago(10_000, 0), "now");
        assert_eq!(ago(7_300_000, 0), "2 h");
        assert_eq!(ago(0, 10_000), "now");
    }
}
