//! The coding edits on any entry of the default template: any values on any rows.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use overread_codes::Release;
use overread_domain::template::ENCOUNTER_ABSTRACT;
use overread_domain::{CodeRef, Content, Item, ItemId, ItemState, NoteMeta, Quoted, RuleLevels, Template};
use overread_edits::{Books, Input, check};

static BOOKS: LazyLock<Books> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/icd-10-cm/2026-04.ovr");
    let release = Release::from_bytes(&std::fs::read(path).expect("the release that ships")).expect("it is whole");
    Books { releases: vec![Arc::new(release)], lists: Vec::new() }
});
static TEMPLATE: LazyLock<Template> = LazyLock::new(|| serde_json::from_str(ENCOUNTER_ABSTRACT).expect("it ships"));

fuzz_target!(|text: &str| {
    let fields: Vec<&str> = TEMPLATE.fields().map(|field| field.id.as_str()).collect();
    let items: Vec<Item> = text
        .lines()
        .take(30)
        .enumerate()
        .map(|(nth, line)| {
            let field = fields[(line.len() * 7 + nth) % fields.len()];
            let quote = Quoted { start: nth, end: nth + line.chars().count(), quote: line.to_owned() };
            Item {
                id: ItemId::suggested(nth),
                state: ItemState::Accepted,
                content: Content {
                    field: field.to_owned(),
                    evidence: vec![quote.clone()],
                    value: Some(line.to_owned()),
                    code: Some(CodeRef::icd10cm(line.split(' ').next().unwrap_or_default())),
                    attributes: BTreeMap::from([("dose".to_owned(), quote.clone()), ("route".to_owned(), quote)]),
                    ..Content::default()
                },
                reject_reason: None,
                decision: None,
                rank: None,
                poa: None,
            }
        })
        .collect();
    let meta = NoteMeta { patient: Some("12345".into()), document_type: Some(text.into()), ..NoteMeta::default() };
    let overridden = BTreeMap::new();
    let input = Input { text, meta: &meta, template: &TEMPLATE, items: &items, overridden: &overridden, today: "2026-11-26" };
    for finding in check(&input, &BOOKS, &RuleLevels::default()) {
        assert!(finding.key.chars().count() <= 200 && !finding.message.is_empty());
    }
});
