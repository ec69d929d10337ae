//! The keys of an installation: a file of its own, kept apart from the database and from its copies.
//!
//! What must come back as it was (secrets of authenticator apps, the key of an encrypted database) is sealed with
//! XChaCha20-Poly1305 under a key derived for its purpose (HKDF-SHA-256, RFC 5869), bound to the place where it lies, so
//! that it opens nowhere else. The last key of the file seals; all open. A key is changed by adding one, sealing anew what
//! the old one sealed, and taking the old one out: nothing stands still meanwhile.

mod file;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::Rng as _;
use sha2::Sha256;

/// Bytes of a key.
const KEY: usize = 32;
const NONCE: usize = 24;
/// How sealed text begins.
const VERSION: &str = "s1";

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{}: {reason}", .path.display())]
    File { path: PathBuf, reason: String },
    #[error("line {line} of the key file is not a key: an id and 32 bytes in base64 are needed")]
    Line { line: usize },
    #[error("the key file holds no key")]
    Empty,
    #[error("it was sealed with the key {id}, which the key file does not hold")]
    Unknown { id: String },
    #[error("what was sealed was changed, moved, or sealed for something else")]
    Broken,
    #[error("there is no key {id}")]
    NoSuchKey { id: String },
    #[error("the key {id} is the one in use: add another first")]
    InUse { id: String },
}

#[derive(Clone)]
pub(crate) struct Key {
    id: String,
    bytes: [u8; KEY],
}

