//! axum: state, sign-in, handlers, background jobs, the embedded frontend.
//!
//! Handlers extract, call the store, and convert; what is legal is judged in `overread-domain`, what is kept in
//! `overread-store`, what is suggested in `overread-suggest`. The clock and randomness come in with the state. Servers
//! hold no state of their own but caches, counters and the sign-in throttle, so that several may stand over one database.

mod app;
mod auth;
mod config;
mod edits;
mod error;
mod export;
mod extract;
mod impact;
mod mask;
mod memory;
mod metrics;
mod model;
mod openapi;
mod routes;
mod serve;
mod shelf;
mod shown;
mod stats;
mod tls;
mod unusual;
mod views;
mod web;
mod worker;

/// The HTTP types of [`router`], for those who call it without a socket.
pub use axum;

pub use app::{App, Setup};
pub use auth::SignInWays;
pub use auth::access::{Access, RULES, Rule, access};
pub use auth::password::{Weak, check as check_password, hash as hash_password};
pub use auth::second::{reseal, sealed_with};
pub use config::Config;
pub use error::Failure;
pub use export::correction_lines;
pub use impact::impact;
pub use model::{Loaded, Model};
pub use openapi::openapi;
pub use routes::router;
pub use routes::users::{is_id as is_user_id, told as told_reach};
pub use serve::serve;
pub use shelf::{Shelf, Standing};
pub use stats::rate;
pub use tls::{Tls, TlsError};
pub use worker::{run_workers, suggestion_set};
