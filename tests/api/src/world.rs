//! A server with everything in it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use overread_api::entry::{EntryRow, EntryView};
use overread_api::{Page, path};
use overread_codes::Release;
use overread_domain::{EntryId, Reach, Role, UserId};
use overread_keys::Keyring;
use overread_server::axum::Router;
use overread_server::{
    App, Config, Loaded, Model, Setup, Shelf, SignInWays, hash_password, router, run_workers,
};
use overread_store::{NewUser, Source, Store};
use tokio::sync::watch;

use overread_test_support::TestSource;

use crate::{Client, Scripted, Trouble};

/// Everybody's password.
pub const PASSWORD: &str = "three small boats";

/// Says something that the scripted model knows, behind characters that break naive offsets.
pub const NOTE: &str =
    "😷 Café note.\r\nA 65-year-old woman with hypertension.\r\nOn lisinopril 10 mg daily. No fever.";

static HASH: LazyLock<String> = LazyLock::new(|| hash_password(PASSWORD, 7));

/// The release that ships, read once.
pub fn release() -> Arc<Release> {
    static RELEASE: LazyLock<Arc<Release>> = LazyLock::new(|| {
        let bytes = std::fs::read(root().join("data/icd-10-cm/2026-04.ovr")).expect("the release ships");
        Arc::new(Release::from_bytes(&bytes).expect("the release is whole"))
    });
    Arc::clone(&RELEASE)
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders down").to_owned()
}

pub struct WorldOptions {
    pub config: Config,
    /// The scripted model if absent.
    pub model: Option<Model>,
    pub trouble: Trouble,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self { config: Config { least_n: 1, ..Config::default() }, model: None, trouble: Trouble::None }
    }
}

impl std::fmt::Debug for WorldOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorldOptions").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub struct World {
    pub app: App,
    pub source: Arc<TestSource>,
    router: Router,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(WorldOptions::default()).await
    }

    pub async fn with(options: WorldOptions) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let source = Arc::new(TestSource::new(1));
        let shared: Arc<dyn Source> = Arc::clone(&source) as Arc<dyn Source>;
        let store = Store::open(&url, Arc::clone(&shared)).await.expect("a new database");
        let model = options.model.unwrap_or_else(|| {
            Model::ready(Loaded { suggest: Arc::new(Scripted::new(options.trouble)), searches: Vec::new() })
        });
        let codes = folder.path().join("codes");
        let sign_in = SignInWays::new(&options.config, Keyring::in_memory()).expect("settings that work");
        let app = App::new(
            Setup { store, source: shared, config: options.config, model, sign_in },
            Shelf::open(vec![release()], Some(codes)),
        );
        app.prepare().await.expect("the template is saved");
        for role in Role::ALL {
            let user = NewUser {
                id: UserId::new(role.as_str()),
                name: role.label().to_owned(),
                role,
                // Most tests look at what they decide on; masks have tests of their own.
                reach: Reach { as_written: Some(true), ..Reach::default() },
                password_hash: HASH.clone(),
                must_change_password: false,
            };
            app.store.create_user(user).await.expect("a user");
        }
        Self { router: router(app.clone()), app, source, _folder: folder }
    }

    /// Somebody who is not signed in.
    pub fn stranger(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// The user of a role, signed in through the front door.
    pub async fn signed_in(&self, role: Role) -> Client {
        let mut client = self.stranger();
        client.sign_in(role.as_str(), PASSWORD).await.expect(200);
        client
    }

    /// Works off all jobs that are due.
    pub async fn work(&self) {
        let (_stop, stop) = watch::channel(false);
        run_workers(&self.app, stop, true).await;
    }

    /// Imports one note, lets the model read it, and names its entry.
    pub async fn note(&self, id: &str, text: &str) -> EntryId {
        let qa = self.signed_in(Role::QaLead).await;
        let line = serde_json::json!({ "id": id, "text": text }).to_string();
        qa.send("POST", path::IMPORT, Some(("application/x-ndjson", line.into_bytes()))).await.expect(200);
        self.work().await;
        let page: Page<EntryRow> = qa.get(&format!("{}?q={id}", path::ENTRIES)).await.expect(200).json();
        page.items.first().expect("the entry is in the queue").id.clone()
    }

    pub async fn entry(&self, client: &Client, entry: &EntryId) -> EntryView {
        client.get(&path::fill(path::ENTRY, &[entry.as_str()])).await.expect(200).json()
    }
}
