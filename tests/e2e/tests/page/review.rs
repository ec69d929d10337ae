//! The main job: from a note to decisions in the export, without a mouse.

use std::collections::BTreeMap;

use overread_api::correction::{self, CorrectionLine};
use overread_api::path;
use overread_domain::span::CodePoints;
use overread_domain::{Action, EntryId, EntryStatus, OutcomeKind};
use overread_e2e::Key;
use serde_json::json;

use super::stage::{NOTE, Stage};

/// The row that the keys act on.
#[derive(Clone, Debug, PartialEq)]
struct Current {
    /// None for a field without a value.
    item: Option<String>,
    field: String,
    state: String,
}

/// Hands that remember what they did: for each key that decides, the row and the action's name.
struct Hands<'a> {
    stage: &'a Stage,
    done: Vec<(String, &'static str)>,
}

impl Hands<'_> {
    fn current(&self) -> Current {
        let row = "const e = document.querySelector('#rows [data-current]');
            return e && [e.dataset.item ?? null, e.dataset.field, e.dataset.state]";
        self.stage
            .browser
            .wait("a current row", || {
                let row = self.stage.browser.script(row, &[])?;
                let Some(field) = row[1].as_str() else { return Ok(None) };
                Ok(Some(Current {
                    item: row[0].as_str().map(str::to_owned),
                    field: field.to_owned(),
                    state: row[2].as_str().unwrap_or_default().to_owned(),
                }))
            })
            .unwrap()
    }

    fn state(&self, item: &str) -> String {
        let css = format!("#rows [data-item='{item}']");
        self.stage.browser.attribute(&css, "data-state").unwrap().unwrap_or_default()
    }

    fn until_state(&self, item: &str, state: &str) {
        self.stage.browser.see(&format!("#rows [data-item='{item}'][data-state='{state}']")).unwrap();
    }

    fn undecided(&self) -> u64 {
        self.stage.browser.count("#rows [data-state=suggested], #rows [data-state=missing]").unwrap()
    }

    /// Walks over the undecided rows to the first that fits.
    fn walk_to(&self, what: &str, fits: impl Fn(&Current) -> bool) -> Current {
        for _ in 0..=self.undecided() {
            let current = self.current();
            if current.state == "suggested" && fits(&current) {
                return current;
            }
            self.stage.press("n");
        }
        panic!("no undecided row that is {what}");
    }

    fn accept(&mut self) -> String {
        let item = self.current().item.expect("a suggested row");
        self.stage.press("a");
        self.until_state(&item, "accepted");
        self.done.push((item.clone(), "accept"));
        item
    }

    /// `x` and the number of the reason.
    fn reject(&mut self, reason: &str) -> String {
        let item = self.current().item.expect("a suggested row");
        self.stage.press("x");
        self.stage.browser.see("#reject").unwrap();
        self.stage.press(reason);
        self.until_state(&item, "rejected");
        self.done.push((item.clone(), "reject"));
        item
    }

    fn confirm_empty(&mut self) -> String {
        let field = self.current().field;
        self.stage.press("0");
        self.stage
            .browser
            .see(&format!("#rows [data-empty-field='{field}'][data-state='confirmed-empty']"))
            .unwrap();
        self.done.push((field.clone(), "confirm_empty"));
        field
    }

    /// Decides whatever is left: accepts, rejects what no longer fits, confirms required fields empty.
    fn rest(&mut self) {
        for _ in 0..200 {
            if self.undecided() == 0 {
                return;
            }
            let current = self.current();
            let Some(item) = current.item.clone().filter(|_| current.state == "suggested") else {
                if current.state == "missing" {
                    self.confirm_empty();
                } else {
                    self.stage.press("n");
                }
                continue;
            };
            // A second value of a field that takes one can't be accepted.
            let full = "const [field, item] = arguments; return [...document.querySelectorAll(`#rows [data-field='${field}']`)]
                .some(e => e.dataset.item !== item && ['accepted', 'corrected', 'added'].includes(e.dataset.state))";
            let many =
                ["diagnosis", "history", "family_history", "absent_condition", "procedure", "medication"];
            let many = many.contains(&&*current.field)
                || ["allergy", "lab_result", "final_code"].contains(&&*current.field);
            let taken = self.stage.browser.script(full, &[json!(current.field), json!(item)]).unwrap();
            if !many && taken == json!(true) {
                self.reject("7");
            } else {
                self.accept();
            }
        }
        panic!("{} rows are still undecided", self.undecided());
    }
}

