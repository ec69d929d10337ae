//! A server with people in it, and a browser.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use overread_api::entry::{Decide, Decided, EntryView, SuggestingState};
use overread_api::import::ImportView;
use overread_api::path;
use overread_domain::{Action, Cardinality, Effort, EntryId, RejectReason, Role};
use overread_e2e::product::{free_port, root};
use overread_e2e::{Browser, Client, Key, Product, Settings};
use serde_json::{Value, json};

/// Has all that most fields ask for, in few words.
pub const NOTE: &str = "CLINIC NOTE\n\n\
    HISTORY OF PRESENT ILLNESS: This is a 58-year-old woman with type 2 diabetes mellitus who comes for follow-up of \
    gout. She denies chest pain and fever.\n\n\
    PAST MEDICAL HISTORY: Hypertension, asthma.\n\
    MEDICATIONS: Metformin 500 mg p.o. twice daily, allopurinol 100 mg p.o. daily.\n\
    ALLERGIES: Penicillin, rash.\n\
    SOCIAL HISTORY: She does not smoke.\n\
    VITAL SIGNS: BP 132/84, pulse 72, temperature 98.4 F.\n\n\
    ASSESSMENT:\n1. Gout of the left ankle.\n2. Type 2 diabetes mellitus.\n\
    PLAN: Continue metformin. Follow up in 3 months.\n";

pub struct Stage {
    pub browser: Browser,
    pub product: Product,
    /// A QA lead over HTTP.
    pub lead: Client,
    // Dropped last: the others have files in it.
    _folder: tempfile::TempDir,
}

impl Stage {
    /// With the model that ships.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// Nothing is suggested: quick, and the same every time.
    pub fn without_model() -> Self {
        Self::with(|settings| settings.model = None)
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(free_port().unwrap(), change)
    }

