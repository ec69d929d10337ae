//! Single sign-on: to the provider and back.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::{AuditAction, Reach, UserId};
use overread_store::{Event, NewUser, Origin, Stage, User, UserPatch};
use serde::Deserialize;

use super::users::is_id;
use crate::auth::begin::{Arrival, begin, cookies};
use crate::auth::named;
use crate::auth::oidc::{Asked, Oidc, OidcError, Person};
use crate::auth::rates::Rate;
use crate::extract::Query;
use crate::{App, Failure};

/// Ties the answer to the browser that asked (RFC 6749, 10.12).
const COOKIE: &str = "overread_oidc";
const KIND: &str = "oidc";
const MINUTES: i64 = 10;

fn provider(app: &App) -> Result<std::sync::Arc<Oidc>, Failure> {
    let none = || Failure::new(ErrorCode::NotFound, "single sign-on is off here");
    app.sign_in.oidc.clone().ok_or_else(none)
}

/// Goes to the provider.
#[utoipa::path(get, path = path::OIDC, tag = "session", responses(
    (status = 303, description = "To the provider"),
    (status = 404, body = ErrorBody, description = "There is none"),
    (status = 429, body = ErrorBody, description = "Too many; `Retry-After` says how long to wait"),
    (status = 503, body = ErrorBody, description = "The provider does not answer"),
))]
pub async fn start(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
) -> Result<Response, Failure> {
    let oidc = provider(&app)?;
    app.rates.admit(Rate::Stranger, &origin.address)?;
    let begun = blocking(move || oidc.begin()).await?;
    let (to, state, asked) = begun.map_err(|error| {
        tracing::error!(%error, "single sign-on");
        Failure::new(ErrorCode::Unavailable, "the provider does not answer; try again").retry_after(10)
    })?;
    let body = serde_json::to_string(&asked).map_err(|error| Failure::internal(error.to_string()))?;
    app.store.ask(KIND, &state, None, &body, app.now().plus_millis(MINUTES * 60_000)).await?;
    Ok((StatusCode::SEE_OTHER, to_header(&to)?, tie(&app, Some(&state))?).into_response())
}

type One = AppendHeaders<[(header::HeaderName, HeaderValue); 1]>;

fn to_header(to: &str) -> Result<One, Failure> {
    let value = HeaderValue::from_str(to).map_err(|_| Failure::internal("the provider's address"))?;
    Ok(AppendHeaders([(header::LOCATION, value)]))
}

/// `Lax`: the browser comes back from another site.
fn tie(app: &App, state: Option<&str>) -> Result<One, Failure> {
    let age = if state.is_some() { MINUTES * 60 } else { 0 };
    let secure = if app.config.secure_cookies { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={}; Path={}; HttpOnly; SameSite=Lax; Max-Age={age}{secure}",
        state.unwrap_or_default(),
        path::OIDC
    );
    let value = HeaderValue::from_str(&cookie).map_err(|_| Failure::internal("the state of a sign-on"))?;
    Ok(AppendHeaders([(header::SET_COOKIE, value)]))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::internal(error.to_string()))
}

/// What a provider sends back by way of the browser.
#[derive(Debug, Deserialize)]
pub struct Answer {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// Why somebody stands before the sign-in page again; it has words for each.
#[derive(Clone, Copy, Debug)]
enum Refused {
    /// The person, or the provider, said no.
    Cancelled,
    /// The answer is not one to a question of this browser.
    Foreign,
    Away,
    Failed,
    NoRole,
    /// The name is somebody else's here.
    Taken,
    Disabled,
}

impl Refused {
    fn word(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Foreign => "foreign",
            Self::Away => "away",
            Self::Failed => "failed",
            Self::NoRole => "no-role",
            Self::Taken => "taken",
            Self::Disabled => "disabled",
        }
    }
}

