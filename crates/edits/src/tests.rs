use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use overread_codes::{CodeList, ListKind, Release};
use overread_domain::entry::ItemState;
use overread_domain::span::CodePoints;
use overread_domain::template::ENCOUNTER_ABSTRACT;
use overread_domain::{
    Action, Assertion, CodeRef, CodeRole, Content, Finding, Item, ItemId, Level, NoteMeta, Poa, Quoted,
    RuleLevels, Span, Template,
};

use super::*;

static RELEASE: LazyLock<Arc<Release>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/icd-10-cm/2026-04.ovr");
    Arc::new(Release::from_bytes(&std::fs::read(path).unwrap()).unwrap())
});

/// An entry in the making.
struct Entry {
    text: String,
    meta: NoteMeta,
    items: Vec<Item>,
    books: Books,
    overridden: BTreeMap<String, Overridden>,
    levels: RuleLevels,
}

impl Entry {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            meta: NoteMeta::default(),
            items: Vec::new(),
            books: Books { releases: vec![Arc::clone(&RELEASE)], lists: Vec::new() },
            overridden: BTreeMap::new(),
            levels: RuleLevels::default(),
        }
    }

    fn quote(&self, words: &str) -> Quoted {
        let at = self.text.find(words).unwrap_or_else(|| panic!("{words} is not in the text"));
        CodePoints::new(&self.text).quoted(Span::new(&self.text, at, at + words.len()).unwrap())
    }

    fn push(&mut self, content: Content) -> &mut Item {
        let item = Item {
            id: ItemId::suggested(self.items.len()),
            state: ItemState::Accepted,
            content,
            reject_reason: None,
            decision: None,
            rank: None,
            poa: None,
        };
        self.items.push(item);
        self.items.last_mut().unwrap()
    }

    /// A code of the final list; the first is the principal one.
    fn code(&mut self, code: &str, words: &str) -> &mut Self {
        let first = !self.items.iter().any(|item| item.content.field == "final_code");
        let evidence = if words.is_empty() { Vec::new() } else { vec![self.quote(words)] };
        self.push(Content {
            field: "final_code".into(),
            evidence,
            code: Some(CodeRef::icd10cm(code)),
            role: Some(if first { CodeRole::Principal } else { CodeRole::Secondary }),
            ..Content::default()
        });
        self
    }

    fn value(&mut self, field: &str, value: &str) -> &mut Self {
        self.push(Content { field: field.into(), value: Some(value.into()), ..Content::default() });
        self
    }

    fn condition(&mut self, field: &str, words: &str, assertion: Assertion) -> &mut Self {
        let evidence = vec![self.quote(words)];
        self.push(Content {
            field: field.into(),
            evidence,
            assertion: Some(assertion),
            ..Content::default()
        });
        self
    }

    fn drug(&mut self, words: &str, attributes: &[(&str, &str)]) -> &mut Self {
        let evidence = vec![self.quote(words)];
        let attributes =
            attributes.iter().map(|(name, words)| ((*name).to_owned(), self.quote(words))).collect();
        self.push(Content {
            field: "medication".into(),
            evidence,
            value: Some("current".into()),
            attributes,
            ..Content::default()
        });
        self
    }

    fn kind(&mut self, document_type: &str) -> &mut Self {
        self.meta.document_type = Some(document_type.to_owned());
        self
    }

    fn list(&mut self, kind: ListKind, rows: &[(&str, &[&str])]) -> &mut Self {
        let rows = rows
            .iter()
            .map(|(code, values)| {
                let own = values.iter().map(|value| vec![(*value).to_owned()]).collect();
                ((*code).to_owned(), own)
            })
            .collect();
        let list =
            CodeList { id: "list".into(), kind, title: "list".into(), effective: "2020-01-01".into(), rows };
        self.books.lists.push(Arc::new(list));
        self
    }

    fn findings(&self) -> Vec<Finding> {
        let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap();
        let input = Input {
            text: &self.text,
            meta: &self.meta,
            template: &template,
            items: &self.items,
            overridden: &self.overridden,
            today: "2026-11-26",
        };
        check(&input, &self.books, &self.levels)
    }

    /// Numbers of the rules that spoke, information left out.
    fn said(&self) -> Vec<String> {
        let loud = self.findings().into_iter().filter(|f| f.level != Level::Information);
        let mut said: Vec<String> = loud.map(|f| f.rule).collect();
        said.sort();
        said.dedup();
        said
    }

    fn one(&self, rule: &str) -> Finding {
        let found: Vec<Finding> = self.findings().into_iter().filter(|f| f.rule == rule).collect();
        assert_eq!(found.len(), 1, "{rule}: {found:#?}");
        found.into_iter().next().unwrap()
    }
}

