//! Word pieces with their places in the text.

use crate::error::{Error, Result};
use std::ops::Range;

/// The word pieces of one text, without `[CLS]` and `[SEP]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Vocabulary ids.
    pub ids: Vec<u32>,
    /// UTF-8 byte ranges `(start, end)` into the text that was given, half open, on character boundaries and
    /// in order of start. Neighbours may share a character that normalisation split.
    pub offsets: Vec<(usize, usize)>,
    /// Index of the word (whitespace and punctuation separate words) that each piece belongs to; never falls.
    pub words: Vec<u32>,
}

impl Tokens {
    /// Number of word pieces.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the text has no word piece (empty, or only blanks and control characters).
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Indices of the tokens that share at least one byte with `bytes`.
    pub fn overlapping(&self, bytes: Range<usize>) -> Range<usize> {
        let from = self.offsets.partition_point(|o| o.1 <= bytes.start);
        // An empty range shares nothing, even within a token.
        let to = if bytes.is_empty() { from } else { self.offsets.partition_point(|o| o.0 < bytes.end) };
        from..to.max(from)
    }
}

/// A Hugging Face tokenizer with truncation and padding off and control tokens in the text read as plain text.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    cls: u32,
    sep: u32,
    max_id: u32,
}

impl Tokenizer {
    /// Parses `tokenizer.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        Self::new(tokenizers::Tokenizer::from_bytes(bytes).map_err(bad)?)
    }

    fn new(mut inner: tokenizers::Tokenizer) -> Result<Self> {
        inner.with_truncation(None).map_err(bad)?;
        inner.with_padding(None);
        // A note that contains the characters "[SEP]" must not be able to close its own window.
        inner.set_encode_special_tokens(true);
        let frame = inner.encode("", true).map_err(bad)?;
        let [cls, sep] = frame.get_ids() else {
            return Err(Error::Tokenizer {
                reason: format!(
                    "frames a text with {} special tokens, a BERT needs one before and one after",
                    frame.len()
                ),
            });
        };
        let (cls, sep) = (*cls, *sep);
        let max_id = inner.get_vocab(true).values().copied().max().unwrap_or(0);
        Ok(Self { inner, cls, sep, max_id })
    }

    /// Splits `text` into word pieces; any length.
    pub fn encode(&self, text: &str) -> Result<Tokens> {
        let encoding = self.inner.encode(text, false).map_err(bad)?;
        let mut word = 0;
        Ok(Tokens {
            ids: encoding.get_ids().to_vec(),
            offsets: encoding.get_offsets().to_vec(),
            words: encoding
                .get_word_ids()
                .iter()
                .map(|w| {
                    word = w.unwrap_or(word);
                    word
                })
                .collect(),
        })
    }

    /// Only the ids of `text`, which is cheaper than [`Tokenizer::encode`].
    pub fn ids(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false).map_err(bad)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Id that opens a window (`[CLS]`).
    pub fn cls(&self) -> u32 {
        self.cls
    }

    /// Id that closes a window (`[SEP]`).
    pub fn sep(&self) -> u32 {
        self.sep
    }

    /// Fails unless every id has a row in an embedding table of `vocab_size` rows.
    pub fn check_fits(&self, vocab_size: usize) -> Result<()> {
        if self.max_id as usize >= vocab_size {
            return Err(Error::Vocabulary { max_id: self.max_id, vocab_size });
        }
        Ok(())
    }
}

fn bad(e: impl std::fmt::Display) -> Error {
    Error::Tokenizer { reason: e.to_string() }
}
