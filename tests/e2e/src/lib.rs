//! The product from outside, as its users have it: the binary as a process ([`Product`]), its wire ([`Client`]) and its
//! page in a real Chromium ([`Browser`]). The browser tests, the benchmarks and the soak stand on it.
//!
//! WebDriver (W3C Recommendation 2018) is a handful of JSON requests; speaking it here costs less than a client crate
//! with its own HTTP stack, and reaches Chromium's console and network logs, which such crates leave out.

pub mod browser;
pub mod client;
pub mod page;
pub mod product;

pub use browser::{Browser, Key};
pub use client::{Answer, Client};
pub use product::{PASSWORD, Product, Settings};