#[test]
fn a_note_is_reviewed_by_keyboard_and_its_decisions_are_in_the_export() {
    // As it ships: with candidates by meaning.
    let stage = Stage::with(|settings| settings.semantic = true);
    let entry = import_through_the_page(&stage);
    let view = stage.suggested(&entry);
    let set = view.suggestions.expect("suggestions");
    assert!(view.items.len() >= 8, "the model offers only {} rows", view.items.len());
    stage.sign_in("reviewer");
    stage.browser.see("[data-note='e2e-note']").unwrap();
    stage.shot("queue");
    stage.press("n");
    stage.browser.see("#review").unwrap();
    stage.browser.see("#rows [data-item]").unwrap();
    stage.shot("review");
    let mut hands = Hands { stage: &stage, done: Vec::new() };

    // Nothing is decided: finishing is refused and says why.
    stage.browser.chord(Key::Control, Key::Enter).unwrap();
    stage.browser.reads("#message", "Not finished").unwrap();

    // Accept, take it back, accept again.
    let first = hands.walk_to("any", |_| true).item.unwrap();
    hands.accept();
    stage.press("u");
    hands.until_state(&first, "suggested");
    hands.done.push((first.clone(), "undo"));
    assert_eq!(hands.current().item.as_deref(), Some(&*first), "undo goes back to its row");
    assert_eq!(hands.accept(), first);

    // A code by search, another one than the model's: taking its own would be accepting.
    let coded = hands.walk_to("a diagnosis", |row| row.field == "diagnosis").item.unwrap();
    let offered =
        view.items.iter().find(|item| item.id.as_str() == coded).and_then(|item| item.content.code.clone());
    let code = if offered.is_some_and(|code| code.code == "M10.072") { "M10.472" } else { "M10.072" };
    stage.press("/");
    stage.retype("#code-search", "gout left ankle and foot");
    let hit = format!("#code-hits [data-code='{code}']");
    stage.browser.see(&hit).unwrap();
    stage.shot("code-search");
    while stage.browser.count(&format!("{hit}[aria-selected=true]")).unwrap() == 0 {
        stage.key(Key::Down);
    }
    stage.key(Key::Enter);
    hands.until_state(&coded, "corrected");
    hands.done.push((coded.clone(), "correct"));

    // Reject with a reason.
    let rejected = hands.walk_to("history", |row| row.field == "history").item.unwrap();
    assert_eq!(hands.reject("3"), rejected);

    // A value typed half before the page is loaded anew.
    let edited = hands.walk_to("an allergy", |row| row.field == "allergy").item.unwrap();
    stage.press("e");
    stage.retype("#edit-value", "penicillin G");
    stage.sent();
    stage.browser.reload().unwrap();
    stage.browser.see("#editor").unwrap();
    let typed = stage.browser.script("return document.querySelector('#edit-value').value", &[]).unwrap();
    assert_eq!(typed, json!("penicillin G"), "the draft did not survive");
    stage.shot("draft");
    stage.focused("#edit-value");
    stage.key(Key::Enter);
    hands.until_state(&edited, "corrected");
    hands.done.push((edited.clone(), "correct"));
    assert_eq!(hands.state(&first), "accepted", "what was decided before is still there");

    // Words of the note become a value that the model missed.
    stage.press("f");
    stage.focused("#find-words");
    stage.browser.type_text("Continue metformin").unwrap();
    stage.key(Key::Enter);
    stage.browser.gone("#find-words").unwrap();
    stage.press("i");
    stage.focused("#field-chooser");
    stage.browser.type_text("procedure").unwrap();
    stage.key(Key::Enter);
    stage.focused("#edit-value");
    stage.key(Key::Enter);
    stage.browser.see("#rows [data-item^='a'][data-field=procedure][data-state=added]").unwrap();
    let added = stage.browser.attribute("#rows [data-item^='a']", "data-item").unwrap().unwrap();
    hands.done.push((added.clone(), "add"));

    // Nothing belongs into a field that the model left empty.
    let empty = to_an_empty_field(&hands);
    assert_eq!(hands.confirm_empty(), empty);

    hands.rest();
    stage.sent();
    stage.shot("decided");
    stage.browser.chord(Key::Control, Key::Enter).unwrap();
    stage.browser.see("#queue").unwrap();
    stage.browser.see("[data-note='e2e-note'][data-status=finished]").unwrap();
    stage.clean();

    let done = hands.done;
    let now = stage.entry(&entry);
    assert_eq!(now.status, EntryStatus::Finished);
    check_log(&now.decisions, &done);
    let lines = export(&stage);
    check_export(&lines, &done, &entry, &set.model, &set.code_release);
    let by_item = |item: &str| {
        let of = |line: &&CorrectionLine| line.outcome.item.as_ref().is_some_and(|id| id.as_str() == item);
        lines.iter().find(of).unwrap_or_else(|| panic!("{item} is not in the export"))
    };
    let decided = by_item(&coded).outcome.content.as_ref().and_then(|content| content.code.clone());
    assert_eq!(decided.map(|code| code.code).as_deref(), Some(code));
    let value = by_item(&edited).outcome.content.as_ref().and_then(|content| content.value.clone());
    assert_eq!(value.as_deref(), Some("penicillin G"));
    let evidence = &by_item(&added).outcome.content.as_ref().unwrap().evidence;
    assert_eq!(evidence[0].quote, "Continue metformin");
    let first = by_item(&first);
    assert_eq!(first.outcome.kind, OutcomeKind::Accepted);
    let names: Vec<&str> = first.decisions.iter().map(|decision| decision.action.name()).collect();
    assert_eq!(names, ["accept", "undo", "accept"], "what was taken back stays on record");
}

