//! What the review page knows and shows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use overread_api::access::OpenedNote;
use overread_domain::span::CodePoints;
use overread_domain::{CodeRef, Field, ItemId, Placing, Quoted, Template};

use super::note::NoteView;
use super::panel::Panel;
use crate::logic::drafts::{Draft, Kept, draft_key, draft_keys, newest_first, old_draft_key, outbox_key};
use crate::logic::effort::Meter;
use crate::logic::review::Review as Model;
use crate::logic::rows::{Projection, Row, RowKey};
use crate::shell::App;
use crate::web::{dom, http, storage};

/// Rows drawn at once when an entry is opened, and in each step after.
const FIRST_ROWS: usize = 60;
const MORE_ROWS: usize = 120;

/// How decisions get away.
#[derive(Clone, Debug, PartialEq)]
pub enum Net {
    Idle,
    Sending,
    /// The server does not answer or has no room; tried again by itself.
    Away(String),
    /// Somebody else holds the entry: what is unsent waits.
    Held,
    SignedOut,
}

impl Net {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Sending => "sending",
            Self::Away(_) => "away",
            Self::Held => "held",
            Self::SignedOut => "signed-out",
        }
    }
}

/// What the page is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    Nothing,
    Loading,
    Failed(String),
    Missing,
    Entry,
}

/// A line about what just happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub text: String,
    pub bad: bool,
}

/// What stays the same while an entry is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub entry: String,
    pub note: String,
    pub title: Option<String>,
    pub document_type: Option<String>,
    pub service_date: Option<String>,
    pub template: Arc<Template>,
    pub suggesting: overread_api::entry::SuggestingState,
    pub suggesting_error: Option<String>,
    /// How much of the note the model read, in percent, where it did not read all.
    pub read_percent: Option<usize>,
    pub model: Option<String>,
    /// Which decides who sees the note.
    pub place: Placing,
    /// Names, numbers and dates are others than the note has.
    pub masked: bool,
    /// By what reason the person sees the note, or sees it as written.
    pub opened: Option<OpenedNote>,
}

#[derive(Clone, Copy, Debug)]
pub struct Review {
    pub app: App,
    pub opened: RwSignal<Opened>,
    /// Counts up with every opening, so that late answers know that they are late.
    pub turn: StoredValue<u32>,
    pub model: StoredValue<Option<Model>>,
    pub head: RwSignal<Option<Head>>,
    pub projection: RwSignal<Option<Arc<Projection>>>,
    /// One signal a row: only rows that changed are drawn again. Counted, because they are made wherever a decision is
    /// taken and must outlive that place.
    pub rows: StoredValue<HashMap<RowKey, ArcRwSignal<Row>>>,
    pub order: RwSignal<Vec<RowKey>>,
    /// How many rows are in the document yet: a long entry is drawn in steps, what is in view first.
    pub drawn: RwSignal<usize>,
    pub current: RwSignal<Option<RowKey>>,
    pub evidence: RwSignal<usize>,
    pub panel: RwSignal<Panel>,
    /// Words selected in the note.
    pub selection: RwSignal<Option<Quoted>>,
    pub message: RwSignal<Option<Message>>,
    pub net: RwSignal<Net>,
    pub revision: RwSignal<u32>,
    /// Who holds the entry, where it is somebody else.
    pub holder: RwSignal<Option<String>>,
    pub meter: StoredValue<Meter>,
    pub titles: RwSignal<BTreeMap<String, String>>,
    /// What the coding edits say of the rows that stand.
    pub findings: RwSignal<Arc<Vec<overread_domain::Finding>>>,
    /// What the checks would find if the suggestions that wait were accepted.
    pub ahead: RwSignal<Arc<Vec<overread_domain::Finding>>>,
    pub note: StoredValue<Option<NoteView>, LocalStorage>,
    pub pumping: StoredValue<bool>,
    /// When a finished entry is on record, the next one is opened.
    pub finishing: RwSignal<bool>,
    /// Counts the pages made for this, so that an old one that is dropped late leaves the new one alone.
    pub mounted: StoredValue<u32>,
    /// Entries whose left-over decisions are being sent.
    pub flushing: StoredValue<BTreeSet<String>>,
    /// The row that is being dragged.
    pub dragged: StoredValue<Option<ItemId>>,
    tab: StoredValue<String>,
}

