//! Single sign-on: the authorization code flow of OpenID Connect Core 1.0, with PKCE (RFC 7636). The provider is asked from
//! a thread of its own; what it answers is checked by the `openidconnect` library: signature, issuer, audience, nonce, time.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl,
    Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    StandardErrorResponse, StandardTokenResponse, TokenResponse as _, UserInfoClaims,
};
use overread_api::path;
use overread_domain::Role;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Config;

/// How long what the provider says of itself is believed.
const KEPT: Duration = Duration::from_hours(1);
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const LONGEST: u64 = 1 << 20;

/// All claims that the standard does not name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct More {
    #[serde(flatten)]
    all: HashMap<String, Value>,
}

impl AdditionalClaims for More {}

type Fields = IdTokenFields<
    More,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Party = Client<
    More,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("the provider does not answer: {0}")]
    Away(String),
    #[error("the provider's answer was not accepted: {0}")]
    Refused(String),
    #[error("none of the roles that the provider names means one here")]
    NoRole,
}

/// What a provider says of a person, in the ID token and where it is asked.
#[derive(Debug)]
struct Said {
    user: Option<String>,
    email: Option<String>,
    name: Option<String>,
    more: HashMap<String, Value>,
}

/// What to remember until the browser comes back.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    nonce: String,
    verifier: String,
}

/// Somebody the provider answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub issuer: String,
    pub subject: String,
    /// What the person is called there, for an id here.
    pub user: Option<String>,
    pub name: Option<String>,
    pub role: Role,
}

/// A provider, as the settings name it.
#[derive(Debug)]
pub struct Oidc {
    issuer: IssuerUrl,
    client: ClientId,
    secret: Option<ClientSecret>,
    back: RedirectUrl,
    pub name: String,
    role_claim: String,
    roles: Vec<(String, Role)>,
    user_claim: String,
    http: ureq::Agent,
    known: Mutex<Option<(Instant, Arc<CoreProviderMetadata>)>>,
}

