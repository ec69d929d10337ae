//! What is typed outlives the session.

use overread_domain::Action;
use overread_e2e::{Key, page};

use super::stage::{NOTE, Stage};

#[test]
fn an_ended_session_keeps_typed_text_and_sends_it_after_signing_in_again() {
    let stage = Stage::without_model();
    let entry = stage.import_text("note", NOTE);
    stage.sign_in("reviewer");
    stage.open(&entry);
    let browser = &stage.browser;
    browser.see("#rows [data-empty-field]").unwrap();
    // A value of a field, typed but not saved, when the session ends.
    stage.press("f");
    stage.focused("#find-words");
    browser.type_text("does not smoke").unwrap();
    stage.key(Key::Enter);
    browser.gone("#find-words").unwrap();
    stage.press("i");
    stage.focused("#field-chooser");
    browser.type_text("follow").unwrap();
    stage.key(Key::Enter);
    stage.retype("#edit-value", "typed before the session ended");
    browser.forget_cookies().unwrap();
    stage.focused("#edit-value");
    stage.key(Key::Enter);
    browser.see("#sign-in-dialog").unwrap();
    stage.shot("session-ended");
    assert_eq!(stage.entry(&entry).revision, 0, "nothing was sent without a session");
    page::fill_sign_in(browser, "reviewer").unwrap();
    browser.gone("#sign-in-dialog").unwrap();
    browser.see("#review[data-revision='1'][data-net=idle]").unwrap();
    let decisions = stage.entry(&entry).decisions;
    let [decision] = decisions.try_into().expect("one decision");
    let Action::Add { content, .. } = decision.action else { panic!("{}", decision.action.name()) };
    assert_eq!(content.value.as_deref(), Some("typed before the session ended"));
    assert_eq!(content.evidence[0].quote, "does not smoke");
    stage.shot("session-again");
}

#[test]
fn a_wrong_password_is_refused_and_says_so() {
    let stage = Stage::without_model();
    let browser = &stage.browser;
    browser.goto(&stage.product.url()).unwrap();
    browser.see("#sign-in-user").unwrap();
    stage.focused("#sign-in-user");
    browser.type_text("reviewer").unwrap();
    stage.key(Key::Tab);
    browser.type_text("not the password").unwrap();
    stage.key(Key::Enter);
    browser
        .wait("a refusal", || Ok(browser.text("#sign-in-error")?.filter(|text| !text.trim().is_empty())))
        .unwrap();
    assert_eq!(browser.count("#queue").unwrap(), 0);
}

#[test]
fn two_people_on_one_entry_do_not_overwrite_each_other() {
    let stage = Stage::without_model();
    let entry = stage.import_text("note", NOTE);
    stage.sign_in("reviewer");
    stage.open(&entry);
    stage.browser.see("#rows [data-empty-field]").unwrap();
    // The page holds the lease: another person's decision is refused, not lost in silence.
    stage
        .browser
        .wait("the lease", || Ok(stage.entry(&entry).lease.filter(|lease| lease.user.as_str() == "reviewer")))
        .unwrap();
    let request = overread_api::entry::Decide {
        expected_revision: 0,
        idempotency_key: "second-person".into(),
        actions: vec![Action::ConfirmEmpty { field: "age".into() }],
        effort: overread_domain::Effort::default(),
        suggestions_shown: true,
        suggestion_set: None,
    };
    let address = overread_api::path::fill(overread_api::path::DECISIONS, &[entry.as_str()]);
    let answer = stage.lead.post(&address, &request).unwrap();
    let error: overread_api::ErrorBody = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, error.code), (409, overread_api::ErrorCode::Leased));
    assert_eq!(stage.entry(&entry).revision, 0);
}
