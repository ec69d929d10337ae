//! How good the suggestions were, from the outcomes of finished entries.

use std::collections::BTreeMap;

use overread_domain::{CodeRef, Timestamp};
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use crate::row::Columns;
use crate::{Store, StoreError};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccuracyFilter {
    pub model: Option<String>,
    pub document_type: Option<String>,
    /// Entries finished at or after.
    pub since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Suggestions that were shown and decided: accepted, corrected or rejected.
    pub shown: u64,
    pub accepted: u64,
    pub corrected: u64,
    pub rejected: u64,
    /// The model missed it.
    pub added: u64,
    /// Typed by hand although the model had offered the same.
    pub typed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldCounts {
    pub field: String,
    pub counts: Counts,
}

/// Judged by the code alone: `accepted` is kept with this code whatever else was changed, `corrected` is changed to another,
/// `added` is put there by hand or corrected from another code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCounts {
    pub code: CodeRef,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Mean confidence of the suggestions, 0 to 1.
    pub confidence: f64,
    pub accepted: u64,
    pub n: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Finished entries that the counts are about.
    pub entries: u64,
    pub total: Counts,
    pub fields: Vec<FieldCounts>,
    /// Most often seen first, 1,000 at most.
    pub codes: Vec<CodeCounts>,
    /// Decided suggestions by confidence, to a thousandth, rising; see [`Accuracy::equal_mass_bins`].
    pub calibration: Vec<CalibrationBin>,
    /// Model versions that made suggestions, newest first, whatever the filter.
    pub models: Vec<String>,
}

impl Accuracy {
    /// At most `bins` bins with about as many suggestions each.
    pub fn equal_mass_bins(&self, bins: usize) -> Vec<CalibrationBin> {
        let total: u64 = self.calibration.iter().map(|point| point.n).sum();
        let mut out: Vec<CalibrationBin> = Vec::new();
        let mut seen = 0;
        let mut last_bin = None;
        for point in &self.calibration {
            let bin = seen * bins as u64 / total.max(1);
            seen += point.n;
            match out.last_mut().filter(|_| last_bin == Some(bin)) {
                Some(open) => {
                    let n = open.n + point.n;
                    open.confidence =
                        (open.confidence * open.n as f64 + point.confidence * point.n as f64) / n as f64;
                    open.accepted += point.accepted;
                    open.n = n;
                }
                None => out.push(*point),
            }
            last_bin = Some(bin);
        }
        out
    }
}

impl Counts {
    fn add(&mut self, kind: &str, n: u64) {
        match kind {
            "accepted" => self.accepted += n,
            "corrected" => self.corrected += n,
            "rejected" => self.rejected += n,
            "added" => self.added += n,
            "typed_though_suggested" => self.typed += n,
            _ => {}
        }
        if matches!(kind, "accepted" | "corrected" | "rejected") {
            self.shown += n;
        }
    }

    fn plus(&mut self, other: Self) {
        self.shown += other.shown;
        self.accepted += other.accepted;
        self.corrected += other.corrected;
        self.rejected += other.rejected;
        self.added += other.added;
        self.typed += other.typed;
    }
}

/// Codes in one answer.
const MOST_CODES: usize = 1_000;

/// The filter, the same in each query; `$1` to `$3`, none for whatever. The casts tell `PostgreSQL` what an absent value is.
fn filtered(store: &Store, head: &str, tail: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "{head} FROM outcomes WHERE (CAST($1 AS TEXT) IS NULL OR model = $1) \
         AND (CAST($2 AS TEXT) IS NULL OR document_type = $2) AND finished_at >= $3{} {tail}",
        store.of_listed("entry_id")
    ))
}

