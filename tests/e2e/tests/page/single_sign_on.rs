//! Single sign-on at a provider that is not ours: npm's oidc-provider, as it comes, in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use overread_e2e::product::{free_port, root};
use overread_e2e::{Browser, Key};
use serde_json::json;

use crate::stage::Stage;

struct Provider {
    child: Child,
}

impl Provider {
    fn start(port: u16, home: &str) -> Self {
        let library = root().join("target/tools/node_modules/oidc-provider/lib/index.js");
        assert!(library.is_file(), "`cargo xtask setup` installs oidc-provider");
        let mut child = Command::new("node")
            .arg(root().join("tests/e2e/fixtures/provider.mjs"))
            .arg(library)
            .args([&port.to_string(), home])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node.js runs");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line == "listening");
        assert!(ready, "the provider ended before it listened");
        std::thread::spawn(move || lines.map_while(Result::ok).count());
        Self { child }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// From our sign-in page over the provider's two pages and back.
fn sign_on(browser: &Browser, home: &str, name: &str) {
    browser.goto(home).unwrap();
    browser.reads("#single-sign-on", "The hospital").unwrap();
    browser.click("#single-sign-on").unwrap();
    browser.see("input[name=login]").unwrap();
    browser.click("input[name=login]").unwrap();
    browser.type_text(name).unwrap();
    browser.click("input[name=password]").unwrap();
    browser.type_text("whatever").unwrap();
    browser.press(&[Key::Enter]).unwrap();
    browser.reads("body", "Authorize").unwrap();
    browser.click("button[type=submit]").unwrap();
}

#[test]
fn a_provider_that_is_not_ours_signs_people_in() {
    let (port, at) = (free_port().unwrap(), free_port().unwrap());
    let home = format!("http://127.0.0.1:{port}");
    let _provider = Provider::start(at, &home);
    let stage = Stage::on(port, |settings| {
        settings.model = None;
        for (name, value) in [
            ("PUBLIC_URL", home.as_str()),
            ("OIDC_ISSUER", &format!("http://127.0.0.1:{at}")),
            ("OIDC_CLIENT_ID", "overread"),
            ("OIDC_CLIENT_SECRET", "a secret of both, for this test"),
            ("OIDC_NAME", "The hospital"),
            ("OIDC_ROLES", "overread-coders=coder"),
        ] {
            settings.env.push((format!("OVERREAD_{name}"), value.to_owned()));
        }
    });
    let browser = &stage.browser;
    sign_on(browser, &home, "eva");
    browser.see("#queue").unwrap();
    browser.reads("header", "eva of the provider · Coder").unwrap();
    stage.shot("single-sign-on");
    browser.click("#sign-out").unwrap();
    // The provider still knows them: no question is asked again.
    browser.see("#single-sign-on").unwrap();
    browser.click("#single-sign-on").unwrap();
    browser.see("#queue").unwrap();
    browser.click("#sign-out").unwrap();
    browser.see("#single-sign-on").unwrap();

    browser.cdp("Network.clearBrowserCookies", &json!({})).unwrap();
    sign_on(browser, &home, "tom");
    browser.reads("#sign-in-error", "has no role here").unwrap();
    stage.shot("single-sign-on-refused");
    let known = stage.product.signed_in("admin").unwrap();
    let users: serde_json::Value = known.get(overread_api::path::USERS).unwrap().json().unwrap();
    let ids: Vec<&str> = users.as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"eva") && !ids.contains(&"tom"), "{ids:?}");
}
