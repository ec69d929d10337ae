//! The one way from a failure to an answer.

use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use overread_api::error::Quotes;
use overread_api::{ErrorBody, ErrorCode, Place};
use overread_domain::{EntryError, Finding, SpanError};
use overread_store::StoreError;

/// What a handler answers instead of a result.
#[derive(Debug)]
pub struct Failure {
    body: Box<ErrorBody>,
    /// For the server's log: what the answer must not say.
    cause: Option<String>,
    /// Seconds.
    retry_after: Option<u64>,
}

tokio::task_local! {
    /// What the log calls the request that is being answered.
    pub(crate) static REQUEST_ID: String;
}

impl Failure {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { body: Box::new(ErrorBody::new(code, message)), cause: None, retry_after: None }
    }

    /// A failure of this program. `cause` goes to the log and must hold no clinical text.
    pub fn internal(cause: impl Into<String>) -> Self {
        let mut failure =
            Self::new(ErrorCode::Internal, "something went wrong inside; the log has the details");
        failure.cause = Some(cause.into());
        failure
    }

    /// What needs a note's own words, asked by who sees others in their place.
    pub fn masked() -> Self {
        Self::new(ErrorCode::NotAllowed, "you see this note masked: say why you need it as written first")
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// Understood but not acceptable, because of one field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let message = message.into();
        let place = Place { field: Some(field.into()), message: message.clone(), ..Place::default() };
        Self::new(ErrorCode::Invalid, message).at(place)
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.body.places.push(place);
        self
    }

    #[must_use]
    /// Errors of the coding edits that keep an entry open.
    pub fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.body.findings = findings;
        self
    }

    #[must_use]
    pub fn with_places(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.body.places.extend(places);
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub fn body(&self) -> &ErrorBody {
        &self.body
    }
}

impl IntoResponse for Failure {
    fn into_response(mut self) -> Response {
        let status =
            StatusCode::from_u16(self.body.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(cause) = &self.cause {
            tracing::error!(status = status.as_u16(), cause, "request failed");
        }
        if self.body.code == ErrorCode::Internal {
            self.body.request_id = REQUEST_ID.try_with(Clone::clone).ok();
        }
        let mut response = (status, axum::Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::new(ErrorCode::NotFound, message),
            // Where an id is taken, another one helps; anything else is a matter of state.
            StoreError::Conflict { what: "user" | "note", .. } => Self::new(ErrorCode::Conflict, message),
            StoreError::Conflict { .. } => Self::new(ErrorCode::WrongState, message),
            StoreError::Invalid { what, reason } => Self::invalid(what, reason),
            StoreError::Stale { revision, changes } => {
                let mut failure = Self::new(
                    ErrorCode::StaleRevision,
                    format!(
                        "the entry has moved on to revision {revision}; look at what changed and decide again"
                    ),
                );
                failure.body.changes = changes;
                failure
            }
            StoreError::Leased(_) => Self::new(ErrorCode::Leased, message),
            StoreError::KeyReused => Self::new(ErrorCode::KeyReused, message),
            StoreError::Entry(error) => error.into(),
            StoreError::StorageFull => Self::new(ErrorCode::StorageFull, message),
            StoreError::Unavailable { reason } => {
                let mut failure =
                    Self::new(ErrorCode::Unavailable, "the database can't be reached right now; try again")
                        .retry_after(2);
                failure.cause = Some(reason);
                failure
            }
            StoreError::WrongSchema { .. }
            | StoreError::WrongKey
            | StoreError::Corrupt { .. }
            | StoreError::Damaged
            | StoreError::Database { .. } => Self::internal(message),
        }
    }
}

impl From<EntryError> for Failure {
    fn from(error: EntryError) -> Self {
        use EntryError as E;
        let message = error.to_string();
        match error {
            E::Finished
            | E::NotFinished
            | E::AlreadyException
            | E::NotException
            | E::FieldFull(_)
            | E::FieldNotEmpty(_)
            | E::CannotUndo(_)
            | E::LaterDecisions(_) => Self::new(ErrorCode::WrongState, message),
            E::DuplicateItem(_) => Self::new(ErrorCode::Conflict, message),
            E::Unfinished { undecided, required } => {
                let mut failure = Self::new(ErrorCode::Unfinished, message);
                failure.body.undecided = undecided;
                failure.body.required = required;
                failure
            }
            E::Evidence { index, error } => span(format!("evidence[{index}]"), error),
            E::AttributeSpan { attribute, error } => span(format!("attributes.{attribute}"), error),
            E::UnknownItem(_) | E::BadItemId(_) | E::NotSuggested(_) | E::NoPoaHere(_) => {
                Self::invalid("item", message)
            }
            E::UnknownField(_) | E::NoSequence(_) => Self::invalid("field", message),
            E::UnknownAttribute { .. } => Self::invalid("attributes", message),
            E::NotAnOption { .. } | E::NothingGiven(_) => Self::invalid("value", message),
            E::CodeMissing(_) | E::NoCodeHere(_) => Self::invalid("code", message),
            E::ReasonMissing => Self::invalid("reason", message),
            E::NotInSequence(_) => Self::invalid("items", message),
            E::BadEdit => Self::invalid("edit", message),
        }
    }
}

fn span(field: String, error: SpanError) -> Failure {
    let mut failure = Failure::invalid(field, error.to_string());
    if let SpanError::QuoteMismatch { expected, found, .. } = error {
        failure.body.code = ErrorCode::QuoteMismatch;
        failure.body.quotes = Some(Quotes { expected, found });
    }
    failure
}
