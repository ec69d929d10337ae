//! Entry templates. A version that was saved is never changed: entries keep the one they were made with.

use std::sync::Arc;

use overread_domain::Template;
use sqlx::AnyConnection;

use crate::row::{Columns, to_json};
use crate::{Store, StoreError, counters};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    pub id: String,
    /// The latest.
    pub version: u32,
    pub name: String,
    pub fields: u32,
    /// Entries made with any version of it.
    pub entries: u64,
}

impl Store {
    /// Saves a template as a new version and says which; the version it carries is not looked at. What is the latest version
    /// already gets no new one.
    pub async fn put_template(&self, template: &Template) -> Result<u32, StoreError> {
        template
            .check()
            .map_err(|error| StoreError::Invalid { what: "the template", reason: error.to_string() })?;
        let mut tx = self.begin().await?;
        let latest = latest(&mut tx, &template.id).await?;
        let version = latest.as_ref().map_or(0, |latest| latest.version);
        if latest.is_some_and(|latest| Template { version, ..template.clone() } == latest) {
            return Ok(version);
        }
        let template = Template { version: version + 1, ..template.clone() };
        sqlx::query(
            "INSERT INTO templates (id, version, name, fields, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&template.id)
        .bind(i64::from(template.version))
        .bind(&template.name)
        .bind(template.fields().count() as i64)
        .bind(to_json("the template", &template)?)
        .bind(self.now().0)
        .execute(&mut *tx)
        .await
        .map_err(|error| {
            if crate::dialect::is_duplicate(&error) {
                StoreError::conflict("template", &template.id, "somebody saved it at the same time")
            } else {
                error.into()
            }
        })?;
        self.commit(tx).await?;
        Ok(template.version)
    }

    /// The latest version.
    pub async fn template(&self, id: &str) -> Result<Option<Arc<Template>>, StoreError> {
        let row = sqlx::query("SELECT MAX(version) AS version FROM templates WHERE id = $1")
            .bind(id)
            .fetch_one(self.pool())
            .await?;
        match row.int_or_none("version")? {
            Some(version) => self.template_version(id, version as u32).await,
            None => Ok(None),
        }
    }

    pub async fn template_version(
        &self,
        id: &str,
        version: u32,
    ) -> Result<Option<Arc<Template>>, StoreError> {
        if let Some(template) = self.known_template(id, version) {
            return Ok(Some(template));
        }
        let row = sqlx::query("SELECT body FROM templates WHERE id = $1 AND version = $2")
            .bind(id)
            .bind(i64::from(version))
            .fetch_optional(self.pool())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let template = Arc::new(row.json("body")?);
        self.remember_template(&template);
        Ok(Some(template))
    }

    /// By id.
    pub async fn templates(&self) -> Result<Vec<TemplateRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.id, t.version, t.name, t.fields, COALESCE(c.n, 0) AS entries FROM templates t \
             LEFT JOIN counters c ON c.scope = $1 AND c.name = t.id \
             WHERE t.version = (SELECT MAX(version) FROM templates WHERE id = t.id) ORDER BY t.id",
        )
        .bind(counters::TEMPLATE)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(TemplateRow {
                    id: row.text("id")?,
                    version: row.number("version")?,
                    name: row.text("name")?,
                    fields: row.number("fields")?,
                    entries: row.int("entries")? as u64,
                })
            })
            .collect()
    }

    /// A template within a transaction.
    pub(crate) async fn template_in(
        &self,
        connection: &mut AnyConnection,
        id: &str,
        version: u32,
    ) -> Result<Arc<Template>, StoreError> {
        if let Some(template) = self.known_template(id, version) {
            return Ok(template);
        }
        let row = sqlx::query("SELECT body FROM templates WHERE id = $1 AND version = $2")
            .bind(id)
            .bind(i64::from(version))
            .fetch_optional(connection)
            .await?
            .ok_or_else(|| StoreError::not_found("template", id))?;
        let template = Arc::new(row.json("body")?);
        self.remember_template(&template);
        Ok(template)
    }
}

pub(crate) async fn latest(connection: &mut AnyConnection, id: &str) -> Result<Option<Template>, StoreError> {
    let row = sqlx::query("SELECT body FROM templates WHERE id = $1 ORDER BY version DESC LIMIT 1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.map(|row| row.json("body")).transpose()
}
