//! Single sign-on, against a provider that the test runs: discovery, keys, token endpoint with PKCE, ID tokens signed with
//! Ed25519 (OpenID Connect Core 1.0, Discovery 1.0, RFC 7636, RFC 8037).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use overread_api::path;
use overread_api::session::SessionView;
use overread_api_tests::{Answer, Client, World, WorldOptions};
use overread_domain::{AuditAction, Role, UserId};
use overread_server::Config;
use overread_server::axum::extract::{Form, State};
use overread_server::axum::http::header;
use overread_server::axum::routing::{get, post};
use overread_server::axum::{Json, Router, serve};
use overread_store::{AuditFilter, UserPatch};
use serde_json::{Value, json};

const CLIENT: &str = "overread";
const SECRET: &str = "a secret of both";
const HOME: &str = "https://overread.example.org";

/// What the provider says, and how it lies.
#[derive(Clone)]
struct Provider {
    issuer: String,
    key: Arc<CoreEdDsaPrivateSigningKey>,
    /// By code: the claims, and the challenge that its verifier must answer.
    codes: Arc<Mutex<HashMap<String, (Value, String)>>>,
    asked: Arc<Mutex<u32>>,
    /// What it says of whoever brings the access token; it has no such place where this is absent.
    info: Arc<Mutex<Option<Value>>>,
}

fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    // PKCS #8 of 32 bytes (RFC 8410).
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([seed; 32]);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new(format!("key-{seed}"))))
        .unwrap()
}

fn signed(key: &CoreEdDsaPrivateSigningKey, algorithm: &str, claims: &Value) -> String {
    let head = json!({ "alg": algorithm, "typ": "JWT", "kid": key.as_verification_key_id() });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(claims));
    let signature = match algorithm {
        "none" => Vec::new(),
        _ => key.sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes()).unwrap(),
    };
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The id of a key in its public form.
trait Named {
    fn as_verification_key_id(&self) -> String;
}

impl Named for CoreEdDsaPrivateSigningKey {
    fn as_verification_key_id(&self) -> String {
        let public = serde_json::to_value(self.as_verification_key()).unwrap();
        public["kid"].as_str().unwrap().to_owned()
    }
}

impl Provider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self {
            issuer,
            key: Arc::new(key(7)),
            codes: Arc::default(),
            asked: Arc::default(),
            info: Arc::default(),
        };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(provider.clone());
        tokio::spawn(async move { serve(listener, routes).await });
        provider
    }

    fn claims(&self, world: &World, nonce: &str, subject: &str, roles: &Value) -> Value {
        let now = world.app.now().0 / 1000;
        json!({
            "iss": self.issuer, "aud": CLIENT, "sub": subject, "nonce": nonce, "iat": now, "exp": now + 300,
            "preferred_username": subject, "name": "Eva Miller", "roles": roles,
        })
    }
}

async fn discovery(State(provider): State<Provider>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    let mut found = json!({
        "issuer": provider.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
    });
    if provider.info.lock().unwrap().is_some() {
        found["userinfo_endpoint"] = at("/userinfo").into();
    }
    Json(found)
}

async fn userinfo(
    State(provider): State<Provider>,
    headers: header::HeaderMap,
) -> Result<Json<Value>, overread_server::axum::http::StatusCode> {
    let known = headers.get(header::AUTHORIZATION).is_some_and(|given| given.as_bytes() == b"Bearer access");
    match provider.info.lock().unwrap().clone() {
        Some(info) if known => Ok(Json(info)),
        _ => Err(overread_server::axum::http::StatusCode::UNAUTHORIZED),
    }
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    *provider.asked.lock().unwrap() += 1;
    Json(json!({ "keys": [serde_json::to_value(provider.key.as_verification_key()).unwrap()] }))
}

