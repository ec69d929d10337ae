//! The description of the interface, made from the handlers. `openapi.json` at the repository's root is a copy of it.

use axum::http::Method;
use overread_api::path;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{
    ContentBuilder, OpenApi as Description, RefOr, Response, ResponseBuilder, schema::Ref,
};
use utoipa::{Modify, OpenApi};

use crate::auth::access::{Access, access};
use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Overread",
        description = "Check AI-filled entries from clinical notes. Spans are Unicode code points, half open, with their \
            quote. Requests that change something carry the header `x-overread`, or a script's token as `Authorization: \
            Bearer ovr_...`. Every error is an `ErrorBody`.",
    ),
    modifiers(&Common),
    components(schemas(overread_api::ErrorBody, overread_api::entry::QueueSort)),
    paths(
        routes::session::options,
        routes::session::current,
        routes::session::second_factor,
        routes::session::passkey_challenge,
        routes::session::by_passkey,
        routes::session::lock,
        routes::session::unlock,
        routes::oidc::start,
        routes::oidc::callback,
        routes::invitations::look,
        routes::invitations::accept,
        routes::account::account,
        routes::account::begin_totp,
        routes::account::confirm_totp,
        routes::account::remove_totp,
        routes::account::recovery_codes,
        routes::account::new_passkey,
        routes::account::add_passkey,
        routes::account::remove_passkey,
        routes::account::end_session,
        routes::account::end_sessions,
        routes::account::make_token,
        routes::account::revoke_token,
        routes::invitations::invite,
        routes::users::end_sessions,
        routes::session::sign_in,
        routes::session::sign_out,
        routes::session::change_password,
        routes::queue::queue,
        routes::queue::progress,
        routes::queue::next,
        routes::entry::entry,
        routes::decide::decide,
        routes::entry::take_lease,
        routes::entry::release_lease,
        routes::entry::suggest_again,
        routes::access::place,
        routes::access::places,
        routes::access::open,
        routes::access::list,
        routes::access::mine,
        routes::access::end,
        routes::access::judge,
        routes::import::import,
        routes::code_search::search,
        routes::codes::code,
        routes::codes::questions,
        routes::codes::procedures,
        routes::books::book,
        routes::code_systems::list,
        routes::code_systems::import,
        routes::code_systems::remove,
        routes::codes::mine,
        routes::codes::keep,
        routes::codes::let_go,
        routes::edits::rules,
        routes::edits::put,
        routes::edits::simulate,
        routes::templates::list,
        routes::templates::template,
        routes::templates::put,
        routes::accuracy::accuracy,
        routes::corrections::corrections,
        routes::memory::list,
        routes::memory::forget,
        routes::memory::deletions,
        routes::system::system,
        routes::protection::protection,
        routes::system::jobs,
        routes::system::retry,
        routes::users::list,
        routes::users::create,
        routes::users::change,
        routes::audit::list,
        routes::audit::unusual,
        routes::audit::status,
        routes::audit::sign_off,
        routes::health::openapi,
        routes::health::alive,
        routes::health::ready,
        routes::health::metrics,
    )
)]
struct Api;

/// What all routes of a kind may answer, so that no handler repeats it.
struct Common;

impl Modify for Common {
    fn modify(&self, description: &mut Description) {
        for (path, item) in &mut description.paths.paths {
            let methods = [
                (Method::GET, &mut item.get),
                (Method::POST, &mut item.post),
                (Method::PUT, &mut item.put),
                (Method::PATCH, &mut item.patch),
                (Method::DELETE, &mut item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    common(path, &method, operation);
                }
            }
        }
    }
}

fn common(path: &str, method: &Method, operation: &mut Operation) {
    let Some(access) = access(method, path) else { return };
    let mut add = |status: &str, said: &str| {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(error(said)));
    };
    if !matches!(access, Access::Public) {
        add("401", "Not signed in, or the session is locked or awaits its second factor");
        add("429", "Too many requests; `Retry-After` says how long to wait");
        add("403", "The role does not allow it, or the password must be changed first");
    } else if *method != Method::GET {
        add("403", "The header `x-overread` is missing");
    }
    if path.starts_with(path::SESSION) || path.starts_with("/api/") {
        add("500", "A failure of the server");
        add("503", "The database is away");
    }
    if *method == Method::GET {
        if operation.parameters.is_some() {
            add("400", "The query can't be read");
        }
    } else {
        add("507", "The disk is full; nothing was written");
        if operation.request_body.is_some() {
            add("400", "The body can't be read");
            add("413", "The body is too large");
            add("415", "The body is of another type");
            add("422", "The body is not what this route takes");
        }
    }
}

fn error(said: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    ResponseBuilder::new().description(said).content("application/json", content).build()
}

/// The description as JSON, with a line end.
pub fn openapi() -> String {
    let mut text = Api::openapi().to_pretty_json().expect("the description is JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::HttpMethod;

    use crate::RULES;

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let api = Api::openapi();
        for rule in RULES {
            let method = match rule.method {
                Method::GET => HttpMethod::Get,
                Method::POST => HttpMethod::Post,
                Method::PUT => HttpMethod::Put,
                Method::PATCH => HttpMethod::Patch,
                _ => HttpMethod::Delete,
            };
            assert!(
                api.paths.get_path_operation(rule.path, method).is_some(),
                "{} {}",
                rule.method,
                rule.path
            );
        }
        let described: usize = api
            .paths
            .paths
            .values()
            .map(|item| {
                [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten().count()
            })
            .sum();
        assert_eq!(described, RULES.len());
    }
}
