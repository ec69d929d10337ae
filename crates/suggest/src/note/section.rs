//! Sections of a dictated note and what they are for.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::heading;

/// What a section is for. The order is that of the fitted heads' features: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SectionKind {
    /// Before any heading.
    None,
    /// A heading that says nothing of use here.
    Other,
    Complaint,
    Present,
    Past,
    Surgical,
    Family,
    Social,
    Medications,
    DischargeMedications,
    Allergies,
    Review,
    Exam,
    Vitals,
    Labs,
    Studies,
    Assessment,
    AdmissionDiagnosis,
    PostopDiagnosis,
    Plan,
    AssessmentPlan,
    Course,
    Procedure,
    ProcedureDetail,
    Indication,
    Disposition,
    FollowUp,
    Instructions,
    Anesthesia,
}

impl SectionKind {
    pub const COUNT: usize = 29;

    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "complaint" => Self::Complaint,
            "present" => Self::Present,
            "past" => Self::Past,
            "surgical" => Self::Surgical,
            "family" => Self::Family,
            "social" => Self::Social,
            "medications" => Self::Medications,
            "discharge_medications" => Self::DischargeMedications,
            "allergies" => Self::Allergies,
            "review" => Self::Review,
            "exam" => Self::Exam,
            "vitals" => Self::Vitals,
            "labs" => Self::Labs,
            "studies" => Self::Studies,
            "assessment" => Self::Assessment,
            "admission_diagnosis" => Self::AdmissionDiagnosis,
            "postop_diagnosis" => Self::PostopDiagnosis,
            "plan" => Self::Plan,
            "assessment_plan" => Self::AssessmentPlan,
            "course" => Self::Course,
            "procedure" => Self::Procedure,
            "procedure_detail" => Self::ProcedureDetail,
            "indication" => Self::Indication,
            "disposition" => Self::Disposition,
            "follow_up" => Self::FollowUp,
            "instructions" => Self::Instructions,
            "anesthesia" => Self::Anesthesia,
            "other" => Self::Other,
            _ => return None,
        })
    }

    /// Whether its entries are conditions concluded in this encounter.
    pub fn concludes(self) -> bool {
        matches!(self, Self::Assessment | Self::AssessmentPlan | Self::PostopDiagnosis)
    }

    /// Whether it lists the past.
    pub fn is_past(self) -> bool {
        matches!(self, Self::Past | Self::Surgical)
    }
}

/// A heading and what stands under it.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub kind: SectionKind,
    /// The heading's words, folded; empty before the first heading.
    pub title: String,
    pub body: Range<usize>,
    /// Whether the lexicon or a keyword knew the heading; what it did not know the transformer may still place.
    pub known: bool,
}

static LEXICON: LazyLock<HashMap<&'static str, SectionKind>> = LazyLock::new(|| {
    include_str!("../../data/sections.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .flat_map(|(kind, headings)| {
            let kind = SectionKind::from_name(kind).expect("sections.tsv names kinds that exist");
            headings.split(';').map(move |heading| (heading.trim(), kind))
        })
        .collect()
});

/// Kinds and their headings, for the transformer to compare unknown headings with.
pub(crate) fn prototypes() -> Vec<(SectionKind, Vec<&'static str>)> {
    let mut by_kind: std::collections::BTreeMap<SectionKind, Vec<&'static str>> =
        std::collections::BTreeMap::new();
    for (&heading, &kind) in LEXICON.iter() {
        if heading.len() > 4 {
            by_kind.entry(kind).or_default().push(heading);
        }
    }
    for headings in by_kind.values_mut() {
        headings.sort_unstable();
    }
    by_kind.into_iter().collect()
}

/// The kind of a folded heading by the lexicon.
pub(super) fn listed(title: &str) -> Option<SectionKind> {
    LEXICON.get(title).copied()
}

/// The kind of a folded heading by the words in it.
pub(super) fn by_keyword(title: &str) -> Option<SectionKind> {
    use SectionKind as K;
    let has = |word: &str| title.contains(word);
    Some(if has("family") && !has("practice") {
        K::Family
    } else if has("allerg") {
        K::Allergies
    } else if has("medication") || has("prescription") {
        if has("discharge") { K::DischargeMedications } else { K::Medications }
    } else if has("diagnos") && !has("diagnostic") {
        if has("preop") || has("pre-op") || has("admi") || has("preproc") {
            K::AdmissionDiagnosis
        } else if has("postop") || has("post-op") || has("postproc") {
            K::PostopDiagnosis
        } else if has("past") || has("prior") {
            K::Past
        } else {
            K::Assessment
        }
    } else if has("assessment") || has("impression") {
        if has("plan") || has("recommend") { K::AssessmentPlan } else { K::Assessment }
    } else if has("surgical history") || has("past surg") {
        K::Surgical
    } else if has("past") && has("history") || has("medical history") {
        K::Past
    } else if has("social") || has("habits") {
        K::Social
    } else if has("review of") {
        K::Review
    } else if has("vital") {
        K::Vitals
    } else if has("laborator") || has("labs") {
        K::Labs
    } else if has("present illness") {
        K::Present
    } else if has("course") {
        K::Course
    } else if has("follow") {
        K::FollowUp
    } else if has("indication") {
        K::Indication
    } else if has("examination") || has("physical") {
        K::Exam
    } else if (has("description") || has("detail") || has("technique"))
        && (has("procedure") || has("operati"))
    {
        K::ProcedureDetail
    } else if has("procedure") || has("operation") {
        K::Procedure
    } else if has("complaint") || has("reason for") {
        K::Complaint
    } else if has("plan") || has("recommend") {
        K::Plan
    } else if has("disposition") {
        K::Disposition
    } else {
        return None;
    })
}

/// Sections of `text`, without gaps: headings and bodies cover it.
pub(super) fn split(text: &str) -> Vec<Section> {
    let headings = heading::find(text);
    let mut sections: Vec<Section> = Vec::with_capacity(headings.len() + 1);
    let first = headings.first().map_or(text.len(), |h| h.range.start);
    sections.push(Section { kind: SectionKind::None, title: String::new(), body: 0..first, known: true });
    for (i, found) in headings.iter().enumerate() {
        let end = headings.get(i + 1).map_or(text.len(), |h| h.range.start);
        let before = sections.last().map_or(SectionKind::None, |s| s.kind);
        let (kind, known) = match found.kind {
            // Body systems stand under the review of systems as well as under the examination.
            Some(SectionKind::Exam)
                if before == SectionKind::Review
                    && !found.title.contains("exam")
                    && found.title != "objective" =>
            {
                (SectionKind::Review, true)
            }
            Some(SectionKind::Review) if before == SectionKind::Exam && !found.title.contains("review") => {
                (SectionKind::Exam, true)
            }
            Some(kind) => (kind, true),
            None => (SectionKind::Other, false),
        };
        sections.push(Section { kind, title: found.title.clone(), body: found.range.end..end, known });
    }
    sections
}
