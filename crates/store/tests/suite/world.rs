//! A store with people, a template and notes in it.

use std::sync::Arc;

use overread_domain::{
    Action, Attribute, Cardinality, CodeRef, Content, Effort, EntryId, Field, FieldKind, Group, ItemId,
    NoteMeta, Quoted, Reach, Role, Suggestion, SuggestionSet, SuggestionSetId, Template,
};
use overread_store::{ClaimedJob, DecideOutcome, DecideRequest, NewNote, NewUser, Store, StoreError};
use overread_test_support::{Postgres, TestSource};

pub struct World {
    pub store: Store,
    pub source: Arc<TestSource>,
    pub url: String,
    pub folder: Option<tempfile::TempDir>,
}

pub const TEMPLATE: &str = "short";
pub const TEXT: &str = "65-year-old woman with pneumonia and gout. Denies fever. Takes allopurinol.";

impl World {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/store.db", folder.path().display());
        Self::open(url, Some(folder)).await
    }

    pub async fn postgres() -> Self {
        Self::open(Postgres::start().database(), None).await
    }

    async fn open(url: String, folder: Option<tempfile::TempDir>) -> Self {
        let source = Arc::new(TestSource::new(7));
        let store = Store::open(&url, source.clone()).await.unwrap();
        for (id, role) in [("ann", Role::Reviewer), ("bob", Role::Coder)] {
            store.create_user(new_user(id, role)).await.unwrap();
        }
        store.put_template(&template()).await.unwrap();
        Self { store, source, url, folder }
    }

    pub async fn import(&self, notes: Vec<NewNote>) -> Vec<EntryId> {
        self.store.import_notes(notes, TEMPLATE, false).await.unwrap().entries
    }

    /// One entry with three suggestions.
    pub async fn entry(&self, note_id: &str) -> EntryId {
        let entries = self.import(vec![note(note_id)]).await;
        self.suggest_all(0.9).await;
        entries[0].clone()
    }

    /// Serves every job that waits.
    pub async fn suggest_all(&self, confidence: f32) {
        while let Some(job) = self.store.claim_job("w", 60_000).await.unwrap() {
            let set = self.set(&job, "m1", confidence);
            self.store.complete_job(&job.id, "w", set).await.unwrap();
        }
    }

    pub fn set(&self, job: &ClaimedJob, model: &str, confidence: f32) -> SuggestionSet {
        SuggestionSet {
            id: SuggestionSetId::new(self.store.new_id("s")),
            model: model.into(),
            code_release: "icd-10-cm-test".into(),
            template: job.template.id.clone(),
            template_version: job.template.version,
            threshold: 0.3,
            memory: None,
            made_at: self.store.now(),
            took_ms: 12,
            read_until: None,
            suggestions: vec![
                suggestion("age", "65-year-old", None, confidence, true),
                suggestion("diagnosis", "pneumonia", Some("J18.9"), confidence, true),
                suggestion("diagnosis", "gout", Some("M10.9"), confidence, true),
                suggestion("diagnosis", "fever", Some("R50.9"), 0.1, false),
            ],
        }
    }

    pub fn request(&self, entry: &EntryId, user: &str, revision: u32, actions: Vec<Action>) -> DecideRequest {
        DecideRequest {
            entry: entry.clone(),
            user: user.into(),
            expected_revision: revision,
            idempotency_key: self.store.new_id("k"),
            actions,
            effort: Effort { active_ms: 900, keystrokes: 3, ..Effort::default() },
            suggestions_shown: true,
            suggestion_set: None,
        }
    }

    pub async fn decide(
        &self,
        entry: &EntryId,
        user: &str,
        revision: u32,
        actions: Vec<Action>,
    ) -> Result<DecideOutcome, StoreError> {
        self.store.decide(self.request(entry, user, revision, actions)).await
    }

    /// Accepts the age, makes J18.1 of J18.9, rejects gout, adds a medication and finishes.
    pub async fn finish(&self, entry: &EntryId) -> DecideOutcome {
        self.decide(entry, "ann", 0, Self::rest(vec![accept(0)])).await.unwrap()
    }

    /// The same where the age is accepted already.
    pub async fn finish_begun(&self, entry: &EntryId) -> DecideOutcome {
        self.decide(entry, "ann", 1, Self::rest(Vec::new())).await.unwrap()
    }

    fn rest(mut actions: Vec<Action>) -> Vec<Action> {
        let mut corrected = content("diagnosis", "pneumonia");
        corrected.code = Some(CodeRef::icd10cm("J18.1"));
        actions.extend([
            Action::Correct { item: ItemId::suggested(1), content: corrected },
            reject(2),
            add("a1", "medication", "allopurinol"),
            Action::Finish {},
        ]);
        actions
    }
}

pub fn new_user(id: &str, role: Role) -> NewUser {
    NewUser {
        id: id.into(),
        name: id.to_uppercase(),
        role,
        reach: Reach::default(),
        password_hash: "hash".into(),
        must_change_password: true,
    }
}

pub fn template() -> Template {
    let field = |id: &str, kind, cardinality, coded: bool| Field {
        id: id.into(),
        label: id.into(),
        description: String::new(),
        examples: vec![],
        kind,
        cardinality,
        required: id == "age",
        assertion: coded,
        code_system: coded.then(|| "icd-10-cm".into()),
        attributes: vec![Attribute { id: "dose".into(), label: "Dose".into(), description: String::new() }],
    };
    Template {
        id: TEMPLATE.into(),
        version: 0,
        name: "Short".into(),
        groups: vec![Group {
            label: "All".into(),
            fields: vec![
                field("age", FieldKind::Age, Cardinality::One, false),
                field("diagnosis", FieldKind::Condition, Cardinality::Many, true),
                field("medication", FieldKind::Text, Cardinality::Many, false),
            ],
        }],
    }
}

pub fn note(id: &str) -> NewNote {
    note_of(id, TEXT, None, None)
}

pub fn note_of(id: &str, text: &str, title: Option<&str>, document_type: Option<&str>) -> NewNote {
    use sha2::{Digest, Sha256};
    NewNote {
        id: id.into(),
        text: text.into(),
        sha256: format!("{:x}", Sha256::digest(text.as_bytes())),
        meta: NoteMeta {
            title: title.map(str::to_owned),
            document_type: document_type.map(str::to_owned),
            ..NoteMeta::default()
        },
    }
}

pub fn quoted(quote: &str) -> Quoted {
    let start = TEXT.find(quote).unwrap();
    Quoted { start, end: start + quote.len(), quote: quote.into() }
}

pub fn content(field: &str, quote: &str) -> Content {
    Content { field: field.into(), evidence: vec![quoted(quote)], ..Content::default() }
}

fn suggestion(field: &str, quote: &str, code: Option<&str>, confidence: f32, shown: bool) -> Suggestion {
    let code = code.map(CodeRef::icd10cm);
    Suggestion {
        content: Content { code, ..content(field, quote) },
        candidates: vec![],
        confidence,
        shown,
        remembered: false,
    }
}

pub fn accept(index: usize) -> Action {
    Action::Accept { item: ItemId::suggested(index) }
}

pub fn reject(index: usize) -> Action {
    Action::Reject {
        item: ItemId::suggested(index),
        reason: overread_domain::RejectReason::Wrong,
        comment: None,
    }
}

pub fn add(item: &str, field: &str, quote: &str) -> Action {
    Action::Add { item: item.into(), content: content(field, quote) }
}
