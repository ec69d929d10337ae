//! Settings: file, then environment, then flags, each over the one before.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use overread_server::Config;
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
    server: toml::Table,
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
        let database = flags.database.clone().or(file.database);
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
            server: server(file.server, env, &flags.set)?,
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
    let known = toml::Table::try_from(Config { metrics_token: Some(String::new()), ..Config::default() })?;
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
    table.try_into().context("the [server] settings")
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