async fn token(
    State(provider): State<Provider>,
    headers: header::HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, (overread_server::axum::http::StatusCode, Json<Value>)> {
    let refused = |error: &str| {
        Err((overread_server::axum::http::StatusCode::BAD_REQUEST, Json(json!({ "error": error }))))
    };
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{}", SECRET.replace(' ', "+"))));
    if headers.get(header::AUTHORIZATION).is_none_or(|given| given.as_bytes() != basic.as_bytes()) {
        return refused("invalid_client");
    }
    let Some((claims, challenge)) = provider.codes.lock().unwrap().remove(&form["code"]) else {
        return refused("invalid_grant");
    };
    let hash = overread_intake::sha256_hex(form["code_verifier"].as_bytes());
    let bytes: Vec<u8> =
        (0..hash.len()).step_by(2).map(|at| u8::from_str_radix(&hash[at..at + 2], 16).unwrap()).collect();
    if URL_SAFE_NO_PAD.encode(bytes) != challenge
        || form["redirect_uri"] != format!("{HOME}{}", path::OIDC_CALLBACK)
    {
        return refused("invalid_grant");
    }
    // Whoever tests a bad token puts it here as it is.
    let token = claims["raw"].as_str().map_or_else(|| signed(&provider.key, "EdDSA", &claims), str::to_owned);
    Ok(Json(json!({ "access_token": "access", "token_type": "Bearer", "id_token": token })))
}

async fn world(provider: &Provider) -> World {
    let config = Config {
        public_url: Some(HOME.to_owned()),
        oidc_issuer: Some(provider.issuer.clone()),
        oidc_client_id: Some(CLIENT.to_owned()),
        oidc_client_secret: Some(SECRET.to_owned()),
        oidc_roles: "overread-qa=qa_lead, overread-coders=coder".to_owned(),
        ..Config::default()
    };
    World::with(WorldOptions { config, ..WorldOptions::default() }).await
}

/// A browser on its way: what the server told it to ask the provider.
struct Way {
    client: Client,
    query: HashMap<String, String>,
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            out.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8(out).unwrap()
}

async fn begin(world: &World, provider: &Provider) -> Way {
    let mut client = world.stranger();
    let answer = client.get(path::OIDC).await.expect(303);
    let to = answer.headers[header::LOCATION].to_str().unwrap();
    let (at, query) = to.split_once('?').unwrap();
    assert_eq!(at, format!("{}/authorize", provider.issuer));
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    let query: HashMap<String, String> =
        pairs.map(|(name, value)| (name.to_owned(), unescaped(value))).collect();
    assert_eq!((query["response_type"].as_str(), query["code_challenge_method"].as_str()), ("code", "S256"));
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    client.device = cookie.split(';').next().map(str::to_owned);
    Way { client, query }
}

impl Way {
    /// The provider says yes to these claims; the browser comes back.
    async fn back(&self, provider: &Provider, claims: Value) -> Answer {
        provider.codes.lock().unwrap().insert("c1".into(), (claims, self.query["code_challenge"].clone()));
        self.client
            .get(&format!("{}?code=c1&state={}", path::OIDC_CALLBACK, self.query["state"]))
            .await
            .expect(303)
    }
}

#[track_caller]
fn leads_to(answer: &Answer, to: &str) {
    assert_eq!(answer.headers[header::LOCATION], to);
    let in_now = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .any(|cookie| cookie.to_str().unwrap().starts_with("overread_session="));
    assert_eq!(in_now, to == "/");
}

/// Who is signed in by an answer.
async fn signed_in_by(world: &World, answer: &Answer) -> (Client, SessionView) {
    let mut client = world.stranger();
    client.take_cookies(answer);
    let session = client.get(path::SESSION).await.expect(200).json();
    (client, session)
}

#[tokio::test]
async fn a_person_of_the_provider_gets_in_with_the_role_of_their_claims() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let way = begin(&world, &provider).await;
    let claims = provider.claims(&world, &way.query["nonce"], "eva", &json!(["x", "overread-coders"]));
    let answer = way.back(&provider, claims).await;
    leads_to(&answer, "/");
    let (client, session) = signed_in_by(&world, &answer).await;
    assert_eq!(
        (session.user.as_str(), session.name.as_str(), session.role),
        ("eva", "Eva Miller", Role::Coder)
    );
    assert!(session.federated && !session.must_change_password);
    client.get(path::ENTRIES).await.expect(200);
    // No password leads to this person.
    world.stranger().sign_in("eva", "").await.expect(401);

    // The next time the provider says something else of them.
    let way = begin(&world, &provider).await;
    let claims = provider.claims(&world, &way.query["nonce"], "eva", &json!("overread-qa"));
    leads_to(&way.back(&provider, claims).await, "/");
    assert_eq!(world.app.store.user(&UserId::new("eva")).await.unwrap().unwrap().role, Role::QaLead);
    let out = UserPatch { disabled: Some(true), ..UserPatch::default() };
    world.app.store.update_user(&UserId::new("eva"), out).await.unwrap();
    let way = begin(&world, &provider).await;
    let claims = provider.claims(&world, &way.query["nonce"], "eva", &json!("overread-qa"));
    leads_to(&way.back(&provider, claims).await, "/?refused=disabled");
}

