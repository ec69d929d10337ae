//! The page: Leptos, rendered in the browser, one WASM file.
//!
//! `logic` knows nothing of a browser and is tested natively; `web` is the door to the browser; `shell` holds what
//! every page shares (session, keys, theme, help); `review` is the heart; `pages` are the rest. The server is reached
//! through `overread_api` and nothing else, and an entry is judged with `overread_domain::Entry`, the very code that the
//! server runs.
//!
//! # What tests may hold on to
//! | selector | what |
//! |---|---|
//! | `#sign-in-user`, `#sign-in-password`, `#sign-in-submit` | sign-in, also over an open page when the session has ended (`#sign-in-dialog`) |
//! | `#password-current`, `#password-new`, `#password-repeat`, `#password-submit` | change of password |
//! | `#sign-out`, `#theme`, `#help-button`, `#help`, `[data-nav=queue]` … | top bar |
//! | `#queue`, `[data-entry]` (with `data-status`), `[data-entry][data-current]`, `#queue-text`, `#queue-status`, `#queue-type`, `#queue-sort`, `#queue-more`, `#queue-empty` | queue |
//! | `#review[data-revision][data-status][data-net]` | review page; `data-net` is `idle`, `sending`, `away`, `held`, `signed-out` |
//! | `#note`, `#note [data-at]` | the note; each segment with its code point offset |
//! | `#note .m`, `#note .cur` | marked words; words of the current row |
//! | `#rows`, `[data-item]` (with `data-state`, `data-field`), `[data-empty-field]`, `[data-current]` | rows |
//! | `#card`, `[data-command]` | the current row in full; every button names its command |
//! | `#code-search`, `#code-hits [data-code]` | code search |
//! | `#reject [data-reason]`, `#reject-comment` | reasons |
//! | `#field-chooser`, `#field-hits [data-field]` | which field an added value belongs to |
//! | `#editor`, `#edit-value`, `#edit-save`, `#edit-field`, `#edit-assertion`, `#edit-role` | the editor |
//! | `#find-words` | finding words in the note |
//! | `#escalate [data-cause]`, `#reopen-reason` | exceptions, reopening |
//! | `#finish`, `#message`, `#banner` | finishing; what just happened; what stands in the way |
//! | `#import-files`, `#import-text`, `#import-check`, `#import-send`, `#import-result`, `#import-errors` | import |
//! | `#accuracy-fields`, `#accuracy-codes`, `#chart-precision`, `#chart-calibration`, `#export` | accuracy |
//! | `#system`, `#jobs`, `[data-job]`, `#users`, `[data-user]`, `#templates` | administration |
// Leptos components take their properties by value and have view types that cannot be named.
#![expect(clippy::needless_pass_by_value, reason = "component properties are owned by their component")]
#![allow(
    clippy::large_types_passed_by_value,
    reason = "signals carry where they were made in debug builds only"
)]

pub mod logic;
pub mod pages;
pub mod review;
pub mod shell;
pub mod web;

/// Puts the page into the document.
pub fn mount() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(shell::Shell);
}
