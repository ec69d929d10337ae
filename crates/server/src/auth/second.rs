//! Authenticator apps (RFC 6238, with the defaults that every app takes: SHA-1, six digits, thirty seconds) and recovery
//! codes.

use overread_domain::UserId;
use overread_store::StoreError;
use totp_rs::{Builder, Secret, Totp};

use crate::{App, Failure};

const PURPOSE: &str = "totp";
/// RFC 4226, section 4, R6: 160 bits.
const SECRET: usize = 20;
const STEP: u64 = 30;
const CODES: usize = 10;
/// Of 32 characters: 80 bits, so that a plain hash of them tells nothing.
const CODE: usize = 16;
/// RFC 4648.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn app_of(user: &UserId, secret: Vec<u8>) -> Result<Totp, Failure> {
    Builder::new()
        .with_secret(Secret::new(secret.into_boxed_slice()))
        .with_account_name(user.as_str())
        .with_issuer(Some("Overread"))
        .build()
        .map_err(|error| Failure::internal(format!("an authenticator app: {error}")))
}

/// Makes a secret, keeps it sealed, and says how an app takes it in.
pub async fn begin(
    app: &App,
    store: &overread_store::Store,
    user: &UserId,
) -> Result<(String, String), Failure> {
    let mut secret = app.source.random().to_be_bytes().to_vec();
    secret.extend(app.source.random().to_be_bytes());
    secret.truncate(SECRET);
    let sealed = app.sign_in.keys.seal(PURPOSE, user.as_str(), &secret);
    store.begin_totp(user, &sealed).await?;
    let totp = app_of(user, secret)?;
    let address =
        totp.to_url().map_err(|error| Failure::internal(format!("an authenticator app: {error}")))?;
    Ok((totp.secret().to_base32(), address))
}

/// Whether a code is right, for one of the last, this and the next step, and was not given before.
pub async fn check(
    app: &App,
    store: &overread_store::Store,
    user: &UserId,
    code: &str,
) -> Result<bool, Failure> {
    let Some(kept) = app.store.totp(user).await? else { return Ok(false) };
    let secret = app
        .sign_in
        .keys
        .unseal(PURPOSE, user.as_str(), &kept.secret)
        .map_err(|error| Failure::internal(format!("the secret of an authenticator app: {error}")))?;
    let now = u64::try_from(app.now().0 / 1000).unwrap_or_default();
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(false);
    }
    let totp = app_of(user, secret)?;
    // The library names the first step that fits; the latest is taken, so that none before it is good any more.
    let here = now / STEP;
    let fits = (here.saturating_sub(1)..=here + 1)
        .rev()
        .find(|step| totp.check(&digits, step * STEP) == Some(*step));
    match fits {
        Some(step) => Ok(store.take_step(user, step as i64).await?),
        None => Ok(false),
    }
}

/// New recovery codes; those before are gone.
pub async fn make_codes(
    app: &App,
    store: &overread_store::Store,
    user: &UserId,
) -> Result<Vec<String>, StoreError> {
    let codes: Vec<String> = (0..CODES)
        .map(|_| {
            let mut bits = app.source.random();
            let mut code = String::new();
            for place in 0..CODE {
                if place > 0 && place % 4 == 0 {
                    code.push('-');
                }
                code.push(char::from(BASE32[(bits & 31) as usize]));
                bits >>= 5;
            }
            code
        })
        .collect();
    let hashes: Vec<String> = codes.iter().filter_map(|code| hashed(code)).collect();
    store.set_recovery_codes(user, &hashes).await?;
    Ok(codes)
}

/// What is kept of a recovery code; none where it is none.
pub fn hashed(code: &str) -> Option<String> {
    let plain: Vec<u8> = code
        .bytes()
        .filter(|b| !b.is_ascii_whitespace() && *b != b'-')
        .map(|b| b.to_ascii_uppercase())
        .collect();
    let fine = plain.len() == CODE && plain.iter().all(|b| BASE32.contains(b));
    fine.then(|| overread_intake::sha256_hex(&plain))
}

/// Seals every secret with the key in use; says how many were sealed with another.
pub async fn reseal(store: &overread_store::Store, keys: &overread_keys::Keyring) -> Result<u64, Failure> {
    let mut resealed = 0;
    for (user, sealed) in store.sealed_totp().await? {
        if overread_keys::Keyring::sealed_by(&sealed) == Some(keys.current().as_str()) {
            continue;
        }
        let secret = keys
            .unseal(PURPOSE, user.as_str(), &sealed)
            .map_err(|error| Failure::internal(format!("the authenticator app of {user}: {error}")))?;
        store.reseal_totp(&user, &sealed, &keys.seal(PURPOSE, user.as_str(), &secret)).await?;
        resealed += 1;
    }
    Ok(resealed)
}

/// How many secrets of authenticator apps a key of the installation still seals.
pub async fn sealed_with(store: &overread_store::Store, key: &str) -> Result<usize, StoreError> {
    let sealed = store.sealed_totp().await?;
    Ok(sealed.iter().filter(|(_, text)| overread_keys::Keyring::sealed_by(text) == Some(key)).count())
}
