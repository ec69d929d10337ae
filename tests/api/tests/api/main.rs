//! The interface from outside: the real router over a real database.

mod access;
mod admin;
mod audit;
mod code_systems;
mod edits;
mod import;
mod jobs;
mod machine;
mod memory;
mod oidc;
mod overview;
mod review;
mod review_faults;
mod roles;
mod session;
mod sign_in;
mod tokens;