fn codes(fix: &overread_domain::Fix) -> Vec<String> {
    fix.actions.iter().filter_map(|a| a.content()).filter_map(|c| c.code.clone()).map(|c| c.code).collect()
}

#[test]
fn numbers_are_unique_and_rising() {
    for pair in RULES.windows(2) {
        assert!(pair[0].number < pair[1].number, "{} and {}", pair[0].number, pair[1].number);
    }
    assert!(RULES.iter().all(|rule| rule.level != Level::Off && !rule.citation.is_empty()));
}

#[test]
fn a_clean_entry_has_nothing_to_say() {
    let mut entry = Entry::new("Essential hypertension. Gout of the left ankle.");
    entry.code("I10", "hypertension").code("M10.072", "Gout of the left ankle").value("age", "58 years");
    assert_eq!(entry.said(), Vec::<String>::new());
}

#[test]
fn excluded_codes_are_told_with_the_note_that_excludes_them() {
    let mut entry = Entry::new("Sepsis with bacteremia.");
    entry.code("A41.9", "Sepsis").code("R78.81", "bacteremia");
    let finding = entry.one("C-201");
    assert_eq!(finding.level, Level::Error);
    assert!(finding.message.contains("bacteremia NOS") && finding.citation.contains("A41"), "{finding:?}");
    // The symptom goes first.
    assert!(finding.fixes[0].label.contains("R78.81"), "{:?}", finding.fixes);
    assert!(finding.blocks());
    entry
        .overridden
        .insert(finding.key.clone(), Overridden { decision: "d1".into(), reason: "two episodes".into() });
    assert!(!entry.one("C-201").blocks());
    // Another code on the same row is another finding: the override does not hold for it.
    entry.items[1].content.code = Some(CodeRef::icd10cm("A49.9"));
    assert!(entry.findings().iter().all(|f| f.overridden.is_none()));
}

#[test]
fn codes_must_be_there_complete_and_there_once() {
    let mut entry = Entry::new("Fracture of the wrist. Hypertension.");
    entry
        .code("S52.53", "Fracture")
        .code("I10", "Hypertension")
        .code("I10", "Hypertension")
        .code("Z99.99", "wrist");
    assert_eq!(entry.said(), ["C-101", "C-102", "C-103"]);
    let complete = entry.one("C-102");
    assert!(codes(&complete.fixes[0])[0].starts_with("S52.53"), "{:?}", complete.fixes);
    assert!(
        matches!(&entry.one("C-103").fixes[0].actions[0], Action::Reject { item, .. } if item.as_str() == "s2")
    );
}

#[test]
fn underlying_conditions_stand_first() {
    let mut entry = Entry::new("Dementia in Alzheimer's disease.");
    entry.code("F02.80", "Dementia").code("G30.9", "Alzheimer's disease");
    let said = entry.said();
    assert!(said.contains(&"C-204".into()) && said.contains(&"C-301".into()), "{said:?}");
    let order = &entry.one("C-204").fixes[0].actions[0];
    assert!(
        matches!(order, Action::Sequence { items, .. } if items == &[ItemId::from("s1"), ItemId::from("s0")]),
        "{order:?}"
    );
    let mut alone = Entry::new("Dementia.");
    alone.code("I10", "").code("F02.80", "Dementia");
    assert!(alone.said().contains(&"C-203".into()));
}

