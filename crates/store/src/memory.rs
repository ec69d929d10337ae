//! The correction memory: a projection of the decisions, by phrase. It follows the log entry by entry, at once for who
//! asks ([`Store::learn`]), and can be made again; what somebody deleted stays forgotten.

use std::collections::{BTreeMap, BTreeSet};

use overread_domain::lesson::{Lesson, LessonKind, lessons};
use overread_domain::outcome::outcomes;
use overread_domain::span::CodePoints;
use overread_domain::{CodeRef, Decision, DecisionId, EntryId, Timestamp, UserId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::decide::replay;
use crate::migrate::sha256;
use crate::row::{Columns, ROWS_AT_ONCE, places};
use crate::{EntryRecord, Store, StoreError};

/// Something remembered of a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryRow {
    pub id: String,
    pub kind: LessonKind,
    pub field: String,
    /// Its form for comparing, see [`overread_domain::lesson::phrase_key`].
    pub key: String,
    pub phrase: String,
    pub code: Option<CodeRef>,
    /// Decisions that stand; 0 where nothing is remembered any more.
    pub uses: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Of all changes of the memory, the number of this row's last one.
    pub changed: i64,
}

/// A row with the latest decision that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryListed {
    pub row: MemoryRow,
    pub user: UserId,
    pub entry: EntryId,
    pub decision: DecisionId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPage {
    pub rows: Vec<MemoryListed>,
    pub next: Option<String>,
}

/// What to list. Words are looked for anywhere in the phrase, as they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryFilter {
    pub q: Option<String>,
    pub field: Option<String>,
    pub kind: Option<LessonKind>,
    /// The beginning of a code.
    pub code: Option<String>,
    pub after: Option<String>,
}

/// A deletion on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryDeletion {
    pub memory: String,
    pub user: UserId,
    pub at: Timestamp,
    /// Decisions that it let be forgotten.
    pub uses: u64,
}

const COUNTER: (&str, &str) = ("memory", "changed");
const MEMORY: &str = "memory entry";

macro_rules! columns {
    () => {
        "m.id, m.kind, m.field, m.phrase_key, m.phrase, m.system, m.code, m.uses, m.first_at, m.last_at, m.changed"
    };
}

fn memory_row(row: &AnyRow) -> Result<MemoryRow, StoreError> {
    let code = match (row.text_or_none("system")?, row.text_or_none("code")?) {
        (Some(system), Some(code)) => Some(CodeRef { system, code }),
        _ => None,
    };
    Ok(MemoryRow {
        id: row.text("id")?,
        kind: row.word("kind", LessonKind::parse)?,
        field: row.text("field")?,
        key: row.text("phrase_key")?,
        phrase: row.text("phrase")?,
        code,
        uses: u64::from(row.number("uses")?),
        first_at: Timestamp(row.int("first_at")?),
        last_at: Timestamp(row.int("last_at")?),
        changed: row.int("changed")?,
    })
}

/// The same words, field, kind and code have the same id for ever.
fn id_of(lesson: &Lesson) -> String {
    let (system, code) = match &lesson.code {
        Some(code) => (code.system.as_str(), code.code.as_str()),
        None => ("", ""),
    };
    let whole = [lesson.kind.as_str(), &lesson.field, system, code, &lesson.key()].join("\n");
    format!("m-{}", &sha256(whole.as_bytes())[..32])
}

/// A lesson with who taught it when.
struct Use {
    memory: String,
    lesson: Lesson,
    user: UserId,
    at: Timestamp,
}

fn uses(record: &EntryRecord) -> Vec<Use> {
    let points = CodePoints::new(&record.text);
    let suggestions = record.suggestion_set.as_ref().map_or(&[][..], |set| &set.suggestions);
    let entry = replay(&record.template, suggestions, &points, &record.decisions);
    let decisions: BTreeMap<&DecisionId, &Decision> = record.decisions.iter().map(|d| (&d.id, d)).collect();
    lessons(&outcomes(&entry, suggestions), &record.template)
        .into_iter()
        .filter(|lesson| !lesson.key().is_empty() && !lesson.phrase.contains('\0'))
        .filter_map(|lesson| {
            let decision = decisions.get(&lesson.decision)?;
            Some(Use { memory: id_of(&lesson), user: decision.user.clone(), at: decision.at, lesson })
        })
        .collect()
}

