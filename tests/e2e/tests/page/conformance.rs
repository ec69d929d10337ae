//! Texts that break naive offsets, through server, database, page and export.

use overread_api::correction::CorrectionLine;
use overread_api::entry::{Decide, Decided};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_conformance::{Case, cases};
use overread_domain::span::CodePoints;
use overread_domain::{Action, Content, Effort, EntryId, ItemId, Quoted};
use overread_e2e::Key;
use serde_json::json;

use super::stage::Stage;

fn import(stage: &Stage, cases: &[Case]) -> Vec<EntryId> {
    let notes: Vec<_> = cases.iter().map(|case| json!({ "id": case.id, "text": case.text })).collect();
    stage.import(&notes)
}

fn add(case: &Case, item: &str, evidence: Vec<Quoted>) -> Decide {
    let content = Content { field: "history".into(), evidence, ..Content::default() };
    Decide {
        expected_revision: 0,
        idempotency_key: format!("{}-{item}-conformance", case.id),
        actions: vec![Action::Add { item: ItemId::new(item), content }],
        effort: Effort::default(),
        suggestions_shown: true,
        suggestion_set: None,
    }
}

#[test]
fn every_text_and_span_comes_back_from_the_database_and_the_export_as_it_went_in() {
    let stage = Stage::without_model();
    let cases = cases();
    let entries = import(&stage, &cases);
    for (case, entry) in cases.iter().zip(&entries) {
        let view = stage.entry(entry);
        assert_eq!(view.text, case.text, "{}", case.id);
        assert_eq!(view.text_sha256, case.sha256, "{}", case.id);
        let address = path::fill(path::DECISIONS, &[entry.as_str()]);
        let evidence: Vec<Quoted> = case.spans.iter().map(overread_conformance::Place::quoted).collect();

        let mut shifted = evidence.clone();
        shifted[0].quote.push('\u{301}');
        let refused = stage.lead.post(&address, &add(case, "a0", shifted)).unwrap();
        let error: ErrorBody = serde_json::from_slice(&refused.body).unwrap();
        assert_eq!((refused.status, error.code), (422, ErrorCode::QuoteMismatch), "{}", case.id);
        let quotes = error.quotes.expect("both quotes, for who sent them");
        assert_eq!(quotes.found, case.spans[0].quote, "{}", case.id);
        assert!(
            !error.message.contains(&case.spans[0].quote) || case.spans[0].quote.trim().len() < 3,
            "{}",
            case.id
        );

        let decided: Decided = stage.lead.post(&address, &add(case, "a1", evidence)).unwrap().json().unwrap();
        assert_eq!(decided.items.len(), 1, "{}", case.id);
    }
    let export = stage.lead.get(&format!("{}?all=true", path::CORRECTIONS)).unwrap().text();
    let lines: Vec<CorrectionLine> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), cases.len());
    for case in &cases {
        let line = lines.iter().find(|line| line.note.as_str() == case.id).expect(&case.id);
        assert_eq!(line.text.as_deref(), Some(case.text.as_str()), "{}", case.id);
        assert_eq!(line.text_sha256, case.sha256);
        let evidence = &line.outcome.content.as_ref().unwrap().evidence;
        let sent: Vec<Quoted> = case.spans.iter().map(overread_conformance::Place::quoted).collect();
        assert_eq!(*evidence, sent, "{}", case.id);
    }
}

/// Selects code points `start..end` of the note as a mouse would: by text node and UTF-16 offset.
const SELECT: &str = "
const [first, last] = arguments;
const walker = document.createTreeWalker(document.querySelector('#note'), NodeFilter.SHOW_TEXT);
const range = document.createRange();
let at = 0, begun = false;
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const end = at + node.length;
  if (!begun && first >= at && first < end) { range.setStart(node, first - at); begun = true }
  if (begun && last <= end) { range.setEnd(node, last - at); break }
  at = end;
}
const selection = getSelection();
selection.removeAllRanges();
selection.addRange(range);
document.querySelector('#note').dispatchEvent(new MouseEvent('mouseup', { bubbles: true }));";

#[test]
fn words_selected_on_the_page_are_the_words_that_arrive() {
    let stage = Stage::without_model();
    let cases: Vec<Case> = cases()
        .into_iter()
        .filter(|case| {
            ["crlf", "tabs", "nbsp", "combining", "emoji", "astral", "rtl", "long"].contains(&&*case.id)
        })
        .collect();
    let entries = import(&stage, &cases);
    stage.sign_in("reviewer");
    let browser = &stage.browser;
    for (case, entry) in cases.iter().zip(&entries) {
        stage.open(entry);
        browser.see("#note [data-at]").unwrap();
        let shown = browser.script("return document.querySelector('#note').textContent", &[]).unwrap();
        assert_eq!(shown.as_str(), Some(case.text.as_str()), "{}: the page altered the text", case.id);
        // The page trims what is selected; spans of white space alone select nothing.
        let places: Vec<_> = case.spans.iter().filter(|place| place.quote.trim() == place.quote).collect();
        for (nth, place) in places.iter().enumerate() {
            browser.script(SELECT, &[json!(place.utf16[0]), json!(place.utf16[1])]).unwrap();
            browser.script("document.querySelector('#rows').focus()", &[]).unwrap();
            stage.press("i");
            stage.focused("#field-chooser");
            browser.type_text("procedure").unwrap();
            stage.key(Key::Enter);
            stage.focused("#edit-value");
            stage.key(Key::Enter);
            let added = "#rows [data-item^='a'][data-state=added]";
            browser
                .wait("one row more", || Ok((browser.count(added)? == nth as u64 + 1).then_some(())))
                .unwrap_or_else(|error| panic!("{}: {:?}: {error}", case.id, place.quote));
        }
        stage.sent();
        let view = stage.entry(entry);
        let points = CodePoints::new(&case.text);
        let mut arrived = Vec::new();
        for item in &view.items {
            points.resolve(&item.content.evidence[0]).unwrap();
            arrived.push(item.content.evidence[0].clone());
        }
        let wanted: Vec<Quoted> = places.iter().map(|place| place.quoted()).collect();
        assert_eq!(arrived, wanted, "{}", case.id);
    }
    stage.clean();
}