#[tokio::test]
async fn bad_tokens_are_refused_and_nobody_is_made() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let people = world.app.store.users().await.unwrap().len();
    let role = json!(["overread-qa"]);
    let cases: [(&str, &str); 8] = [
        ("nonce", "failed"),
        ("iss", "failed"),
        ("aud", "failed"),
        ("exp", "failed"),
        ("iat", "failed"),
        ("signature", "failed"),
        ("none", "failed"),
        ("roles", "no-role"),
    ];
    for (what, why) in cases {
        let way = begin(&world, &provider).await;
        let mut claims = provider.claims(&world, &way.query["nonce"], "eva", &role);
        let now = claims["iat"].as_i64().unwrap();
        match what {
            "nonce" => claims["nonce"] = json!("another"),
            "iss" => claims["iss"] = json!("https://evil.example.org"),
            "aud" => claims["aud"] = json!("another client"),
            "exp" => claims["exp"] = json!(now - 1),
            "iat" => claims["iat"] = json!(now + 3600),
            "signature" => claims = json!({ "raw": signed(&key(9), "EdDSA", &claims) }),
            "none" => claims = json!({ "raw": signed(&key(7), "none", &claims) }),
            _ => claims["roles"] = json!(["elsewhere"]),
        }
        leads_to(&way.back(&provider, claims).await, &format!("/?refused={why}"));
    }
    assert_eq!(world.app.store.users().await.unwrap().len(), people);
    let filter = AuditFilter { action: Some(AuditAction::SignInRefused), ..AuditFilter::default() };
    assert_eq!(world.app.store.audit(&filter, 50).await.unwrap().len(), cases.len());
    assert!(
        *provider.asked.lock().unwrap() >= 2,
        "a signature of an unknown key asks for the keys once more"
    );
}

#[tokio::test]
async fn answers_of_other_browsers_replayed_late_and_foreign_ones_are_refused() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let role = json!("overread-qa");
    let way = begin(&world, &provider).await;
    let claims = provider.claims(&world, &way.query["nonce"], "eva", &role);
    provider.codes.lock().unwrap().insert("c1".into(), (claims.clone(), way.query["code_challenge"].clone()));
    let back = format!("{}?code=c1&state={}", path::OIDC_CALLBACK, way.query["state"]);
    // Sent to another's browser: it does not carry the state.
    leads_to(&world.stranger().get(&back).await.expect(303), "/?refused=foreign");
    leads_to(&way.client.get(path::OIDC_CALLBACK).await.expect(303), "/?refused=foreign");
    leads_to(&way.back(&provider, claims).await, "/");
    leads_to(&way.client.get(&back).await.expect(303), "/?refused=foreign");

    let way = begin(&world, &provider).await;
    let no = format!("{}?error=access_denied&state={}", path::OIDC_CALLBACK, way.query["state"]);
    leads_to(&way.client.get(&no).await.expect(303), "/?refused=cancelled");

    let way = begin(&world, &provider).await;
    let claims = provider.claims(&world, &way.query["nonce"], "eva", &role);
    world.source.advance(11 * 60_000);
    leads_to(&way.back(&provider, claims).await, "/?refused=foreign");

    // A name that is somebody's here already.
    let way = begin(&world, &provider).await;
    let claims = provider.claims(&world, &way.query["nonce"], "administrator", &role);
    leads_to(&way.back(&provider, claims).await, "/?refused=taken");
}

#[tokio::test]
async fn a_provider_that_is_away_is_said() {
    let provider = Provider { issuer: "http://127.0.0.1:1".into(), ..Provider::start().await };
    let world = world(&provider).await;
    world.stranger().get(path::OIDC).await.expect(503);
    World::new().await.stranger().get(path::OIDC).await.expect(404);
}

#[tokio::test]
async fn what_the_id_token_leaves_out_is_asked_of_the_provider() {
    let provider = Provider::start().await;
    let told = json!({ "sub": "eva", "preferred_username": "eva.m", "name": "Eva M.", "roles": ["overread-coders"] });
    *provider.info.lock().unwrap() = Some(told.clone());
    let world = world(&provider).await;
    let bare = |way: &Way| {
        let mut claims = provider.claims(&world, &way.query["nonce"], "eva", &json!([]));
        for name in ["preferred_username", "name", "roles"] {
            claims.as_object_mut().unwrap().remove(name);
        }
        claims
    };
    // An answer for somebody else, and none.
    for wrong in [json!({ "sub": "tom", "roles": ["overread-qa"] }), json!("nonsense")] {
        *provider.info.lock().unwrap() = Some(wrong);
        let way = begin(&world, &provider).await;
        let answer = way.back(&provider, bare(&way)).await;
        leads_to(&answer, "/?refused=failed");
    }
    *provider.info.lock().unwrap() = Some(json!({ "sub": "eva", "preferred_username": "eva.m" }));
    let way = begin(&world, &provider).await;
    leads_to(&way.back(&provider, bare(&way)).await, "/?refused=no-role");
    *provider.info.lock().unwrap() = Some(told);
    let way = begin(&world, &provider).await;
    let answer = way.back(&provider, bare(&way)).await;
    leads_to(&answer, "/");
    let (_, session) = signed_in_by(&world, &answer).await;
    assert_eq!(
        (session.user.as_str(), session.name.as_str(), session.role),
        ("eva.m", "Eva M.", Role::Coder)
    );
}