#[test]
fn external_causes_never_lead() {
    let mut entry = Entry::new("Fell. Fracture of the right wrist.");
    entry.code("W19.XXXA", "Fell").code("S52.531A", "Fracture of the right wrist");
    let finding = entry.one("C-302");
    assert!(finding.fixes[0].label.contains("S52.531A"));
    let mut none = Entry::new("Gout.");
    none.code("M10.9", "Gout");
    none.items[0].content.role = Some(CodeRole::Secondary);
    assert_eq!(none.one("C-304").fixes.len(), 1);
}

#[test]
fn lists_of_the_code_editor_are_heeded_where_they_are_loaded() {
    let mut entry = Entry::new("Cough.");
    entry.code("Z87.891", "Cough").value("age", "70 years").value("sex", "male");
    assert_eq!(entry.said(), Vec::<String>::new(), "{:#?}", entry.findings());
    entry.list(ListKind::Mce, &[("Z87891", &["unacceptable_principal", "pediatric", "female"])]);
    assert_eq!(entry.said(), ["C-303", "C-401", "C-402"]);
}

#[test]
fn sex_and_age_follow_from_the_tabular_list_where_no_list_is_loaded() {
    let mut entry = Entry::new("Prostate cancer.");
    entry.code("C61", "Prostate cancer").value("sex", "female").value("age", "70 years");
    assert_eq!(entry.said(), ["C-402"]);
    let mut birth = Entry::new("Respiratory distress.");
    birth.code("P22.0", "Respiratory distress").value("age", "40 years");
    assert_eq!(birth.said(), ["C-401"]);
    birth.items[1].content.value = Some("2 days".into());
    assert!(birth.said().is_empty());
}

#[test]
fn sides_of_note_and_code_are_compared() {
    let mut entry = Entry::new("Otitis media of the left ear. Cataract.");
    entry.code("H66.90", "Otitis media");
    let finding = entry.one("C-501");
    assert_eq!(codes(&finding.fixes[0]), ["H66.92"]);
    entry.items[0].content.code = Some(CodeRef::icd10cm("H66.91"));
    assert_eq!(codes(&entry.one("C-502").fixes[0]), ["H66.92"]);
    entry.items[0].content.code = Some(CodeRef::icd10cm("H66.92"));
    assert!(entry.said().is_empty());
    let mut both = Entry::new("Otitis media, left more than right.");
    both.code("H66.90", "Otitis media");
    assert!(both.said().is_empty(), "{:?}", both.findings());
}

#[test]
fn unspecified_codes_are_questioned_where_the_note_says_more() {
    let mut entry = Entry::new("Lobar pneumonia.");
    entry.code("J18.9", "pneumonia");
    assert_eq!(codes(&entry.one("C-503").fixes[0]), ["J18.1"]);
    let mut plain = Entry::new("Pneumonia. Lobar collapse was seen last year.");
    plain.code("J18.9", "Pneumonia");
    assert!(plain.said().is_empty());
}

#[test]
fn two_codes_that_belong_together_become_one() {
    let mut entry = Entry::new("Hypertension, CKD stage 3.");
    entry.code("I10", "Hypertension").code("N18.30", "CKD stage 3");
    assert_eq!(codes(&entry.one("C-601").fixes[0]), ["I12.9"]);
}

#[test]
fn what_the_note_does_not_say_for_sure_depends_on_the_setting() {
    let mut entry = Entry::new("Probable pneumonia.");
    entry
        .code("J18.9", "pneumonia")
        .condition("diagnosis", "pneumonia", Assertion::Possible)
        .kind("Clinic note");
    assert!(entry.said().contains(&"C-701".into()));
    entry.kind("Discharge summary");
    assert!(!entry.said().contains(&"C-701".into()));
}

