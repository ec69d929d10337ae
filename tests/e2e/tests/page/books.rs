//! Code systems brought in and put away on the page, the tabular list as a book, look-up from words that are marked.

use overread_e2e::Key;
use overread_e2e::product::root;
use serde_json::json;

use super::stage::Stage;

#[test]
fn an_administrator_brings_in_files_and_puts_them_away() {
    // Imports must not reach other tests.
    let stage = Stage::with(|settings| {
        settings.model = None;
        settings.data = settings.folder.join("data");
    });
    let folder = tempfile::tempdir().unwrap();
    let wards = folder.path().join("wards.csv");
    std::fs::write(
        &wards,
        "code,title,parent\nICU,Intensive care,\nICU1,Intensive care one,ICU\nICU1,Twice,\n",
    )
    .unwrap();
    stage.sign_in_as("admin");
    stage.browser.goto(&format!("{}/code-systems", stage.product.url())).unwrap();
    stage.browser.see("[data-id='icd-10-cm-2026-04']").unwrap();
    let tables = root().join("tests/e2e/fixtures/icd10pcs_tables.xml");

    // A fault is told with its place, and nothing of the other file is kept.
    stage.browser.upload("#code-files", &wards).unwrap();
    stage.browser.see(".drop li").unwrap();
    stage.retype_in("#code-system", "ward-units");
    stage.retype_in("#code-effective", "2026-01-01");
    stage.browser.click("#codes-send").unwrap();
    stage.browser.reads("#codes-errors", "line 4").unwrap();
    stage.looks_well("code-systems-refused");

    std::fs::write(&wards, "code,title,parent\nICU,Intensive care,\nICU1,Intensive care one,ICU\n").unwrap();
    stage.browser.upload("#code-files", &wards).unwrap();
    stage.browser.click("#codes-check").unwrap();
    stage.browser.reads("#codes-result", "Nothing was changed").unwrap();
    stage.browser.click("#codes-send").unwrap();
    stage.browser.reads("#codes-result", "in use from now on").unwrap();
    stage.browser.see("[data-id='ward-units-2026-01']").unwrap();

    // Other content under the same name is replaced only where that is said.
    std::fs::write(&wards, "code,title,parent\nER,Emergency room,\n").unwrap();
    stage.browser.upload("#code-files", &wards).unwrap();
    stage.browser.click("#codes-send").unwrap();
    stage.browser.see("#code-replace").unwrap();
    stage.browser.click("#code-replace").unwrap();
    stage.browser.click("#codes-send").unwrap();
    stage.browser.reads("#codes-result", "takes the place").unwrap();

    // Official tables with their template, used at once and without a restart.
    stage.retype_in("#code-system", "");
    stage.retype_in("#code-effective", "");
    stage.browser.upload("#code-files", &tables).unwrap();
    stage.browser.click("#codes-send").unwrap();
    stage.browser.reads("#codes-result", "icd-10-pcs").unwrap();
    stage.looks_well("code-systems");
    stage.browser.goto(&format!("{}/codes", stage.product.url())).unwrap();
    stage.browser.see("[data-system='ward-units']").unwrap();
    stage.browser.click("[data-system='icd-10-pcs']").unwrap();
    stage.browser.see("#builder [data-value='0']").unwrap();

    stage.browser.goto(&format!("{}/code-systems", stage.product.url())).unwrap();
    stage.browser.see("[data-id='ward-units-2026-01']").unwrap();
    stage.browser.click("[data-id='ward-units-2026-01'] button").unwrap();
    stage.browser.click("[data-remove='ward-units-2026-01']").unwrap();
    stage.browser.gone("[data-id='ward-units-2026-01']").unwrap();
}

#[test]
fn the_tabular_list_scrolls_and_has_addresses() {
    let stage = Stage::without_model();
    stage.sign_in_as("coder");
    stage.browser.goto(&format!("{}/codes?book=tabular&code=S52.531A", stage.product.url())).unwrap();
    // The code stands in the note of the line above it.
    stage.browser.see("#book-lines [aria-selected=true] [data-code='S52.531']").unwrap();
    stage.browser.see(".code-detail .code-notes").unwrap();
    stage.looks_well("tabular");
    let ends = || {
        let lines = "const all = [...document.querySelectorAll('#book-lines [data-line]')].map(e => +e.dataset.line);
                     return [all[0], all[all.length - 1], all.length, all.every((n, i) => !i || n > all[i - 1])]";
        stage.browser.script(lines, &[]).unwrap()
    };
    let first = ends();
    let scroll = |by: i64| {
        let wheel = "document.querySelector('#book-lines').scrollBy(0, arguments[0])";
        stage.browser.script(wheel, &[json!(by)]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(120));
    };
    // On and on: lines come below and go above, in order, and never too many.
    for _ in 0..40 {
        scroll(1_500);
    }
    let far = ends();
    assert!(far[0].as_i64() > first[0].as_i64() && far[1].as_i64() > first[1].as_i64(), "{first} {far}");
    assert!(far[2].as_i64().unwrap() <= 480 && far[3] == json!(true), "{far}");
    for _ in 0..60 {
        scroll(-1_500);
    }
    let back = ends();
    assert!(back[0].as_i64() < far[0].as_i64() && back[3] == json!(true), "{far} {back}");
    // Words lead to lines with what stands above them; from there one reads on.
    stage.focused("#book-search");
    stage.browser.type_text("kidney stone").unwrap();
    stage.browser.see("#book-lines [data-code='N20.0']").unwrap();
    stage.key(Key::Enter);
    stage.browser.see(".code-detail").unwrap();
}

#[test]
fn marked_words_lead_to_candidates_in_one_key_and_checks_look_ahead() {
    let stage = Stage::new();
    stage.sign_in_as("coder");
    let text = "CLINIC NOTE\n\nASSESSMENT: Type 1 diabetes. Type 2 diabetes. Essential hypertension.\n";
    let note = json!({ "id": "two-types", "text": text, "document_type": "clinic note", "service_date": "2026-05-04" });
    let entry = stage.import(&[note]).remove(0);
    let view = stage.suggested(&entry);
    stage.open(&entry);
    stage.press("f");
    stage.focused("#find-words");
    stage.browser.type_text("Essential hypertension").unwrap();
    stage.key(Key::Enter);
    stage.focused("#rows");
    stage.press("/");
    stage.focused("#code-search");
    stage.browser.see("#code-hits [data-code='I10'][aria-selected=true]").unwrap();
    stage.key(Key::Escape);
    stage.browser.gone("#editor").unwrap();
    stage.key(Key::Escape);
    // Both types of diabetes exclude each other: told before either is accepted, if the model suggests both.
    let codes: Vec<&str> = view
        .items
        .iter()
        .filter(|item| item.content.field == "final_code")
        .filter_map(|item| item.content.code.as_ref().map(|code| code.code.as_str()))
        .collect();
    assert!(codes.contains(&"E10.9") && codes.contains(&"E11.9"), "{codes:?}");
    assert!(view.findings.iter().all(|finding| finding.rule != "C-201"), "nothing stands yet");
    stage.browser.reads("#checks-strip", "if the suggestions are accepted").unwrap();
    stage.press("c");
    stage.browser.see("#checks [data-ahead][data-rule='C-201']").unwrap();
    stage.looks_well("checks-ahead");
}
