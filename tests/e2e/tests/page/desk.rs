//! The coder's desk: a whole entry coded without a mouse. Search by phrase, questions down to the 7th character, an Excludes1
//! conflict, an override, a procedure code axis by axis, another principal diagnosis.

use overread_api::entry::EntryView;
use overread_domain::{Action, CodeRole, EntryId, EntryStatus, ItemState};
use overread_e2e::Key;
use overread_e2e::product::root;
use serde_json::json;

use super::stage::Stage;

const NOTE: &str = "DISCHARGE SUMMARY\n\n\
    Colles' fracture of the left wrist after a fall at home.\n\
    Sepsis, blood cultures with bacteremia.\n\
    Closed reduction of the left radius was done.\n";

/// Without a model: every row is the coder's own. With the books of procedures.
fn stage() -> Stage {
    Stage::with(|settings| {
        settings.model = None;
        settings.data = settings.folder.join("data");
        let tables = root().join("tests/e2e/fixtures/icd10pcs_tables.xml");
        let index = root().join("tests/e2e/fixtures/icd10cm_index.xml");
        settings
            .run(&["codes", "import", &tables.display().to_string(), &index.display().to_string()])
            .unwrap();
    })
}

struct Desk<'a> {
    stage: &'a Stage,
    entry: EntryId,
}

impl Desk<'_> {
    fn view(&self) -> EntryView {
        self.stage.sent();
        self.stage.entry(&self.entry)
    }

    /// Selects words of the note and opens the form of a field for them, code search first.
    fn begin(&self, words: &str, field: &str) {
        self.stage.press("f");
        self.stage.focused("#find-words");
        self.stage.browser.type_text(words).unwrap();
        self.stage.key(Key::Enter);
        self.stage.focused("#rows");
        self.stage.press("i");
        self.stage.focused("#field-chooser");
        self.stage.browser.type_text(field).unwrap();
        self.stage.key(Key::Enter);
        self.stage.browser.see("#editor").unwrap();
        self.stage.focused("#code-search");
    }

    fn save(&self) {
        self.stage.focused("#edit-save");
        self.stage.key(Key::Enter);
        self.stage.browser.gone("#editor").unwrap();
        self.stage.sent();
    }

    /// A code typed out.
    fn code(&self, words: &str, code: &str) {
        self.begin(words, "Final code");
        self.stage.retype("#code-search", code);
        self.stage.browser.see(&format!("#code-hits [data-code='{code}'][aria-selected=true]")).unwrap();
        self.stage.key(Key::Enter);
        self.save();
    }

    fn row_of(&self, code: &str) -> String {
        let view = self.view();
        let item = view.items.iter().find(|i| i.content.code.as_ref().is_some_and(|c| c.code == code));
        item.unwrap_or_else(|| panic!("no row with {code}")).id.to_string()
    }

    /// Walks to a row.
    fn go_to(&self, item: &str) {
        let here = || self.stage.browser.attribute("#rows [data-current]", "data-item").unwrap();
        for key in ["k", "j"] {
            for _ in 0..60 {
                if here().as_deref() == Some(item) {
                    return;
                }
                self.stage.press(key);
            }
        }
        panic!("row {item} was not reached");
    }
}

