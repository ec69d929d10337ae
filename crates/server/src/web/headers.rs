//! Headers that every answer carries, and the content security policy of the page.

use std::fmt::Write as _;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use sha2::{Digest, Sha256};

/// What the page may do: its own files, WebAssembly, and nothing from anywhere else. The bundler's inline start-up
/// script is allowed by its hash.
pub fn policy(index: &str) -> String {
    let mut scripts = String::from("'self' 'wasm-unsafe-eval'");
    for script in inline_scripts(index) {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script.as_bytes()));
        let _ = write!(scripts, " 'sha256-{hash}'");
    }
    format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// Contents of `<script>` elements without `src`, to the byte: the browser hashes them so.
fn inline_scripts(html: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find("<script") {
        rest = &rest[at + "<script".len()..];
        let Some(head_end) = rest.find('>') else { break };
        let (head, body) = (&rest[..head_end], &rest[head_end + 1..]);
        let Some(end) = body.find("</script") else { break };
        if !head.contains("src=") && !body[..end].is_empty() {
            found.push(&body[..end]);
        }
        rest = &body[end..];
    }
    found
}

const FIXED: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ),
];

/// What [`secure`] sets besides the fixed headers.
#[derive(Clone, Debug)]
pub struct Policy {
    pub csp: HeaderValue,
    /// Tell browsers to come by TLS only.
    pub hsts: bool,
}

pub async fn secure(State(policy): State<Policy>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(response.headers_mut(), &policy);
    response
}

fn set(headers: &mut HeaderMap, policy: &Policy) {
    for (name, value) in FIXED {
        headers.insert(name, value);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.csp.clone());
    if policy.hsts {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
    // Answers hold clinical text unless they say that they are files of the page.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_the_bundlers_script_by_hash_only() {
        let html =
            "<script type=\"module\">alert(1)</script><script src=\"/a.js\"></script><script></script>";
        assert_eq!(inline_scripts(html), ["alert(1)"]);
        let policy = policy(html);
        assert!(policy.contains("'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
    }
}
