//! Chief complaint, disposition and follow-up: one phrase each.

use std::ops::Range;

use super::{Found, pattern};
use crate::concept::Concept;
use crate::note::{Doc, SectionKind};

pattern! {
    FOR = r"(?i)\b(?:(?:presents?|presented|presenting|comes? in|came in|came|returns?|returned|seen|brought|here|admitted|referred|evaluated|arrives|in)\b[^.\n;]{0,90}?\b(?:for|with|because of|due to|secondary to|complaining of|complaints? of|in regards? to|regarding|after)|complain(?:s|ing|ed) of|chief complaint (?:is|of)|with (?:a )?complaints? of|with the complaint of)[ \t]+((?:a|an|the|her|his|some|evaluation of|evaluation for)?[ \t]*[^.;\n]{3,140})";
    DISPOSITION = r"(?i)\b((?:will be |was |is |being |be |patient )?(?:discharged?|dismissed|d/c'?d?)(?:[ \t]+(?:to|home|back|in|from|with|on|against|per|under|her|him|the|stable|condition|good|emergency|department|rehab\w*|skilled|nursing|facility|family|care|hospital|service|parents|clinic|our|practice)\b){1,6}|(?:will be |was |is |to be |be )(?:admitted|hospitalized|transferred|transported|discharged)(?:[ \t]+(?:to|the|back|medicine|medical|surgery|trauma|floor|service|hospital|icu|intensive|care|unit|another|facility|for|observation|telemetry|from|emergency|department|room|ccu|under|home)\b){0,7}|transfer(?:red)? to [A-Za-z ]{3,30}|(?:sent?|send|go|going|taking|ready to go|returned?) (?:her |him |the patient )?(?:to )?home|admit (?:the patient|her|him|to)[a-z ]{0,25}|admitted to the [a-z ]{3,30}|expired|left against medical advice|cleared for work|return(?:ed)? to work)";
    FOLLOW = r"(?i)\b((?:follow(?:ed|ing|s)?[ -]?(?:up)?(?: appointment)?|followup|recheck|return(?: visit)?|see(?:n)?|come back|be seen|re-?evaluat\w+|check)\b[^.;\n]{0,70}?\b(?:in|within|at|after|every|as)\b[ \t]+(?:about |approximately |the next |a |next |\d|one|two|three|four|five|six|eight|ten|twelve|several|needed|scheduled|outpatient|few|his|her|my|our|this)[^.;,\n]{0,45}|follow(?:[ -]?up|ed)? (?:with|by|here|at|in)\b(?:[^.;\n]|\bDr\. |\.[a-z]){2,80}|(?:referral|refer\w*) to [^.;,\n]{3,50}|(?:follow-?up|followup)[ ,:]+[^.;\n]{3,70})";
    LEAD = r"(?i)^(?:(?:this|the|is|was|a|an|patient|she|he|complains? of|complaining of|presents? (?:with|for)|here for|in for|who|has|with|for|being|seen|evaluation of)\b[ \t]*)+";
    WRAP = r"(?i)[ \t]+(?:which|that|who|and (?:he|she|has|was|is)|since|starting|for the (?:last|past)|over the|today|at that time|times|x\d|by|where|when|on (?:Month|\d)|in the (?:office|clinic|emergency))\b";
}

pub(crate) fn find(doc: &Doc<'_>) -> Vec<Found> {
    [complaint(doc), disposition(doc), follow_up(doc)].into_iter().flatten().collect()
}

fn cut(doc: &Doc<'_>, span: Range<usize>, most: usize) -> Range<usize> {
    let text = doc.str(&span);
    let mut end = WRAP.find(text).map_or(text.len(), |m| m.start());
    if end > most {
        end = text
            .char_indices()
            .take_while(|(at, _)| *at <= most)
            .filter(|(_, c)| c.is_whitespace())
            .map(|(at, _)| at)
            .last()
            .unwrap_or(0);
        if end == 0 {
            end = text.char_indices().map(|(at, _)| at).find(|at| *at >= most).unwrap_or(text.len());
        }
    }
    let trimmed =
        text[..end].trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '"'));
    span.start..span.start + trimmed.len().max(text.chars().next().map_or(0, char::len_utf8))
}

fn complaint(doc: &Doc<'_>) -> Option<Found> {
    for segment in &doc.segments {
        let section = doc.section(segment);
        if section.kind == SectionKind::Complaint && segment.first {
            let text = doc.str(&segment.range);
            let lead = LEAD.find(text).map_or(0, |m| m.end());
            let lead = if text.len() - lead < 3 { 0 } else { lead };
            // A whole sentence tells its reason after a verb.
            let start = segment.range.start
                + FOR
                    .captures(text)
                    .and_then(|c| c.get(1))
                    .map_or(lead, |m| if text.len() > 60 { m.start() } else { lead });
            if let Some(first) = doc.str(&(start..segment.range.end)).chars().position(char::is_alphanumeric)
            {
                let skip: usize =
                    doc.str(&(start..segment.range.end)).chars().take(first).map(char::len_utf8).sum();
                return Some(Found::new(
                    Concept::ChiefComplaint,
                    cut(doc, start + skip..segment.range.end, 110),
                    "section",
                ));
            }
        }
    }
    let kinds = [
        SectionKind::Present,
        SectionKind::None,
        SectionKind::Indication,
        SectionKind::Course,
        SectionKind::Other,
    ];
    for segment in doc.segments.iter().take(60) {
        if !kinds.contains(&doc.section(segment).kind) {
            continue;
        }
        if let Some(hit) = FOR.captures(doc.str(&segment.range)).and_then(|c| c.get(1)) {
            let base = segment.range.start;
            let span = cut(doc, base + hit.start()..base + hit.end(), 110);
            if span.len() > 2 && !introduces(doc.str(&span)) {
                return Some(Found::new(Concept::ChiefComplaint, span, "for"));
            }
        }
    }
    let first = doc
        .segments
        .iter()
        .find(|s| doc.section(s).kind == SectionKind::Indication && !introduces(doc.str(&s.range)))?;
    Some(Found::new(Concept::ChiefComplaint, cut(doc, first.range.clone(), 90), "indication"))
}