impl Store {
    /// What people decided on the suggestions of finished entries.
    pub async fn accuracy(&self, filter: &AccuracyFilter) -> Result<Accuracy, StoreError> {
        let mut tx = self.begin_read().await?;
        let mut accuracy = Accuracy::default();
        let rows = filter
            .query(filtered(self, "SELECT field, kind, COUNT(*) AS n", "GROUP BY field, kind ORDER BY field"))
            .fetch_all(&mut *tx)
            .await?;
        for row in rows {
            let field = row.text("field")?;
            if accuracy.fields.last().is_none_or(|last| last.field != field) {
                accuracy.fields.push(FieldCounts { field, counts: Counts::default() });
            }
            if let Some(last) = accuracy.fields.last_mut() {
                last.counts.add(&row.text("kind")?, row.int("n")? as u64);
            }
        }
        for field in &accuracy.fields {
            accuracy.total.plus(field.counts);
        }
        let row = filter
            .query(filtered(self, "SELECT COUNT(DISTINCT entry_id) AS n", ""))
            .fetch_one(&mut *tx)
            .await?;
        accuracy.entries = row.int("n")? as u64;
        accuracy.codes = codes(self, &mut tx, filter).await?;
        let rows = filter
            .query(filtered(
                self,
                "SELECT confidence / 1000 AS bin, COUNT(*) AS n, CAST(SUM(confidence) AS BIGINT) AS total, \
                 SUM(CASE WHEN kind = 'accepted' THEN 1 ELSE 0 END) AS accepted",
                "AND confidence IS NOT NULL GROUP BY confidence / 1000 ORDER BY confidence / 1000",
            ))
            .fetch_all(&mut *tx)
            .await?;
        for row in rows {
            let n = row.int("n")?;
            accuracy.calibration.push(CalibrationBin {
                confidence: row.int("total")? as f64 / n as f64 / 1e6,
                accepted: row.int("accepted")? as u64,
                n: n as u64,
            });
        }
        let rows =
            sqlx::query("SELECT model FROM models ORDER BY last_at DESC, model").fetch_all(&mut *tx).await?;
        accuracy.models = rows.iter().map(|row| row.text("model")).collect::<Result<_, _>>()?;
        tx.commit().await?;
        Ok(accuracy)
    }
}

impl AccuracyFilter {
    fn query(&self, sql: AssertSqlSafe<String>) -> Query<'_, Any, AnyArguments> {
        sqlx::query(sql)
            .bind(self.model.as_deref())
            .bind(self.document_type.as_deref())
            .bind(self.since.map_or(i64::MIN, |since| since.0))
    }
}

async fn codes(
    store: &Store,
    connection: &mut AnyConnection,
    filter: &AccuracyFilter,
) -> Result<Vec<CodeCounts>, StoreError> {
    let rows = filter
        .query(filtered(
            store,
            "SELECT suggested_system, suggested_code, decided_system, decided_code, kind, COUNT(*) AS n",
            "AND (suggested_code IS NOT NULL OR decided_code IS NOT NULL) \
             GROUP BY suggested_system, suggested_code, decided_system, decided_code, kind",
        ))
        .fetch_all(connection)
        .await?;
    let mut counts: BTreeMap<CodeRef, Counts> = BTreeMap::new();
    for row in rows {
        let code =
            |system: Option<String>, code: Option<String>| Some(CodeRef { system: system?, code: code? });
        let suggested = code(row.text_or_none("suggested_system")?, row.text_or_none("suggested_code")?);
        let decided = code(row.text_or_none("decided_system")?, row.text_or_none("decided_code")?);
        let (kind, n) = (row.text("kind")?, row.int("n")? as u64);
        let missed = suggested != decided;
        if let Some(suggested) = suggested {
            let kind = match kind.as_str() {
                "rejected" => "rejected",
                _ if missed => "corrected",
                _ => "accepted",
            };
            counts.entry(suggested).or_default().add(kind, n);
        }
        if let Some(decided) = decided.filter(|_| missed) {
            let kind = if kind == "typed_though_suggested" { kind.as_str() } else { "added" };
            counts.entry(decided).or_default().add(kind, n);
        }
    }
    let mut codes: Vec<_> = counts.into_iter().map(|(code, counts)| CodeCounts { code, counts }).collect();
    codes.sort_by_key(|code| std::cmp::Reverse(code.counts.shown + code.counts.added + code.counts.typed));
    codes.truncate(MOST_CODES);
    Ok(codes)
}