/// Cheap to clone; clones share what is read.
#[derive(Clone)]
pub struct Keyring {
    keys: Arc<RwLock<Vec<Key>>>,
    path: Option<PathBuf>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("ids", &self.ids()).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads a key file; makes it, with one key and readable for its owner alone, where there is none.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let keys = match file::read(path)? {
            Some(keys) => keys,
            None => file::make(path, Key::fresh(&[]))?,
        };
        Ok(Self { keys: Arc::new(RwLock::new(keys)), path: Some(path.to_owned()) })
    }

    /// A ring with one new key that is gone with it.
    pub fn in_memory() -> Self {
        Self { keys: Arc::new(RwLock::new(vec![Key::fresh(&[])])), path: None }
    }

    /// Ids of the keys, the one in use last. They say nothing of the keys.
    pub fn ids(&self) -> Vec<String> {
        self.read().iter().map(|key| key.id.clone()).collect()
    }

    /// The id of the key that seals.
    pub fn current(&self) -> String {
        self.ids().pop().unwrap_or_default()
    }

    /// Seals bytes for a purpose and a place: only [`Keyring::unseal`] with the same two opens them.
    pub fn seal(&self, purpose: &str, place: &str, plain: &[u8]) -> String {
        let keys = self.read();
        let key = keys.last().expect("a ring has a key");
        let mut nonce = [0; NONCE];
        rand::rng().fill(&mut nonce[..]);
        let sealed = key
            .cipher(purpose)
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: place.as_bytes() })
            .expect("there is room");
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        format!("{VERSION}.{}.{}", key.id, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// # Errors
    /// Where the text is none that [`Keyring::seal`] gave for this purpose and place, or its key is not here.
    pub fn unseal(&self, purpose: &str, place: &str, sealed: &str) -> Result<Vec<u8>, KeyError> {
        let mut parts = sealed.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Broken);
        };
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| KeyError::Broken)?;
        let (nonce, body) = bytes.split_at_checked(NONCE).ok_or(KeyError::Broken)?;
        let key = self.key(id)?;
        key.cipher(purpose)
            .decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: place.as_bytes() })
            .map_err(|_| KeyError::Broken)
    }

    /// Bytes that follow from the oldest key, for what must come out the same as long as that key is there.
    pub fn derive(&self, purpose: &str) -> [u8; KEY] {
        self.read().first().expect("a ring has a key").derived(purpose)
    }

    /// The id of the key that sealed a text.
    pub fn sealed_by(sealed: &str) -> Option<&str> {
        sealed.strip_prefix(VERSION)?.strip_prefix('.')?.split('.').next()
    }

    /// Adds a key, which seals from now on; says its id. Other programs see it with the first text it sealed.
    pub fn add(&self) -> Result<String, KeyError> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // Another program may have added one meanwhile.
        if let Some(path) = &self.path
            && let Some(there) = file::read(path)?
        {
            *keys = there;
        }
        let fresh = Key::fresh(&keys);
        let id = fresh.id.clone();
        let mut all = keys.clone();
        all.push(fresh);
        self.write(&all)?;
        *keys = all;
        Ok(id)
    }

    /// Takes a key out that seals nothing any more. What it sealed can never be opened again.
    pub fn remove(&self, id: &str) -> Result<(), KeyError> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.last().is_some_and(|key| key.id == id) {
            return Err(KeyError::InUse { id: id.to_owned() });
        }
        let left: Vec<Key> = keys.iter().filter(|key| key.id != id).cloned().collect();
        if left.len() == keys.len() {
            return Err(KeyError::NoSuchKey { id: id.to_owned() });
        }
        self.write(&left)?;
        *keys = left;
        Ok(())
    }

    fn write(&self, keys: &[Key]) -> Result<(), KeyError> {
        match &self.path {
            Some(path) => file::write(path, keys),
            None => Ok(()),
        }
    }

    /// Looks into the file again where the key is not known: another program may have added it.
    fn key(&self, id: &str) -> Result<Key, KeyError> {
        let find = |keys: &[Key]| keys.iter().find(|key| key.id == id).cloned();
        if let Some(key) = find(&self.read()) {
            return Ok(key);
        }
        let again = self.path.as_deref().map(file::read).transpose()?.flatten();
        let unknown = || KeyError::Unknown { id: id.to_owned() };
        let again = again.ok_or_else(unknown)?;
        let key = find(&again).ok_or_else(unknown)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = again;
        Ok(key)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Vec<Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    /// Another one than those given.
    fn fresh(others: &[Self]) -> Self {
        let mut bytes = [0; KEY];
        rand::rng().fill(&mut bytes[..]);
        loop {
            let id = format!("k{:08x}", rand::rng().random::<u32>());
            if others.iter().all(|other| other.id != id) {
                return Self { id, bytes };
            }
        }
    }

    fn derived(&self, purpose: &str) -> [u8; KEY] {
        let mut derived = [0; KEY];
        Hkdf::<Sha256>::new(None, &self.bytes)
            .expand(purpose.as_bytes(), &mut derived)
            .expect("32 bytes are not too many");
        derived
    }

    fn cipher(&self, purpose: &str) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derived(purpose).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_was_sealed_for_the_same_place() {
        let ring = Keyring::in_memory();
        let sealed = ring.seal("totp", "eva", b"secret");
        assert_eq!(ring.unseal("totp", "eva", &sealed).unwrap(), b"secret");
        for (purpose, place) in [("totp", "tom"), ("database", "eva")] {
            assert!(matches!(ring.unseal(purpose, place, &sealed), Err(KeyError::Broken)));
        }
        assert!(!sealed.contains("secret"));
        assert_ne!(sealed, ring.seal("totp", "eva", b"secret"), "each with a nonce of its own");
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let ring = Keyring::in_memory();
        let sealed = ring.seal("totp", "eva", b"secret");
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(ring.unseal("totp", "eva", &changed).is_err(), "{at}");
            assert!(ring.unseal("totp", "eva", &sealed[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn a_key_is_changed_while_others_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("overread.keys");
        let (here, there) = (Keyring::open(&path).unwrap(), Keyring::open(&path).unwrap());
        let old = here.current();
        let before = here.seal("totp", "eva", b"secret");
        let new = here.add().unwrap();
        assert_ne!(old, new);
        let after = here.seal("totp", "eva", b"secret");
        assert_eq!(Keyring::sealed_by(&after), Some(new.as_str()));
        // The other program knew nothing of the new key until it met it.
        for sealed in [&before, &after] {
            assert_eq!(there.unseal("totp", "eva", sealed).unwrap(), b"secret");
        }
        assert!(matches!(here.remove(&new), Err(KeyError::InUse { .. })));
        here.remove(&old).unwrap();
        assert!(matches!(here.unseal("totp", "eva", &before), Err(KeyError::Unknown { .. })));
        assert!(matches!(here.remove(&old), Err(KeyError::NoSuchKey { .. })));
        assert_eq!(Keyring::open(&path).unwrap().ids(), [new]);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone_and_what_is_wrong_with_it_is_said() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("overread.keys");
        let ring = Keyring::open(&path).unwrap();
        ring.add().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace('k', "k ")).unwrap();
        assert!(matches!(Keyring::open(&path), Err(KeyError::Line { .. })));
        std::fs::write(&path, "# nothing\n").unwrap();
        assert!(matches!(Keyring::open(&path), Err(KeyError::Empty)));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = Keyring::open(&path).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        assert!(!format!("{ring:?}").contains(&text), "keys are in no log");
    }
}