#[test]
fn codes_on_denied_or_others_conditions_are_errors() {
    let mut entry = Entry::new("No pneumonia. Mother had gout. Asthma as a child.");
    entry
        .code("J18.9", "pneumonia")
        .code("M10.9", "gout")
        .code("J45.909", "Asthma")
        .condition("absent_condition", "pneumonia", Assertion::Absent)
        .condition("family_history", "gout", Assertion::Family)
        .condition("history", "Asthma", Assertion::Historical);
    let said = entry.said();
    for rule in ["C-702", "C-703", "C-704"] {
        assert!(said.contains(&rule.to_owned()), "{rule}: {said:?}");
    }
}

#[test]
fn inpatients_need_the_indicator_unless_exempt() {
    let mut entry = Entry::new("Gout.");
    entry.code("M10.9", "Gout").kind("Discharge summary");
    let missing = entry.one("C-801");
    assert!(matches!(missing.fixes[0].actions[0], Action::PresentOnAdmission { poa: Poa::Yes, .. }));
    entry.items[0].poa = Some(Poa::Exempt);
    assert!(entry.said().is_empty(), "without the list nobody knows");
    entry.list(ListKind::PoaExempt, &[("Z9181", &[])]);
    assert_eq!(entry.said(), ["C-802"]);
}

#[test]
fn dates_stand_in_order() {
    let mut entry = Entry::new("x");
    entry
        .value("admission_date", "2026-03-04")
        .value("discharge_date", "2026-03-01")
        .value("service_date", "2027-01");
    entry.meta.service_date = Some("2026-03-02".into());
    let said = entry.said();
    assert_eq!(said, ["E-101", "E-102", "E-103"]);
}

#[test]
fn vital_signs_are_those_of_the_living() {
    let mut entry = Entry::new("x");
    entry.value("blood_pressure", "76/128").value("heart_rate", "720 /min").value("temperature", "98.6 F");
    assert_eq!(entry.said(), ["E-201", "E-202"]);
    let mut mass = Entry::new("x");
    mass.value("bmi", "45.0 kg/m2").value("weight", "70 kg").value("height", "170 cm");
    assert_eq!(mass.one("E-203").items.len(), 3);
}

#[test]
fn doses_and_routes_are_plausible() {
    let mut entry = Entry::new("Lisinopril 1000 mg p.o. Lantus 20 units p.o. Metformin 500 daily.");
    entry
        .drug("Lisinopril", &[("dose", "1000 mg"), ("route", "p.o.")])
        .drug("Lantus", &[("dose", "20 units"), ("route", "p.o.")])
        .drug("Metformin", &[("dose", "500")]);
    assert_eq!(entry.said(), ["E-301", "E-303"]);
    assert_eq!(entry.one("E-302").level, Level::Information);
}

#[test]
fn allergies_meet_drugs_of_their_class() {
    let mut entry = Entry::new("Allergic to penicillin. NKDA. Amoxicillin 500 mg.");
    entry.drug("Amoxicillin", &[("dose", "500 mg")]);
    let (allergen, none) = (entry.quote("penicillin"), entry.quote("NKDA"));
    entry.push(Content { field: "allergy".into(), evidence: vec![allergen], ..Content::default() });
    entry.push(Content {
        field: "allergy".into(),
        evidence: vec![none],
        value: Some("none known".into()),
        ..Content::default()
    });
    assert_eq!(entry.said(), ["E-401", "E-402"]);
    entry.items[0].content.value = Some("stopped".into());
    assert_eq!(entry.said(), ["E-402"]);
}

#[test]
fn contradictions_are_told() {
    let mut entry = Entry::new("Chest pain. Denies chest pain. She she she her her woman. Never smoked.");
    entry
        .condition("diagnosis", "Chest pain", Assertion::Present)
        .condition("absent_condition", "chest pain", Assertion::Absent)
        .value("sex", "male")
        .value("tobacco_use", "never")
        .code("I10", "Denies")
        .code("F17.210", "smoked");
    let said = entry.said();
    assert_eq!(said, ["E-501", "E-502", "E-503"]);
}

#[test]
fn the_record_number_is_compared_with_the_file() {
    let mut entry = Entry::new("MRN: 0012345\nGout.");
    entry.meta.patient = Some("0012345".into());
    assert!(entry.said().is_empty());
    entry.meta.patient = Some("0012354".into());
    let finding = entry.one("E-104");
    assert_eq!(finding.evidence[0].quote, "0012345");
    assert!(!finding.message.contains("12345"));
}

