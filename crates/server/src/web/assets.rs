//! The page's files, inside the program.

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use overread_api::ErrorCode;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::Failure;

#[derive(RustEmbed)]
#[folder = "../../frontend/dist"]
#[allow_missing = true]
struct Dist;

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Overread</title>\
    <h1>Overread is running, without its page</h1>\
    <p>This program was built before the page was. Build both with <code>cargo xtask build</code> and start it again. \
    The programming interface answers under <a href=\"/api/v1/openapi.json\">/api/v1</a>.</p></html>";

/// The page, or a word on how to build it.
pub fn index() -> String {
    Dist::get("index.html")
        .and_then(|file| String::from_utf8(file.data.into_owned()).ok())
        .unwrap_or_else(|| NOT_BUILT.to_owned())
}

/// Answers what no route took: a file of the page, the page itself for its client-side routes, or an error.
pub async fn serve(request: Request<Body>) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") {
        return Failure::new(ErrorCode::NotFound, "there is nothing under this address").into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Failure::new(ErrorCode::NotFound, "nothing takes this here").into_response();
    }
    let name = path.trim_start_matches('/');
    if !name.is_empty()
        && name != "index.html"
        && !has_code_suffix(name)
        && let Some(file) = Dist::get(name)
    {
        return answer(name, file, request.headers());
    }
    // A name with an ending is a file that is not there; serving the page for it would hide the mistake.
    if name.rsplit('/').next().is_some_and(|last| last.contains('.')) && name != "index.html" {
        return Failure::new(ErrorCode::NotFound, "there is no such file").into_response();
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    ([kind, (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], index()).into_response()
}

fn has_code_suffix(name: &str) -> bool {
    matches!(name.rsplit('.').next(), Some("br" | "gz"))
}

fn answer(name: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let kind =
        HeaderValue::from_str(&mime(name)).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let cache = if is_hashed(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = etag(&file);
    let mut response =
        if asked.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes()) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if accepts_brotli(asked)
            && let Some(packed) = Dist::get(&format!("{name}.br"))
        {
            let mut response = Body::from(packed.data.into_owned()).into_response();
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            response
        } else {
            Body::from(file.data.into_owned()).into_response()
        };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn etag(file: &EmbeddedFile) -> String {
    use std::fmt::Write as _;
    let mut tag = String::from("W/\"");
    for byte in &file.metadata.sha256_hash()[..12] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn accepts_brotli(asked: &HeaderMap) -> bool {
    asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next() == Some("br") && parts.next() != Some("q=0")
        })
    })
}

fn mime(name: &str) -> String {
    match name.rsplit('.').next() {
        // WebAssembly.instantiateStreaming refuses every other type.
        Some("wasm") => "application/wasm".to_owned(),
        Some("js" | "mjs") => "text/javascript; charset=utf-8".to_owned(),
        Some("css") => "text/css; charset=utf-8".to_owned(),
        Some("html") => "text/html; charset=utf-8".to_owned(),
        Some("svg") => "image/svg+xml".to_owned(),
        Some("json") => "application/json".to_owned(),
        Some("woff2") => "font/woff2".to_owned(),
        Some("png") => "image/png".to_owned(),
        Some("ico") => "image/x-icon".to_owned(),
        Some("txt") => "text/plain; charset=utf-8".to_owned(),
        Some("webmanifest") => "application/manifest+json".to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

/// Bundlers write the content's hash into the name: `overread-3f9a0c1b2d4e5f60.wasm`, `overread-3f9a0c1b2d4e5f60_bg.wasm`.
fn is_hashed(name: &str) -> bool {
    let stem = name.rsplit('/').next().unwrap_or(name);
    stem.split(['-', '_', '.']).any(|part| part.len() >= 12 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(is_hashed("overread-3f9a0c1b2d4e5f60_bg.wasm"));
        assert!(is_hashed("assets/main-0123456789ab.css"));
        assert!(!is_hashed("index.html"));
        assert!(!is_hashed("favicon-dark.svg"));
    }

    #[test]
    fn wasm_has_its_type() {
        assert_eq!(mime("a/b_bg.wasm"), "application/wasm");
    }
}
