//! Around the handlers: request ids, time limits, log lines, headers, the page's files.

pub mod assets;
pub mod headers;
pub mod observe;