/// Whether `at` lies in a sentence and not in a heading.
fn in_body(doc: &Doc<'_>, at: usize) -> bool {
    doc.segment_at(at).is_some_and(|s| s.range.start <= at)
}

/// Whether the words introduce the patient instead of telling the reason.
fn introduces(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains("-year-old")
        || lower.contains("year old")
        || ["the patient", "patient", "him", "her", "this"].contains(&lower.trim())
}

fn disposition(doc: &Doc<'_>) -> Option<Found> {
    let late = |at: usize| at * 3 > doc.text.len();
    let mut best: Option<(u8, Found)> = None;
    for hit in DISPOSITION.find_iter(doc.text).filter(|hit| in_body(doc, hit.start())) {
        let kind = doc.kind_at(hit.start());
        let rank = match kind {
            SectionKind::Disposition => 5,
            SectionKind::Plan
            | SectionKind::AssessmentPlan
            | SectionKind::Instructions
            | SectionKind::FollowUp => 4,
            SectionKind::Course | SectionKind::DischargeMedications => 3,
            SectionKind::None | SectionKind::Other | SectionKind::Assessment if late(hit.start()) => 2,
            SectionKind::ProcedureDetail if hit.start() * 10 > doc.text.len() * 8 => 1,
            _ => continue,
        };
        // The last such sentence counts within equal sections.
        if best.as_ref().is_none_or(|(r, _)| rank >= *r) {
            let rule = if rank >= 4 { "section" } else { "text" };
            best = Some((rank, Found::new(Concept::Disposition, cut(doc, hit.range(), 80), rule)));
        }
    }
    best.map(|b| b.1)
}

fn follow_up(doc: &Doc<'_>) -> Option<Found> {
    let mut best: Option<(u8, Found)> = None;
    for hit in FOLLOW.find_iter(doc.text).filter(|hit| in_body(doc, hit.start())) {
        let kind = doc.kind_at(hit.start());
        let rank = match kind {
            SectionKind::FollowUp | SectionKind::Plan => 5,
            SectionKind::AssessmentPlan | SectionKind::Disposition | SectionKind::Instructions => 4,
            SectionKind::Course | SectionKind::DischargeMedications | SectionKind::Assessment => 3,
            SectionKind::None | SectionKind::Other if hit.start() * 2 > doc.text.len() => 2,
            SectionKind::ProcedureDetail if hit.start() * 10 > doc.text.len() * 8 => 1,
            _ => continue,
        };
        let follow = hit.as_str().to_lowercase();
        let rank = rank * 2
            + u8::from(
                follow.starts_with("follow")
                    || follow.contains("back")
                    || follow.contains("again")
                    || follow.contains("return"),
            );
        if best.as_ref().is_none_or(|(r, _)| rank > *r) {
            let rule = if rank >= 8 { "section" } else { "text" };
            best = Some((rank, Found::new(Concept::FollowUp, cut(doc, hit.range(), 90), rule)));
        }
    }
    best.map(|b| b.1).or_else(|| {
        let first = doc.segments.iter().find(|s| doc.section(s).kind == SectionKind::FollowUp)?;
        Some(Found::new(Concept::FollowUp, cut(doc, first.range.clone(), 90), "heading"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(text: &str, concept: Concept) -> Option<String> {
        let doc = Doc::new(text, 2000);
        let found = find(&doc).into_iter().find(|f| f.concept == concept)?;
        Some(doc.str(&found.span).to_owned())
    }

    #[test]
    fn the_complaint_stands_under_its_heading_or_after_for() {
        assert_eq!(
            quote("CHIEF COMPLAINT: Chest pain.", Concept::ChiefComplaint).as_deref(),
            Some("Chest pain")
        );
        assert_eq!(
            quote("HPI: The patient presents with a swollen knee.", Concept::ChiefComplaint).as_deref(),
            Some("a swollen knee")
        );
    }

    #[test]
    fn outcome_phrases_stand_in_the_plan() {
        let text = "PLAN: He was discharged home in good condition. Follow up with me in two weeks.";
        assert_eq!(
            quote(text, Concept::Disposition).as_deref(),
            Some("was discharged home in good condition")
        );
        assert_eq!(quote(text, Concept::FollowUp).as_deref(), Some("Follow up with me in two weeks"));
    }
}
