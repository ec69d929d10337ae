//! Columns of a row as values, with an error that names the column.

use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

use crate::StoreError;

pub(crate) trait Columns {
    fn text(&self, column: &'static str) -> Result<String, StoreError>;
    fn text_or_none(&self, column: &'static str) -> Result<Option<String>, StoreError>;
    fn int(&self, column: &'static str) -> Result<i64, StoreError>;
    fn int_or_none(&self, column: &'static str) -> Result<Option<i64>, StoreError>;
    /// A count, version or revision.
    fn number(&self, column: &'static str) -> Result<u32, StoreError>;
    fn truth(&self, column: &'static str) -> Result<bool, StoreError>;
    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError>;
    /// One of a closed set of words.
    fn word<T>(&self, column: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError>;
    fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError>;
}

impl Columns for AnyRow {
    fn text(&self, column: &'static str) -> Result<String, StoreError> {
        get(self, column)
    }

    fn text_or_none(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        get(self, column)
    }

    fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        get(self, column)
    }

    fn int_or_none(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        get(self, column)
    }

    fn number(&self, column: &'static str) -> Result<u32, StoreError> {
        self.int(column)?
            .try_into()
            .map_err(|_| StoreError::corrupt("column", column, "the number is out of range"))
    }

    fn truth(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        get(self, column)
    }

    fn word<T>(&self, column: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(&self.text(column)?).ok_or_else(|| StoreError::corrupt("column", column, "the word is unknown"))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        from_json(column, &self.text(column)?)
    }
}

fn get<'r, T: Decode<'r, Any> + Type<Any>>(row: &'r AnyRow, column: &'static str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| match error {
        sqlx::Error::ColumnNotFound(_) => StoreError::corrupt("column", column, "it is missing"),
        _ => StoreError::corrupt("column", column, "the value is of another kind"),
    })
}

/// Serde's own message may quote what it read: only its place is kept.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    column: &'static str,
    json: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| {
        let place = format!("line {}, column {} is not as expected", error.line(), error.column());
        StoreError::corrupt("column", column, &place)
    })
}

pub(crate) fn to_json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|_| StoreError::Invalid { what, reason: "it can't be written as JSON".into() })
}

/// Confidence in millionths: whole numbers compare and add up the same way in both engines.
pub(crate) fn millionths(confidence: f32) -> i64 {
    (f64::from(confidence.clamp(0.0, 1.0)) * 1e6).round() as i64
}

/// `($1, $2), ($3, $4)`: places for the values of several rows in one statement, which costs one way to the database instead
/// of one for each row.
pub(crate) fn places(rows: usize, columns: usize) -> String {
    use std::fmt::Write as _;
    let mut places = String::with_capacity(rows * columns * 5);
    for row in 0..rows {
        for column in 0..columns {
            let before = match (row, column) {
                (0, 0) => "(",
                (_, 0) => "), (",
                _ => ", ",
            };
            let _ = write!(places, "{before}${}", row * columns + column + 1);
        }
    }
    places.push(')');
    places
}

/// Rows in one statement: `SQLite` takes 32,766 values, `PostgreSQL` 65,535.
pub(crate) const ROWS_AT_ONCE: usize = 500;

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_on_from_row_to_row() {
        assert_eq!(places(1, 1), "($1)");
        assert_eq!(places(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }

    #[test]
    fn confidence_is_kept_to_a_millionth() {
        assert_eq!((millionths(0.0), millionths(0.123_456), millionths(1.5)), (0, 123_456, 1_000_000));
    }
}
