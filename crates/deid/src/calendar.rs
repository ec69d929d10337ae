//! Names of months.

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// 1 to 12, by the beginning of a name.
pub(crate) fn month(word: &str) -> Option<i64> {
    let word = word.to_lowercase();
    let word = word.trim_end_matches('.');
    if word.len() < 3 {
        return None;
    }
    MONTHS
        .iter()
        .position(|name| name.to_lowercase().starts_with(word))
        .map(|at| at as i64 + 1)
        .or((word == "sept").then_some(9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_by_how_they_begin() {
        assert_eq!(
            (month("Sept."), month("sep"), month("MAY"), month("Mayo"), month("ma")),
            (Some(9), Some(9), Some(5), None, None)
        );
    }
}
