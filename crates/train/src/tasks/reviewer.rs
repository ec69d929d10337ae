//! A reviewer who knows the reference entry, for learning curves: what a person would decide, in reading order.

use std::ops::Range;

use crate::eval::{Options, review_pairs};
use crate::gold::{GoldNote, GoldSpan};
use crate::prediction::{Prediction, Suggested};

/// What the reviewer does with one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act<'a> {
    /// The suggestion stands as it is.
    Accept {
        suggested: &'a Suggested,
        gold: &'a GoldSpan,
    },
    /// Something of it is changed to what the entry says.
    Correct {
        suggested: &'a Suggested,
        gold: &'a GoldSpan,
        wrong: Wrong,
    },
    Reject {
        suggested: &'a Suggested,
    },
    /// What no suggestion shows.
    Add {
        gold: &'a GoldSpan,
    },
}

/// What a correction changes; more than one may be true.
#[expect(clippy::struct_excessive_bools, reason = "each names one part of a row, and they are independent")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    pub field: bool,
    /// Only where the words differ beyond blanks and the ends' punctuation.
    pub words: bool,
    pub value: bool,
    pub assertion: bool,
    pub code: bool,
    pub attributes: bool,
}

impl Wrong {
    fn any(self) -> bool {
        self != Self::default()
    }
}

impl Act<'_> {
    /// Whether a model can learn something that it got wrong.
    pub fn teaches(&self) -> bool {
        !matches!(self, Self::Accept { .. })
    }

    /// Code points of what is looked at.
    pub fn place(&self) -> Range<usize> {
        match self {
            Self::Accept { suggested, .. } | Self::Correct { suggested, .. } | Self::Reject { suggested } => {
                suggested.start..suggested.end
            }
            Self::Add { gold } => gold.start..gold.end,
        }
    }
}

/// Every decision on the shown suggestions of one note, and what is added, by place in the text.
pub fn review<'a>(note: &'a GoldNote, prediction: Option<&'a Prediction>, options: &Options) -> Vec<Act<'a>> {
    let (pairs, missed) = review_pairs(note, prediction, options.threshold);
    let mut out: Vec<Act<'a>> = pairs
        .into_iter()
        .map(|(suggested, gold)| match gold {
            None => Act::Reject { suggested },
            Some(gold) => {
                let wrong = compare(suggested, gold);
                if wrong.any() {
                    Act::Correct { suggested, gold, wrong }
                } else {
                    Act::Accept { suggested, gold }
                }
            }
        })
        .collect();
    out.extend(missed.into_iter().map(|gold| Act::Add { gold }));
    out.sort_by_key(|act| (act.place().start, act.place().end));
    out
}

fn compare(suggested: &Suggested, gold: &GoldSpan) -> Wrong {
    use crate::eval::normal_form;
    let trim = |text: &str| {
        let words: Vec<_> = text.split_whitespace().collect();
        words.join(" ").trim_matches(|c: char| c.is_ascii_punctuation()).to_lowercase()
    };
    let known = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let assertion = |text: Option<&str>| known(text).unwrap_or_else(|| "present".to_owned());
    let form =
        |value: Option<&str>, quote: &str| normal_form(&known(value).unwrap_or_else(|| quote.to_owned()));
    let carries = matches!(gold.field.as_str(), "diagnosis" | "history" | "procedure");
    let coded = known(gold.code.as_deref());
    // A value field may be quoted in other words as long as they come to the same.
    let has_value = known(gold.value.as_deref()).is_some();
    let value = has_value
        && form(suggested.value.as_deref(), &suggested.quote) != form(gold.value.as_deref(), &gold.quote);
    let attributes =
        gold.attrs.iter().any(|(name, quoted)| {
            name != "name"
                && suggested.attrs.get(name).is_none_or(|found| trim(&found.quote) != trim(&quoted.quote))
        }) || suggested.attrs.keys().any(|name| name != "name" && !gold.attrs.contains_key(name));
    Wrong {
        field: suggested.field != gold.field,
        words: !has_value && trim(&suggested.quote) != trim(&gold.quote),
        value,
        assertion: carries
            && assertion(suggested.assertion.as_deref()) != assertion(gold.assertion.as_deref()),
        code: coded.is_some() && suggested.codes.first().map(|c| c.code.as_str()) != coded.as_deref(),
        attributes,
    }
}
