//! Normal forms that make "65 yrs" and "65 Years.", or "98 %" and "98", the same value.

/// The form in which two values are compared.
pub fn normal_form(value: &str) -> String {
    let joined = words(&value.to_lowercase());
    let value = joined.trim_matches([' ', '.', ',', ';']);
    let value = value.replace("yrs", "years").replace("year-old", "years").replace(['%', '°'], "");
    let value = value.trim_matches(is_space);
    if let Some(number) = years(value) {
        return format!("{number} years");
    }
    without_zero_decimals(&value.replace(' ', ""))
}

/// Lower case without any white space: how dose phrases are compared.
pub(super) fn squeezed(value: &str) -> String {
    value.to_lowercase().chars().filter(|c| !is_space(*c)).collect()
}

/// Unicode white space and the four separators of ASCII, which count as such for the figures this must agree with.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// One space for every run of white space.
fn words(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut space = false;
    for c in value.chars() {
        if !is_space(c) {
            out.push(c);
        } else if !space {
            out.push(' ');
        }
        space = is_space(c);
    }
    out
}

/// The digits of "65 year" and "65 years".
fn years(value: &str) -> Option<&str> {
    let number = value.strip_suffix("s").unwrap_or(value).strip_suffix(" year")?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(number)
}

/// Drops ".0" after a digit where no letter or digit follows.
fn without_zero_decimals(value: &str) -> String {
    let chars: Vec<char> = value.chars().collect();
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let mut out = String::with_capacity(value.len());
    let mut at = 0;
    while at < chars.len() {
        out.push(chars[at]);
        let zero =
            chars[at].is_ascii_digit() && chars.get(at + 1) == Some(&'.') && chars.get(at + 2) == Some(&'0');
        at += if zero && !word(chars.get(at + 3)) { 3 } else { 1 };
    }
    out
}
