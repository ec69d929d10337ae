//! The verdict for people.

use std::fmt::Write as _;

use super::{Verdict, code_changes};

/// Rows of a table that a person still looks through.
const MOST: usize = 200;

impl Verdict {
    /// A report in Markdown: the checks, then gains and losses field by field and code by code, losses first.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        let title = if self.promoted { "Promoted" } else { "Refused" };
        let _ = writeln!(out, "# {title}: {}\n\nAgainst {}.\n", self.candidate, self.current);
        let _ = writeln!(out, "| check | | found |\n|---|---|---|");
        for check in &self.checks {
            let mark = if check.passed { "passed" } else { "**failed**" };
            let _ = writeln!(out, "| {} | {mark} | {} |", check.name, check.found);
        }
        if let Some(on) = &self.corrections {
            let _ = writeln!(
                out,
                "\n## Held-out corrections\n\n{} decisions, {} by people who did not see the suggestion. Right: {:.1} % \
                 before, {:.1} % now ({:+.1} points{}); {} gained, {} lost.",
                on.decisions,
                on.blind,
                100.0 * on.current,
                100.0 * on.candidate,
                100.0 * on.difference,
                on.interval.map_or_else(String::new, |i| format!(
                    ", 95 % {:+.1} to {:+.1}",
                    100.0 * i.low,
                    100.0 * i.high
                )),
                on.gained,
                on.lost
            );
            for (title, rows) in [("field", &on.fields), ("code", &on.codes)] {
                let mut changed: Vec<_> =
                    rows.iter().filter(|(_, n)| title == "field" || n[1] != n[2]).collect();
                changed.sort_by_key(|(name, n)| (n[2] as i64 - n[1] as i64, (*name).clone()));
                if changed.is_empty() {
                    continue;
                }
                let _ = writeln!(out, "\n| {title} | decisions | right before | right now | change |");
                let _ = writeln!(out, "|---|---:|---:|---:|---:|");
                for (name, n) in changed.into_iter().take(MOST) {
                    let change = n[2] as i64 - n[1] as i64;
                    let _ = writeln!(out, "| {name} | {} | {} | {} | {change:+} |", n[0], n[1], n[2]);
                }
            }
        }
        for set in &self.sets {
            let _ = writeln!(out, "\n## {} ({} notes)\n", set.name, set.comparison.notes);
            let _ =
                writeln!(out, "| figure | before | now | change | 95 % | n |\n|---|---:|---:|---:|---|---:|");
            for f in &set.comparison.figures {
                let between = f
                    .difference
                    .interval
                    .map_or_else(String::new, |i| format!("{:+.3} to {:+.3}", i.low, i.high));
                let _ = writeln!(
                    out,
                    "| {} | {:.4} | {:.4} | {:+.4} | {between} | {} |",
                    f.name, f.before, f.after, f.difference.value, f.difference.n
                );
            }
        }
        let mut codes: Vec<_> = code_changes(self).collect();
        if !codes.is_empty() {
            codes.sort_by_key(|(set, code)| (code.gain(), *set, code.code.clone()));
            let _ = writeln!(out, "\n## Final codes, losses first\n");
            let _ = writeln!(out, "| set | code | notes | found before, now | extra before, now | gain |");
            let _ = writeln!(out, "|---|---|---:|---:|---:|---:|");
            for (set, c) in codes.into_iter().take(MOST) {
                let _ = writeln!(
                    out,
                    "| {set} | {} | {} | {}, {} | {}, {} | {:+} |",
                    c.code,
                    c.reference,
                    c.found_before,
                    c.found_after,
                    c.extra_before,
                    c.extra_after,
                    c.gain()
                );
            }
        }
        out
    }
}
