//! Masks, notes opened with a reason, and what is open to whom.

use overread_domain::Role;
use overread_e2e::{Browser, Key};
use serde_json::json;

use crate::stage::Stage;

const LETTER: &str = "PATIENT: Adaeze Okonkwo  MRN: 00482913\n\n\
    Mrs. Okonkwo is a 65-year-old woman with gout of the left ankle, seen by Dr. Lars Haverkamp on 11/25/2023.\n\
    Takes allopurinol 100 mg daily. Her daughter, Chidinma, called from 218-555-0147.\n";

fn holds(browser: &Browser, words: &str) -> bool {
    browser.text("main").unwrap().unwrap_or_default().contains(words)
}

/// Takes one refusal that was meant off the browser's console.
fn refused(browser: &Browser, status: &str) {
    let lines = browser.console().unwrap();
    let bad: Vec<_> = lines
        .iter()
        .filter(|line| line.level == "SEVERE" && !line.message.contains(overread_api::path::SESSION))
        .collect();
    assert!(bad.iter().all(|line| line.message.contains(status)) && !bad.is_empty(), "{bad:?}");
}

fn leave(stage: &Stage) {
    // From the queue: an entry that is open gives its lease back after the session has ended.
    stage.browser.goto(&stage.product.url()).unwrap();
    stage.browser.see("#sign-out").unwrap();
    stage.browser.click("#sign-out").unwrap();
    stage.browser.see("#sign-in-submit").unwrap();
}

#[test]
fn a_qa_lead_sees_a_mask_until_they_say_why_and_somebody_judges_it() {
    let stage = Stage::with(|settings| {
        settings.model = None;
        settings.add_user_reaching("quality", Role::QaLead, &[]).unwrap();
    });
    let browser = &stage.browser;
    let entry = stage.import_text("letter-1", LETTER);
    stage.sign_in_as("quality");
    stage.open(&entry);
    browser.see("#show-as-written").unwrap();
    for name in ["Okonkwo", "Adaeze", "Haverkamp", "Chidinma", "00482913", "218-555-0147", "11/25/2023"] {
        assert!(!holds(browser, name), "{name}");
    }
    assert!(holds(browser, "gout of the left ankle"));
    stage.looks_well("masked");
    browser.click("#show-as-written").unwrap();
    stage.focused("#as-written-reason");
    browser.type_text("too short").unwrap();
    stage.key(Key::Enter);
    browser.reads("#message", "10 to 500 characters").unwrap();
    refused(browser, "422");
    stage.retype("#as-written-reason", "Two reviewers disagree on the date");
    stage.looks_well("as-written-reason");
    stage.key(Key::Enter);
    browser.see("#give-up").unwrap();
    assert!(holds(browser, "Okonkwo"));
    stage.looks_well("as-written");
    browser.click("#give-up").unwrap();
    browser.see("#show-as-written").unwrap();
    assert!(!holds(browser, "Okonkwo"));
    leave(&stage);

    stage.sign_in_as("lead");
    browser.goto(&format!("{}/access", stage.product.url())).unwrap();
    browser.reads("#judging tbody", "Two reviewers disagree").unwrap();
    stage.looks_well("access");
    browser.click("[data-judge=no]").unwrap();
    browser.reads("#toast", "Say what is wrong").unwrap();
    browser.click("[data-judge=yes]").unwrap();
    browser.see("#judging-none").unwrap();
    browser.click("#judge-waiting").unwrap();
    browser.reads("#judging tbody", "✓ justified").unwrap();
    stage.clean();
}

