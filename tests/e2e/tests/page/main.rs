//! The page in a real Chromium over the real binary, with the model and the codes that ship.

mod access;
mod account;
mod books;
mod conformance;
mod desk;
mod looks;
mod memory;
mod queue;
mod quiet;
mod review;
mod session;
mod single_sign_on;
mod stage;
