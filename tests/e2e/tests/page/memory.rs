//! The memory page: what was decided is there, and goes when somebody deletes it.

use overread_api::entry::Decide;
use overread_api::path;
use overread_domain::{Action, CodeRef, Content, Effort, ItemId, Quoted};
use overread_e2e::Key;
use serde_json::json;

use crate::stage::Stage;

fn add(item: &str, field: &str, quote: &str, start: usize, code: Option<&str>) -> Action {
    let content = Content {
        field: field.into(),
        evidence: vec![Quoted { start, end: start + quote.len(), quote: quote.into() }],
        code: code.map(CodeRef::icd10cm),
        ..Content::default()
    };
    Action::Add { item: ItemId::new(item), content }
}

#[test]
fn what_was_decided_is_listed_narrowed_and_deleted_by_keyboard() {
    let stage = Stage::without_model();
    let browser = &stage.browser;
    stage.sign_in_as("lead");
    browser.goto(&format!("{}/memory", stage.product.url())).unwrap();
    browser.see("#memory-empty").unwrap();
    stage.shot("memory-empty");

    let entry = stage.import_text("n1", "Gout of the left ankle. Takes allopurinol.");
    let decided = Decide {
        expected_revision: 0,
        idempotency_key: "memory-test".into(),
        actions: vec![
            add("a1", "diagnosis", "Gout of the left ankle", 0, Some("M10.9")),
            add("a2", "procedure", "allopurinol", 30, None),
        ],
        effort: Effort::default(),
        suggestions_shown: false,
        suggestion_set: None,
    };
    let address = path::fill(path::DECISIONS, &[entry.as_str()]);
    assert_eq!(stage.lead.post(&address, &decided).unwrap().status, 200);
    let shown = |n: u64| {
        browser
            .wait(&format!("{n} rows"), || {
                if browser.count("[data-memory]")? != n {
                    // The memory follows the log a moment later.
                    browser.script(
                        "document.querySelector('#memory-kind').dispatchEvent(new Event('change'))",
                        &[],
                    )?;
                    return Ok(None);
                }
                Ok(Some(()))
            })
            .unwrap();
    };
    shown(3);
    browser.reads("[data-kind=code_accepted] code", "M10.9").unwrap();
    stage.shot("memory");
    assert_eq!(stage.barriers("memory"), Vec::<String>::new());

    browser.click("#memory-text").unwrap();
    browser.type_text("allo").unwrap();
    shown(1);
    // Delete, think better of it, delete.
    let here = |css: &str| {
        browser.script("document.querySelector(arguments[0]).focus()", &[json!(css)]).unwrap();
    };
    here("[id^=memory-ask]");
    stage.key(Key::Enter);
    stage.focused("[id^=memory-confirm]");
    stage.key(Key::Escape);
    stage.focused("[id^=memory-ask]");
    stage.key(Key::Enter);
    stage.focused("[id^=memory-confirm]");
    stage.key(Key::Enter);
    browser.see("#memory-empty").unwrap();
    stage.focused("#memory-list");
    browser.click("#memory-text").unwrap();
    browser.chord(Key::Control, Key::Char('a')).unwrap();
    stage.key(Key::Backspace);
    shown(2);
    browser.reload().unwrap();
    shown(2);
    stage.clean();
}
