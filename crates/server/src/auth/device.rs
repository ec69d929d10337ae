//! A sign in a browser that somebody has signed in there before (OWASP, "Slow Down Online Guessing Attacks with Device
//! Cookies"). It opens nothing: it only keeps strangers' failures from counting against its owner.

use axum::http::{HeaderMap, HeaderValue};
use overread_domain::UserId;

use crate::App;

const COOKIE: &str = "overread_device";
const PURPOSE: &str = "device cookie";
/// The most that browsers keep a cookie (RFC 6265bis, 5.5): 400 days.
const AGE: u32 = 400 * 24 * 3600;

/// The device's name, where it bears a sign of this user.
pub fn known(app: &App, headers: &HeaderMap, user: &UserId) -> Option<String> {
    let sealed = super::named(headers, COOKIE)?;
    let name = app.sign_in.keys.unseal(PURPOSE, user.as_str(), sealed).ok()?;
    Some(format!("device {}", String::from_utf8(name).ok()?))
}

/// The header that marks a browser. One that is marked keeps its name: a new one would bring new tries.
pub fn mark(app: &App, headers: &HeaderMap, user: &UserId) -> HeaderValue {
    let name = known(app, headers, user)
        .and_then(|name| Some(name.strip_prefix("device ")?.to_owned()))
        .unwrap_or_else(|| format!("{:032x}", app.source.random()));
    let sealed = app.sign_in.keys.seal(PURPOSE, user.as_str(), name.as_bytes());
    let secure = if app.config.secure_cookies { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={sealed}; Path=/api/v1; HttpOnly; SameSite=Strict; Max-Age={AGE}{secure}");
    HeaderValue::from_str(&cookie).expect("base64 and fixed words are a header")
}
