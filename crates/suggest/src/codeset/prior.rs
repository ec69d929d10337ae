//! How often codes stood in coded notes: what is coded often is likelier to be meant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Code -> lists that hold it, in notes with headings and in plain case reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    #[serde(default)]
    pub lists: [u32; 2],
    #[serde(default)]
    pub codes: BTreeMap<String, [u32; 2]>,
}

impl Prior {
    /// Counts code lists; `plain` says which are of case reports.
    pub fn count<'c>(lists: impl IntoIterator<Item = (&'c [String], bool)>) -> Self {
        let mut prior = Self::default();
        for (codes, plain) in lists {
            prior.lists[usize::from(plain)] += 1;
            for code in codes {
                prior.codes.entry(code.clone()).or_default()[usize::from(plain)] += 1;
            }
        }
        prior
    }

    /// Lists with `code`: the first of notes, the second of case
    /// reports; `own`, the list of the note itself, is counted out where `plain` says.
    pub(super) fn of(&self, code: &str, own: &[String], plain: bool) -> [f32; 2] {
        let n = self.codes.get(code).copied().unwrap_or_default();
        let mine = u32::from(own.iter().any(|o| o == code));
        let mut out = [n[0] as f32, n[1] as f32];
        out[usize::from(plain)] -= mine as f32;
        out.map(|n| n.max(0.0))
    }

    /// Uses of a category of three characters, like [`Prior::of`].
    pub(super) fn category(&self, code: &str, own: &[String]) -> f32 {
        let Some(category) = code.get(..3) else { return 0.0 };
        let within = self.codes.range(category.to_owned()..).take_while(|(c, _)| c.starts_with(category));
        let all: u32 = within.map(|(_, n)| n[0] + n[1]).sum();
        let mine = own.iter().filter(|o| o.starts_with(category)).count() as f32;
        (all as f32 - mine).max(0.0)
    }

    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_does_not_count_for_itself() {
        let list = |codes: &[&str]| -> Vec<String> { codes.iter().map(|c| (*c).to_owned()).collect() };
        let (a, b) = (list(&["I10", "E11.9"]), list(&["I10", "E11.22"]));
        let prior = Prior::count([(&a[..], false), (&b[..], true)]);
        let near = |a: [f32; 2], b: [f32; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(prior.of("I10", &[], false), [1.0, 1.0]));
        assert!(near(prior.of("I10", &a, false), [0.0, 1.0]));
        assert!((prior.category("E11.9", &a) - 1.0).abs() < 1e-6);
    }
}
