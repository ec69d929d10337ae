//! What tells a code that is reported from one that is only mentioned.

use overread_domain::suggestion::Assertion;

use super::{Asked, Draft, Prior, SECOND, Source};
use crate::linear::Row;
use crate::note::SectionKind;

/// Widths of a row's features, with room for more.
pub(crate) const SPARSE: usize = 480;
pub(crate) const DENSE: usize = 20;

/// What holds for all codes of a note.
#[expect(clippy::struct_excessive_bools, reason = "each is a feature of its own, in any combination")]
pub(super) struct Setting {
    /// A definitive diagnosis, and of which chapters (first letters).
    definitive: bool,
    letters: [bool; 26],
    concluded: bool,
    count: usize,
    /// Without any heading: a case report, not a note.
    plain: bool,
    /// Stays in hospital may report uncertain diagnoses (II.H), visits may not (IV.H).
    stay: bool,
    /// Best product of mention and link a code of three characters.
    categories: std::collections::HashMap<String, f32>,
    length: usize,
}

impl Setting {
    pub fn of(asked: &Asked<'_, '_>, drafts: &[Draft]) -> Self {
        let mut letters = [false; 26];
        let mut categories = std::collections::HashMap::new();
        for d in drafts {
            let sure = d.source == Source::Diagnosis
                && d.assertion == Assertion::Present
                && d.mention * d.link >= 0.15
                && !d.code.starts_with(['R', 'Z']);
            if sure {
                letters[letter(&d.code)] = true;
            }
            if let Some(category) = d.code.get(..3) {
                let best = categories.entry(category.to_owned()).or_insert(0.0f32);
                *best = best.max(d.mention * d.link);
            }
        }
        let definitive = drafts.iter().any(|d| {
            d.source == Source::Diagnosis
                && d.assertion == Assertion::Present
                && !d.code.starts_with(['R', 'Z'])
        });
        let sections = &asked.doc.sections;
        let stay = sections.iter().any(|s| {
            matches!(s.kind, SectionKind::Course | SectionKind::DischargeMedications)
                || s.title.contains("discharge diagnos")
        });
        let count = drafts
            .iter()
            .filter(|d| d.rank == 0 && d.source != Source::Text || d.link >= SECOND && d.rank == 1);
        Self {
            definitive,
            letters,
            concluded: sections.iter().any(|s| s.kind.concludes()),
            count: count.count(),
            plain: sections.len() <= 1,
            stay,
            categories,
            length: asked.doc.words.len(),
        }
    }
}

fn letter(code: &str) -> usize {
    usize::from(code.as_bytes().first().copied().unwrap_or(b'A').wrapping_sub(b'A')).min(25)
}

/// Chapters (first letters) of diseases of which a symptom is a common part (I.B.5).
fn explains(symptom: &str) -> &'static [u8] {
    match symptom.get(..2) {
        Some("R0") => b"IJ",
        Some("R1") => b"K",
        Some("R2") => b"LMG",
        Some("R3") => b"N",
        Some("R4") => b"FG",
        Some("R5") => b"ABCGIJKMN",
        Some("R6") => b"ABCEIN",
        Some("R7") => b"DE",
        _ => b"",
    }
}