impl Store {
    /// Takes what was decided since it was last asked into the memory, at most `entries` entries; how many it took. Entries
    /// that are behind stay so until they are taken whole, so it may be broken off and asked by many at once.
    pub async fn learn(&self, entries: u32) -> Result<u32, StoreError> {
        for taken in 0..entries {
            let behind = sqlx::query("SELECT id FROM entries WHERE learned < revision ORDER BY id LIMIT 1")
                .fetch_optional(self.pool())
                .await?;
            let Some(row) = behind else { return Ok(taken) };
            self.learn_from(&EntryId::new(row.text("id")?)).await?;
        }
        Ok(entries)
    }

    async fn learn_from(&self, entry: &EntryId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let record = match self.load(&mut tx, entry, true).await {
            Ok(record) => record,
            // A damaged entry teaches nothing, and stands in no other's way.
            Err(StoreError::Corrupt { .. }) => {
                sqlx::query("UPDATE entries SET learned = revision WHERE id = $1")
                    .bind(entry.as_str())
                    .execute(&mut *tx)
                    .await?;
                self.commit(tx).await?;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let new = uses(&record);
        let changed = replace_uses(&mut tx, entry, &new).await?;
        if !changed.is_empty() {
            let stamp = next_stamp(&mut tx).await?;
            insert_rows(&mut tx, &new).await?;
            for id in &changed {
                recount(&mut tx, id, stamp).await?;
            }
        }
        sqlx::query("UPDATE entries SET learned = $2 WHERE id = $1")
            .bind(entry.as_str())
            .bind(i64::from(record.row.revision))
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// Forgets the memory, to be made again of the decisions by [`Store::learn`]. Deletions stay.
    pub async fn unlearn(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let stamp = next_stamp(&mut tx).await?;
        sqlx::query("DELETE FROM memory_uses").execute(&mut *tx).await?;
        sqlx::query("UPDATE memory SET uses = 0, changed = $1").bind(stamp).execute(&mut *tx).await?;
        sqlx::query("UPDATE entries SET learned = 0 WHERE revision > 0").execute(&mut *tx).await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// Rows that changed after `stamp`, in the order of their changes; also those that nothing is left of.
    pub async fn memory_since(&self, stamp: i64) -> Result<Vec<MemoryRow>, StoreError> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM memory m WHERE m.changed > $1 ORDER BY m.changed"
        ))
        .bind(stamp)
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(memory_row).collect()
    }

    /// What is remembered, latest first, with the latest decision behind each row.
    pub async fn memory(&self, filter: &MemoryFilter, limit: u32) -> Result<MemoryPage, StoreError> {
        let limit = limit as usize;
        let mut conditions = vec![format!("m.uses > 0{}", self.taught())];
        let mut arguments: Vec<String> = Vec::new();
        let mut bind = |argument: String| {
            arguments.push(argument);
            format!("${}", arguments.len())
        };
        if let Some(q) = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            conditions.push(format!("m.phrase_key LIKE {} ESCAPE '\\'", bind(crate::queue::pattern(q))));
        }
        if let Some(field) = &filter.field {
            conditions.push(format!("m.field = {}", bind(field.clone())));
        }
        if let Some(kind) = filter.kind {
            conditions.push(format!("m.kind = {}", bind(kind.as_str().to_owned())));
        }
        if let Some(code) = filter.code.as_deref().map(str::trim).filter(|code| !code.is_empty()) {
            let pattern = crate::queue::pattern(code).trim_start_matches('%').to_owned();
            conditions.push(format!("LOWER(m.code) LIKE {} ESCAPE '\\'", bind(pattern)));
        }
        if let Some(after) = &filter.after {
            let (at, id) =
                after.split_once('.').and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id))).ok_or_else(
                    || StoreError::Invalid { what: "after", reason: "it is not of this list".into() },
                )?;
            let id = bind(id.to_owned());
            conditions.push(format!("(m.last_at, m.id) < ({at}, {id})"));
        }
        let sql = format!(
            "SELECT {} FROM memory m WHERE {} ORDER BY m.last_at DESC, m.id DESC LIMIT {}",
            columns!(),
            conditions.join(" AND "),
            limit + 1
        );
        let mut tx = self.begin_read().await?;
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for argument in arguments {
            query = query.bind(argument);
        }
        let found = query.fetch_all(&mut *tx).await?;
        let more = found.len() > limit;
        let mut rows = Vec::with_capacity(found.len().min(limit));
        for row in found.iter().take(limit) {
            rows.push(listed(&mut tx, memory_row(row)?, &self.of_listed("entry_id")).await?);
        }
        tx.commit().await?;
        let next = rows
            .last()
            .filter(|_| more)
            .map(|last: &MemoryListed| format!("{}.{}", last.row.last_at.0, last.row.id));
        Ok(MemoryPage { rows, next })
    }

    /// Forgets all that was decided until now for one row; decisions after this count again. The deletion is on record, and
    /// making the memory again does not bring the row back.
    pub async fn forget(&self, id: &str, user: &UserId) -> Result<MemoryDeletion, StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let stamp = next_stamp(&mut tx).await?;
        let sql =
            format!("SELECT {} FROM memory m WHERE m.id = $1 AND m.uses > 0{}", columns!(), self.taught());
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *tx).await?;
        let row = memory_row(&row.ok_or_else(|| StoreError::not_found(MEMORY, id))?)?;
        // Two decisions in one millisecond, one before and one after: what the person saw is what is forgotten.
        let until = now.max(row.last_at);
        sqlx::query(
            "INSERT INTO memory_deletions (id, memory_id, user_id, at, uses) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(self.new_id("md"))
        .bind(id)
        .bind(user.as_str())
        .bind(until.0)
        .bind(row.uses as i64)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE memory SET forgotten_at = $2 WHERE id = $1")
            .bind(id)
            .bind(until.0)
            .execute(&mut *tx)
            .await?;
        recount(&mut tx, id, stamp).await?;
        self.commit(tx).await?;
        Ok(MemoryDeletion { memory: row.id, user: user.clone(), at: until, uses: row.uses })
    }

    /// The condition on rows of the memory that an entry taught which whoever asks may see.
    fn taught(&self) -> String {
        let listed = self.of_listed("u.entry_id");
        if listed.is_empty() {
            return listed;
        }
        format!(" AND EXISTS (SELECT 1 FROM memory_uses u WHERE u.memory_id = m.id{listed})")
    }

    /// Who let what be forgotten, latest first.
    pub async fn memory_deletions(&self, limit: u32) -> Result<Vec<MemoryDeletion>, StoreError> {
        let rows = sqlx::query(
            "SELECT memory_id, user_id, at, uses FROM memory_deletions ORDER BY at DESC, id DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(MemoryDeletion {
                    memory: row.text("memory_id")?,
                    user: UserId::new(row.text("user_id")?),
                    at: Timestamp(row.int("at")?),
                    uses: u64::from(row.number("uses")?),
                })
            })
            .collect()
    }

    /// Vectors of remembered phrases that a model made, by phrase key: little-endian 32-bit floats.
    pub async fn memory_vectors(&self, space: &str) -> Result<Vec<(String, Vec<f32>)>, StoreError> {
        let rows =
            sqlx::query("SELECT phrase_key, vector FROM memory_vectors WHERE space = $1 ORDER BY phrase_key")
                .bind(space)
                .fetch_all(self.pool())
                .await?;
        rows.iter()
            .map(|row| {
                let bytes = row.bytes("vector")?;
                let numbers = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
                Ok((row.text("phrase_key")?, numbers))
            })
            .collect()
    }

    /// Phrases in the memory that have no vector of this model yet, in the order of their letters.
    pub async fn memory_without_vector(&self, space: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT m.phrase_key FROM memory m WHERE m.uses > 0 AND NOT EXISTS (SELECT 1 FROM memory_vectors v \
             WHERE v.space = $1 AND v.phrase_key = m.phrase_key) ORDER BY m.phrase_key LIMIT $2",
        )
        .bind(space)
        .bind(i64::from(limit))
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(|row| row.text("phrase_key")).collect()
    }

    /// Keeps vectors of phrases; those that are there stay.
    pub async fn put_memory_vectors(
        &self,
        space: &str,
        vectors: &[(String, Vec<f32>)],
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        for some in vectors.chunks(ROWS_AT_ONCE) {
            let sql = format!(
                "INSERT INTO memory_vectors (space, phrase_key, made_at, vector) VALUES {} \
                 ON CONFLICT (space, phrase_key) DO NOTHING",
                places(some.len(), 4)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (key, vector) in some {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                query = query.bind(space).bind(key).bind(now.0).bind(bytes);
            }
            query.execute(&mut *tx).await?;
        }
        self.commit(tx).await?;
        Ok(())
    }
}