#[test]
fn a_coder_moves_a_note_to_where_it_belongs() {
    let stage = Stage::with(|settings| {
        settings.model = None;
        let south = ["--site", "South"];
        settings.add_user_reaching("south", Role::Reviewer, &south).unwrap();
        settings.add_user_reaching("north", Role::Coder, &["--site", "North"]).unwrap();
    });
    let browser = &stage.browser;
    let entries = stage.import(&[
        json!({ "id": "n-1", "site": "North", "queue": "inpatient", "text": "Gout of the left ankle.\n".repeat(2000) }),
        json!({ "id": "s-1", "site": "South", "queue": "clinic", "text": "Pneumonia." }),
    ]);
    stage.sign_in_as("north");
    stage.open(&entries[0]);
    browser.reads("#note-place", "North · inpatient").unwrap();
    stage.press("m");
    stage.focused("#place-queue");
    stage.retype_in("#place-queue", "clinc");
    browser.reads("#place-queue-told", "No note has this name yet").unwrap();
    stage.looks_well("place");
    stage.key(Key::Escape);
    browser.see("#review").unwrap();
    stage.press("m");
    stage.focused("#place-queue");
    stage.retype_in("#place-queue", "clinic");
    stage.retype_in("#place-site", "South");
    browser.click("#place [data-sensitivity=hiv]").unwrap();
    browser.click("#place button[type=submit]").unwrap();
    browser.reads("#toast", "n-1 lies now in: South · clinic · HIV").unwrap();
    browser.see("#queue-empty").unwrap();
    leave(&stage);
    // Where it lies now it is guarded from who has not been given the category.
    stage.sign_in("south");
    browser.reads("#queue", "s-1").unwrap();
    assert!(!holds(browser, "n-1"));
    leave(&stage);
    stage.sign_in_as("reviewer");
    browser.reads("#queue", "s-1").unwrap();
    stage.open(&entries[1]);
    stage.press("m");
    browser.reads("#message", "Coders and QA leads move notes").unwrap();
    stage.clean();
}

#[test]
fn what_is_not_open_is_not_there_and_opens_in_an_emergency() {
    let stage = Stage::with(|settings| {
        settings.model = None;
        settings.add_user_reaching("north", Role::Reviewer, &["--site", "North"]).unwrap();
    });
    let browser = &stage.browser;
    let notes = [
        json!({ "id": "n-1", "site": "North", "queue": "inpatient", "text": "Gout of the left ankle." }),
        json!({ "id": "s-1", "site": "South", "sensitivity": "hiv", "text": "Pneumonia of the left lung." }),
    ];
    let entries = stage.import(&notes);
    stage.sign_in("north");
    browser.reads("#queue", "n-1").unwrap();
    assert!(!holds(browser, "s-1"));
    let address = format!("{}/entries/{}", stage.product.url(), entries[1]);
    browser.goto(&address).unwrap();
    browser.reads("main h1", "no such entry among those open to you").unwrap();
    stage.looks_well("not-open");
    refused(browser, "404");
    browser.click("main a[href='/access']").unwrap();
    browser.see("#open-note").unwrap();
    stage.retype_in("#open-note", "none");
    stage.retype_in("#open-reason", "The ward calls about a bleed");
    browser.click("#open-submit").unwrap();
    browser.reads("main [role=alert]", "no such note").unwrap();
    refused(browser, "404");
    stage.retype_in("#open-note", "s-1");
    browser.click("#open-submit").unwrap();
    browser.see("#open-now a").unwrap();
    stage.looks_well("opened");
    browser.click("#open-now a").unwrap();
    browser.reads("#opened", "Opened in an emergency").unwrap();
    assert!(holds(browser, "Pneumonia of the left lung"));
    stage.shot("emergency");
    leave(&stage);

    // The administrator opens the rest for good.
    stage.sign_in_as("admin");
    browser.goto(&format!("{}/users", stage.product.url())).unwrap();
    browser.reads("tr[data-user=north]", "site North").unwrap();
    browser.click("[data-reach=north]").unwrap();
    browser.see("[data-name='sites:South']").unwrap();
    browser.click("[data-name='sites:South']").unwrap();
    browser.click("[data-sensitivity=hiv]").unwrap();
    stage.looks_well("reach");
    browser.click("#reach-save").unwrap();
    browser.reads("tr[data-user=north]", "2 sites, 1 guarded").unwrap();
    stage.looks_well("users-reach");
    leave(&stage);
    stage.sign_in("north");
    browser.reads("#queue", "s-1").unwrap();
    stage.clean();
}
