//! Passkeys (W3C Web Authentication, level 3). A passkey checks the person by itself (finger, face, PIN): it is both factors.

use std::sync::Arc;

use overread_domain::UserId;
use overread_store::Passkey as Kept;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyAuthentication,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid, Webauthn,
    WebauthnBuilder, WebauthnError,
};
use webauthn_rs_proto::ResidentKeyRequirement;

/// What one of the two ceremonies of signing in needs to remember.
#[derive(Debug, Serialize, Deserialize)]
pub enum Asked {
    /// The person is known: one of their passkeys is wanted.
    Known(PasskeyAuthentication),
    /// The passkey says who it is.
    Anybody(DiscoverableAuthentication),
}

#[derive(Clone, Debug)]
pub struct Passkeys(Arc<Webauthn>);

fn unreadable(error: &impl std::fmt::Display) -> String {
    error.to_string()
}

impl Passkeys {
    /// For the address that people open. Its host's name is what passkeys are bound to: none works under another.
    /// None where the host has no name, only an address in numbers: browsers offer passkeys to names alone.
    pub fn new(public_url: &str) -> Result<Option<Self>, String> {
        let url = Url::parse(public_url).map_err(|error| format!("public_url: {error}"))?;
        let Some(host) = url.domain() else { return Ok(None) };
        // Nor over plain HTTP, but on the machine itself.
        if url.scheme() != "https" && host != "localhost" {
            return Ok(None);
        }
        // On the machine itself the port may be any free one.
        let built = WebauthnBuilder::new(host, &url)
            .and_then(|builder| builder.rp_name("Overread").allow_any_port(host == "localhost").build());
        built.map(|webauthn| Some(Self(Arc::new(webauthn)))).map_err(|error| format!("public_url: {error}"))
    }

    /// The question to a browser, and what to remember.
    pub fn begin_adding(&self, user: &UserId, name: &str, has: &[Kept]) -> Result<(String, String), String> {
        let known: Vec<CredentialID> =
            has.iter().filter_map(|kept| Some(read(kept).ok()?.cred_id().clone())).collect();
        let (mut question, state) = self
            .0
            .start_passkey_registration(handle(user), user.as_str(), name, Some(known))
            .map_err(|error| unreadable(&error))?;
        // One that can say whose it is lets people sign in without typing their name.
        if let Some(selection) = &mut question.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Preferred);
        }
        Ok((json(&question.public_key)?, json(&state)?))
    }

    /// The id and what is kept of a new passkey.
    pub fn add(&self, answer: &str, state: &str) -> Result<(String, String), String> {
        let answer: RegisterPublicKeyCredential =
            serde_json::from_str(answer).map_err(|_| "the browser's answer can't be read".to_owned())?;
        let state: PasskeyRegistration = serde_json::from_str(state).map_err(|error| unreadable(&error))?;
        let passkey =
            self.0.finish_passkey_registration(&answer, &state).map_err(|error| unreadable(&error))?;
        Ok((id(passkey.cred_id()), json(&passkey)?))
    }

    pub fn begin_for(&self, has: &[Kept]) -> Result<(String, Asked), String> {
        let keys = has.iter().map(read).collect::<Result<Vec<Passkey>, String>>()?;
        let (question, state) =
            self.0.start_passkey_authentication(&keys).map_err(|error| unreadable(&error))?;
        Ok((json(&question.public_key)?, Asked::Known(state)))
    }

    pub fn begin_for_anybody(&self) -> Result<(String, Asked), String> {
        let (question, state) =
            self.0.start_discoverable_authentication().map_err(|error| unreadable(&error))?;
        Ok((json(&question.public_key)?, Asked::Anybody(state)))
    }

    /// The id of the passkey that an answer comes from.
    pub fn named(answer: &str) -> Result<String, String> {
        let answer: PublicKeyCredential =
            serde_json::from_str(answer).map_err(|_| "the browser's answer can't be read".to_owned())?;
        Ok(id(&answer.raw_id))
    }

    /// Checks an answer; what is to be kept of the passkey from now on. A counter that went back is refused: the passkey
    /// was copied.
    pub fn check(&self, answer: &str, asked: Asked, kept: &Kept) -> Result<String, String> {
        let answer: PublicKeyCredential =
            serde_json::from_str(answer).map_err(|_| "the browser's answer can't be read".to_owned())?;
        let mut passkey = read(kept)?;
        let result = match asked {
            Asked::Known(state) => self.0.finish_passkey_authentication(&answer, &state),
            Asked::Anybody(state) => {
                self.0.finish_discoverable_authentication_v2(&answer, state, DiscoverableKey::from(&passkey))
            }
        }
        .map_err(|error: WebauthnError| unreadable(&error))?;
        if !result.user_verified() {
            return Err("the passkey did not check the person".to_owned());
        }
        passkey.update_credential(&result);
        json(&passkey)
    }
}

fn read(kept: &Kept) -> Result<Passkey, String> {
    serde_json::from_str(&kept.credential).map_err(|error| unreadable(&error))
}

fn json(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| unreadable(&error))
}

fn id(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// What an authenticator keeps of whose it is: no name (Web Authentication, 14.6.1).
fn handle(user: &UserId) -> Uuid {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(format!("overread passkey {}", user.as_str()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}