/// The number of the next change. Holding its row until the end of the transaction, writers of the memory come one after
/// the other: what has a lower number is visible.
async fn next_stamp(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "INSERT INTO counters (scope, name, n) VALUES ($1, $2, 1) \
         ON CONFLICT (scope, name) DO UPDATE SET n = counters.n + 1 RETURNING n",
    )
    .bind(COUNTER.0)
    .bind(COUNTER.1)
    .fetch_one(connection)
    .await?;
    row.int("n")
}

/// Puts the uses of an entry in the place of those it had; the ids of rows that gained, lost or changed a use, in order.
async fn replace_uses(
    connection: &mut AnyConnection,
    entry: &EntryId,
    new: &[Use],
) -> Result<BTreeSet<String>, StoreError> {
    let rows = sqlx::query("SELECT memory_id, decision_id FROM memory_uses WHERE entry_id = $1")
        .bind(entry.as_str())
        .fetch_all(&mut *connection)
        .await?;
    let mut old: BTreeSet<(String, String)> = BTreeSet::new();
    for row in &rows {
        old.insert((row.text("memory_id")?, row.text("decision_id")?));
    }
    let now: BTreeSet<(String, String)> =
        new.iter().map(|one| (one.memory.clone(), one.lesson.decision.to_string())).collect();
    let changed: BTreeSet<String> =
        old.symmetric_difference(&now).map(|(memory, _)| memory.clone()).collect();
    if changed.is_empty() {
        return Ok(changed);
    }
    sqlx::query("DELETE FROM memory_uses WHERE entry_id = $1")
        .bind(entry.as_str())
        .execute(&mut *connection)
        .await?;
    let numbered: Vec<(usize, &Use)> = new.iter().enumerate().collect();
    for some in numbered.chunks(ROWS_AT_ONCE) {
        let sql = format!(
            "INSERT INTO memory_uses (entry_id, place, memory_id, decision_id, user_id, at) VALUES {}",
            places(some.len(), 6)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (place, one) in some {
            query = query
                .bind(entry.as_str())
                .bind(*place as i64)
                .bind(&one.memory)
                .bind(one.lesson.decision.as_str())
                .bind(one.user.as_str())
                .bind(one.at.0);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(changed)
}

/// Makes rows for what is remembered for the first time; a row made again keeps what was deleted of it.
async fn insert_rows(connection: &mut AnyConnection, new: &[Use]) -> Result<(), StoreError> {
    let unique: BTreeMap<&str, &Use> = new.iter().map(|one| (one.memory.as_str(), one)).collect();
    let all: Vec<(&str, &Use)> = unique.into_iter().collect();
    for some in all.chunks(ROWS_AT_ONCE) {
        let sql = format!(
            "INSERT INTO memory (id, kind, field, phrase_key, phrase, system, code, uses, first_at, last_at, changed, \
             forgotten_at) VALUES {} ON CONFLICT (id) DO NOTHING",
            places(some.len(), 12)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (id, one) in some {
            query = query
                .bind(*id)
                .bind(one.lesson.kind.as_str())
                .bind(&one.lesson.field)
                .bind(one.lesson.key())
                .bind(&one.lesson.phrase)
                .bind(one.lesson.code.as_ref().map(|code| code.system.as_str()))
                .bind(one.lesson.code.as_ref().map(|code| code.code.as_str()))
                .bind(0_i64)
                .bind(one.at.0)
                .bind(one.at.0)
                .bind(0_i64)
                .bind(i64::MIN);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Brings a row up to date with its uses.
async fn recount(connection: &mut AnyConnection, id: &str, stamp: i64) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS n, MIN(u.at) AS first_at, MAX(u.at) AS last_at FROM memory_uses u \
         WHERE u.memory_id = $1 AND u.at > (SELECT m.forgotten_at FROM memory m WHERE m.id = $1)",
    )
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    let query = match (row.int_or_none("first_at")?, row.int_or_none("last_at")?) {
        (Some(first), Some(last)) => sqlx::query(
            "UPDATE memory SET changed = $2, uses = $3, first_at = $4, last_at = $5 WHERE id = $1",
        )
        .bind(id)
        .bind(stamp)
        .bind(row.int("n")?)
        .bind(first)
        .bind(last),
        _ => sqlx::query("UPDATE memory SET changed = $2, uses = 0 WHERE id = $1").bind(id).bind(stamp),
    };
    query.execute(connection).await?;
    Ok(())
}

async fn listed(
    connection: &mut AnyConnection,
    row: MemoryRow,
    seen: &str,
) -> Result<MemoryListed, StoreError> {
    let sql = format!(
        "SELECT user_id, entry_id, decision_id FROM memory_uses WHERE memory_id = $1{seen} \
         ORDER BY at DESC, entry_id DESC LIMIT 1"
    );
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(&row.id)
        .fetch_optional(connection)
        .await?
        .ok_or_else(|| StoreError::corrupt(MEMORY, &row.id, "no decision is behind it"))?;
    Ok(MemoryListed {
        user: UserId::new(found.text("user_id")?),
        entry: EntryId::new(found.text("entry_id")?),
        decision: DecisionId::new(found.text("decision_id")?),
        row,
    })
}
