//! The program as scripts use it.

mod cli;
mod drill;
mod keys;
mod postgres;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

pub const PASSWORD: &str = "three small boats";

pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overread"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OVERREAD_")) {
        command.env_remove(name);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    command
        .current_dir(folder)
        .env("OVERREAD_CODES", root.join("data/icd-10-cm/2026-04.ovr"))
        .env("OVERREAD_MODEL", root.join("models/overread-minilm"))
        .stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().expect("the program runs")
}

#[track_caller]
pub fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn with_input(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = program(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

/// A server of its own on a free port, without a worker; what it says of itself after that is read and forgotten.
pub fn serving(folder: &Path, arguments: &[&str]) -> (Child, u16) {
    let mut server = program(folder)
        .args(["serve", "--listen", "127.0.0.1:0", "--no-worker"])
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(server.stderr.take().expect("piped")).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("://127.0.0.1:").and_then(|(_, port)| port.parse().ok()))
        .expect("it serves");
    std::thread::spawn(move || lines.map_while(Result::ok).count());
    (server, port)
}

/// A certificate for localhost and its key, in PEM.
pub fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Asks over TLS, trusting one certificate alone.
pub fn trusting(certificate: &str) -> ureq::Agent {
    let root = ureq::tls::Certificate::from_pem(certificate.as_bytes()).expect("a certificate").to_owned();
    let tls =
        ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::new_with_certs(&[root])).build();
    ureq::Agent::config_builder().tls_config(tls).build().new_agent()
}
