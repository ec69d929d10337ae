//! All routes. Each area is a file; who may is in `auth::access`.

pub mod access;
pub mod account;
pub mod accuracy;
pub mod audit;
pub mod books;
pub mod code_search;
pub mod code_systems;
pub mod codes;
pub mod corrections;
pub mod decide;
pub mod edits;
pub mod entry;
pub mod health;
pub mod import;
pub mod invitations;
pub mod memory;
pub mod oidc;
pub mod protection;
pub mod queue;
pub mod session;
pub mod system;
pub mod templates;
pub mod users;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{delete, get, patch, post, put};
use overread_api::{ErrorCode, path as p};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use crate::auth::access::{HEALTHZ, METRICS, READYZ};
use crate::auth::guard;
use crate::web::headers::{Policy, policy, secure};
use crate::web::{assets, observe};
use crate::{App, Failure};

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route(p::SESSION, get(session::current).post(session::sign_in).delete(session::sign_out))
        .route(p::SIGN_IN, get(session::options))
        .route(p::SECOND_FACTOR, post(session::second_factor))
        .route(p::PASSKEY_CHALLENGE, post(session::passkey_challenge))
        .route(p::SESSION_PASSKEY, post(session::by_passkey))
        .route(p::LOCK, post(session::lock))
        .route(p::UNLOCK, post(session::unlock))
        .route(p::OIDC, get(oidc::start))
        .route(p::OIDC_CALLBACK, get(oidc::callback))
        .route(p::INVITATION, post(invitations::look))
        .route(p::ACCEPT_INVITATION, post(invitations::accept))
        .route(p::PASSWORD, post(session::change_password))
        .route(p::ACCOUNT, get(account::account))
        .route(p::TOTP, post(account::begin_totp).delete(account::remove_totp))
        .route(p::CONFIRM_TOTP, post(account::confirm_totp))
        .route(p::RECOVERY_CODES, post(account::recovery_codes))
        .route(p::NEW_PASSKEY, post(account::new_passkey))
        .route(p::PASSKEYS, post(account::add_passkey))
        .route(p::PASSKEY, delete(account::remove_passkey))
        .route(p::SESSIONS, delete(account::end_sessions))
        .route(p::ONE_SESSION, delete(account::end_session))
        .route(p::TOKENS, post(account::make_token))
        .route(p::TOKEN, delete(account::revoke_token))
        .route(p::ENTRIES, get(queue::queue))
        .route(p::PROGRESS, get(queue::progress))
        .route(p::NEXT_ENTRY, get(queue::next))
        .route(p::ENTRY, get(entry::entry))
        .route(p::DECISIONS, post(decide::decide))
        .route(p::LEASE, post(entry::take_lease).delete(entry::release_lease))
        .route(p::SUGGEST_AGAIN, post(entry::suggest_again))
        .route(p::PLACING, put(access::place))
        .route(p::PLACES, get(access::places))
        .route(p::OPENED, get(access::list).post(access::open))
        .route(p::MY_OPENED, get(access::mine))
        .route(p::ONE_OPENED, delete(access::end))
        .route(p::JUDGEMENT, post(access::judge))
        .route(p::IMPORT, post(import::import).layer(DefaultBodyLimit::max(app.config.import_bytes)))
        .route(p::CODES, post(code_search::search))
        .route(p::CODE, get(codes::code))
        .route(p::QUESTIONS, post(codes::questions))
        .route(
            p::CODE_SYSTEMS,
            get(code_systems::list)
                .post(code_systems::import)
                .layer(DefaultBodyLimit::max(app.config.code_bytes)),
        )
        .route(p::CODE_SYSTEM, delete(code_systems::remove))
        .route(p::PROCEDURES, get(codes::procedures))
        .route(p::BOOK, get(books::book))
        .route(p::MY_CODES, get(codes::mine))
        .route(p::MY_CODE, put(codes::keep).delete(codes::let_go))
        .route(p::EDITS, get(edits::rules).put(edits::put))
        .route(p::SIMULATE_EDITS, post(edits::simulate))
        .route(p::TEMPLATES, get(templates::list))
        .route(p::TEMPLATE, get(templates::template).put(templates::put))
        .route(p::ACCURACY, get(accuracy::accuracy))
        .route(p::CORRECTIONS, get(corrections::corrections))
        .route(p::MEMORY, get(memory::list))
        .route(p::MEMORY_ROW, delete(memory::forget))
        .route(p::MEMORY_DELETIONS, get(memory::deletions))
        .route(p::SYSTEM, get(system::system))
        .route(p::PROTECTION, get(protection::protection))
        .route(p::JOBS, get(system::jobs))
        .route(p::RETRY_JOB, post(system::retry))
        .route(p::USERS, get(users::list).post(users::create))
        .route(p::USER, patch(users::change))
        .route(p::INVITE, post(invitations::invite))
        .route(p::USER_SESSIONS, delete(users::end_sessions))
        .route(p::AUDIT, get(audit::list))
        .route(p::UNUSUAL, get(audit::unusual))
        .route(p::AUDIT_STATUS, get(audit::status))
        .route(p::AUDIT_REVIEWS, post(audit::sign_off))
        .route(p::OPENAPI, get(health::openapi))
        .route(HEALTHZ, get(health::alive))
        .route(READYZ, get(health::ready))
        .route(METRICS, get(health::metrics))
        .method_not_allowed_fallback(no_such_method)
        .route_layer(middleware::from_fn_with_state(app.clone(), guard))
        .layer(DefaultBodyLimit::max(app.config.request_bytes));
    let policy = Policy {
        csp: HeaderValue::from_str(&policy(&assets::index())).expect("a policy is plain ASCII"),
        hsts: app.config.secure_cookies,
    };
    // The export flushes a line at a time; packing it would hold lines back.
    let packed = SizeAbove::new(1024).and(NotForContentType::const_new("application/x-ndjson"));
    routes
        .fallback(assets::serve)
        .layer(CompressionLayer::new().compress_when(packed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(policy, secure))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

async fn no_such_method() -> Failure {
    Failure::new(ErrorCode::NotFound, "nothing takes this here")
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    // The panic's own message may hold anything; the hook has written it where panics go.
    Failure::internal("a handler panicked").into_response()
}