/// Comes back from the provider: to the first page, signed in or with the reason why not.
#[utoipa::path(get, path = path::OIDC_CALLBACK, tag = "session", params(
    ("code" = Option<String>, Query), ("state" = Option<String>, Query), ("error" = Option<String>, Query),
), responses((status = 303, description = "To the first page"), (status = 404, body = ErrorBody, description = "There is none")))]
pub async fn callback(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response, Failure> {
    let oidc = provider(&app)?;
    let arrival = Arrival { headers: &headers, origin: &origin };
    let found = person(&app, oidc, &headers, answer).await?;
    let known = match found {
        Ok(person) => user(&app, &origin, person).await?,
        Err(why) => Err(why),
    };
    match known {
        Ok(user) => {
            let event = Event::new(AuditAction::SignedIn, Some(&user.id), &origin).with("by", "oidc");
            app.store.recording(event).record_sign_in(&user.id).await?;
            app.metrics.count("overread_sign_ins_total", &[("result", "accepted")], 1);
            let (session, token) = begin(&app, arrival, &user, "oidc", Stage::Open).await?;
            let cookies = cookies(&app, arrival, &user, &session, &token);
            Ok((StatusCode::SEE_OTHER, to_header("/")?, cookies, tie(&app, None)?).into_response())
        }
        Err(why) => {
            app.metrics.count("overread_sign_ins_total", &[("result", "refused")], 1);
            let event = Event::new(AuditAction::SignInRefused, None, &origin);
            app.store.record(event.with("by", "oidc").with("why", why.word())).await?;
            let to = format!("/?refused={}", why.word());
            Ok((StatusCode::SEE_OTHER, to_header(&to)?, tie(&app, None)?).into_response())
        }
    }
}

async fn person(
    app: &App,
    oidc: std::sync::Arc<Oidc>,
    headers: &HeaderMap,
    answer: Answer,
) -> Result<Result<Person, Refused>, Failure> {
    let Some(state) = answer.state.filter(|state| named(headers, COOKIE) == Some(state)) else {
        return Ok(Err(Refused::Foreign));
    };
    // Taken once: an answer that comes again finds no question.
    let Some(asked) = app.store.asked(KIND, &state).await? else { return Ok(Err(Refused::Foreign)) };
    if answer.error.is_some() {
        return Ok(Err(Refused::Cancelled));
    }
    let Some(code) = answer.code else { return Ok(Err(Refused::Failed)) };
    let asked: Asked =
        serde_json::from_str(&asked.body).map_err(|error| Failure::internal(error.to_string()))?;
    let now = app.now().0;
    let found = blocking(move || oidc.finish(&code, asked, now)).await?;
    Ok(found.map_err(|error| {
        tracing::warn!(%error, "single sign-on was refused");
        match error {
            OidcError::Away(_) => Refused::Away,
            OidcError::Refused(_) => Refused::Failed,
            OidcError::NoRole => Refused::NoRole,
        }
    }))
}

/// The user that a person is here: made at the first sign-on, with the role that the provider names each time. A user who
/// was made here is never taken over by a name.
async fn user(app: &App, origin: &Origin, person: Person) -> Result<Result<User, Refused>, Failure> {
    if let Some(id) = app.store.identity(&person.issuer, &person.subject).await? {
        let Some(user) = app.store.user(&id).await? else { return Ok(Err(Refused::Failed)) };
        if user.disabled {
            return Ok(Err(Refused::Disabled));
        }
        if user.role == person.role {
            return Ok(Ok(user));
        }
        let event = Event::new(AuditAction::UserChanged, Some(&id), origin)
            .on(id.as_str())
            .with("role", person.role.as_str())
            .with("by", "oidc");
        let patch = UserPatch { role: Some(person.role), ..UserPatch::default() };
        return Ok(Ok(app.store.recording(event).update_user(&id, patch).await?));
    }
    let Some(id) = person.user.filter(|id| is_id(id)).map(UserId::new) else {
        return Ok(Err(Refused::Failed));
    };
    if app.store.user(&id).await?.is_some() {
        return Ok(Err(Refused::Taken));
    }
    let name =
        person.name.map(|name| name.trim().to_owned()).filter(|name| super::users::check_name(name).is_ok());
    let new = NewUser {
        name: name.unwrap_or_else(|| id.as_str().to_owned()),
        id: id.clone(),
        role: person.role,
        reach: Reach::default(),
        password_hash: String::new(),
        must_change_password: false,
    };
    let event = Event::new(AuditAction::UserCreated, Some(&id), origin)
        .on(id.as_str())
        .with("role", person.role.as_str())
        .with("by", "oidc");
    let store = app.store.recording(event);
    Ok(Ok(store.create_federated_user(new, &person.issuer, &person.subject).await?))
}
