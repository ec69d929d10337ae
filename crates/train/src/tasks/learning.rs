//! Learning curves: what corrections are worth.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::eval::Figure;

/// Numbers of corrections after which a curve is measured.
pub const POINTS: [usize; 5] = [0, 25, 50, 100, 300];

/// Which parts of the model learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The correction memory alone.
    Memory,
    /// The memory and the heads, on the frozen encoder.
    MemoryAndHeads,
    /// Everything.
    All,
}

impl Arm {
    pub const ALL: [Self; 3] = [Self::Memory, Self::MemoryAndHeads, Self::All];

    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::MemoryAndHeads => "memory, heads",
            Self::All => "all",
        }
    }
}

/// Figures by name at one point.
pub type Scores = BTreeMap<String, Figure>;

/// What each arm came to after so many corrections.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    pub points: Vec<(Arm, usize, Scores)>,
}

/// Measures every arm at every point. Without corrections all arms are one model: it is asked once.
pub fn curve<E>(
    arms: &[Arm],
    points: &[usize],
    mut scores: impl FnMut(Arm, usize) -> Result<Scores, E>,
) -> Result<Curve, E> {
    let mut start: Option<Scores> = None;
    let mut out = Vec::new();
    for &arm in arms {
        for &corrections in points {
            let found = match &start {
                Some(start) if corrections == 0 => start.clone(),
                _ => scores(arm, corrections)?,
            };
            if corrections == 0 {
                start = Some(found.clone());
            }
            out.push((arm, corrections, found));
        }
    }
    Ok(Curve { points: out })
}

impl Curve {
    /// Change of a figure since the start.
    pub fn gain(&self, arm: Arm, corrections: usize, figure: &str) -> Option<f64> {
        let at = |n: usize| {
            let point = self.points.iter().find(|(a, c, _)| (*a, *c) == (arm, n))?;
            point.2.get(figure).map(|figure| figure.value)
        };
        Some(at(corrections)? - at(0)?)
    }

    /// A table a figure: arms down, corrections across, each with its change since the start.
    pub fn to_text(&self) -> String {
        let mut names: Vec<&String> = self.points.iter().flat_map(|(_, _, scores)| scores.keys()).collect();
        names.sort();
        names.dedup();
        let mut corrections: Vec<usize> = self.points.iter().map(|(_, n, _)| *n).collect();
        corrections.sort_unstable();
        corrections.dedup();
        let mut arms: Vec<Arm> = self.points.iter().map(|(arm, _, _)| *arm).collect();
        arms.sort_unstable();
        arms.dedup();
        let mut out = String::new();
        for name in names {
            let _ = write!(out, "{name:34}");
            for n in &corrections {
                let _ = write!(out, "{n:>18}");
            }
            out.push('\n');
            for arm in &arms {
                let _ = write!(out, "  {:32}", arm.name());
                for n in &corrections {
                    let found = self.points.iter().find(|(a, c, _)| a == arm && c == n);
                    let cell = found.and_then(|(_, _, scores)| scores.get(name)).map(|figure| {
                        let gain = self.gain(*arm, *n, name).filter(|_| *n > 0);
                        gain.map_or_else(
                            || format!("{:.4}", figure.value),
                            |gain| format!("{:.4} ({gain:+.3})", figure.value),
                        )
                    });
                    let _ = write!(out, "{:>18}", cell.unwrap_or_else(|| "-".into()));
                }
                out.push('\n');
            }
        }
        out
    }
}
