//! The content's primitive forms: LEB128 integers and length-prefixed UTF-8. Reading never panics and never
//! allocates more than the bytes at hand can justify.

use crate::ReleaseError;

#[derive(Default)]
pub(crate) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn int(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub fn text(&mut self, value: &str) {
        self.int(value.len() as u32);
        self.0.extend_from_slice(value.as_bytes());
    }
}

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn malformed(&self, what: &'static str) -> ReleaseError {
        ReleaseError::Malformed { at: self.at, what }
    }

    pub fn byte(&mut self) -> Result<u8, ReleaseError> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.malformed("content ends early"))?;
        self.at += 1;
        Ok(byte)
    }

    pub fn int(&mut self) -> Result<u32, ReleaseError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            let part = u32::from(byte & 0x7f);
            if shift == 28 && part > 0x0f {
                break;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.malformed("number too large"))
    }

    /// A count of things that take at least one byte each.
    pub fn count(&mut self) -> Result<usize, ReleaseError> {
        let count = self.int()? as usize;
        if count > self.bytes.len() - self.at {
            return Err(self.malformed("count larger than the content"));
        }
        Ok(count)
    }

    pub fn text(&mut self) -> Result<&'a str, ReleaseError> {
        let len = self.count()?;
        let bytes = &self.bytes[self.at..self.at + len];
        let text = std::str::from_utf8(bytes).map_err(|_| self.malformed("text is not utf-8"))?;
        self.at += len;
        Ok(text)
    }

    pub fn end(&self) -> Result<(), ReleaseError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.malformed("bytes after the end")) }
    }
}