impl Review {
    pub fn new(app: App) -> Self {
        Self {
            app,
            opened: RwSignal::new(Opened::Nothing),
            turn: StoredValue::new(0),
            model: StoredValue::new(None),
            head: RwSignal::new(None),
            projection: RwSignal::new(None),
            rows: StoredValue::new(HashMap::new()),
            order: RwSignal::new(Vec::new()),
            drawn: RwSignal::new(FIRST_ROWS),
            current: RwSignal::new(None),
            evidence: RwSignal::new(0),
            panel: RwSignal::new(Panel::None),
            selection: RwSignal::new(None),
            message: RwSignal::new(None),
            net: RwSignal::new(Net::Idle),
            revision: RwSignal::new(0),
            holder: RwSignal::new(None),
            meter: StoredValue::new(Meter::default()),
            titles: RwSignal::new(BTreeMap::new()),
            findings: RwSignal::new(Arc::default()),
            ahead: RwSignal::new(Arc::default()),
            note: StoredValue::new_local(None),
            pumping: StoredValue::new(false),
            finishing: RwSignal::new(false),
            mounted: StoredValue::new(0),
            flushing: StoredValue::new(BTreeSet::new()),
            dragged: StoredValue::new(None),
            tab: StoredValue::new(storage::tab()),
        }
    }

    pub fn with<R>(self, work: impl FnOnce(&Model) -> R) -> Option<R> {
        self.model.with_value(|model| model.as_ref().map(work))
    }

    pub fn with_mut<R>(self, work: impl FnOnce(&mut Model) -> R) -> Option<R> {
        self.model.try_update_value(|model| model.as_mut().map(work)).flatten()
    }

    pub fn entry_id(self) -> Option<String> {
        self.with(|model| model.view.id.to_string())
    }

    pub fn field(self, id: &str) -> Option<Field> {
        self.with(|model| model.view.template.field(id).cloned()).flatten()
    }

    pub fn say(self, text: impl Into<String>) {
        self.message.set(Some(Message { text: text.into(), bad: false }));
    }

    pub fn complain(self, text: impl Into<String>) {
        self.message.set(Some(Message { text: http::sentence(&text.into()), bad: true }));
    }

    /// The current row. Reactive.
    pub fn current_row(self) -> Option<Row> {
        let key = self.current.get()?;
        self.row_signal(&key).map(|row| row.get())
    }

    pub fn current_row_now(self) -> Option<Row> {
        let key = self.current.get_untracked()?;
        self.projection.with_untracked(|p| p.as_ref().and_then(|p| p.row(&key).cloned()))
    }

    pub fn row_signal(self, key: &RowKey) -> Option<ArcRwSignal<Row>> {
        // The order tells when rows come and go.
        self.order.track();
        self.rows.with_value(|rows| rows.get(key).cloned())
    }

    /// Works the state out anew and draws what changed.
    pub fn refresh(self) {
        let Some(projection) = self.with(Model::projection) else { return };
        let order: Vec<RowKey> = projection.rows.iter().map(|row| row.key.clone()).collect();
        self.rows.update_value(|rows| {
            for row in &projection.rows {
                match rows.get(&row.key) {
                    Some(signal) => {
                        if signal.with_untracked(|old| old != row) {
                            signal.set(row.clone());
                        }
                    }
                    None => {
                        rows.insert(row.key.clone(), ArcRwSignal::new(row.clone()));
                    }
                }
            }
        });
        let findings = self.with(|model| model.view.findings.clone()).unwrap_or_default();
        if self.findings.with_untracked(|old| **old != findings) {
            self.findings.set(Arc::new(findings));
        }
        let ahead = self.with(|model| model.view.ahead.clone()).unwrap_or_default();
        if self.ahead.with_untracked(|old| **old != ahead) {
            self.ahead.set(Arc::new(ahead));
        }
        let projection = Arc::new(projection);
        self.note.update_value(|note| {
            if let Some(note) = note {
                note.set_items(&projection.items);
            }
        });
        if self.order.with_untracked(|old| *old != order) {
            self.order.set(order);
        }
        let lost = self
            .current
            .with_untracked(|current| current.as_ref().is_some_and(|key| projection.position(key).is_none()));
        let before = self.projection.get_untracked();
        self.projection.set(Some(projection.clone()));
        if lost {
            let field = before.and_then(|p| {
                self.current.with_untracked(|key| p.row(key.as_ref()?).map(|r| r.field.clone()))
            });
            self.select(field.and_then(|field| projection.of_field(&field)));
        }
        self.mark_current();
        self.revision.set(self.with(|model| model.view.revision).unwrap_or(0));
    }

