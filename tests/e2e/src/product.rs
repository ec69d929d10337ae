//! The `overread` binary as a process with a database of its own.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use overread_domain::Role;
use tempfile::TempDir;

use crate::client::Client;

/// Everybody's password in tests.
pub const PASSWORD: &str = "correct horse battery";

/// What a process is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The binary.
    pub program: PathBuf,
    /// Where database, configuration and log lie.
    pub folder: PathBuf,
    /// Where vectors of codes are kept. Shared by all that runs from here: making them takes minutes.
    pub data: PathBuf,
    /// Whether codes are to be found by meaning too.
    pub semantic: bool,
    /// The model's folder, if suggestions are wanted.
    pub model: Option<PathBuf>,
    /// Further settings, as environment variables.
    pub env: Vec<(String, String)>,
    /// Further arguments of `overread serve`.
    pub serve: Vec<String>,
}

impl Settings {
    /// The program that cargo built beside the running test or tool, and the model that ships.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
        let exe = std::env::current_exe()?;
        let program = exe
            .ancestors()
            .skip(1)
            .map(|folder| folder.join("overread"))
            .find(|file| file.is_file())
            .context("no overread beside this program; `cargo build --bins --tests` builds it")?;
        Ok(Self::of(program, folder))
    }

    /// Any program, and the model that ships.
    pub fn of(program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            folder: folder.into(),
            data: root().join("target/data"),
            semantic: false,
            model: Some(root().join("models/overread-minilm")),
            env: Vec::new(),
            serve: Vec::new(),
        }
    }

    pub fn database(&self) -> String {
        format!("sqlite:{}", self.folder.join("overread.db").display())
    }

    /// The release of ICD-10-CM that ships.
    pub fn codes(&self) -> PathBuf {
        root().join("data/icd-10-cm/2026-04.ovr")
    }

    /// The program with the settings that all its commands share.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // Settings of the person who runs this must not leak in.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OVERREAD_")) {
            command.env_remove(name);
        }
        command
            .current_dir(&self.folder)
            .env("OVERREAD_DATABASE", self.database())
            .env("OVERREAD_DATA_DIR", &self.data)
            .env("OVERREAD_CODES", self.codes())
            .env("OVERREAD_SEMANTIC", self.semantic.to_string())
            // Where no model is wanted a folder is named that is not there: else the one that ships is found.
            .env("OVERREAD_MODEL", self.model.clone().unwrap_or_else(|| self.folder.join("no-model")))
            .env("RUST_BACKTRACE", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs one command to its end; an error tells what it wrote.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        let output =
            self.command().args(arguments).output().with_context(|| self.program.display().to_string())?;
        if !output.status.success() {
            bail!(
                "overread {}: {}\n{}",
                arguments.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(output)
    }
}

impl Settings {
    /// Makes a user who signs in with [`PASSWORD`] and need not change it.
    pub fn add_user(&self, id: &str, role: Role) -> Result<()> {
        // Most tests look at what they decide on; masks have tests of their own.
        let reach: &[&str] = if role == Role::QaLead { &["--as-written", "true"] } else { &[] };
        self.add_user_reaching(id, role, reach)
    }

    /// With what `overread user add` takes to say which notes are open.
    pub fn add_user_reaching(&self, id: &str, role: Role, reach: &[&str]) -> Result<()> {
        self.add(id, id, role, PASSWORD, reach)
    }

    /// Ids of the users that the database knows.
    pub fn users(&self) -> Result<Vec<String>> {
        let output = self.command().args(["user", "list", "--json"]).output()?;
        if !output.status.success() {
            bail!("overread user list: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        let line = |line: &str| -> Result<String> {
            let user: serde_json::Value = serde_json::from_str(line)?;
            Ok(user["id"].as_str().context("a user without id")?.to_owned())
        };
        String::from_utf8(output.stdout)?.lines().map(line).collect()
    }

    pub fn add_user_with(&self, id: &str, name: &str, role: Role, password: &str) -> Result<()> {
        self.add(id, name, role, password, &[])
    }

    fn add(&self, id: &str, name: &str, role: Role, password: &str, reach: &[&str]) -> Result<()> {
        let mut add = self
            .command()
            .args(["user", "add", id, "--name", name, "--role", role.as_str()])
            .args(["--password-stdin", "--keep-password"])
            .args(reach)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| self.program.display().to_string())?;
        let mut input = add.stdin.take().context("no input")?;
        writeln!(input, "{password}")?;
        drop(input);
        let output = add.wait_with_output()?;
        if !output.status.success() {
            bail!("overread user add {id}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/e2e lies two below").to_owned()
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A serving process. Dropping it kills it and, where it made one, deletes its folder.
#[derive(Debug)]
pub struct Product {
    child: Child,
    port: u16,
    settings: Settings,
    /// Deleted when the product is dropped.
    folder: Option<TempDir>,
}

impl Product {
    /// Serves from a new, empty folder.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut settings = Settings::new(folder.path())?;
        // Making vectors takes minutes of both cores; no test waits for them.
        settings.env.push(("OVERREAD_SEMANTIC".to_owned(), "false".to_owned()));
        let mut product = Self::serve(settings, free_port()?)?;
        product.folder = Some(folder);
        Ok(product)
    }

    /// Serves with these settings and waits until requests are answered.
    pub fn serve(settings: Settings, port: u16) -> Result<Self> {
        let child = spawn(&settings, port)?;
        let mut product = Self { child, port, settings, folder: None };
        product.until("/healthz", Duration::from_mins(1))?;
        Ok(product)
    }

    /// Waits until a path answers with 200.
    pub fn until(&mut self, path: &str, patience: Duration) -> Result<()> {
        let client = self.client();
        let started = Instant::now();
        while started.elapsed() < patience {
            if client.get(path).is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended ({status}):\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("no {path} after {} s:\n{}", patience.as_secs(), self.log())
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The end of what the server wrote.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.settings.folder.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// A client that is not signed in.
    pub fn client(&self) -> Client {
        Client::new(self.url())
    }

    /// A client that is.
    pub fn signed_in(&self, user: &str) -> Result<Client> {
        let client = self.client();
        client.sign_in(user, PASSWORD)?;
        Ok(client)
    }

    /// Ends the process at once, as `kill -9` does.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Serves again after [`Product::kill`], at the same address.
    pub fn serve_again(&mut self) -> Result<()> {
        self.child = spawn(&self.settings, self.port)?;
        self.until("/healthz", Duration::from_mins(1))
    }

    /// Serves until the process ends by itself or by the terminal's Ctrl+C, which reaches it too.
    pub fn wait(mut self) -> Result<()> {
        let status = self.child.wait()?;
        // 130 and "killed by SIGINT" are how Ctrl+C looks from here.
        if status.success() || status.code().is_none_or(|code| code == 130) {
            return Ok(());
        }
        bail!("the server ended ({status}):\n{}", self.log())
    }

    /// Asks the process to end, as a service manager does, and waits for it.
    pub fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("the server ended with {status} when asked to stop:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the server did not end within 30 s of SIGTERM:\n{}", self.log())
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }
}

fn spawn(settings: &Settings, port: u16) -> Result<Child> {
    let log = settings.folder.join("server.log");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    settings
        .command()
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .args(&settings.serve)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| settings.program.display().to_string())
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
