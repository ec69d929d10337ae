//! What needs a browser: requests, storage, time, random numbers, events.

pub mod dom;
pub mod http;
pub mod passkey;
pub mod storage;
