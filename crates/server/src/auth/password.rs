//! Passwords: Argon2id (RFC 9106) with the parameters that OWASP names for it (19 MiB, 2 passes, 1 lane), length before
//! complexity (NIST SP 800-63B 5.1.1).

use std::sync::{Arc, LazyLock};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

pub const LEAST: usize = 12;
pub const MOST: usize = 256;

/// Why a password won't do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error("a password needs at least {LEAST} characters; several words make a good one")]
    Short,
    #[error("a password has at most {MOST} characters")]
    Long,
    #[error("a password can't be one character or a few repeated, or a run like 123456789012")]
    Pattern,
    #[error("a password can't hold the user's name")]
    HoldsName,
    #[error(
        "this is among the passwords that are tried first: it is known from a breach, or easily guessed from words, names and dates"
    )]
    Common,
}

/// Long enough, and not what is tried first. `user` is the name to sign in with.
pub fn check(password: &str, user: &str) -> Result<(), Weak> {
    let count = password.chars().count();
    if count < LEAST {
        return Err(Weak::Short);
    }
    if count > MOST {
        return Err(Weak::Long);
    }
    let lower = password.to_lowercase();
    let letters: Vec<char> = lower.chars().collect();
    // A period of up to four characters ("abcabcabcabc"), or neighbours in the alphabet all along.
    let periodic = (1..=4).any(|period| letters.iter().zip(&letters[period..]).all(|(a, b)| a == b));
    let run = |step: i64| letters.windows(2).filter(|w| w[1] as i64 - w[0] as i64 == step).count();
    if periodic || run(1).max(run(-1)) + 3 > letters.len() {
        return Err(Weak::Pattern);
    }
    let user = user.to_lowercase();
    if user.chars().count() >= 3 && lower.replace(&user, "").chars().count() < LEAST - 4 {
        return Err(Weak::HoldsName);
    }
    // zxcvbn (Wheeler 2016) knows the passwords of the large breaches, words, names, dates and keyboard walks. 3 of 4: at
    // least a hundred million guesses. What lies behind the first hundred characters adds nothing to it.
    let start: String = password.chars().take(100).collect();
    if zxcvbn::zxcvbn(&start, &[&user, "overread"]).score() < zxcvbn::Score::Three {
        return Err(Weak::Common);
    }
    Ok(())
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// The PHC string of a password. Takes tens of milliseconds: not for an async thread, see [`Vault`].
pub fn hash(password: &str, salt: u128) -> String {
    let salt = SaltString::encode_b64(&salt.to_be_bytes()).expect("16 bytes are a salt");
    hasher()
        .hash_password(password.as_bytes(), &salt)
        .expect("default parameters hash any password")
        .to_string()
}

fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Hashes off the async threads, few at once: each takes 19 MiB.
#[derive(Clone, Debug)]
pub struct Vault(Arc<Semaphore>);

impl Default for Vault {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(2)))
    }
}

impl Vault {
    pub async fn hash(&self, password: String, salt: u128) -> String {
        self.blocking(move || hash(&password, salt)).await
    }

    /// Whether the password is that of the hash. Without a hash (no such user) it takes as long to say no.
    pub async fn verify(&self, password: String, hash: Option<String>) -> bool {
        self.blocking(move || {
            static NOBODY: LazyLock<String> = LazyLock::new(|| self::hash("nobody signs in with this", 1));
            if let Some(hash) = hash {
                return verify(&password, &hash);
            }
            std::hint::black_box(verify(&password, &NOBODY));
            false
        })
        .await
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _turn = self.0.acquire().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters() {
        assert_eq!(check("elf chars..", "eva"), Err(Weak::Short));
        assert_eq!(check("zwölf zeiche", "eva"), Ok(()));
        assert_eq!(check(&"ab7 ".repeat(65), "eva"), Err(Weak::Long));
    }

    #[test]
    fn refuses_what_is_tried_first() {
        for (password, why) in [
            ("aaaaaaaaaaaaaa", Weak::Pattern),
            ("abcabcabcabcabc", Weak::Pattern),
            ("123456789012", Weak::Pattern),
            ("abcdefghijklmn", Weak::Pattern),
            ("Password1234!", Weak::Common),
            ("qwertyuiop[]", Weak::Common),
            ("correcthorse1", Weak::Common),
            ("Liverpool1987", Weak::Common),
            ("eva.miller-1", Weak::HoldsName),
        ] {
            assert_eq!(check(password, "eva.miller"), Err(why), "{password}");
        }
        assert_eq!(check("three small boats", "eva"), Ok(()));
    }

    #[test]
    fn hashes_are_argon2id_and_salted() {
        let (one, two) = (hash("three small boats", 1), hash("three small boats", 2));
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(verify("three small boats", &one) && verify("three small boats", &two));
        assert!(!verify("three small boat", &one));
        assert!(!verify("x", "not a hash"));
    }
}
