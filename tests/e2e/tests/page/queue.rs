//! The queue: filters, order, progress.

use overread_api::entry::Decide;
use overread_api::path;
use overread_domain::{Action, Content, Effort, ItemId, Quoted};
use overread_e2e::Key;
use serde_json::json;

use super::stage::Stage;

fn notes(stage: &Stage, note: &str) {
    stage.browser.see(&format!("[data-note='{note}']")).unwrap();
}

#[test]
fn filters_narrow_the_queue_and_keys_open_what_is_marked() {
    let stage = Stage::without_model();
    let mut all = Vec::new();
    for number in 0..70 {
        let kind = if number % 7 == 0 { "operative report" } else { "clinic note" };
        all.push(json!({
            "id": format!("note-{number:02}"), "text": format!("Gout, visit {number}."),
            "title": format!("Visit {number} of Ward {}", number % 3), "document_type": kind,
        }));
    }
    let entries = stage.import(&all);
    let content = Content {
        field: "history".into(),
        evidence: vec![Quoted { start: 0, end: 4, quote: "Gout".into() }],
        ..Content::default()
    };
    let begun = Decide {
        expected_revision: 0,
        idempotency_key: "queue-test".into(),
        actions: vec![Action::Add { item: ItemId::new("a1"), content }],
        effort: Effort::default(),
        suggestions_shown: false,
        suggestion_set: None,
    };
    let address = path::fill(path::DECISIONS, &[entries[4].as_str()]);
    assert_eq!(stage.lead.post(&address, &begun).unwrap().status, 200);

    stage.sign_in("reviewer");
    let browser = &stage.browser;
    notes(&stage, "note-00");
    assert_eq!(browser.count("[data-entry]").unwrap(), 50, "one page");
    browser.click("#queue-more").unwrap();
    browser.wait("all 70 rows", || Ok((browser.count("[data-entry]")? == 70).then_some(()))).unwrap();

    // By words of the title, typed after its key.
    stage.press("/");
    stage.focused("#queue-text");
    browser.type_text("ward 2").unwrap();
    browser.wait("23 rows", || Ok((browser.count("[data-entry]")? == 23).then_some(()))).unwrap();
    stage.key(Key::Enter);
    stage.shot("queue-filtered");
    // The address carries the filter: it survives a reload.
    browser.reload().unwrap();
    browser.wait("23 rows", || Ok((browser.count("[data-entry]")? == 23).then_some(()))).unwrap();
    stage.press("/");
    stage.retype("#queue-text", " ");
    stage.key(Key::Backspace);
    stage.key(Key::Enter);
    browser.wait("the first page", || Ok((browser.count("[data-entry]")? == 50).then_some(()))).unwrap();

    choose(&stage, "#queue-type", "operative report");
    browser.wait("ten reports", || Ok((browser.count("[data-entry]")? == 10).then_some(()))).unwrap();
    choose(&stage, "#queue-type", "");
    choose(&stage, "#queue-status", "in_progress");
    browser.wait("the one begun", || Ok((browser.count("[data-entry]")? == 1).then_some(()))).unwrap();
    notes(&stage, "note-04");
    choose(&stage, "#queue-status", "finished");
    browser.reads("#queue-empty", "finished entries that you worked on").unwrap();
    stage.looks_well("queue-finished-none");
    choose(&stage, "#queue-status", "");
    choose(&stage, "#queue-sort", "newest");
    browser.see("[data-entry][data-current][data-note='note-69']").unwrap();

    // Down, down, open.
    browser.script("document.querySelector('#queue').focus()", &[]).unwrap();
    stage.press("jj");
    browser.see("[data-current][data-note='note-67']").unwrap();
    stage.key(Key::Enter);
    browser.see("#review").unwrap();
    browser.reads("#note", "Gout, visit 67.").unwrap();
    stage.key(Key::Escape);
    browser.see("#queue").unwrap();
    stage.clean();
}

/// Chooses an option as a person does: the browser tells the page.
fn choose(stage: &Stage, css: &str, value: &str) {
    stage
        .browser
        .script(
            "const e = document.querySelector(arguments[0]); e.value = arguments[1];
             e.dispatchEvent(new Event('change', { bubbles: true }))",
            &[json!(css), json!(value)],
        )
        .unwrap();
}