/// Features of a code with all the drafts that ask for it, the strongest first.
pub(super) fn row(group: &[&Draft], note: &Setting, asked: &Asked<'_, '_>, prior: &Prior) -> Row {
    let d = group[0];
    let mut active = Vec::new();
    let mut base = 0usize;
    let mut one_of = |index: usize, width: usize| {
        if index < width {
            active.push((base + index) as u32);
        }
        base += width;
    };
    // The features of the first release, in their places.
    let old = (d.source as usize).min(6);
    let assertion = d.assertion as usize;
    let first = letter(&d.code);
    one_of(old, 7);
    one_of(assertion, 6);
    one_of(d.section as usize, SectionKind::COUNT);
    one_of(first, 26);
    one_of(old * 6 + assertion, 42);
    let symptom = usize::from(first == 17);
    let concludes = usize::from(d.section.concludes());
    one_of(symptom * 4 + usize::from(note.definitive) * 2 + concludes, 8);
    one_of(usize::from(note.concluded) * 2 + concludes, 4);
    one_of((note.count / 5).min(5), 6);
    one_of(usize::from(!d.code.starts_with("Z98.890")), 1);
    // Added later.
    let plain = usize::from(note.plain);
    one_of(plain, 2);
    one_of(plain * 8 + d.source as usize, 16);
    one_of(plain * 26 + first, 52);
    one_of(plain * 6 + assertion, 12);
    one_of(plain * 6 + d.rank.min(5), 12);
    let sources = group.iter().fold(0usize, |all, d| all | 1 << (d.source as usize));
    for source in 0..8 {
        one_of(usize::from(sources >> source & 1 == 0), 1);
    }
    let places: std::collections::HashSet<usize> =
        group.iter().flat_map(|d| &d.evidence).map(|e| e.start).collect();
    one_of(plain * 5 + places.len().min(5) - usize::from(!places.is_empty()), 10);
    let integral = symptom == 1 && explains(&d.code).iter().any(|l| note.letters[usize::from(l - b'A')]);
    one_of(symptom * 2 + usize::from(integral), 4);
    let uncertain = usize::from(d.assertion == Assertion::Possible);
    one_of(uncertain * 4 + usize::from(note.stay) * 2 + usize::from(note.definitive), 8);
    let own = d.mention * d.link;
    let rival = d.code.get(..3).and_then(|c| note.categories.get(c)).copied().unwrap_or(own);
    one_of(usize::from(rival > own + 0.02), 2);
    let of = |code: &str| prior.of(code, asked.own, note.plain);
    let [notes, cases] = of(&d.code);
    let steps = |n: f32| ((n + 1.0).log2() as usize).min(5);
    one_of(plain * 6 + steps(notes), 12);
    one_of(plain * 6 + steps(cases), 12);
    one_of(steps(prior.category(&d.code, asked.own)), 6);
    one_of(usize::from(d.code.ends_with('9') || d.code.ends_with("90")), 2);
    one_of(usize::from(d.source == Source::Text) * 26 + first, 52);
    one_of((note.length / 150).min(7), 8);
    let kind = match first {
        21.. if first <= 24 => 1,
        25 => 2,
        17 => 3,
        18 | 19 => 4,
        _ => 0,
    };
    one_of(kind * 8 + d.source as usize, 40);
    debug_assert!(base <= SPARSE, "{base} features");
    let none: f32 = group.iter().map(|d| 1.0 - (d.mention * d.link).min(0.999)).product();
    let most = group.iter().map(|d| d.mention).fold(0.0, f32::max);
    let odds = |p: f32| (p.clamp(0.002, 0.998) / (1.0 - p.clamp(0.002, 0.998))).ln() / 4.0;
    let mut dense = vec![d.mention * 2.0, d.link * 2.0, own * 4.0, d.link.max(0.01).ln() * 0.5];
    let here = [odds(d.mention), odds(d.link), odds(1.0 - none), most, (rival - own) * 2.0];
    let zeros = [0.0; 5];
    let (headed, bare) = if note.plain { (zeros, here) } else { (here, zeros) };
    dense.extend(headed);
    dense.extend(bare);
    let lists = |n: u32| n.max(1) as f32;
    let rate = |n: f32, of: u32| ((n + 0.3) / (lists(of) + 0.6)).ln() / 4.0;
    if prior.is_empty() {
        dense.extend([0.0; 6]);
    } else {
        let (a, b) = (rate(notes, prior.lists[0]), rate(cases, prior.lists[1]));
        let bare = note.plain;
        dense.extend([
            a,
            b,
            if bare { a } else { 0.0 },
            if bare { b } else { 0.0 },
            if bare { (1.0 - none) * b } else { 0.0 },
            (1.0 - none) * a,
        ]);
    }
    debug_assert_eq!(dense.len(), DENSE);
    Row { active, dense }
}
