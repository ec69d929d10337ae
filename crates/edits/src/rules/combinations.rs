//! Two codes that one code says together.

use overread_domain::{Action, RejectReason};

use crate::case::{Case, Coded, Found};

struct Combination {
    /// Beginnings of the two codes.
    first: &'static [&'static str],
    second: &'static [&'static str],
    /// What the first becomes.
    instead: &'static str,
    /// Whether the second goes, because the new code says it too.
    takes_second: bool,
    citation: &'static str,
}

const COMBINATIONS: &[Combination] = &[
    Combination {
        first: &["I10"],
        second: &["I50"],
        instead: "I11.0",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.C.9.a.1",
    },
    Combination {
        first: &["I10"],
        second: &["I51.4", "I51.5", "I51.7", "I51.89", "I51.9"],
        instead: "I11.9",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.C.9.a.1",
    },
    Combination {
        first: &["I10"],
        second: &["N18.1", "N18.2", "N18.3", "N18.4", "N18.9"],
        instead: "I12.9",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.C.9.a.2",
    },
    Combination {
        first: &["I10"],
        second: &["N18.5", "N18.6"],
        instead: "I12.0",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.C.9.a.2",
    },
    Combination {
        first: &["I11.0"],
        second: &["N18.1", "N18.2", "N18.3", "N18.4", "N18.9"],
        instead: "I13.0",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.C.9.a.3",
    },
    Combination {
        first: &["I11.0"],
        second: &["N18.5", "N18.6"],
        instead: "I13.2",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.C.9.a.3",
    },
    Combination {
        first: &["I12.9"],
        second: &["I50"],
        instead: "I13.0",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.C.9.a.3",
    },
    Combination {
        first: &["I25.10"],
        second: &["I20.9"],
        instead: "I25.119",
        takes_second: true,
        citation: "ICD-10-CM Official Guidelines, I.C.9.b",
    },
    Combination {
        first: &["I25.10"],
        second: &["I20.0"],
        instead: "I25.110",
        takes_second: true,
        citation: "ICD-10-CM Official Guidelines, I.C.9.b",
    },
    Combination {
        first: &["E11.9"],
        second: &["N18"],
        instead: "E11.22",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.A.15 (\"with\") and I.C.4.a",
    },
    Combination {
        first: &["E10.9"],
        second: &["N18"],
        instead: "E10.22",
        takes_second: false,
        citation: "ICD-10-CM Official Guidelines, I.A.15 (\"with\") and I.C.4.a",
    },
    Combination {
        first: &["E11.9"],
        second: &["G62.9", "G63"],
        instead: "E11.42",
        takes_second: true,
        citation: "ICD-10-CM Official Guidelines, I.A.15 (\"with\") and I.C.4.a",
    },
    Combination {
        first: &["J44.9"],
        second: &["J20"],
        instead: "J44.0",
        takes_second: false,
        citation: "ICD-10-CM tabular list, J44.0",
    },
    Combination {
        first: &["K80.20"],
        second: &["K81.0"],
        instead: "K80.00",
        takes_second: true,
        citation: "ICD-10-CM Official Guidelines, I.B.9",
    },
];

pub(super) fn combination(case: &Case<'_>) -> Vec<Found> {
    let begins = |row: &Coded<'_>, codes: &[&str]| codes.iter().any(|code| row.code.code.starts_with(code));
    let mut out = Vec::new();
    for known in COMBINATIONS {
        let Some(first) = case.finals.iter().find(|row| begins(row, known.first)) else { continue };
        let Some(second) = case.finals.iter().find(|row| begins(row, known.second)) else { continue };
        let Some(better) = case.release.and_then(|r| r.get(known.instead)).filter(|e| e.billable()) else {
            continue;
        };
        let message = format!(
            "{} with {}: {} {} says that they belong together",
            first.code.code,
            second.code.code,
            better.code(),
            better.title()
        );
        let (mut label, mut actions) = Case::recoded(first.item, better);
        if known.takes_second {
            label = format!("{label} and take {} off the list", second.code.code);
            actions.push(Action::Reject {
                item: second.item.id.clone(),
                reason: RejectReason::Guideline,
                comment: None,
            });
        }
        out.push(Found::on(&[first.item, second.item], message).cited(known.citation).fix(label, actions));
    }
    out
}
