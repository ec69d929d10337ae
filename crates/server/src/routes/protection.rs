//! What protects the notes of this installation, and whether it is on.

use axum::extract::State;
use overread_api::path;
use overread_api::system::Protection;
use overread_domain::{AuditAction, Role};
use overread_store::{AuditFilter, Channel, Engine};

use crate::extract::Json;
use crate::{App, Failure};

const HOUR_MS: i64 = 3_600_000;
/// A copy that is older than this is late: by default one is made every 24 hours.
const COPY_MS: i64 = 48 * HOUR_MS;
/// The trail is looked through once a month.
const REVIEW_MS: i64 = 31 * 24 * HOUR_MS;
/// Reasons that are told to wait, at most.
const REASONS: u32 = 200;

/// What is on and what is off, with what would turn it on.
#[utoipa::path(get, path = path::PROTECTION, tag = "system", responses((status = 200, body = Vec<Protection>)))]
pub async fn protection(State(app): State<App>) -> Result<Json<Vec<Protection>>, Failure> {
    let mut all = vec![on_the_way(&app), to_the_database(&app), at_rest(&app), keys(&app)];
    all.extend(sign_in(&app).await?);
    all.push(copies(&app).await?);
    all.push(trail(&app).await?);
    all.push(reasons(&app).await?);
    Ok(Json(all))
}

fn told(what: &str, on: bool, detail: impl Into<String>) -> Protection {
    Protection { what: what.to_owned(), on: Some(on), detail: detail.into(), at: None }
}

fn on_the_way(app: &App) -> Protection {
    let on = app.config.secure_cookies;
    told(
        "Encryption on the way (TLS)",
        on,
        if on {
            "by this program's certificate, or by a proxy before it"
        } else {
            "set tls_certificate and tls_key, or secure_cookies behind a proxy that ends TLS"
        },
    )
}

fn to_the_database(app: &App) -> Protection {
    let what = "Encryption to the database";
    match app.store.channel() {
        Channel::Local => told(what, true, "not needed: nothing leaves the machine on the way to it"),
        Channel::Verified => told(what, true, "TLS, and the server's certificate is verified"),
        Channel::Unverified => {
            told(what, false, "TLS, but with whoever answers: sslmode=verify-full in the address verifies it")
        }
        Channel::Plain => told(what, false, "sslmode=verify-full in the address encrypts it"),
    }
}

fn at_rest(app: &App) -> Protection {
    let what = "Encryption at rest";
    match app.store.engine() {
        Engine::Sqlite if app.store.is_sealed() => told(what, true, "the SQLite file, SQLCipher 4"),
        Engine::Sqlite => told(what, false, "back up, and restore into a new file with encrypt_database"),
        Engine::Postgres => Protection { on: None, ..told(what, false, "PostgreSQL's operator sees to it") },
    }
}

fn keys(app: &App) -> Protection {
    let ids = app.sign_in.keys.ids();
    let detail = match ids.len() {
        1 => "one key".to_owned(),
        n => format!("{n} keys, the last seals; overread keys remove takes out what nothing needs any more"),
    };
    told("Keys of the installation", true, detail)
}

async fn sign_in(app: &App) -> Result<Vec<Protection>, Failure> {
    let users: Vec<_> = app.store.users().await?.into_iter().filter(|user| !user.disabled).collect();
    let second = app.store.users_with_second_factor().await?;
    let have = users.iter().filter(|user| second.contains(&user.id)).count();
    let required = app.config.require_second_factor;
    let mut detail = format!("{have} of {} users have one", users.len());
    if !required {
        detail.push_str("; require_second_factor asks everybody for it");
    }
    let unmasked: Vec<&str> = users
        .iter()
        .filter(|user| user.role == Role::QaLead && user.reach.reads_as_written(user.role))
        .map(|user| user.id.as_str())
        .collect();
    let masks = if unmasked.is_empty() {
        "names, numbers and dates are others until they say why".to_owned()
    } else {
        format!("not for {}", unmasked.join(", "))
    };
    let passkeys = app.sign_in.passkeys.is_some();
    Ok(vec![
        told("A second factor for everybody", required, detail),
        told("Passkeys", passkeys, if passkeys { "possible" } else { "set public_url" }),
        told(
            "Single sign-on",
            app.sign_in.oidc.is_some(),
            if app.sign_in.oidc.is_some() {
                app.config.oidc_name.clone()
            } else {
                "set oidc_issuer".to_owned()
            },
        ),
        told("Masks for QA leads", unmasked.is_empty(), masks),
    ])
}

async fn copies(app: &App) -> Result<Protection, Failure> {
    let filter = AuditFilter { action: Some(AuditAction::BackupMade), ..AuditFilter::default() };
    let what = "Copies, restored for proof";
    let Some(last) = app.store.audit(&filter, 1).await?.into_iter().next() else {
        return Ok(told(what, false, "none was made; overread backup, or [backup] in the settings"));
    };
    let late = app.now().since(last.at) > COPY_MS;
    let encrypted = last.event.detail.get("encrypted").is_some_and(|word| word == "true");
    let detail = match (late, encrypted) {
        (true, _) => "the last good restore is more than two days ago",
        (false, true) => "encrypted",
        (false, false) => "not encrypted",
    };
    Ok(Protection { at: Some(last.at), ..told(what, !late, detail) })
}

async fn trail(app: &App) -> Result<Protection, Failure> {
    let what = "Audit trail looked through";
    Ok(match app.store.audit_reviews(1).await?.into_iter().next() {
        None => told(what, false, "nobody has signed it off yet"),
        Some(last) => {
            let late = app.now().since(last.at) > REVIEW_MS;
            let detail = if late { "more than a month ago" } else { "signed off" };
            Protection { at: Some(last.at), ..told(what, !late, detail) }
        }
    })
}

async fn reasons(app: &App) -> Result<Protection, Failure> {
    let page = app.store.grants(true, None, REASONS).await?;
    let detail = match page.rows.len() {
        0 => "none waits".to_owned(),
        n if page.next.is_some() => format!("more than {n} wait"),
        n => format!("{n} wait"),
    };
    Ok(told("Reasons for opened notes judged", page.rows.is_empty(), detail))
}
