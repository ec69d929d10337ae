//! What a file is, by its content.

use super::File;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    DiagnosisTabular,
    DiagnosisList,
    DiagnosisIndex,
    ProcedureTables,
    ProcedureOrder,
    ProcedureIndex,
    ProcedureDefinitions,
    Icd11,
    Cpt,
    Hcpcs,
    Mce,
    PoaExempt,
    Ccsr,
    Hcc,
    Gem,
    NcciPairs,
    NcciUnits,
    PlainCsv,
}

impl Kind {
    pub fn label(self) -> &'static str {
        match self {
            Self::DiagnosisTabular => "tabular list of ICD-10-CM",
            Self::DiagnosisList => "list of codes of ICD-10-CM",
            Self::DiagnosisIndex => "index or table of ICD-10-CM",
            Self::ProcedureTables => "tables of ICD-10-PCS",
            Self::ProcedureOrder => "order file of ICD-10-PCS",
            Self::ProcedureIndex => "index of ICD-10-PCS",
            Self::ProcedureDefinitions => "definitions of ICD-10-PCS",
            Self::Icd11 => "ICD-11 MMS",
            Self::Cpt => "CPT",
            Self::Hcpcs => "HCPCS Level II",
            Self::Mce => "Medicare Code Editor lists",
            Self::PoaExempt => "codes exempt from the present-on-admission indicator",
            Self::Ccsr => "CCSR categories",
            Self::Hcc => "CMS-HCC categories",
            Self::Gem => "general equivalence mappings",
            Self::NcciPairs => "NCCI procedure-to-procedure edits",
            Self::NcciUnits => "NCCI medically unlikely edits",
            Self::PlainCsv => "plain code list",
        }
    }
}

/// Text that may be in the Windows character set: only its ASCII part matters here.
fn head(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    String::from_utf8_lossy(&bytes[..bytes.len().min(8192)]).into_owned()
}

pub(super) fn of(file: &File, plain: bool) -> Option<Kind> {
    let head = head(&file.bytes);
    if head.trim_start().starts_with("<?xml") || head.trim_start().starts_with("<ICD10") {
        return if head.contains("<ICD10CM.tabular") {
            Some(Kind::DiagnosisTabular)
        } else if head.contains("<ICD10CM.index") {
            Some(Kind::DiagnosisIndex)
        } else if head.contains("<ICD10PCS.tabular") {
            Some(Kind::ProcedureTables)
        } else if head.contains("<ICD10PCS.index") {
            Some(Kind::ProcedureIndex)
        } else if head.contains("<ICD10PCS.definitions") {
            Some(Kind::ProcedureDefinitions)
        } else {
            None
        };
    }
    if head.contains('\0') {
        return None;
    }
    let first = head.lines().find(|line| !line.trim().is_empty())?;
    let lower = first.to_lowercase();
    if lower.starts_with("mce_version\t") {
        return Some(Kind::Mce);
    }
    if lower.contains("classkind") && lower.contains("blockid") && lower.contains("chapterno") {
        return Some(Kind::Icd11);
    }
    if lower.contains("cpt code") && lower.contains('\t') && !lower.contains("mue") {
        return Some(Kind::Cpt);
    }
    if lower.contains("ccsr category") && lower.contains("icd-10-cm code") {
        return Some(Kind::Ccsr);
    }
    if lower.contains("poaexempt")
        || lower.contains("order") && lower.contains("code") && lower.contains('\t')
    {
        return Some(Kind::PoaExempt);
    }
    if lower.contains("diagnosis_code") && lower.contains("cc") && lower.contains("model") {
        return Some(Kind::Hcc);
    }
    if lower.contains("mue values") || lower.contains("mue value") {
        return Some(Kind::NcciUnits);
    }
    if lower.contains("column 1") && lower.contains("column 2") {
        return Some(Kind::NcciPairs);
    }
    if plain && lower.contains("code") && lower.contains("title") {
        return Some(Kind::PlainCsv);
    }
    let lines: Vec<&str> = head.lines().filter(|line| !line.trim().is_empty()).take(40).collect();
    // The last line of a cut head may be cut itself.
    let whole = &lines[..lines.len().saturating_sub(usize::from(lines.len() > 1))];
    let all = |fits: fn(&str) -> bool| !whole.is_empty() && whole.iter().all(|line| fits(line));
    if all(is_order) {
        let procedures = whole
            .iter()
            .any(|line| line.get(6..13).is_some_and(|c| c.trim().starts_with(|c: char| c.is_ascii_digit())));
        return Some(if procedures { Kind::ProcedureOrder } else { Kind::DiagnosisList });
    }
    if all(is_gem) {
        return Some(Kind::Gem);
    }
    if whole.iter().any(|line| is_hcpcs(line)) && whole.iter().any(|line| line.len() >= 200) {
        return Some(Kind::Hcpcs);
    }
    if all(is_listed) {
        return Some(Kind::DiagnosisList);
    }
    None
}

/// `00001 A00     0 Cholera ...`
pub(super) fn is_order(line: &str) -> bool {
    let b = line.as_bytes();
    b.len() > 16
        && b[..5].iter().all(u8::is_ascii_digit)
        && b[5] == b' '
        && b[6].is_ascii_alphanumeric()
        && (b[14] == b'0' || b[14] == b'1')
        && b[15] == b' '
}

fn is_gem(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let code = |word: Option<&str>| {
        word.is_some_and(|w| (3..=7).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    code(words.next())
        && code(words.next())
        && words.next().is_some_and(|w| w.len() == 5 && w.bytes().all(|b| b.is_ascii_digit()))
        && words.next().is_none()
}

fn is_hcpcs(line: &str) -> bool {
    let b = line.as_bytes();
    b.len() > 90
        // Modifiers come first, two characters after three blanks.
        && (b[..5].iter().all(u8::is_ascii_alphanumeric) && b[0].is_ascii_uppercase() || b[..3] == *b"   ")
        && b[5..11].iter().all(u8::is_ascii_digit)
        && matches!(b[10], b'3' | b'4' | b'7' | b'8')
}

fn is_listed(line: &str) -> bool {
    let Some(word) = line.split_ascii_whitespace().next() else { return false };
    let plain: String = word.chars().filter(|c| *c != '.').collect();
    crate::source::is_code(&plain)
        || word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit())
        || word.len() == 7 && word.as_bytes()[3] == b'-'
}