    /// Back to the first rows, for a new entry.
    pub fn draw_first(self) {
        self.drawn.set(FIRST_ROWS);
    }

    /// Draws the next rows of a long entry, and so on until all are there.
    pub fn draw_rest(self, turn: u32) {
        let left = self.order.with_untracked(Vec::len) > self.drawn.get_untracked();
        if left {
            set_timeout(
                move || {
                    if self.turn.get_value() == turn {
                        self.drawn.update(|drawn| *drawn = drawn.saturating_add(MORE_ROWS));
                        self.draw_rest(turn);
                    }
                },
                Duration::from_millis(16),
            );
        }
    }

    /// Makes a row the current one and brings its evidence into view.
    pub fn select(self, key: Option<RowKey>) {
        let place =
            self.order.with_untracked(|order| order.iter().position(|other| Some(other) == key.as_ref()));
        if place.is_some_and(|place| place >= self.drawn.get_untracked()) {
            self.drawn.set(usize::MAX);
        }
        if self.current.with_untracked(|current| *current != key) {
            self.current.set(key);
            self.evidence.set(0);
            // What is typed there is kept as a draft.
            if self.panel.with_untracked(Panel::is_about_a_row) {
                self.close_panel();
            }
        }
        self.mark_current();
        self.show_evidence();
        if let Some(key) = self.current.get_untracked() {
            dom::scroll_near(&key.dom());
        }
    }

    fn mark_current(self) {
        let item = self.current.with_untracked(|key| key.as_ref().and_then(|key| key.item().cloned()));
        self.note.update_value(|note| {
            if let Some(note) = note {
                note.set_current(item.as_ref());
            }
        });
    }

    pub fn show_evidence(self) {
        let Some(item) = self.current.with_untracked(|key| key.as_ref().and_then(|key| key.item().cloned()))
        else {
            return;
        };
        let nth = self.evidence.get_untracked();
        let shown = self.note.with_value(|note| note.as_ref().is_some_and(|note| note.show(&item, nth)));
        if shown {
            self.meter.update_value(Meter::evidence);
        }
    }

    /// How many pieces of evidence the current row has.
    pub fn evidence_count(self) -> usize {
        let item = self.current.with_untracked(|key| key.as_ref().and_then(|key| key.item().cloned()));
        item.and_then(|id| self.item_of(&id)).map_or(0, |item| item.content.evidence.len())
    }

    pub fn item_of(self, id: &ItemId) -> Option<overread_domain::Item> {
        self.projection
            .with_untracked(|p| p.as_ref().and_then(|p| p.items.iter().find(|item| item.id == *id).cloned()))
    }

    /// The day whose editions the entry's codes are of, where something says it.
    pub fn coded_on(self) -> Option<String> {
        self.with(|model| model.view.coded_on.clone()).flatten()
    }

    /// The line of the note around a row's first evidence.
    pub fn around(self, id: &ItemId) -> String {
        let first = self.item_of(id).and_then(|item| item.content.evidence.first().cloned());
        first.map(|first| self.sentence(&first)).unwrap_or_default()
    }