#[test]
fn levels_are_data() {
    let mut entry = Entry::new("Sepsis with bacteremia.");
    entry.code("A41.9", "Sepsis").code("R78.81", "bacteremia");
    entry.levels.levels.insert("C-201".into(), Level::Warning);
    assert!(!entry.one("C-201").blocks());
    entry.levels.levels.insert("C-201".into(), Level::Off);
    assert!(entry.findings().iter().all(|f| f.rule != "C-201"));
}

/// One edition of a system of two codes at most.
fn edition(effective: &str, codes: &str) -> Arc<Release> {
    use overread_codes::import::{File, Imported, Options, import};
    let files = vec![File { name: "own.csv".into(), bytes: format!("code,title\n{codes}").into_bytes() }];
    let options =
        Options { effective: Some(effective.into()), system: Some("own-codes".into()), ..Options::default() };
    let Imported::Release(release) = import(files, &options).unwrap().0.remove(0) else {
        panic!("a release")
    };
    Arc::new(*release)
}

#[test]
fn the_release_of_the_date_is_the_one_that_counts() {
    let mut entry = Entry::new("Old and new.");
    entry.books.releases.extend([
        edition("2025-10-01", "OLD,Old code\nBOTH,Code of both\n"),
        edition("2026-04-01", "NEW,New code\nBOTH,Code of both\n"),
    ]);
    let on = |date: &str| entry.books.release("own-codes", date).unwrap().effective().to_owned();
    assert_eq!(on("2026-03-31"), "2025-10-01");
    assert_eq!(on("2026-04-01"), "2026-04-01");
    assert_eq!(on("2026-04"), "2026-04-01", "a month counts as its end");
    assert_eq!(on("1999-01-01"), "2025-10-01", "before all editions the earliest is the nearest");
    assert!(entry.books.release("icd-10-pcs", "2026-04-01").is_none());
    // The same code is there on one day and not on another.
    let code = Some(CodeRef { system: "own-codes".into(), code: "OLD".into() });
    entry.push(Content { field: "diagnosis".into(), code, ..Content::default() });
    entry.value("service_date", "2026-03-01");
    assert!(entry.said().is_empty(), "{:?}", entry.findings());
    entry.items[1].content.value = Some("2026-05-01".into());
    assert_eq!(entry.said(), ["C-101"]);
    // Discharge goes before service.
    entry.value("discharge_date", "2026-03-02");
    assert_eq!(entry_date(&entry.items, None).as_deref(), Some("2026-03-02"));
}

/// Prints how long an entry of 25 codes and 60 fields takes; that figure is for the reader, the verdict is on what is found.
#[test]
fn a_long_entry_is_checked_whole() {
    let mut entry = Entry::new("Sepsis with bacteremia, gout, hypertension and all the rest.");
    let all: Vec<String> = RELEASE.iter().filter(|e| e.billable()).map(|e| e.code().to_owned()).collect();
    for nth in 0..25 {
        entry.code(&all[nth * 2_900], "Sepsis");
    }
    for nth in 0..60 {
        entry.value(if nth % 2 == 0 { "heart_rate" } else { "chief_complaint" }, "72 /min");
    }
    entry.findings();
    let started = Instant::now();
    let found = entry.findings();
    println!("{} findings in {:?}", found.len(), started.elapsed());
    // Each of the rows but the first repeats no code; the same key never comes twice.
    let mut keys: Vec<&str> = found.iter().map(|finding| finding.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), found.len());
    assert!(found.windows(2).all(|pair| pair[0].level <= pair[1].level), "errors first");
    let last = entry.items.iter().rposition(|item| item.content.field == "final_code").unwrap();
    entry.items[last].content.code = entry.items[0].content.code.clone();
    let twice = entry.one("C-103");
    assert_eq!(twice.items[0], entry.items[last].id);
}
