//! The key file: a line a key, an id and 32 bytes in base64, the one in use last.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{KEY, Key, KeyError};

const HEAD: &str = "# Keys of an Overread installation: a line each, the one in use last. Whoever has them can open what is\n\
                    # encrypted. Keep a copy, and not beside the copies of the database: without them those can't be opened.\n";

fn refused(path: &Path, reason: impl Into<String>) -> KeyError {
    KeyError::File { path: path.to_owned(), reason: reason.into() }
}

pub(crate) fn read(path: &Path) -> Result<Option<Vec<Key>>, KeyError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(path, error.to_string())),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).map_err(|error| refused(path, error.to_string()))?.permissions().mode();
        // What a secret store mounts belongs to root and is readable for a group; others must not read it.
        if mode & 0o007 != 0 {
            return Err(refused(path, "everybody can read the keys: chmod 600 it"));
        }
    }
    let mut keys: Vec<Key> = Vec::new();
    for (nth, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        keys.push(key(line).ok_or(KeyError::Line { line: nth + 1 })?);
    }
    if keys.is_empty() { Err(KeyError::Empty) } else { Ok(Some(keys)) }
}

fn key(line: &str) -> Option<Key> {
    let (id, bytes) = line.split_once(char::is_whitespace)?;
    let plain = (2..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let bytes: [u8; KEY] = STANDARD.decode(bytes.trim()).ok()?.try_into().ok()?;
    plain.then(|| Key { id: id.to_owned(), bytes })
}

/// Two programs may start at once: whoever comes second takes what the first made.
pub(crate) fn make(path: &Path, fresh: Key) -> Result<Vec<Key>, KeyError> {
    let unfinished = written(path, std::slice::from_ref(&fresh))?;
    let linked = fs::hard_link(&unfinished, path);
    let _ = fs::remove_file(&unfinished);
    match linked {
        Ok(()) => Ok(vec![fresh]),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| refused(path, "it went away"))
        }
        Err(error) => Err(refused(path, error.to_string())),
    }
}

/// All of it or nothing.
pub(crate) fn write(path: &Path, keys: &[Key]) -> Result<(), KeyError> {
    let unfinished = written(path, keys)?;
    fs::rename(&unfinished, path).map_err(|error| refused(path, error.to_string()))
}

fn written(path: &Path, keys: &[Key]) -> Result<std::path::PathBuf, KeyError> {
    let mut text = HEAD.to_owned();
    for key in keys {
        text.push_str(&key.id);
        text.push(' ');
        text.push_str(&STANDARD.encode(key.bytes));
        text.push('\n');
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let unfinished = std::path::PathBuf::from(name);
    let save = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    save().map_err(|error| refused(path, error.to_string()))?;
    Ok(unfinished)
}
