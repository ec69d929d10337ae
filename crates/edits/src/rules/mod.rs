//! The rules: number, name, level, where each is written down, and what it does.

mod allergies;
mod combinations;
mod contradictions;
mod dates;
mod documentation;
mod doses;
mod excludes;
mod instructions;
mod people;
mod sequence;
mod specificity;
mod validity;
mod vitals;

use overread_domain::Level;

use crate::case::{Case, Found};

/// One rule. Its number never changes and is never used again.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// `C-` for rules on codes, `E-` for rules on the entry's other fields.
    pub number: &'static str,
    pub title: &'static str,
    /// Where nobody set another.
    pub level: Level,
    pub citation: &'static str,
    pub(crate) run: fn(&Case<'_>) -> Vec<Found>,
}

const fn rule(
    number: &'static str,
    level: Level,
    title: &'static str,
    citation: &'static str,
    run: fn(&Case<'_>) -> Vec<Found>,
) -> Rule {
    Rule { number, title, level, citation, run }
}

use Level::{Error, Information, Warning};

/// All rules, by number.
pub const RULES: &[Rule] = &[
    rule(
        "C-101",
        Error,
        "The code is in the release of the date",
        "ICD-10-CM Official Guidelines, I.B.2",
        validity::in_release,
    ),
    rule(
        "C-102",
        Error,
        "The code is complete",
        "ICD-10-CM Official Guidelines, I.B.2 and I.A.4 to I.A.5",
        validity::complete,
    ),
    rule("C-103", Error, "Each code once", "ICD-10-CM Official Guidelines, I.B.12", validity::once),
    rule(
        "C-201",
        Error,
        "Excludes1: never together, unless unrelated",
        "ICD-10-CM Official Guidelines, I.A.12.a",
        excludes::excludes1,
    ),
    rule(
        "C-202",
        Information,
        "Excludes2: not included here, both may stand",
        "ICD-10-CM Official Guidelines, I.A.12.b",
        excludes::excludes2,
    ),
    rule(
        "C-203",
        Warning,
        "Code first: the underlying condition is missing",
        "ICD-10-CM Official Guidelines, I.A.13",
        instructions::code_first_missing,
    ),
    rule(
        "C-204",
        Warning,
        "Code first: the underlying condition stands behind",
        "ICD-10-CM Official Guidelines, I.A.13",
        instructions::code_first_order,
    ),
    rule(
        "C-205",
        Information,
        "Use additional code",
        "ICD-10-CM Official Guidelines, I.A.13 and I.A.17",
        instructions::use_additional,
    ),
    rule("C-206", Information, "Code also", "ICD-10-CM Official Guidelines, I.A.17", instructions::code_also),
    rule(
        "C-301",
        Error,
        "A manifestation is never the principal diagnosis",
        "ICD-10-CM Official Guidelines, I.A.13; MCE edit 6",
        sequence::manifestation,
    ),
    rule(
        "C-302",
        Error,
        "An external cause is never the principal diagnosis",
        "ICD-10-CM Official Guidelines, I.C.20.a.6",
        sequence::external_cause,
    ),
    rule(
        "C-303",
        Error,
        "Unacceptable principal diagnosis",
        "Medicare Code Editor, edit 9",
        sequence::unacceptable,
    ),
    rule(
        "C-304",
        Warning,
        "One principal diagnosis",
        "UHDDS; ICD-10-CM Official Guidelines, section II",
        sequence::one_principal,
    ),
    rule(
        "C-305",
        Information,
        "A symptom stands before a diagnosis",
        "ICD-10-CM Official Guidelines, II.A",
        sequence::symptom_first,
    ),
    rule("C-401", Warning, "Age and code", "Medicare Code Editor, edit 4", people::age),
    rule("C-402", Warning, "Sex and code", "Medicare Code Editor, edit 5", people::sex),
    rule(
        "C-501",
        Warning,
        "The note names a side, the code does not",
        "ICD-10-CM Official Guidelines, I.B.13",
        specificity::side_unsaid,
    ),
    rule(
        "C-502",
        Error,
        "The note names another side than the code",
        "ICD-10-CM Official Guidelines, I.B.13",
        specificity::side_wrong,
    ),
    rule(
        "C-503",
        Warning,
        "Unspecified, though the note says more",
        "ICD-10-CM Official Guidelines, I.B.2 and I.B.18",
        specificity::unspecified,
    ),
    rule(
        "C-601",
        Warning,
        "One code says both",
        "ICD-10-CM Official Guidelines, I.B.9",
        combinations::combination,
    ),
    rule(
        "C-701",
        Error,
        "An uncertain diagnosis in an outpatient's note",
        "ICD-10-CM Official Guidelines, IV.H",
        documentation::uncertain,
    ),
    rule(
        "C-702",
        Error,
        "The note only denies it",
        "ICD-10-CM Official Guidelines, I.A.19",
        documentation::negated,
    ),
    rule(
        "C-703",
        Error,
        "The note only says it of a relative",
        "ICD-10-CM Official Guidelines, I.C.21.c.4",
        documentation::family,
    ),
    rule(
        "C-704",
        Warning,
        "The note only says it of the past",
        "ICD-10-CM Official Guidelines, III.A and IV.J",
        documentation::historical,
    ),
    rule(
        "C-705",
        Warning,
        "No words of the note support the code",
        "ICD-10-CM Official Guidelines, I.A.19 and I.B.14",
        documentation::unsupported,
    ),
    rule(
        "C-801",
        Warning,
        "Present on admission is not said",
        "ICD-10-CM Official Guidelines, appendix I",
        documentation::poa_missing,
    ),
    rule(
        "C-802",
        Warning,
        "Present on admission and the list of exempt codes",
        "ICD-10-CM Official Guidelines, appendix I; CMS list of exempt codes",
        documentation::poa_exempt,
    ),
    rule(
        "C-901",
        Warning,
        "A procedure without a diagnosis",
        "42 CFR 411.15(k); Medicare Claims Processing Manual, chapter 23",
        documentation::procedure_without_diagnosis,
    ),
    rule(
        "C-902",
        Error,
        "Two procedures that are not reported together",
        "NCCI procedure-to-procedure edits",
        validity::procedure_pairs,
    ),
    rule("E-101", Error, "Dates in order", "Overread, entry edits", dates::order),
    rule("E-102", Warning, "A date in the future", "Overread, entry edits", dates::future),
    rule("E-103", Warning, "The service date and the file", "Overread, entry edits", dates::file),
    rule("E-104", Error, "The record number and the file", "Overread, entry edits", people::identity),
    rule("E-201", Warning, "A vital sign out of any range", "Overread, entry edits", vitals::range),
    rule("E-202", Error, "Diastolic below systolic", "Overread, entry edits", vitals::pressure),
    rule(
        "E-203",
        Information,
        "Body mass index, weight and height",
        "Overread, entry edits",
        vitals::body_mass,
    ),
    rule("E-301", Warning, "A dose beyond what is given at once", "Overread, entry edits", doses::too_much),
    rule("E-302", Information, "A dose without a unit", "Overread, entry edits", doses::no_unit),
    rule("E-303", Warning, "A route that the drug does not have", "Overread, entry edits", doses::route),
    rule("E-401", Error, "A drug of an allergy's class", "Overread, entry edits", allergies::given),
    rule("E-402", Error, "No allergies, and one", "Overread, entry edits", allergies::contradicted),
    rule("E-501", Warning, "Both there and denied", "Overread, entry edits", contradictions::denied),
    rule("E-502", Warning, "Tobacco use and its code", "Overread, entry edits", contradictions::tobacco),
    rule("E-503", Warning, "Sex and the note's own words", "Overread, entry edits", contradictions::sex),
];