    /// On a port that somebody knows beforehand.
    pub fn on(port: u16, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path()).unwrap();
        change(&mut settings);
        for (id, role) in [
            ("reviewer", Role::Reviewer),
            ("coder", Role::Coder),
            ("lead", Role::QaLead),
            ("admin", Role::Administrator),
        ] {
            settings.add_user(id, role).unwrap();
        }
        let product = Product::serve(settings, port).unwrap();
        let lead = product.signed_in("lead").unwrap();
        let browser = Browser::start(1280, 720).unwrap();
        Self { browser, product, lead, _folder: folder }
    }

    /// Imports notes over HTTP and answers with their entries, in order.
    pub fn import(&self, notes: &[Value]) -> Vec<EntryId> {
        self.import_to(path::IMPORT, notes)
    }

    /// Imports notes for entries of another template than the default one.
    pub fn import_with(&self, template: &str, notes: &[Value]) -> Vec<EntryId> {
        self.import_to(&format!("{}?template={template}", path::IMPORT), notes)
    }

    fn import_to(&self, address: &str, notes: &[Value]) -> Vec<EntryId> {
        let mut body = Vec::new();
        for note in notes {
            serde_json::to_writer(&mut body, note).unwrap();
            body.push(b'\n');
        }
        let answer = self.lead.send("POST", address, Some(body), "application/x-ndjson").unwrap();
        answer.json::<ImportView>().unwrap().entries
    }

    pub fn import_text(&self, id: &str, text: &str) -> EntryId {
        self.import(&[json!({ "id": id, "text": text })]).remove(0)
    }

    pub fn entry(&self, entry: &EntryId) -> EntryView {
        self.lead.get(&path::fill(path::ENTRY, &[entry.as_str()])).unwrap().json().unwrap()
    }

    /// The entry once the model has read its note.
    pub fn suggested(&self, entry: &EntryId) -> EntryView {
        let started = Instant::now();
        loop {
            let view = self.entry(entry);
            match view.suggesting {
                SuggestingState::Done => return view,
                SuggestingState::Failed => panic!("suggesting failed: {:?}", view.suggesting_error),
                _ => assert!(started.elapsed() < Duration::from_mins(2), "{}", self.product.log()),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Decides everything over HTTP: accepts the first value of each field, rejects others of fields that take one.
    pub fn finish(&self, entry: &EntryId) {
        let view = self.suggested(entry);
        let mut actions = Vec::new();
        let mut filled = BTreeSet::new();
        for item in &view.items {
            let field = view.template.field(&item.content.field).unwrap();
            let first = filled.insert(field.id.clone());
            actions.push(if first || field.cardinality == Cardinality::Many {
                Action::Accept { item: item.id.clone() }
            } else {
                Action::Reject { item: item.id.clone(), reason: RejectReason::Duplicate, comment: None }
            });
        }
        for field in view.template.fields().filter(|field| field.required && !filled.contains(&field.id)) {
            actions.push(Action::ConfirmEmpty { field: field.id.clone() });
        }
        actions.push(Action::Finish {});
        let request = Decide {
            expected_revision: view.revision,
            idempotency_key: format!("finish-{entry}"),
            actions,
            effort: Effort::default(),
            suggestions_shown: true,
            suggestion_set: None,
        };
        let address = path::fill(path::DECISIONS, &[entry.as_str()]);
        self.lead.post(&address, &request).unwrap().json::<Decided>().unwrap();
    }

    pub fn open(&self, entry: &EntryId) {
        let address = format!("{}/entries/{}", self.product.url(), path::encode(entry.as_str()));
        self.browser.goto(&address).unwrap();
        self.browser.see("#review").unwrap();
    }

    pub fn sign_in(&self, user: &str) {
        overread_e2e::page::sign_in(&self.browser, &self.product, user).unwrap();
    }

    /// Signs in wherever the role ends up.
    pub fn sign_in_as(&self, user: &str) {
        self.browser.goto(&self.product.url()).unwrap();
        overread_e2e::page::fill_sign_in(&self.browser, user).unwrap();
        self.browser.see("#sign-out").unwrap();
    }

    pub fn press(&self, keys: &str) {
        self.browser.press(&keys.chars().map(Key::Char).collect::<Vec<_>>()).unwrap();
    }

    /// Presses a key that is no letter.
    pub fn key(&self, key: Key) {
        self.browser.press(&[key]).unwrap();
    }

    /// Replaces what a text box holds.
    pub fn retype(&self, css: &str, text: &str) {
        self.focused(css);
        self.browser.chord(Key::Control, Key::Char('a')).unwrap();
        self.browser.type_text(text).unwrap();
    }

    /// Goes into a text box and replaces what it holds.
    pub fn retype_in(&self, css: &str, text: &str) {
        self.browser.click(css).unwrap();
        self.retype(css, text);
        if text.is_empty() {
            self.key(Key::Backspace);
        }
    }

    /// Waits until an element has the focus: keys go there.
    pub fn focused(&self, css: &str) {
        self.browser
            .wait(&format!("focus on {css}"), || {
                let here = "const e = document.querySelector(arguments[0]); return !!e && e === document.activeElement";
                Ok((self.browser.script(here, &[json!(css)])? == json!(true)).then_some(()))
            })
            .unwrap();
    }

    /// Waits until every decision has reached the server.
    pub fn sent(&self) {
        self.browser.see("#review[data-net=idle]").unwrap();
    }

    /// A picture in `target/screenshots`.
    pub fn shot(&self, name: &str) {
        self.browser.screenshot(&root().join(format!("target/screenshots/{name}.png"))).unwrap();
    }

    /// Nothing went wrong unseen, and the page asked nobody but its own server.
    pub fn clean(&self) {
        let bad: Vec<_> = self
            .browser
            .console()
            .unwrap()
            .into_iter()
            .filter(|line| line.level == "SEVERE")
            // Asking whether somebody is signed in is answered with 401; Chromium writes that to the console.
            .filter(|line| !(line.message.contains(path::SESSION) && line.message.contains("401")))
            .collect();
        assert!(bad.is_empty(), "the console says {bad:#?}");
        let own = self.product.url();
        let strangers: Vec<String> = self
            .browser
            .requests()
            .unwrap()
            .into_iter()
            .filter(|url| !url.starts_with(&own) && !url.starts_with("data:") && url != "about:blank")
            .collect();
        assert!(strangers.is_empty(), "the page asked for {strangers:?}");
    }

    /// A picture in light and dark, and nothing serious that axe finds in either.
    pub fn looks_well(&self, name: &str) {
        for scheme in ["dark", "light"] {
            self.browser.color_scheme(scheme).unwrap();
            let screen = format!("{name}-{scheme}");
            self.shot(&screen);
            let barriers = self.barriers(&screen);
            assert!(barriers.is_empty(), "{barriers:#?}");
        }
    }

    /// What axe finds serious on what is shown.
    pub fn barriers(&self, screen: &str) -> Vec<String> {
        let file: PathBuf = root().join("target/tools/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&file).expect("`cargo xtask setup` installs axe-core");
        self.browser.script(&axe, &[]).unwrap();
        let run = "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] })
            .then(r => done(r.violations.map(v => [v.id, v.impact, v.nodes.length, v.nodes[0].target.join(' '),
              v.nodes[0].failureSummary])), e => done(String(e)));";
        let found = self.browser.script_async(run, &[]).unwrap();
        let found = found.as_array().unwrap_or_else(|| panic!("axe on {screen}: {found}"));
        found
            .iter()
            .filter(|violation| violation[1] == "serious" || violation[1] == "critical")
            .map(|violation| format!("{screen}: {violation}"))
            .collect()
    }
}
