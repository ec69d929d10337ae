//! The words of the trade and the rules that bind them: notes, spans, templates, entries, suggestions and
//! decisions, with their states and legal transitions.
//!
//! Nothing here reads a file, a clock or a random number, and nothing knows of SQL, HTTP or the model, so that the
//! server, the browser and the trainer reason about an entry with the very same code.

pub mod audit;
pub mod clock;
pub mod code;
pub mod decision;
pub mod edit;
pub mod entry;
pub mod id;
pub mod lesson;
pub mod note;
pub mod outcome;
pub mod reach;
pub mod role;
pub mod span;
pub mod suggestion;
pub mod template;
mod words;

pub use audit::AuditAction;
pub use clock::Timestamp;
pub use code::{CodeCandidate, CodeRef, CodeRole};
pub use decision::{Action, Decision, Effort, RejectReason};
pub use edit::{Finding, Fix, Level, Overridden, Poa, RuleLevels};
pub use entry::{Entry, EntryError, EntryStatus, Item, ItemState};
pub use id::{DecisionId, EntryId, ItemId, JobId, NoteId, SuggestionSetId, UserId};
pub use lesson::{Lesson, LessonKind};
pub use note::NoteMeta;
pub use outcome::{Outcome, OutcomeKind};
pub use reach::{Placing, Reach, Sensitivity};
pub use role::{Permission, Role};
pub use span::{Quoted, Span, SpanError};
pub use suggestion::{Assertion, Content, Suggestion, SuggestionSet};
pub use template::{Attribute, Cardinality, Field, FieldKind, Group, Template, TemplateError};
