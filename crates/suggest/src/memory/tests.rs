use proptest::prelude::*;

use super::fit::{Judged, Taught, fit};
use super::*;

fn fact(kind: LessonKind, phrase: &str, code: Option<&str>, uses: u32) -> Fact {
    let code = code.map(CodeRef::icd10cm);
    Fact { kind, field: "diagnosis".into(), phrase: phrase.into(), code, uses }
}

fn gout() -> Memory {
    let facts = [
        fact(LessonKind::CodeAccepted, "Gout", Some("M10.9"), 1),
        fact(LessonKind::CodeRejected, "gout", Some("M1A.9XX0"), 2),
        fact(LessonKind::MentionAccepted, "the gout", None, 3),
        fact(LessonKind::MentionRejected, "chest wall", None, 1),
        fact(LessonKind::MentionAccepted, "never used", None, 0),
    ];
    Memory::new(&facts, Weights::default())
}

#[test]
fn a_code_accepted_once_comes_first() {
    let memory = gout();
    let codes = [(CodeRef::icd10cm("M1A.9XX0"), 0.9), (CodeRef::icd10cm("M10.00"), 0.1)];
    let remembered = memory.look_up("  GOUT, ", None);
    let ranked = memory.rank(&remembered, "diagnosis", &codes);
    let names: Vec<&str> = ranked.iter().map(|(code, _)| code.code.as_str()).collect();
    assert_eq!(names[0], "M10.9");
    assert_eq!(names.len(), 3, "what the model thought of stays to choose from");
    let before = codes[0].1;
    let after = ranked.iter().find(|(code, _)| code.code == "M1A.9XX0").unwrap().1;
    assert!(after < before / 2.0, "{after}");
    assert!(ranked.iter().map(|(_, p)| p).sum::<f32>() <= 1.0 + 1e-5);
}

#[test]
fn mentions_rise_and_fall_with_what_was_decided() {
    let memory = gout();
    let shift = |phrase, field| memory.mention_shift(&memory.look_up(phrase, None), field);
    assert!(shift("gout", "diagnosis") > 1.0);
    assert!(shift("chest wall", "diagnosis") < -0.5);
    assert!(shift("gout", "history").abs() < 1e-6, "another field was not decided on");
    assert!(memory.look_up("never used", None).is_empty());
    assert!(memory.look_up("", None).is_empty());
}

#[test]
fn like_phrases_count_as_part_of_a_use() {
    let near = [1.0f32, 0.2, 0.0, 0.0];
    let far = [0.0f32, 0.0, 1.0, 0.0];
    let memory = gout().with_vectors("space", |key| Some(if key == "gout" { &near } else { &far }));
    let found = memory.look_up("acute gouty arthritis", Some(&[1.0, 0.25, 0.0, 0.0]));
    assert_eq!(found.iter().map(Remembered::phrase).collect::<Vec<_>>(), ["gout"]);
    assert!(found[0].weight > 0.1 && found[0].weight < 1.0);
    let exact = memory.look_up("gout", Some(&near));
    assert_eq!(exact.iter().map(|r| r.weight).collect::<Vec<_>>(), [1.0], "itself is not also its neighbour");
    assert!(memory.look_up("rash", Some(&[0.0, 0.0, 0.0, 1.0])).is_empty());
    assert!(memory.look_up("rash", Some(&[1.0])).is_empty(), "vectors of another width are like nothing");
}

#[test]
fn a_file_says_what_was_written() {
    let vector = [0.5f32, -0.25, 0.125];
    let memory = gout().with_vectors("space", |key| (key == "gout").then_some(&vector[..]));
    let again = Memory::from_json(memory.to_json().as_bytes()).unwrap();
    assert_eq!(again.version(), memory.version());
    assert_eq!(again.to_json(), memory.to_json());
    assert_ne!(memory.version(), gout().version(), "vectors change what it says");
}

#[test]
fn versions_tell_memories_apart_whatever_their_order() {
    let facts = [
        fact(LessonKind::MentionAccepted, "gout", None, 1),
        fact(LessonKind::MentionAccepted, "rash", None, 1),
    ];
    let of = |facts: &[Fact]| Memory::new(facts, Weights::default()).version().to_owned();
    let turned = [facts[1].clone(), facts[0].clone()];
    assert_eq!(of(&facts), of(&turned));
    assert_ne!(of(&facts), of(&facts[..1]));
}

