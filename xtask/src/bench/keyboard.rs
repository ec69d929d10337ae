//! Twenty of the sample notes coded from the keyboard alone, from the first sign-in to the last entry finished. A program
//! plays the coder: it knows the reference entry, reads what the page shows, and only ever presses keys.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use overread_api::entry::EntryView;
use overread_api::path;
use overread_domain::{EntryId, EntryStatus, Item, ItemId, ItemState, Role};
use overread_e2e::{Browser, Client, Key, page};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Row;
use super::api::{import, samples, with_model};
use super::suggest::suggested;
use crate::shell::{read, root};

const NOTES: usize = 20;
/// Presses without an end in sight.
const PATIENCE: usize = 4_000;

#[derive(Debug, Deserialize)]
struct Reference {
    id: String,
    spans: Vec<Span>,
    codes: Vec<Final>,
}

#[derive(Debug, Deserialize)]
struct Span {
    field: String,
    start: usize,
    end: usize,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Final {
    code: String,
    role: String,
    evidence: Vec<Words>,
}

#[derive(Debug, Deserialize)]
struct Words {
    start: usize,
    end: usize,
    quote: String,
}

impl Words {
    fn meets(&self, start: usize, end: usize) -> bool {
        self.start < end && start < self.end
    }
}

pub fn measure(program: &Path) -> Result<Vec<Row>> {
    let folder = std::env::temp_dir().join(format!("overread-bench-keyboard-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let server = with_model(program, &folder)?;
    server.settings().add_user("coder", Role::Coder)?;
    let lead = server.signed_in("lead")?;
    let notes: Vec<Value> = samples()?.into_iter().take(NOTES).collect();
    ensure!(notes.len() == NOTES, "there are only {} sample notes", notes.len());
    let references: Vec<Reference> = read(&root().join("samples/reference.jsonl"))?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    for entry in import(&lead, &notes)?.entries {
        suggested(&lead, &entry)?;
    }
    let client = server.signed_in("coder")?;
    let browser = Browser::start(1400, 900)?;
    page::sign_in(&browser, &server, "coder")?;
    // Counts what no key does.
    browser.script(
        "window.pointed = 0; addEventListener('pointerdown', () => window.pointed++, true);
         addEventListener('wheel', () => window.pointed++, true);",
        &[],
    )?;
    browser.see("#queue [data-entry]")?;
    let mut coder = Coder { browser, client, keys: 0, overridden: 0 };
    coder.press(&[Key::Char('n')])?;
    let (mut keys, mut decided, mut exact, mut wanted, mut found) = (Vec::new(), 0, 0, 0, 0);
    let started = Instant::now();
    for nth in 0..NOTES {
        let before = coder.keys;
        let entry = coder.opened()?;
        let view = coder.view(&entry)?;
        let reference = references.iter().find(|reference| reference.id == view.note.as_str());
        let reference = reference.with_context(|| format!("no reference for {}", view.note))?;
        let last = nth + 1 == NOTES;
        coder.code(&entry, reference, last).with_context(|| format!("on {}", view.note))?;
        let done = coder.view(&entry)?;
        ensure!(done.status == EntryStatus::Finished, "{} is not finished", view.note);
        let given: BTreeSet<&str> = finals(&done).into_iter().map(|(_, code)| code).collect();
        let meant: BTreeSet<&str> = reference.codes.iter().map(|code| code.code.as_str()).collect();
        exact += usize::from(given == meant);
        wanted += meant.len();
        found += given.intersection(&meant).count();
        decided += done.decisions.len();
        keys.push(coder.keys - before);
    }
    let took = started.elapsed().as_secs_f64() / NOTES as f64;
    let pointed = coder.browser.script("return window.pointed", &[])?.as_u64().context("no count")?;
    ensure!(pointed == 0, "the pointer was used {pointed} times");
    keys.sort_unstable();
    let told = format!(
        "{NOTES} finished, {pointed} pointer events; final codes as in the reference on {exact}, {found} of {wanted} codes; \
         {:.0} decisions and {} keys a note (median; {} to {}), {} checks overridden, {took:.1} s a note by the program",
        decided as f64 / NOTES as f64,
        keys[NOTES / 2],
        keys[0],
        keys[NOTES - 1],
        coder.overridden,
    );
    drop(coder);
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    Ok(vec![Row::new("keyboard", "sample notes coded without a pointer", told, "20 of 20")])
}

/// Rows of the final list that stand.
fn finals(view: &EntryView) -> Vec<(&Item, &str)> {
    let kept = view.items.iter().filter(|item| item.content.field == "final_code" && item.state.is_kept());
    kept.filter_map(|item| Some((item, item.content.code.as_ref()?.code.as_str()))).collect()
}

struct Coder {
    browser: Browser,
    client: Client,
    keys: usize,
    overridden: usize,
}

/// What a person who knows the reference does with a suggested row.
#[derive(Debug, PartialEq)]
enum Choice {
    Accept,
    Recode(String),
    Reject,
}

impl Coder {
    fn press(&mut self, keys: &[Key]) -> Result<()> {
        self.keys += keys.len();
        self.browser.press(keys)
    }

    fn types(&mut self, text: &str) -> Result<()> {
        self.keys += text.chars().count();
        self.browser.type_text(text)
    }

    fn focused(&self, css: &str) -> Result<()> {
        self.browser.wait(&format!("focus on {css}"), || {
            let here =
                "const e = document.querySelector(arguments[0]); return !!e && e === document.activeElement";
            Ok((self.browser.script(here, &[json!(css)])? == json!(true)).then_some(()))
        })
    }

    fn sent(&self) -> Result<()> {
        self.browser.see("#review[data-net=idle]")
    }

    fn view(&self, entry: &EntryId) -> Result<EntryView> {
        self.client.get(&path::fill(path::ENTRY, &[entry.as_str()]))?.json()
    }

    /// The entry that is open.
    fn opened(&self) -> Result<EntryId> {
        self.browser.see("#rows [data-current]")?;
        let url = self.browser.url()?;
        let id = url.rsplit('/').next().unwrap_or_default();
        Ok(EntryId::new(id.split(['?', '#']).next().unwrap_or_default()))
    }

    /// The current row: its item, where it is one, and its state.
    fn current(&self) -> Result<(Option<ItemId>, String)> {
        let row = "const e = document.querySelector('#rows [data-current]');
                   return e ? [e.dataset.item || null, e.dataset.state || ''] : [null, '']";
        let row = self.browser.script(row, &[])?;
        Ok((row[0].as_str().map(ItemId::new), row[1].as_str().unwrap_or_default().to_owned()))
    }

    fn code(&mut self, entry: &EntryId, reference: &Reference, last: bool) -> Result<()> {
        let mut given: BTreeSet<String> = BTreeSet::new();
        let suggested = self.view(entry)?;
        for _ in 0..PATIENCE {
            let (item, state) = self.current()?;
            let item = item.and_then(|id| suggested.items.iter().find(|known| known.id == id));
            let Some(item) = item.filter(|_| state == "suggested") else {
                self.press(&[Key::Char('n')])?;
                if self.current()?.1 == "suggested" {
                    continue;
                }
                break;
            };
            match choice(&suggested, item, reference, &given) {
                Choice::Accept => self.press(&[Key::Enter])?,
                Choice::Reject => {
                    self.press(&[Key::Char('x')])?;
                    self.browser.see(".choices")?;
                    self.press(&[Key::Char('1')])?;
                }
                Choice::Recode(code) => {
                    self.press(&[Key::Char('/')])?;
                    self.focused("#code-search")?;
                    self.pick(&code)?;
                }
            }
            if item.content.field == "final_code" {
                let code = item.content.code.as_ref().map(|code| code.code.clone());
                given.extend(code.filter(|code| reference.codes.iter().any(|wanted| wanted.code == *code)));
            }
            self.moved(item)?;
        }
        self.sent()?;
        for wanted in &reference.codes {
            let view = self.view(entry)?;
            if !finals(&view).iter().any(|(_, code)| *code == wanted.code) {
                self.add(wanted)?;
            }
        }
        self.sent()?;
        if let Some(principal) = reference.codes.iter().find(|code| code.role == "principal") {
            self.lead(entry, &principal.code)?;
        }
        self.finish(entry, last)
    }

    /// Waits until a decision has left the row.
    fn moved(&self, item: &Item) -> Result<()> {
        self.browser.wait("the row to be decided", || {
            let state = "const e = document.querySelector(`#rows [data-item='${arguments[0]}']`);
                         return e ? e.dataset.state : ''";
            Ok((self.browser.script(state, &[json!(item.id)])? != json!("suggested")).then_some(()))
        })
    }

    /// Takes a code from the open look-up: by the words that are there, else by its name, down to the last question.
    fn pick(&mut self, code: &str) -> Result<()> {
        if !self.choose(code, 1)? {
            self.keys += 1;
            self.browser.chord(Key::Control, Key::Char('a'))?;
            self.types(code)?;
            ensure!(self.choose(code, 40)?, "the look-up does not offer {code}");
        }
        Ok(())
    }

    /// Walks to the code, or to what leads to it, and takes it; false where it is not offered within some looks.
    fn choose(&mut self, code: &str, looks: usize) -> Result<bool> {
        let list = "return [...document.querySelectorAll('#code-hits [data-code]')].map(e => e.dataset.code)";
        for look in 0..looks.max(8) {
            std::thread::sleep(std::time::Duration::from_millis(60));
            let codes = self.browser.script(list, &[])?;
            let codes: Vec<&str> = codes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if let Some(at) = codes.iter().position(|hit| *hit == code) {
                for _ in 0..at {
                    self.press(&[Key::Down])?;
                }
                self.browser.see(&format!("#code-hits [data-code='{code}'][aria-selected=true]"))?;
                self.press(&[Key::Enter])?;
                return Ok(true);
            }
            if !codes.is_empty() && look + 1 >= looks {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// A code that nobody suggested, with the words that it rests on.
    fn add(&mut self, wanted: &Final) -> Result<()> {
        let words = wanted.evidence.first().context("a code without words")?;
        self.press(&[Key::Char('f')])?;
        self.focused("#find-words")?;
        self.types(&words.quote)?;
        self.press(&[Key::Enter])?;
        self.focused("#rows")?;
        self.press(&[Key::Char('i')])?;
        self.focused("#field-chooser")?;
        self.types("Final code")?;
        self.press(&[Key::Enter])?;
        self.browser.see("#editor")?;
        self.focused("#code-search")?;
        self.pick(&wanted.code)?;
        self.focused("#edit-save")?;
        self.press(&[Key::Enter])?;
        self.browser.gone("#editor")?;
        self.sent()
    }

    /// Makes a code the principal diagnosis.
    fn lead(&mut self, entry: &EntryId, code: &str) -> Result<()> {
        let view = self.view(entry)?;
        let (item, _) = finals(&view)
            .into_iter()
            .find(|(_, given)| *given == code)
            .with_context(|| format!("{code} is not on the list"))?;
        for key in ['k', 'j'] {
            for _ in 0..200 {
                if self.current()?.0.as_ref() == Some(&item.id) {
                    self.press(&[Key::Char('P')])?;
                    return self.sent();
                }
                self.press(&[Key::Char(key)])?;
            }
        }
        bail!("the row of {code} was not reached")
    }

    /// Finishes: confirms what is empty, and says why a check does not hold here.
    fn finish(&mut self, entry: &EntryId, last: bool) -> Result<()> {
        for _ in 0..60 {
            self.keys += 1;
            self.browser.chord(Key::Control, Key::Enter)?;
            std::thread::sleep(std::time::Duration::from_millis(150));
            let view = self.view(entry)?;
            if view.status == EntryStatus::Finished {
                if !last {
                    let done = format!("/entries/{}", path::encode(entry.as_str()));
                    self.browser.wait("the next entry", || {
                        let there = self.browser.count("#rows [data-current]")? > 0;
                        Ok((there && !self.browser.url()?.ends_with(&done)).then_some(()))
                    })?;
                }
                return Ok(());
            }
            self.browser.see("#rows")?;
            if self.current()?.1 == "missing" {
                self.press(&[Key::Char('z')])?;
                self.sent()?;
                continue;
            }
            if view.findings.iter().any(|found| found.overridden.is_none() && found.blocks()) {
                if self.browser.count("#checks")? == 0 {
                    self.press(&[Key::Char('c')])?;
                }
                self.focused("#checks-list")?;
                // Errors stand first.
                for _ in 0..40 {
                    let open = "const e = document.querySelector('#checks [aria-selected=true]');
                        return !!e && e.dataset.level === 'error' && e.dataset.overridden === undefined";
                    if self.browser.script(open, &[])? == json!(true) {
                        break;
                    }
                    self.press(&[Key::Down])?;
                }
                self.press(&[Key::Char('o')])?;
                self.focused("#override-reason")?;
                self.types("the note bears both out")?;
                self.press(&[Key::Enter])?;
                self.browser.gone("#override-reason")?;
                self.sent()?;
                self.overridden += 1;
            }
        }
        bail!("it does not finish")
    }
}

fn choice(view: &EntryView, item: &Item, reference: &Reference, given: &BTreeSet<String>) -> Choice {
    let code = item.content.code.as_ref().map(|code| code.code.as_str());
    let over = |start: usize, end: usize| {
        item.content.evidence.iter().any(|words| words.start < end && start < words.end)
    };
    if item.content.field == "final_code" {
        let Some(code) = code else { return Choice::Reject };
        if reference.codes.iter().any(|wanted| wanted.code == code) {
            return if given.contains(code) { Choice::Reject } else { Choice::Accept };
        }
        // The same words, another code: the row is put right where no other row brings that code.
        let meant = reference.codes.iter().find(|wanted| {
            let here = item
                .content
                .evidence
                .iter()
                .any(|own| wanted.evidence.iter().any(|words| words.meets(own.start, own.end)));
            let elsewhere = view.items.iter().any(|other| {
                other.content.field == "final_code"
                    && other.state == ItemState::Suggested
                    && other.content.code.as_ref().is_some_and(|code| code.code == wanted.code)
            });
            here && !elsewhere && !given.contains(&wanted.code)
        });
        return meant.map_or(Choice::Reject, |wanted| Choice::Recode(wanted.code.clone()));
    }
    let same =
        reference.spans.iter().find(|span| span.field == item.content.field && over(span.start, span.end));
    let Some(span) = same else { return Choice::Reject };
    if let (Some(wanted), Some(own)) = (&span.code, code)
        && wanted != own
    {
        return Choice::Recode(wanted.clone());
    }
    let other = span.value.as_ref().zip(item.content.value.as_ref()).is_some_and(|(a, b)| a != b);
    if other { Choice::Reject } else { Choice::Accept }
}