    /// The sentence around words of the note.
    pub fn sentence(self, first: &Quoted) -> String {
        self.with(|model| {
            let text = &model.view.text;
            let points = CodePoints::new(text);
            let (from, to) = (points.to_byte(first.start)?, points.to_byte(first.end)?);
            let begin = text[..from]
                .rfind(['\n', ';'])
                .map_or(0, |i| i + 1)
                .max(text[..from].rfind(". ").map_or(0, |i| i + 2));
            let end = text[to..].find(['\n', ';']).map_or(text.len(), |i| to + i);
            let end = end.min(text[to..].find(". ").map_or(text.len(), |i| to + i));
            Some(text[begin..end].to_owned())
        })
        .flatten()
        .unwrap_or_default()
    }

    /// Whether a row is a code of a final list.
    pub fn is_listed(self, id: &ItemId) -> bool {
        let field = self.item_of(id).and_then(|item| self.field(&item.content.field));
        field.is_some_and(|field| field.kind == overread_domain::FieldKind::Code)
    }

    /// The words at a range of code points.
    pub fn quote(self, start: usize, end: usize) -> Option<Quoted> {
        self.with(|model| {
            let points = CodePoints::new(&model.view.text);
            let (first, last) = (points.to_byte(start)?, points.to_byte(end)?);
            (first < last).then(|| Quoted { start, end, quote: model.view.text[first..last].to_owned() })
        })
        .flatten()
    }

    pub fn title(self, code: &CodeRef) -> Option<String> {
        self.titles.with(|titles| titles.get(&code.code).cloned())
    }

    pub fn learn_title(self, code: &str, title: &str) {
        let known = self.titles.with_untracked(|titles| titles.contains_key(code));
        if !known && !title.is_empty() {
            self.titles.update(|titles| drop(titles.insert(code.to_owned(), title.to_owned())));
        }
    }

    fn names(self) -> Option<(String, String)> {
        Some((self.app.user()?.to_string(), self.entry_id()?))
    }

    pub fn keep_outbox(self) {
        let Some((user, entry)) = self.names() else { return };
        let tab = self.tab.get_value();
        let key = outbox_key(&user, &entry, &tab);
        let _ = self.with_mut(|model| {
            model.outbox.tab = tab;
            model.outbox.beat = dom::now();
            if model.outbox.is_empty() {
                storage::remove(&key);
            } else if !storage::set_json(&key, &model.outbox) {
                self.app.warn("The browser keeps nothing: unsent decisions would not survive a reload.");
            }
        });
    }

    pub fn tab(self) -> String {
        self.tab.get_value()
    }

    pub fn keep_draft(self, draft: &Draft) {
        if let Some((user, entry)) = self.names() {
            if draft.is_worth_keeping() {
                let kept = Kept { at: dom::now(), draft: draft.clone() };
                storage::set_json(&draft_key(&user, &entry, &draft.slot()), &kept);
            } else {
                self.drop_draft(&draft.slot());
            }
        }
    }

    /// Forgets what was typed about one thing; all else stays.
    pub fn drop_draft(self, slot: &str) {
        if let Some((user, entry)) = self.names() {
            storage::remove(&draft_key(&user, &entry, slot));
            let old = old_draft_key(&user, &entry);
            if storage::get_json::<Draft>(&old).is_some_and(|draft| draft.slot() == slot) {
                storage::remove(&old);
            }
        }
    }

    /// Everything typed on this entry and not yet decided, the newest first.
    pub fn drafts(self) -> Vec<Draft> {
        let Some((user, entry)) = self.names() else { return Vec::new() };
        let (start, old) = (draft_keys(&user, &entry), old_draft_key(&user, &entry));
        let mine = storage::keys().into_iter().filter(|key| key.starts_with(&start) || *key == old);
        newest_first(mine.filter_map(|key| storage::get_json::<Kept>(&key)).collect())
    }

    /// What was typed about one thing.
    pub fn draft(self, slot: &str) -> Option<Draft> {
        self.drafts().into_iter().find(|draft| draft.slot() == slot)
    }

    /// Closes what is open beside the row and gives the keys back to the list.
    pub fn close_panel(self) {
        self.panel.set(Panel::None);
        dom::focus("rows");
    }
}