#[test]
fn damaged_files_are_refused_without_their_words() {
    let whole = gout().to_json();
    for bad in [
        whole.replace("\"format\":1", "\"format\":9"),
        whole.replace("\"code_prior\":0.5", "\"code_prior\":7.5"),
        whole.replace("\"vectors\":{}", "\"vectors\":{\"gout\":\"zz\"}"),
        whole.replace("\"vectors\":{}", "\"vectors\":{\"gout\":\"01\",\"rash\":\"0102\"}"),
        whole[..whole.len() / 2].to_owned(),
    ] {
        assert_ne!(bad, whole);
        let error = Memory::from_json(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("memory.json: ") && !error.contains("gout"), "{error}");
    }
}

proptest! {
    #[test]
    fn ranks_stay_probabilities(
        base in proptest::collection::vec(0.0f32..1.0, 0..6),
        facts in proptest::collection::vec((0usize..8, any::<bool>(), 1u32..40), 0..10),
    ) {
        let sum: f32 = base.iter().sum::<f32>().max(1.0);
        let code = |i: usize| format!("A{i:02}");
        let codes: Vec<(CodeRef, f32)> =
            base.iter().enumerate().map(|(i, p)| (CodeRef::icd10cm(code(i)), p / sum)).collect();
        let facts: Vec<Fact> = facts
            .into_iter()
            .map(|(i, yes, uses)| {
                let kind = if yes { LessonKind::CodeAccepted } else { LessonKind::CodeRejected };
                fact(kind, "gout", Some(&code(i)), uses)
            })
            .collect();
        let memory = Memory::new(&facts, Weights::default());
        let ranked = memory.rank(&memory.look_up("gout", None), "diagnosis", &codes);
        prop_assert!(ranked.iter().all(|(_, p)| (0.0..=1.0001).contains(p)));
        prop_assert!(ranked.iter().map(|(_, p)| p).sum::<f32>() <= 1.001);
        prop_assert!(ranked.is_sorted_by(|a, b| a.1 >= b.1));
        for (code, _) in &codes {
            prop_assert!(ranked.iter().any(|(known, _)| known == code));
        }
    }
}

/// Notes in which what others decided tells the truth, against a model that does not know.
fn told(reliable: bool) -> (Vec<Taught>, Vec<Judged>) {
    let (mut taught, mut judged) = (Vec::new(), Vec::new());
    for note in 0..40usize {
        for word in 0..4usize {
            let phrase = format!("word{word}");
            let kept = if reliable { word % 2 == 0 } else { (note * 7 + word * 3) % 5 < 2 };
            let code = CodeRef::icd10cm(if reliable { format!("C{word}") } else { format!("C{}", note % 9) });
            let (field, kind) = (
                "diagnosis".to_owned(),
                if kept { LessonKind::MentionAccepted } else { LessonKind::MentionRejected },
            );
            taught.push(Taught { note, kind, field: field.clone(), phrase: phrase.clone(), code: None });
            if kept {
                taught.push(Taught {
                    note,
                    kind: LessonKind::CodeAccepted,
                    field: field.clone(),
                    phrase: phrase.clone(),
                    code: Some(code.clone()),
                });
            }
            judged.push(Judged {
                note,
                field,
                phrase,
                confidence: if reliable { 0.5 } else { 0.4 },
                kept,
                codes: vec![(CodeRef::icd10cm("X1"), 0.6), (code.clone(), 0.2)],
                code: kept.then_some(code),
            });
        }
    }
    (taught, judged)
}

#[test]
fn a_reliable_memory_earns_weight_and_an_idle_one_loses_it() {
    let start = Weights::default();
    let fitted = |reliable| {
        let (taught, judged) = told(reliable);
        fit(&taught, &judged, &HashMap::new(), start)
    };
    let (good, idle) = (fitted(true), fitted(false));
    assert!(good.mention > 1.2, "{good:?}");
    assert!(good.code_prior < start.code_prior, "{good:?}");
    assert!(idle.mention < good.mention / 2.0, "{idle:?}");
    assert!(idle.code_prior > start.code_prior, "{idle:?}");
    assert!(idle.is_sound() && good.is_sound());
}

#[test]
fn a_note_never_judges_itself() {
    let (mut taught, mut judged) = told(true);
    // One note alone: all that is known of its words is what it taught itself.
    taught.retain(|t| t.note == 0);
    judged.retain(|j| j.note == 0);
    let many: Vec<Judged> = (0..50).flat_map(|_| judged.clone()).collect();
    let start = Weights::default();
    assert_eq!(fit(&taught, &many, &HashMap::new(), start), start);
}
