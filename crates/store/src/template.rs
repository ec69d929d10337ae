//! Entry templates. A version that was saved is never changed: entries keep the one they were made with.

use std::sync::Arc;

use overread_domain::Template;

use crate::{Store, StoreError};

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
    /// Saves a template as a new version and says which; the version it carries is not looked at. What is saved already
    /// gets no new version.
    pub async fn put_template(&self, template: &Template) -> Result<u32, StoreError> {
        todo!("{}", template.id)
    }

    /// The latest version.
    pub async fn template(&self, id: &str) -> Result<Option<Arc<Template>>, StoreError> {
        todo!("{id}")
    }

    pub async fn template_version(&self, id: &str, version: u32) -> Result<Option<Arc<Template>>, StoreError> {
        todo!("{id} {version}")
    }

    pub async fn templates(&self) -> Result<Vec<TemplateRow>, StoreError> {
        todo!()
    }
}