impl Oidc {
    /// None where the settings name no provider.
    pub fn new(config: &Config) -> Result<Option<Self>, String> {
        let Some(issuer) = &config.oidc_issuer else { return Ok(None) };
        let missing = |name: &str| format!("{name}: a provider (oidc_issuer) needs it");
        let public = config.public_url.as_deref().ok_or_else(|| missing("public_url"))?;
        let client = config.oidc_client_id.clone().ok_or_else(|| missing("oidc_client_id"))?;
        let roles = roles(&config.oidc_roles)?;
        if roles.is_empty() {
            return Err(missing("oidc_roles"));
        }
        let back = format!("{}{}", public.trim_end_matches('/'), path::OIDC_CALLBACK);
        let http = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            // Following an answer elsewhere would let the provider's address be changed on the way.
            .max_redirects(0)
            .http_status_as_error(false)
            .build()
            .new_agent();
        Ok(Some(Self {
            issuer: IssuerUrl::new(issuer.clone()).map_err(|error| format!("oidc_issuer: {error}"))?,
            client: ClientId::new(client),
            secret: config.oidc_client_secret.clone().map(ClientSecret::new),
            back: RedirectUrl::new(back).map_err(|error| format!("public_url: {error}"))?,
            name: config.oidc_name.clone(),
            role_claim: config.oidc_role_claim.clone(),
            roles,
            user_claim: config.oidc_user_claim.clone(),
            http,
            known: Mutex::default(),
        }))
    }

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let (parts, mut body) = self.http.run(request)?.into_parts();
        let mut bytes = Vec::new();
        body.as_reader().take(LONGEST).read_to_end(&mut bytes)?;
        Ok(HttpResponse::from_parts(parts, bytes))
    }

    fn metadata(&self, afresh: bool) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, metadata)) = &*known
            && !afresh
            && at.elapsed() < KEPT
        {
            return Ok(Arc::clone(metadata));
        }
        let found = CoreProviderMetadata::discover(&self.issuer, &|request| self.call(request))
            .map_err(|error| OidcError::Away(chain(&error)))?;
        let found = Arc::new(found);
        *known = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }

    fn party(&self, metadata: &CoreProviderMetadata) -> Party {
        Client::from_provider_metadata(metadata.clone(), self.client.clone(), self.secret.clone())
            .set_redirect_uri(self.back.clone())
    }

    /// Where to send the browser, the state that it brings back, and what to remember. Blocks.
    pub fn begin(&self) -> Result<(String, String, Asked), OidcError> {
        let metadata = self.metadata(false)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .party(&metadata)
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let asked = Asked { nonce: nonce.secret().clone(), verifier: verifier.secret().clone() };
        Ok((url.to_string(), state.secret().clone(), asked))
    }

    /// Turns the code that the browser brought into a person. Blocks.
    pub fn finish(&self, code: &str, asked: Asked, now_ms: i64) -> Result<Person, OidcError> {
        let metadata = self.metadata(false)?;
        let party = self.party(&metadata);
        let refused = |error: &dyn std::error::Error| OidcError::Refused(chain(error));
        let tokens = party
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| refused(&error))?
            .set_pkce_verifier(PkceCodeVerifier::new(asked.verifier))
            .request(&|request| self.call(request))
            .map_err(|error| refused(&error))?;
        let token = tokens.id_token().ok_or_else(|| OidcError::Refused("it gave no ID token".to_owned()))?;
        let nonce = Nonce::new(asked.nonce);
        let verified = |metadata: &CoreProviderMetadata| {
            let algorithms: Vec<CoreJwsSigningAlgorithm> = metadata
                .id_token_signing_alg_values_supported()
                .iter()
                .filter(|algorithm| signed_by_a_key_pair(algorithm))
                .cloned()
                .collect();
            let party = self.party(metadata);
            let verifier = party
                .id_token_verifier()
                .set_allowed_algs(algorithms)
                .set_time_fn(move || time(now_ms).into())
                .set_issue_time_verifier_fn(move |issued| {
                    let apart = issued.timestamp_millis().saturating_sub(now_ms);
                    if apart < SKEW_MS { Ok(()) } else { Err("it was issued in the future".to_owned()) }
                });
            token.claims(&verifier, &nonce).cloned()
        };
        let claims = match verified(&metadata) {
            Ok(claims) => claims,
            // The provider may have changed its keys.
            Err(openidconnect::ClaimsVerificationError::SignatureVerification(_)) => {
                let metadata = self.metadata(true)?;
                verified(&metadata).map_err(|error| refused(&error))?
            }
            Err(error) => return Err(refused(&error)),
        };
        let mut said = Said {
            user: claims.preferred_username().map(|name| name.as_str().to_owned()),
            email: claims.email().map(|email| email.as_str().to_owned()),
            name: claims.name().and_then(|name| Some(name.get(None)?.as_str().to_owned())),
            more: claims.additional_claims().all.clone(),
        };
        let complete = |said: &Said| {
            said.more.contains_key(&self.role_claim) && self.user(said, claims.subject().as_str()).is_some()
        };
        if !complete(&said) && metadata.userinfo_endpoint().is_some() {
            // Where an access token comes along, the claims of a scope may stand at the provider alone (OpenID Connect Core 5.4). The
            // library refuses an answer for another subject (5.3.2).
            let info: UserInfoClaims<More, CoreGenderClaim> = self
                .party(&metadata)
                .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
                .map_err(|error| refused(&error))?
                .request(&|request| self.call(request))
                .map_err(|error| refused(&error))?;
            said.user = said.user.or_else(|| info.preferred_username().map(|name| name.as_str().to_owned()));
            said.email = said.email.or_else(|| info.email().map(|email| email.as_str().to_owned()));
            said.name =
                said.name.or_else(|| info.name().and_then(|name| Some(name.get(None)?.as_str().to_owned())));
            for (name, value) in &info.additional_claims().all {
                said.more.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Ok(Person {
            issuer: claims.issuer().as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
            user: self.user(&said, claims.subject().as_str()),
            role: self.role(said.more.get(&self.role_claim)).ok_or(OidcError::NoRole)?,
            name: said.name,
        })
    }

    /// What the person is called there.
    fn user(&self, said: &Said, subject: &str) -> Option<String> {
        match self.user_claim.as_str() {
            "preferred_username" => said.user.clone(),
            "email" => said.email.clone(),
            "sub" => Some(subject.to_owned()),
            other => said.more.get(other).and_then(Value::as_str).map(str::to_owned),
        }
    }

    fn role(&self, claim: Option<&Value>) -> Option<Role> {
        let values: Vec<&str> = match claim? {
            Value::String(one) => vec![one],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        self.roles.iter().find(|(value, _)| values.contains(&value.as_str())).map(|(_, role)| *role)
    }
}

/// What clocks may differ by.
const SKEW_MS: i64 = 60_000;

fn time(now_ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or_default())
}

/// A shared secret signs nothing here: whoever has it could sign anybody in. "none" least of all.
fn signed_by_a_key_pair(algorithm: &CoreJwsSigningAlgorithm) -> bool {
    !matches!(
        algorithm,
        CoreJwsSigningAlgorithm::HmacSha256
            | CoreJwsSigningAlgorithm::HmacSha384
            | CoreJwsSigningAlgorithm::HmacSha512
            | CoreJwsSigningAlgorithm::None
    )
}

fn roles(text: &str) -> Result<Vec<(String, Role)>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (value, role) =
                pair.rsplit_once('=').ok_or_else(|| format!("oidc_roles: {pair}: VALUE=ROLE is needed"))?;
            let role =
                Role::parse(role.trim()).ok_or_else(|| format!("oidc_roles: there is no role {role}"))?;
            Ok((value.trim().to_owned(), role))
        })
        .collect()
}

/// An error with what caused it. The library's errors hold no token.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
