//! UTF-8 or nothing.

use crate::FaultKind;

/// The UTF-8 byte order mark.
pub const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Refuses files that say by their byte order mark that they are something else.
pub fn check_mark(bytes: &[u8]) -> Result<(), FaultKind> {
    // UTF-32 little-endian begins with the mark of UTF-16 little-endian.
    let found = if bytes.starts_with(b"\xFF\xFE\0\0") || bytes.starts_with(b"\0\0\xFE\xFF") {
        "UTF-32"
    } else if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        "UTF-16"
    } else {
        return Ok(());
    };
    Err(FaultKind::OtherEncoding(found))
}

/// The text of `bytes`, or what is wrong and at which byte.
pub fn decode(bytes: &[u8]) -> Result<&str, (FaultKind, usize)> {
    let text = std::str::from_utf8(bytes).map_err(|error| (FaultKind::NotUtf8, error.valid_up_to()))?;
    // UTF-16 without a mark is valid UTF-8 wherever its characters are ASCII: every other byte is NUL.
    match bytes.iter().position(|&byte| byte == 0) {
        Some(at) => Err((FaultKind::Nul, at)),
        None => Ok(text),
    }
}