/// As a QA lead, by file and keyboard. Ends signed out.
fn import_through_the_page(stage: &Stage) -> EntryId {
    let file = stage.product.settings().folder.join("notes.jsonl");
    let note = json!({ "id": "e2e-note", "text": NOTE, "title": "Gout", "document_type": "clinic note" });
    std::fs::write(&file, format!("{note}\n")).unwrap();
    stage.sign_in("lead");
    stage.press("gi");
    stage.browser.see("#import-files, label[for=import-files]").unwrap();
    stage.browser.upload("#import-files", &file).unwrap();
    stage.browser.click("#import-send").unwrap();
    stage.browser.reads("#import-result", "1").unwrap();
    stage.shot("import");
    stage.clean();
    let page: overread_api::Page<overread_api::entry::EntryRow> =
        stage.lead.get(path::ENTRIES).unwrap().json().unwrap();
    assert_eq!(page.items.len(), 1);
    stage.browser.click("#sign-out").unwrap();
    stage.browser.see("#sign-in-user").unwrap();
    page.items[0].id.clone()
}

/// Goes down the rows to a field that is empty and need not be filled.
fn to_an_empty_field(hands: &Hands<'_>) -> String {
    for _ in 0..100 {
        let current = hands.current();
        if current.item.is_none() && current.state == "empty" {
            return current.field;
        }
        hands.stage.press("k");
        if hands.current() == current {
            break;
        }
    }
    for _ in 0..200 {
        let current = hands.current();
        if current.item.is_none() && current.state == "empty" {
            return current.field;
        }
        hands.stage.press("j");
    }
    panic!("every field has a value");
}

