//! Who may see which entries. Every entry lies in a compartment (site, queue, guarded categories); what is open to a person
//! becomes a list of compartments, and every query that reads entries for somebody asks for them: what is outside is not
//! found, not counted and not listed.

use std::collections::BTreeSet;

use overread_domain::{EntryId, EntryStatus, NoteId, Placing, Sensitivity};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::counters::{self, Deltas};
use crate::migrate::sha256;
use crate::row::{Columns, to_json};
use crate::{Store, StoreError, User};

/// What of all entries somebody may see at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    compartments: Vec<String>,
    /// Whether those are all that there are.
    whole: bool,
    /// Entries that a reason opened, whatever else keeps them closed.
    opened: Vec<String>,
    /// Of finished entries only those that this person decided on.
    finished_of: Option<String>,
    /// Notes that a reason shows as written.
    as_written: BTreeSet<NoteId>,
    /// Whether notes are shown as written without a reason.
    reads_as_written: bool,
}

/// The compartment of entries that say nothing of themselves. It has no row.
pub(crate) const NOWHERE: &str = "c-0";

impl Scope {
    /// Whether this person sees a note as it is written.
    pub fn shows_as_written(&self, note: &NoteId) -> bool {
        self.reads_as_written || self.as_written.contains(note)
    }

    /// Whether this person sees notes as they are written without giving a reason.
    pub fn reads_as_written(&self) -> bool {
        self.reads_as_written
    }

    fn sees(&self, compartment: &str) -> bool {
        self.compartments.iter().any(|known| known == compartment)
    }

    /// The condition that a person who sees no finished entries of others puts up, in brackets.
    fn unfinished(&self, entries: &str) -> Option<String> {
        let user = self.finished_of.as_ref()?.replace('\'', "''");
        let finished = EntryStatus::Finished.as_str();
        Some(format!(
            "({entries}.status <> '{finished}' OR {entries}.id IN (SELECT mine.entry_id FROM decisions mine WHERE mine.user_id = '{user}'))"
        ))
    }

    /// Ids are ours, letters, digits and hyphens; what a restored copy calls one is quoted all the same.
    fn list(ids: &[String]) -> String {
        let quoted: Vec<String> = ids.iter().map(|id| format!("'{}'", id.replace('\'', "''"))).collect();
        quoted.join(", ")
    }
}

impl Store {
    /// What is open to a person now.
    pub async fn scope_of(&self, user: &User) -> Result<Scope, StoreError> {
        let mut tx = self.begin_read().await?;
        let mut places = vec![(NOWHERE.to_owned(), Placing::default())];
        for row in sqlx::query("SELECT id, site, queue, sensitivity FROM compartments ORDER BY id")
            .fetch_all(&mut *tx)
            .await?
        {
            places.push((row.text("id")?, placing(&row)?));
        }
        let all = places.len();
        let mut scope = Scope {
            compartments: places
                .into_iter()
                .filter(|(_, place)| user.reach.holds(place))
                .map(|(id, _)| id)
                .collect(),
            whole: false,
            opened: Vec::new(),
            finished_of: (!user.role.sees_finished()).then(|| user.id.to_string()),
            as_written: BTreeSet::new(),
            reads_as_written: user.reach.reads_as_written(user.role),
        };
        scope.whole = scope.compartments.len() == all;
        let rows = sqlx::query(
            "SELECT g.kind, g.note_id, e.id FROM access_grants g JOIN entries e ON e.note_id = g.note_id \
             WHERE g.user_id = $1 AND g.until > $2",
        )
        .bind(user.id.as_str())
        .bind(self.now().0)
        .fetch_all(&mut *tx)
        .await?;
        for row in rows {
            scope.as_written.insert(NoteId::new(row.text("note_id")?));
            if row.text("kind")? == crate::GrantKind::Emergency.as_str() {
                scope.opened.push(row.text("id")?);
            }
        }
        tx.commit().await?;
        Ok(scope)
    }

    /// The condition that lists and counts of `entries` put up for whoever asks; begins with AND.
    pub(crate) fn listed(&self, entries: &str) -> String {
        match self.scope() {
            None => String::new(),
            Some(scope) if scope.compartments.is_empty() => " AND 1 = 0".to_owned(),
            Some(scope) => {
                let mut condition =
                    format!(" AND {entries}.compartment IN ({})", Scope::list(&scope.compartments));
                if let Some(unfinished) = scope.unfinished(entries) {
                    condition.push_str(" AND ");
                    condition.push_str(&unfinished);
                }
                condition
            }
        }
    }

    /// The same for a single entry that is asked for by its id: what a reason opened is there, too.
    pub(crate) fn found(&self, entries: &str) -> String {
        match self.scope() {
            None => String::new(),
            Some(scope) => {
                let mut either = vec!["1 = 0".to_owned()];
                if !scope.compartments.is_empty() {
                    let within = format!("{entries}.compartment IN ({})", Scope::list(&scope.compartments));
                    either.push(match scope.unfinished(entries) {
                        None => within,
                        Some(unfinished) => format!("({within} AND {unfinished})"),
                    });
                }
                if !scope.opened.is_empty() {
                    either.push(format!("{entries}.id IN ({})", Scope::list(&scope.opened)));
                }
                format!(" AND ({})", either.join(" OR "))
            }
        }
    }