#[test]
fn a_coder_codes_an_entry_without_a_mouse() {
    let stage = stage();
    stage.sign_in("coder");
    let note = json!({ "id": "stay", "text": NOTE, "document_type": "discharge summary", "service_date": "2026-05-04" });
    let entry = stage.import_with("inpatient-abstract", &[note]).remove(0);
    stage.open(&entry);
    stage.browser.see("#rows").unwrap();
    let desk = Desk { stage: &stage, entry: entry.clone() };

    // By phrase; the note's words answer the side, the coder the encounter.
    desk.begin("Colles' fracture of the left wrist", "Final code");
    stage.retype("#code-search", "S52.53");
    stage.browser.see("#code-hits [data-code='S52.53'][aria-selected=true]").unwrap();
    stage.key(Key::Enter);
    stage.browser.see("#code-hits [data-code='S52.532A'][aria-selected=true]").unwrap();
    stage.looks_well("desk-which-encounter");
    stage.key(Key::Enter);
    desk.save();

    // Two codes that exclude each other.
    desk.code("Sepsis", "A41.9");
    desk.code("bacteremia", "R78.81");
    stage.browser.see("#checks-strip[data-level=error]").unwrap();
    stage.press("c");
    stage.browser.see("#checks [data-rule='C-201']").unwrap();
    stage.looks_well("desk-checks");

    // The symptom goes off the list with one key.
    let at_check = |rule: &str| {
        for _ in 0..20 {
            let here = stage.browser.attribute("#checks-list li[aria-selected=true]", "data-rule").unwrap();
            if here.as_deref() == Some(rule) {
                return;
            }
            stage.press("j");
        }
        panic!("check {rule} was not reached");
    };
    at_check("C-201");
    stage.press("1");
    stage.browser.gone("#checks").unwrap();
    let removed = desk.row_of("R78.81");
    assert_eq!(
        desk.view().items.iter().find(|i| i.id.as_str() == removed).unwrap().state,
        ItemState::Rejected
    );
    assert!(desk.view().findings.iter().all(|f| f.rule != "C-201"));

    // Back on it, and kept with a reason.
    stage.press("u");
    stage.sent();
    stage.press("c");
    stage.browser.see("#checks").unwrap();
    at_check("C-201");
    stage.press("o");
    stage.focused("#override-reason");
    stage.browser.type_text("two unrelated episodes").unwrap();
    stage.key(Key::Enter);
    stage.browser.gone("#checks").unwrap();
    let view = desk.view();
    let finding = view.findings.iter().find(|f| f.rule == "C-201").unwrap();
    assert_eq!(finding.overridden.as_ref().unwrap().reason, "two unrelated episodes");

    // Sepsis leads.
    desk.go_to(&desk.row_of("A41.9"));
    stage.press("P");
    let view = desk.view();
    let role = |code: &str| {
        let item = view.items.iter().find(|i| i.content.code.as_ref().is_some_and(|c| c.code == code));
        item.unwrap().content.role
    };
    assert_eq!(role("A41.9"), Some(CodeRole::Principal));
    assert!(view.findings.iter().all(|f| f.rule != "C-304"));

    // A procedure, axis by axis: only what the tables still allow is offered.
    desk.begin("Closed reduction of the left radius", "Procedure code");
    stage.browser.script("document.querySelector('#builder').focus()", &[]).unwrap();
    stage.press("0PSJ");
    stage.browser.see("#builder [data-value=X]").unwrap();
    assert_eq!(stage.browser.count("#builder [data-value]").unwrap(), 2);
    stage.looks_well("desk-procedure");
    stage.press("XZZ");
    stage.browser.see("#builder [data-code='0PSJXZZ']").unwrap();
    stage.key(Key::Enter);
    desk.save();
    assert!(desk.view().items.iter().any(|i| i.content.code.as_ref().is_some_and(|c| c.code == "0PSJXZZ")));

    // Present on admission: all at once, by the check that asks for it.
    stage.press("c");
    at_check("C-801");
    stage.press("1");
    stage.browser.gone("#checks").unwrap();
    let listed = ["A41.9", "R78.81", "S52.532A"];
    let view = desk.view();
    for item in view.items.iter().filter(|i| i.state != ItemState::Rejected) {
        let code = item.content.code.as_ref().map_or("", |c| c.code.as_str());
        assert_eq!(item.poa.is_some(), listed.contains(&code), "{code}");
    }

    // What is required and not there is confirmed empty; then it ends.
    while stage.browser.count("#rows [data-state=missing]").unwrap() > 0 {
        stage.press("n");
        stage.press("0");
        stage.sent();
    }
    stage.browser.chord(Key::Control, Key::Enter).unwrap();
    stage
        .browser
        .wait("the entry is finished", || {
            let finished = stage.entry(&entry).status == EntryStatus::Finished;
            Ok(finished.then_some(()))
        })
        .unwrap();
    let view = stage.entry(&entry);
    let done: Vec<&str> = view.decisions.iter().map(|d| d.action.name()).collect();
    for name in ["add", "reject", "undo", "override", "sequence", "present_on_admission", "finish"] {
        assert!(done.contains(&name), "{name}: {done:?}");
    }
    assert!(
        view.decisions
            .iter()
            .any(|d| matches!(&d.action, Action::Sequence { items, .. } if items.len() == 3))
    );
    stage.clean();
}