/// The log holds what the hands did, in order, and the finishing; nothing else.
fn check_log(decisions: &[overread_domain::Decision], done: &[(String, &'static str)]) {
    let logged: Vec<(String, &str)> = decisions
        .iter()
        .map(|decision| {
            let subject = match &decision.action {
                Action::Accept { item }
                | Action::Correct { item, .. }
                | Action::Reject { item, .. }
                | Action::Add { item, .. } => item.to_string(),
                Action::ConfirmEmpty { field } => field.clone(),
                Action::Undo { decision: undone } => {
                    let undone =
                        decisions.iter().find(|other| other.id == *undone).expect("a decision taken back");
                    match &undone.action {
                        Action::Accept { item } => item.to_string(),
                        other => panic!("{} was taken back", other.name()),
                    }
                }
                _ => String::new(),
            };
            (subject, decision.action.name())
        })
        .collect();
    let mut expected: Vec<(String, &str)> = done.to_vec();
    expected.push((String::new(), "finish"));
    assert_eq!(logged, expected);
    let keystrokes: u32 = decisions.iter().map(|decision| decision.effort.keystrokes).sum();
    assert!(
        keystrokes as usize >= decisions.len(),
        "{keystrokes} keystrokes for {} decisions",
        decisions.len()
    );
    for decision in decisions {
        assert_eq!(decision.user.as_str(), "reviewer");
        assert!(decision.suggestions_shown && decision.suggestion_set.is_some());
    }
}

fn export(stage: &Stage) -> Vec<CorrectionLine> {
    let answer = stage.lead.get(path::CORRECTIONS).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One line for every row that was decided, each with the model, the release and the evidence.
fn check_export(
    lines: &[CorrectionLine],
    done: &[(String, &'static str)],
    entry: &EntryId,
    model: &str,
    release: &str,
) {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for (subject, action) in done.iter().filter(|(_, action)| *action != "undo") {
        last.insert(subject, action);
    }
    assert_eq!(lines.len(), last.len(), "one line a decided row");
    let text = lines[0].text.as_deref().expect("the first line carries the text");
    assert_eq!(text, NOTE);
    let points = CodePoints::new(text);
    for line in lines {
        assert_eq!((line.format.as_str(), line.version), (correction::FORMAT, correction::VERSION));
        assert_eq!(line.entry, *entry);
        assert_eq!(line.model.as_deref(), Some(model));
        assert_eq!(line.code_release.as_deref(), Some(release));
        assert!(line.finished && line.suggestions_shown);
        let subject = line.outcome.item.as_ref().map_or(line.outcome.field.as_str(), |item| item.as_str());
        let allowed: &[OutcomeKind] = match last.get(subject) {
            Some(&"accept") => &[OutcomeKind::Accepted],
            Some(&"correct") => &[OutcomeKind::Corrected],
            Some(&"reject") => &[OutcomeKind::Rejected],
            Some(&"add") => &[OutcomeKind::Added, OutcomeKind::TypedThoughSuggested],
            Some(&"confirm_empty") => &[OutcomeKind::ConfirmedEmpty],
            other => panic!("{subject} is in the export; decided: {other:?}"),
        };
        assert!(allowed.contains(&line.outcome.kind), "{subject}: {:?}", line.outcome.kind);
        let suggested = line.outcome.suggested.as_ref();
        assert_eq!(suggested.is_some(), subject.starts_with('s') && line.outcome.item.is_some());
        for quoted in suggested.iter().flat_map(|suggestion| &suggestion.content.evidence) {
            points.resolve(quoted).unwrap();
        }
        for quoted in line.outcome.content.iter().flat_map(|content| &content.evidence) {
            points.resolve(quoted).unwrap();
        }
    }
    let kept = lines.iter().filter_map(|line| line.outcome.suggested.as_ref());
    assert!(
        kept.filter(|suggestion| !suggestion.content.evidence.is_empty()).count() > 5,
        "evidence is rare"
    );
}
