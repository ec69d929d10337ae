//! The own account, second factors, and a page that was left.

use overread_e2e::{Key, page};
use serde_json::{Value, json};

use super::stage::{NOTE, Stage};

/// A browser with an authenticator in it, on an installation that knows its own address.
fn with_authenticator() -> (Stage, String) {
    let stage = Stage::with(|settings| {
        settings.model = None;
        settings.env.push(("OVERREAD_PUBLIC_URL".to_owned(), "http://localhost:8080".to_owned()));
    });
    stage.browser.cdp("WebAuthn.enable", &json!({})).unwrap();
    let options = json!({ "options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserVerified": true, "automaticPresenceSimulation": true,
    } });
    stage.browser.cdp("WebAuthn.addVirtualAuthenticator", &options).unwrap();
    let home = format!("http://localhost:{}", stage.product.port());
    (stage, home)
}

#[test]
fn a_passkey_is_added_and_signs_in_without_a_name_or_a_password() {
    let (stage, home) = with_authenticator();
    let browser = &stage.browser;
    browser.goto(&home).unwrap();
    page::fill_sign_in(browser, "reviewer").unwrap();
    browser.see("#queue").unwrap();
    browser.click("#account-link").unwrap();
    browser.see("#passkey-name").unwrap();
    stage.looks_well("account");
    stage.retype_in("#passkey-name", "laptop");
    stage.key(Key::Enter);
    browser.see("#recovery-codes li").unwrap();
    assert_eq!(browser.count("#recovery-codes li").unwrap(), 10);
    stage.looks_well("account-codes");
    browser.click("#codes-kept").unwrap();
    browser.reads("#passkeys", "laptop").unwrap();
    stage.retype_in(
        "#token-name",
        "nightly export of what the ward decided, for the quality report of the region",
    );
    browser.click("[data-scope=read_entries]").unwrap();
    browser.click("#token-make").unwrap();
    browser.reads("#token-made", "ovr_").unwrap();
    stage.looks_well("account-token");
    browser.click("#sign-out").unwrap();
    browser.see("#use-passkey").unwrap();
    stage.looks_well("sign-in-passkey");
    browser.click("#use-passkey").unwrap();
    browser.see("#sign-out").unwrap();
    // A password alone is not enough any more; the passkey is the second factor, too.
    browser.click("#sign-out").unwrap();
    page::fill_sign_in(browser, "reviewer").unwrap();
    browser.see("#second-code").unwrap();
    stage.looks_well("second-factor");
    browser.click("#use-passkey").unwrap();
    browser.see("#sign-out").unwrap();
}

#[test]
fn an_authenticator_app_is_set_up_by_keyboard_where_it_is_asked_for() {
    let stage = Stage::with(|settings| {
        settings.model = None;
        settings.env.push(("OVERREAD_REQUIRE_SECOND_FACTOR".to_owned(), "true".to_owned()));
    });
    let browser = &stage.browser;
    browser.goto(&stage.product.url()).unwrap();
    page::fill_sign_in(browser, "coder").unwrap();
    browser.see("#totp-begin").unwrap();
    browser.click("#totp-begin").unwrap();
    browser.see("#totp-secret").unwrap();
    stage.looks_well("set-up-app");
    let secret = browser.text("#totp-secret").unwrap().unwrap();
    stage.retype_in("#totp-code", "000000");
    stage.key(Key::Enter);
    browser.reads("#totp-error", "clock").unwrap();
    stage.retype_in("#totp-code", &code(&stage, secret.trim()));
    stage.key(Key::Enter);
    browser.see("#codes-kept").unwrap();
    browser.click("#codes-kept").unwrap();
    browser.see("#totp-remove").unwrap();
    browser.click("#set-up-done").unwrap();
    browser.see("#queue").unwrap();
}

/// RFC 6238, computed by the browser: this side has no HMAC at hand.
fn code(stage: &Stage, secret: &str) -> String {
    let script = "const [secret, done] = arguments;
        const bits = [...secret].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
        const key = new Uint8Array(bits.match(/.{8}/g).map(byte => parseInt(byte, 2)));
        const step = new DataView(new ArrayBuffer(8));
        step.setUint32(4, Math.floor(Date.now() / 30000));
        const how = { name: 'HMAC', hash: 'SHA-1' };
        crypto.subtle.importKey('raw', key, how, false, ['sign'])
          .then(key => crypto.subtle.sign('HMAC', key, step.buffer))
          .then(mac => { const m = new DataView(mac); const at = m.getUint8(19) & 15;
            done(String((m.getUint32(at) & 0x7fffffff) % 1000000).padStart(6, '0')); });";
    let made = stage.browser.script_async(script, &[Value::from(secret)]).unwrap();
    made.as_str().unwrap().to_owned()
}

#[test]
fn a_page_that_was_left_is_blank_and_comes_back_with_what_was_typed() {
    let stage = Stage::without_model();
    let entry = stage.import_text("note", NOTE);
    stage.sign_in("reviewer");
    stage.open(&entry);
    let browser = &stage.browser;
    browser.see("#rows [data-empty-field]").unwrap();
    stage.press("i");
    stage.focused("#field-chooser");
    browser.type_text("follow").unwrap();
    stage.key(Key::Enter);
    stage.retype("#edit-value", "typed before the break");
    // Somebody else locks it, as the page itself does after its time.
    let lock = "const done = arguments[0];
        fetch('/api/v1/session/lock', { method: 'POST', headers: { 'x-overread': '1' } }).then(r => done(r.status));";
    assert_eq!(browser.script_async(lock, &[]).unwrap(), json!(204));
    stage.focused("#edit-value");
    stage.key(Key::Enter);
    browser.see("#unlock-secret").unwrap();
    stage.looks_well("locked");
    browser.type_text("not the password").unwrap();
    stage.key(Key::Enter);
    browser.reads("#unlock-error", "wrong").unwrap();
    stage.retype_in("#unlock-secret", overread_e2e::PASSWORD);
    stage.key(Key::Enter);
    browser.gone("#sign-in-dialog").unwrap();
    browser.see("#review[data-revision='1'][data-net=idle]").unwrap();
}

#[test]
fn an_invitation_leads_to_a_password_of_ones_own() {
    let stage = Stage::without_model();
    let browser = &stage.browser;
    stage.sign_in_as("admin");
    browser.goto(&format!("{}/users", stage.product.url())).unwrap();
    browser.see("#user-id").unwrap();
    stage.retype_in("#user-id", "nora");
    stage.retype_in("#user-name", "Nora Okafor");
    browser.click("#user-add").unwrap();
    browser.see("#invitation").unwrap();
    stage.looks_well("users-invitation");
    let link = browser.text("#invitation").unwrap().unwrap();
    browser.click("#sign-out").unwrap();
    browser.see("#sign-in-user").unwrap();
    browser.goto(link.trim()).unwrap();
    browser.reload().unwrap();
    browser.see("#welcome-password").unwrap();
    stage.looks_well("welcome");
    stage.retype_in("#welcome-password", "password1234");
    stage.retype_in("#welcome-repeat", "password1234");
    stage.key(Key::Enter);
    browser.reads("#welcome-error", "tried first").unwrap();
    stage.retype_in("#welcome-password", "nine quiet harbours");
    stage.retype_in("#welcome-repeat", "nine quiet harbours");
    stage.key(Key::Enter);
    browser.see("#queue").unwrap();
    assert!(!browser.url().unwrap().contains('#'), "the link is not kept in the address");
}