#[test]
fn codes_are_put_in_order_by_dragging_too() {
    let stage = stage();
    stage.sign_in("coder");
    let entry = stage.import_text("order", NOTE);
    stage.open(&entry);
    let desk = Desk { stage: &stage, entry };
    desk.code("Colles' fracture of the left wrist", "S52.532A");
    desk.code("Sepsis", "A41.9");
    let (first, second) = (desk.row_of("S52.532A"), desk.row_of("A41.9"));
    let drag = "const [from, to] = [...arguments].map(id => document.querySelector(`#rows [data-item='${id}']`));
        const data = new DataTransfer();
        const send = (to, kind) => to.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
        send(from, 'dragstart'); send(to, 'dragover'); send(to, 'drop');";
    stage.browser.script(drag, &[json!(second), json!(first)]).unwrap();
    stage.browser.see(&format!("#rows [data-item='{second}'][data-current]")).unwrap();
    let view = desk.view();
    let of = |id: &str| view.items.iter().find(|i| i.id.as_str() == id).unwrap();
    assert_eq!((of(&second).rank, of(&second).content.role), (Some(0), Some(CodeRole::Principal)));
    assert_eq!(of(&first).rank, Some(1));
}

#[test]
fn an_error_keeps_the_entry_open_and_opens_the_checks() {
    let stage = stage();
    stage.sign_in("coder");
    let entry = stage.import_text("clash", NOTE);
    stage.open(&entry);
    let desk = Desk { stage: &stage, entry: entry.clone() };
    desk.code("Sepsis", "A41.9");
    desk.code("bacteremia", "R78.81");
    while stage.browser.count("#rows [data-state=missing]").unwrap() > 0 {
        stage.press("n");
        stage.press("0");
        stage.sent();
    }
    stage.browser.chord(Key::Control, Key::Enter).unwrap();
    stage.browser.see("#checks [data-rule='C-201'][aria-selected=true]").unwrap();
    assert_eq!(desk.view().status, EntryStatus::InProgress);
}

#[test]
fn the_code_books_are_read_without_an_entry() {
    let stage = stage();
    stage.sign_in("coder");
    stage.press("gc");
    stage.focused("#code-search");
    stage.browser.type_text("kidney stone").unwrap();
    stage.browser.see("#code-hits [data-code='N20.0']").unwrap();
    stage.browser.see(".code-detail .code-notes .link").unwrap();
    stage.shot("codes");
    // A code that a note names is one press away.
    let named = stage.browser.attribute(".code-notes .link", "data-code").unwrap().unwrap();
    stage.browser.script("document.querySelector('.code-notes .link').click()", &[]).unwrap();
    stage.browser.see(&format!("#code-hits [data-code^='{}']", &named[..3])).unwrap();
    // Kept at hand: there before anything is typed.
    stage.browser.chord(Key::Control, Key::Char('b')).unwrap();
    stage.browser.goto(&format!("{}/codes", stage.product.url())).unwrap();
    stage.browser.see(&format!("#code-hits [data-code^='{}']", &named[..3])).unwrap();
    assert!(stage.barriers("codes").is_empty());
    // The index leads to a code, and a code back to the index.
    stage.browser.goto(&format!("{}/codes?book=index", stage.product.url())).unwrap();
    stage.focused("#book-search");
    stage.browser.type_text("fract coll").unwrap();
    stage.browser.see("#book-lines [aria-selected=true] [data-code='S52.53']").unwrap();
    stage.key(Key::Enter);
    stage.browser.see(".code-detail [data-line]").unwrap();
    stage.shot("codes-index");
    assert!(stage.barriers("index").is_empty(), "{:?}", stage.barriers("index"));
    stage.browser.goto(&format!("{}/edits", stage.product.url())).unwrap();
    stage.browser.see("tr[data-rule='C-201']").unwrap();
    stage.shot("edits");
    assert!(stage.barriers("edits").is_empty(), "{:?}", stage.barriers("edits"));
}
