//! How it looks and reads: light and dark, long notes, every screen for everybody.

use overread_e2e::product::root;
use serde_json::{Value, json};

use super::stage::{NOTE, Stage};

fn sample(id: &str) -> Value {
    let notes = std::fs::read_to_string(root().join("samples/notes.jsonl")).unwrap();
    notes
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|note| note["id"] == id)
        .unwrap_or_else(|| panic!("no sample note {id}"))
}

/// Every screen that a role has, by address.
const SCREENS: [(&str, &str, &str); 11] = [
    ("lead", "/", "#queue"),
    ("lead", "/import", "#import-send"),
    ("lead", "/accuracy", "#accuracy-fields"),
    ("lead", "/system", "#system"),
    ("lead", "/memory", "#memory"),
    ("lead", "/codes", "#code-search"),
    ("lead", "/edits", "#edits"),
    ("lead", "/audit", "#audit tbody tr"),
    ("admin", "/code-systems", "#code-systems"),
    ("admin", "/users", "#users"),
    ("admin", "/templates", "#templates"),
];

#[test]
fn axe_finds_nothing_serious_on_any_screen_in_light_and_dark() {
    let stage = Stage::new();
    let entry = stage
        .import(&[json!({ "id": "a note", "text": NOTE, "title": "Gout", "document_type": "clinic note" })])
        .remove(0);
    stage.suggested(&entry);
    // The accuracy page counts finished entries.
    let done = stage.import_text("a finished note", NOTE);
    stage.finish(&done);
    let browser = &stage.browser;
    browser.goto(&stage.product.url()).unwrap();
    browser.see("#sign-in-user").unwrap();
    let mut barriers = stage.barriers("sign-in");
    stage.shot("sign-in");
    let mut signed_in = "";
    for scheme in ["light", "dark"] {
        browser.color_scheme(scheme).unwrap();
        for (user, address, there) in SCREENS {
            if signed_in != user {
                browser.forget_cookies().unwrap();
                stage.sign_in_as(user);
                signed_in = user;
            }
            browser.goto(&format!("{}{address}", stage.product.url())).unwrap();
            browser.see(there).unwrap();
            let name = format!("{user}{}-{scheme}", address.replace('/', "-"));
            stage.shot(&name);
            barriers.extend(stage.barriers(&name));
        }
    }
    browser.forget_cookies().unwrap();
    stage.sign_in_as("lead");
    for scheme in ["light", "dark"] {
        browser.color_scheme(scheme).unwrap();
        stage.open(&entry);
        browser.see("#rows [data-item]").unwrap();
        barriers.extend(stage.barriers(&format!("review-{scheme}")));
        for (keys, there, name) in [
            ("x", "#reject", "reject"),
            ("e", "#editor", "editor"),
            ("f", "#find-words", "find"),
            ("i", "#field-chooser", "fields"),
            ("s", "#escalate", "escalate"),
            ("?", "#help", "help"),
        ] {
            // Each opened on a fresh page: what one leaves behind must not help the next.
            stage.open(&entry);
            browser.see("#rows [data-item]").unwrap();
            stage.press(keys);
            browser.see(there).unwrap();
            stage.shot(&format!("{name}-{scheme}"));
            barriers.extend(stage.barriers(&format!("{name}-{scheme}")));
            browser.press(&[overread_e2e::Key::Escape]).unwrap();
            browser.gone(there).unwrap();
        }
    }
    assert!(barriers.is_empty(), "{barriers:#?}");
    stage.clean();
}

#[test]
fn dark_is_dark_and_light_is_light() {
    let stage = Stage::without_model();
    let entry = stage.import_text("note", NOTE);
    stage.sign_in("reviewer");
    let luminance = || {
        let script =
            "const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b";
        stage.browser.script(script, &[]).unwrap().as_f64().unwrap()
    };
    for (scheme, is_right) in [("light", (|l| l > 200.0) as fn(f64) -> bool), ("dark", |l| l < 60.0)] {
        stage.browser.color_scheme(scheme).unwrap();
        stage.open(&entry);
        stage.browser.see("#rows").unwrap();
        let found = luminance();
        assert!(is_right(found), "{scheme}: the background's luminance is {found}");
        stage.shot(&format!("review-plain-{scheme}"));
    }
}

#[test]
fn a_note_of_60_kb_opens_whole_and_every_row_finds_its_words() {
    let stage = Stage::new();
    let note = sample("long-stay-pancreatitis");
    let text = note["text"].as_str().unwrap().to_owned();
    let entry = stage.import(&[note]).remove(0);
    let view = stage.suggested(&entry);
    assert!(view.items.len() > 20, "{} rows", view.items.len());
    stage.sign_in("reviewer");
    stage.open(&entry);
    let browser = &stage.browser;
    browser.see("#rows [data-item]").unwrap();
    let shown = browser.script("return document.querySelector('#note').textContent", &[]).unwrap();
    assert_eq!(shown.as_str().unwrap(), text, "the note is shown as it came");
    assert_eq!(browser.count("#rows [data-item]").unwrap(), view.items.len() as u64);
    // Down the rows: the words of each come into view.
    let in_view = "const n = document.querySelector('#note').getBoundingClientRect();
        const cur = [...document.querySelectorAll('#note .cur')];
        return cur.length === 0 || cur.some(e => { const r = e.getBoundingClientRect();
          return r.top < n.bottom && r.bottom > n.top })";
    let mut marked = 0;
    for _ in 0..30 {
        stage.press("j");
        browser
            .wait("the row's words in view", || {
                Ok((browser.script(in_view, &[])? == json!(true)).then_some(()))
            })
            .unwrap();
        marked += u64::from(browser.count("#note .cur").unwrap() > 0);
    }
    // The others are fields that hold nothing.
    assert!(marked >= 10, "{marked} of 30 rows have their words marked");
    stage.shot("review-60-kb");
    stage.clean();
}
