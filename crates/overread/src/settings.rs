//! Settings: file, then environment, then flags, each over the one before.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use overread_server::{Config, Tls};
use serde::Deserialize;

use crate::cli::Common;

/// What a settings file may hold: these keys, and under `[server]` those of [`Config`].
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FileSettings {
    database: Option<String>,
    data_dir: Option<PathBuf>,
    model: Option<PathBuf>,
    codes: Option<PathBuf>,
    listen: Option<String>,
    log: Option<String>,
    log_json: bool,
    key_file: Option<PathBuf>,
    encrypt_database: Option<bool>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    backup: BackupSettings,
    server: toml::Table,
}

/// The `[backup]` part: copies that a server makes by itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupSettings {
    /// Where copies go. Without one, none are made.
    pub folder: Option<PathBuf>,
    /// Hours between two.
    pub every_hours: u32,
    /// The public keys (`age1...`) that can open them. Without one, copies are not encrypted.
    pub recipients: Vec<String>,
    /// How many of the latest are kept, and beyond those one a day, a week and a month.
    pub keep_latest: usize,
    pub keep_days: usize,
    pub keep_weeks: usize,
    pub keep_months: usize,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            folder: None,
            every_hours: 24,
            recipients: Vec::new(),
            keep_latest: 3,
            keep_days: 7,
            keep_weeks: 5,
            keep_months: 12,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub database: String,
    pub data_dir: PathBuf,
    /// None where no folder was named and none is in the usual places.
    pub model: Option<PathBuf>,
    pub codes: Option<PathBuf>,
    pub listen: String,
    pub log: Option<String>,
    pub log_json: bool,
    /// The installation's keys; `overread.keys` in the data folder if absent.
    pub key_file: PathBuf,
    /// Encrypt the file of a new SQLite database.
    pub encrypt_database: bool,
    pub tls: Option<Tls>,
    pub backup: BackupSettings,
    pub server: Config,
}

const FILE: &str = "overread.toml";

impl Settings {
    pub fn read(flags: &Common) -> Result<Self> {
        let path = flags.config.clone().or_else(|| Some(PathBuf::from(FILE)).filter(|path| path.is_file()));
        let file = match &path {
            None => FileSettings::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
                toml::from_str(&text).with_context(|| path.display().to_string())?
            }
        };
        Self::merge(flags, file, &readable(std::env::vars_os()))
    }

    fn merge(flags: &Common, file: FileSettings, env: &BTreeMap<String, String>) -> Result<Self> {
        let data_dir = flags.data_dir.clone().or(file.data_dir).unwrap_or_else(|| PathBuf::from("."));
        let database =
            flags.database.clone().or(file.database).map(|url| secret("database", &url)).transpose()?;
        let path = |name: &str, file: Option<PathBuf>| {
            env.get(&format!("OVERREAD_{}", name.to_uppercase())).map(PathBuf::from).or(file)
        };
        let tls = match (path("tls_certificate", file.tls_certificate), path("tls_key", file.tls_key)) {
            (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
            (None, None) => None,
            _ => bail!("tls_certificate and tls_key: one needs the other"),
        };
        let mut server = server(file.server, env, &flags.set)?;
        // Whoever has a certificate means it.
        server.secure_cookies |= tls.is_some();
        Ok(Self {
            database: database
                .unwrap_or_else(|| format!("sqlite:{}", data_dir.join("overread.db").display())),
            model: flags.model.clone().or(file.model).or_else(|| usual("models/overread-minilm")),
            codes: flags
                .codes
                .clone()
                .or(file.codes)
                .or_else(|| usual("data/icd-10-cm").and_then(|dir| newest(&dir))),
            listen: file.listen.unwrap_or_else(|| "127.0.0.1:8080".to_owned()),
            log: flags.log.clone().or(file.log),
            log_json: flags.log_json || file.log_json,
            key_file: path("key_file", file.key_file).unwrap_or_else(|| data_dir.join("overread.keys")),
            encrypt_database: match env.get("OVERREAD_ENCRYPT_DATABASE") {
                Some(value) => value.parse().context("OVERREAD_ENCRYPT_DATABASE: true or false")?,
                None => file.encrypt_database.unwrap_or(true),
            },
            tls,
            backup: file.backup,
            server,
            data_dir,
        })
    }
}

