//! Extractors that refuse in the product's own words. serde's messages repeat what came in, which may be clinical text:
//! only the part that speaks of the expected shape is passed on.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use overread_api::{ErrorCode, Place};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;

/// A JSON body, in and out.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let json =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value.split(';').next().is_some_and(|kind| kind.trim() == "application/json")
            });
        if !json {
            return Err(Failure::new(ErrorCode::UnsupportedMedia, "the body must be application/json"));
        }
        let bytes = body(request, state).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let place = Place {
                line: (error.line() > 0).then(|| error.line()),
                byte: error.column().checked_sub(1),
                message: shape(&error.to_string()),
                ..Place::default()
            };
            if error.is_data() {
                Failure::new(ErrorCode::Invalid, "the body is not what this route takes").at(place)
            } else {
                Failure::new(ErrorCode::BadRequest, "the body is not JSON").at(place)
            }
        })
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The whole body, within the route's limit.
pub async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            Failure::new(ErrorCode::TooLarge, "the request is larger than this server takes")
        } else {
            Failure::new(ErrorCode::BadRequest, "the body could not be read")
        }
    })
}

/// The query of the address.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        if parts.uri.query().is_some_and(holds_nul) {
            let message = "NUL is not allowed".to_owned();
            let place = Place { field: Some("query".into()), message, ..Place::default() };
            return Err(Failure::new(ErrorCode::BadRequest, "the query can't be read").at(place));
        }
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|rejection| {
            let inner = std::error::Error::source(&rejection).map(ToString::to_string).unwrap_or_default();
            let place = Place { field: Some("query".into()), message: shape(&inner), ..Place::default() };
            Failure::new(ErrorCode::BadRequest, "the query can't be read").at(place)
        })
    }
}

/// The segments of the path that stand for ids.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let nul = holds_nul(parts.uri.path());
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) if !nul => Ok(Self(value)),
            _ => Err(Failure::new(ErrorCode::NotFound, "there is nothing under this address")),
        }
    }
}

/// Whether a part of an address stands for text with NUL, which the database may not hold (`PostgreSQL`
/// doesn't). NUL itself can't stand in an address.
fn holds_nul(encoded: &str) -> bool {
    encoded.contains("%00")
}

/// How `serde_json`'s sentences on syntax begin: they hold no input. Anything else might.
const SYNTAX: [&str; 10] = [
    "expected",
    "EOF",
    "trailing",
    "key must",
    "control char",
    "invalid escape",
    "invalid number",
    "lone",
    "recursion",
    "invalid unicode",
];

/// What serde expected, without what it found.
fn shape(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or_default();
    // In messages of these kinds the found value stands between the first colon or quote and ", expected".
    for (found, said) in [
        ("invalid type", "the wrong type"),
        ("invalid value", "not allowed"),
        ("invalid length", "the wrong length"),
        ("unknown variant", "none of the known names"),
        ("unknown field", "an unknown key"),
    ] {
        if let Some(at) = message.find(found) {
            let field = message[..at].trim_end_matches([':', ' ']);
            let field = if field.len() <= 40 && field.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                field
            } else {
                ""
            };
            let colon = if field.is_empty() { "" } else { ": " };
            return match message.rsplit_once(", expected ") {
                Some((_, expected)) => format!("{field}{colon}{said}, expected {expected}"),
                None => format!("{field}{colon}{said}"),
            };
        }
    }
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return message.to_owned();
    }
    if SYNTAX.iter().any(|start| message.starts_with(start)) {
        message.to_owned()
    } else {
        "can't be read".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use overread_api::entry::{Decide, QueueQuery};

    use super::*;

    fn told<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        shape(&serde_json::from_str::<T>(json).unwrap_err().to_string())
    }

    fn parts(address: &str) -> Parts {
        axum::http::Request::get(address).body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn nul_in_a_query_is_refused() {
        let of = async |address| {
            let query = Query::<QueueQuery>::from_request_parts(&mut parts(address), &()).await;
            query.map(|query| query.0.q).map_err(|failure| failure.body().code)
        };
        assert_eq!(of("/?q=a%00b").await, Err(ErrorCode::BadRequest));
        assert_eq!(of("/?q=a%2500b").await, Ok(Some("a%00b".to_owned())));
    }

    #[test]
    fn says_the_shape_and_never_the_value() {
        let cases = [
            r#"{"expected_revision":"Zebraquux"}"#,
            r#"{"expected_revision":1,"idempotency_key":"k","actions":[{"action":"Zebraquux"}]}"#,
            r#"{"expected_revision":1,"idempotency_key":"k","actions":[{"action":"accept","item":["Zebraquux"]}]}"#,
            r#"{"Zebraquux":1}"#,
            r#"{"expected_revision":1,"idempotency_key":"Zebraquux","actions":{}}"#,
            r#"{"expected_revision":"Zebraquux, expected u32"#,
        ];
        for case in cases {
            let told = told::<Decide>(case);
            assert!(!told.contains("Zebraquux"), "{told}");
        }
        assert_eq!(told::<Decide>(r#"{"expected_revision":-1}"#), "not allowed, expected u32");
        assert_eq!(told::<Decide>("{}"), "missing field `expected_revision`");
        assert!(
            told::<QueueQuery>(r#"{"sort":"Zebraquux"}"#).starts_with("none of the known names, expected")
        );
    }
}
