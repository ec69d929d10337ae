//! The page's screens, by the selectors that the frontend's crate documentation promises.

use anyhow::Result;

use crate::browser::{Browser, Key};
use crate::product::{PASSWORD, Product};

/// Opens the page and signs in by keyboard; ends on the queue.
pub fn sign_in(browser: &Browser, product: &Product, user: &str) -> Result<()> {
    browser.goto(&product.url())?;
    fill_sign_in(browser, user)?;
    browser.see("#queue")
}

/// Fills in whatever sign-in form is there.
pub fn fill_sign_in(browser: &Browser, user: &str) -> Result<()> {
    browser.see("#sign-in-user")?;
    // Over an open page the name is there already.
    browser.script(
        "const e = document.querySelector('#sign-in-user'); e.focus(); e.select && e.select()",
        &[],
    )?;
    browser.type_text(user)?;
    browser.press(&[Key::Tab])?;
    browser.type_text(PASSWORD)?;
    browser.press(&[Key::Enter])
}