/// The variables that are UTF-8: others can't be ours, and `std::env::vars` panics on them.
fn readable(env: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    env.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// The server's part: file, `OVERREAD_NAME` variables, `--set NAME=VALUE`.
fn server(mut table: toml::Table, env: &BTreeMap<String, String>, set: &[String]) -> Result<Config> {
    let some = || Some(String::new());
    let known = toml::Table::try_from(Config {
        metrics_token: some(),
        public_url: some(),
        oidc_issuer: some(),
        oidc_client_id: some(),
        oidc_client_secret: some(),
        ..Config::default()
    })?;
    for (name, example) in &known {
        if let Some(value) = env.get(&format!("OVERREAD_{}", name.to_uppercase())) {
            table.insert(name.clone(), parse(name, value, example)?);
        }
    }
    for pair in set {
        let (name, value) =
            pair.split_once('=').with_context(|| format!("--set {pair}: NAME=VALUE is needed"))?;
        let Some(example) = known.get(name) else {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            bail!("--set {name}: there is no such setting; there are {}", names.join(", "));
        };
        table.insert(name.to_owned(), parse(name, value, example)?);
    }
    let mut config: Config = table.try_into().context("the [server] settings")?;
    for (name, value) in
        [("metrics_token", &mut config.metrics_token), ("oidc_client_secret", &mut config.oidc_client_secret)]
    {
        if let Some(text) = value {
            *text = secret(name, text)?;
        }
    }
    Ok(config)
}

/// A secret as it stands, or from where it is kept: `file:PATH`, `env:NAME`, or the first line that `command:LINE` prints.
/// Messages never repeat it.
fn secret(name: &str, value: &str) -> Result<String> {
    let text = if let Some(path) = value.strip_prefix("file:") {
        std::fs::read_to_string(path).with_context(|| format!("{name}: {path}"))?
    } else if let Some(variable) = value.strip_prefix("env:") {
        std::env::var(variable).map_err(|_| anyhow!("{name}: the variable {variable} is not set"))?
    } else if let Some(line) = value.strip_prefix("command:") {
        let shell = if cfg!(windows) { ["cmd", "/C"] } else { ["sh", "-c"] };
        let output = std::process::Command::new(shell[0])
            .args([shell[1], line])
            .stderr(std::process::Stdio::inherit())
            .output()
            .with_context(|| format!("{name}: the command can't be run"))?;
        ensure!(output.status.success(), "{name}: the command failed with {}", output.status);
        String::from_utf8(output.stdout).map_err(|_| anyhow!("{name}: the command printed no UTF-8"))?
    } else {
        return Ok(value.to_owned());
    };
    let line = text.lines().next().unwrap_or_default().trim();
    ensure!(!line.is_empty(), "{name}: nothing stands there");
    Ok(line.to_owned())
}

fn parse(name: &str, value: &str, example: &toml::Value) -> Result<toml::Value> {
    let parsed = match example {
        toml::Value::Integer(_) => value.replace('_', "").parse().ok().map(toml::Value::Integer),
        toml::Value::Boolean(_) => value.parse().ok().map(toml::Value::Boolean),
        _ => Some(toml::Value::String(value.to_owned())),
    };
    parsed.with_context(|| format!("{name}: \"{value}\" is not a {}", example.type_str()))
}

/// What ships with the program: in the working directory, beside the program, or above it in a checkout.
fn usual(path: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program.iter().flat_map(|program| program.ancestors().skip(1).take(4));
    std::iter::once(Path::new(".")).chain(beside).map(|folder| folder.join(path)).find(|path| path.is_dir())
}

/// Release files are named by their date.
fn newest(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(|file| Some(file.ok()?.path()));
    files.filter(|file| file.extension().is_some_and(|kind| kind == "ovr")).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_environment_before_file() {
        let file: FileSettings =
            toml::from_str("database = 'sqlite:a.db'\n[server]\nnote_bytes = 1\nworkers = 2\nattempts = 7")
                .unwrap();
        let env = BTreeMap::from([
            ("OVERREAD_NOTE_BYTES".to_owned(), "20".to_owned()),
            ("OVERREAD_WORKERS".to_owned(), "3".to_owned()),
            ("OVERREAD_SECURE_COOKIES".to_owned(), "true".to_owned()),
        ]);
        let flags = Common { set: vec!["note_bytes=1_000".into()], ..Common::default() };
        let settings = Settings::merge(&flags, file, &env).unwrap();
        assert_eq!(settings.database, "sqlite:a.db");
        let server = &settings.server;
        assert_eq!((server.note_bytes, server.workers, server.attempts), (1000, 3, 7));
        assert!(server.secure_cookies);
    }

    #[cfg(unix)]
    #[test]
    fn secrets_come_from_where_they_are_kept_and_are_in_no_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "from a file\nnot this\n").unwrap();
        assert_eq!(secret("x", &format!("file:{}", path.display())).unwrap(), "from a file");
        assert_eq!(secret("x", "command:echo from a command").unwrap(), "from a command");
        assert_eq!(secret("x", "as it stands").unwrap(), "as it stands");
        let home = std::env::var("PATH").unwrap();
        assert_eq!(secret("x", "env:PATH").unwrap(), home);
        for wrong in ["file:/no/such/file", "env:OVERREAD_NO_SUCH", "command:exit 3", "command:true"] {
            assert!(secret("metrics_token", wrong).unwrap_err().to_string().starts_with("metrics_token: "));
        }
        let file: FileSettings = toml::from_str("[server]\nmetrics_token = 'command:echo hidden'").unwrap();
        let settings = Settings::merge(&Common::default(), file, &BTreeMap::new()).unwrap();
        assert_eq!(settings.server.metrics_token.as_deref(), Some("hidden"));
        assert!(!format!("{settings:?}").contains("hidden"));
    }

    #[test]
    fn a_certificate_needs_its_key_and_makes_cookies_secure() {
        let one: FileSettings = toml::from_str("tls_certificate = 'a.pem'").unwrap();
        assert!(Settings::merge(&Common::default(), one, &BTreeMap::new()).is_err());
        let both: FileSettings = toml::from_str("tls_certificate = 'a.pem'\ntls_key = 'b.pem'").unwrap();
        let settings = Settings::merge(&Common::default(), both, &BTreeMap::new()).unwrap();
        assert!(settings.tls.is_some() && settings.server.secure_cookies);
    }

    #[cfg(unix)]
    #[test]
    fn variables_that_are_not_utf8_are_passed_over() {
        use std::os::unix::ffi::OsStringExt as _;
        let foreign = || OsString::from_vec(vec![b'a', 0xff]);
        let env = [("A".into(), foreign()), (foreign(), "b".into()), ("C".into(), "d".into())];
        assert_eq!(readable(env.into_iter()), BTreeMap::from([("C".to_owned(), "d".to_owned())]));
    }

    #[test]
    fn unknown_and_unreadable_settings_are_refused() {
        assert!(toml::from_str::<FileSettings>("databse = 'x'").is_err());
        let file =
            FileSettings { server: toml::from_str("note_byte = 1").unwrap(), ..FileSettings::default() };
        assert!(Settings::merge(&Common::default(), file, &BTreeMap::new()).is_err());
        for set in ["note_bytes=many", "nonsense=1", "note_bytes"] {
            let flags = Common { set: vec![set.into()], ..Common::default() };
            assert!(Settings::merge(&flags, FileSettings::default(), &BTreeMap::new()).is_err(), "{set}");
        }
    }
}
