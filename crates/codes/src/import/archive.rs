//! Zip archives, under limits: an archive is somebody else's program for filling a disk.

use std::io::{Cursor, Read as _};

use super::{File, ImportError};

/// What is unpacked at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files of one archive.
    pub files: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files together.
    pub all_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 500, file_bytes: 128 << 20, all_bytes: 384 << 20 }
    }
}

/// Replaces archives by what they hold; archives within archives are refused.
pub(super) fn unpack(files: Vec<File>, limits: &Limits) -> Result<Vec<File>, ImportError> {
    let mut out = Vec::new();
    let mut all = 0u64;
    for file in files {
        if !file.bytes.starts_with(b"PK\x03\x04") {
            all += file.bytes.len() as u64;
            if file.bytes.len() as u64 > limits.file_bytes || all > limits.all_bytes {
                return Err(bad(&file.name, format!("more than {} bytes", limits.file_bytes)));
            }
            out.push(file);
            continue;
        }
        let mut archive = zip::ZipArchive::new(Cursor::new(&file.bytes))
            .map_err(|e| bad(&file.name, format!("not a whole zip archive: {e}")))?;
        if archive.len() > limits.files {
            return Err(bad(&file.name, format!("holds more than {} files", limits.files)));
        }
        for index in 0..archive.len() {
            let mut inner =
                archive.by_index(index).map_err(|e| bad(&file.name, format!("file {}: {e}", index + 1)))?;
            if inner.is_dir() {
                continue;
            }
            let own =
                inner.name().map_err(|e| bad(&file.name, format!("file {}: {e}", index + 1)))?.into_owned();
            let name = format!("{}/{own}", file.name);
            let mut bytes = Vec::new();
            // What the directory says of sizes is not believed.
            let read = inner.by_ref().take(limits.file_bytes + 1).read_to_end(&mut bytes);
            read.map_err(|e| bad(&name, format!("does not unpack: {e}")))?;
            all += bytes.len() as u64;
            if bytes.len() as u64 > limits.file_bytes || all > limits.all_bytes {
                let what = format!("unpacks to more than {} bytes", limits.file_bytes.min(limits.all_bytes));
                return Err(bad(&name, what));
            }
            if bytes.starts_with(b"PK\x03\x04") && !name.to_ascii_lowercase().ends_with(".xlsx") {
                return Err(bad(&name, "an archive within an archive".to_owned()));
            }
            out.push(File { name, bytes });
        }
    }
    Ok(out)
}

fn bad(file: &str, what: String) -> ImportError {
    ImportError::Archive { file: file.to_owned(), what }
}