    /// The condition on rows that belong to entries, by the column with their id; none where the person sees all places. What
    /// the memory learned of finished entries is there for all who see their places.
    pub(crate) fn of_listed(&self, column: &str) -> String {
        match self.scope() {
            None => String::new(),
            Some(scope) if scope.whole => String::new(),
            Some(scope) => {
                let within = if scope.compartments.is_empty() {
                    "1 = 0".to_owned()
                } else {
                    format!("s.compartment IN ({})", Scope::list(&scope.compartments))
                };
                format!(" AND {column} IN (SELECT s.id FROM entries s WHERE {within})")
            }
        }
    }

    /// Whether a counter of a compartment counts for whoever asks; its name without the compartment.
    pub(crate) fn counted<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (compartment, name) = name.split_once(' ')?;
        self.scope().is_none_or(|scope| scope.sees(compartment)).then_some(name)
    }

    /// The entries of a note that whoever asks may see.
    pub async fn entries_of(&self, note: &NoteId) -> Result<Vec<EntryId>, StoreError> {
        let sql =
            format!("SELECT e.id FROM entries e WHERE e.note_id = $1{} ORDER BY e.id", self.listed("e"));
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(note.as_str()).fetch_all(self.pool()).await?;
        rows.iter().map(|row| Ok(EntryId::new(row.text("id")?))).collect()
    }

    /// Every site and queue that entries were ever placed in, by name.
    pub async fn places(&self) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let rows = sqlx::query("SELECT site, queue FROM compartments").fetch_all(self.pool()).await?;
        let (mut sites, mut queues) = (BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            sites.insert(row.text("site")?);
            queues.insert(row.text("queue")?);
        }
        let named = |names: BTreeSet<String>| names.into_iter().filter(|name| !name.is_empty()).collect();
        Ok((named(sites), named(queues)))
    }

    /// Moves an entry to where it belongs, maybe out of the sight of whoever does it, and with it the other entries of its note:
    /// a note is in one place. Where it was before.
    pub async fn place_entry(&self, entry: &EntryId, place: &Placing) -> Result<Placing, StoreError> {
        let mut tx = self.begin().await?;
        let to = compartment(&mut tx, place, self.now().0).await?;
        let sql = format!(
            "SELECT e.note_id, c.site, c.queue, c.sensitivity FROM entries e \
             LEFT JOIN compartments c ON c.id = e.compartment WHERE e.id = $1{}",
            self.found("e")
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(entry.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("entry", entry))?;
        let before = placing(&row)?;
        let sql = format!(
            "SELECT e.id, e.status, e.suggesting, e.document_type, e.compartment FROM entries e WHERE e.note_id = $1 \
             ORDER BY e.id {}",
            self.engine().lock("FOR UPDATE")
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(row.text("note_id")?).fetch_all(&mut *tx).await?;
        let mut deltas = Deltas::default();
        for row in rows {
            let from = row.text("compartment")?;
            sqlx::query("UPDATE entries SET compartment = $2 WHERE id = $1")
                .bind(row.text("id")?)
                .bind(&to)
                .execute(&mut *tx)
                .await?;
            for (scope, column) in [
                (counters::STATUS, "status"),
                (counters::SUGGESTING, "suggesting"),
                (counters::DOCUMENT_TYPE, "document_type"),
            ] {
                if let Some(name) = row.text_or_none(column)? {
                    deltas.add(scope, &counters::within(&from, &name), -1);
                    deltas.add(scope, &counters::within(&to, &name), 1);
                }
            }
        }
        deltas.write(&mut tx).await?;
        self.commit(tx).await?;
        Ok(before)
    }
}

/// The place that a row of compartments stands for; what has no row is nowhere.
pub(crate) fn placing(row: &sqlx::any::AnyRow) -> Result<Placing, StoreError> {
    let Some(site) = row.text_or_none("site")? else { return Ok(Placing::default()) };
    let sensitivity: BTreeSet<Sensitivity> = row.json("sensitivity")?;
    Ok(Placing { site, queue: row.text("queue")?, sensitivity })
}

/// The compartment of a place, made where it is the first of its kind.
pub(crate) async fn compartment(
    connection: &mut AnyConnection,
    place: &Placing,
    now: i64,
) -> Result<String, StoreError> {
    if *place == Placing::default() {
        return Ok(NOWHERE.to_owned());
    }
    for (what, name) in [("a site", &place.site), ("a queue", &place.queue)] {
        if name.contains('\0') {
            return Err(StoreError::Invalid { what, reason: "its name holds U+0000".into() });
        }
    }
    let sensitivity = to_json("the categories", &place.sensitivity)?;
    let whole = to_json("the place", place)?;
    let id = format!("c-{}", &sha256(whole.as_bytes())[..32]);
    sqlx::query(
        "INSERT INTO compartments (id, site, queue, sensitivity, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(&id)
    .bind(&place.site)
    .bind(&place.queue)
    .bind(sensitivity)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(id)
}
