//! A `PostgreSQL` server that can be taken away and given back, with the settings that an installation has: what is
//! acknowledged is on disk.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::postgres::{MISSING, User, command, own, programs, server_user, succeed};

/// Ends with this value.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<User>,
}

impl Cluster {
    /// Makes a cluster in a folder that is not there yet and starts it. The path is short: that of its socket has 107
    /// bytes at most.
    pub fn start(folder: &Path) -> Self {
        let programs = programs().unwrap_or_else(|| panic!("{MISSING}"));
        let cluster = Self { folder: folder.to_owned(), programs, user: server_user() };
        fs::create_dir_all(folder).expect("the folder can be made");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("the folder is ours");
        own(folder, cluster.user.as_ref());
        let mut initdb = command(cluster.user.as_ref(), &cluster.programs.join("initdb"));
        initdb.arg("-D").arg(cluster.data()).args(["-U", "overread", "-A", "trust", "-E", "UTF8"]);
        initdb.args(["--locale=C", "--no-instructions"]);
        succeed(initdb);
        let settings = cluster.data().join("postgresql.auto.conf");
        let text = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 200\n",
            folder.display()
        );
        fs::write(&settings, text).expect("the cluster can be written to");
        own(&settings, cluster.user.as_ref());
        cluster.start_again();
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts it after [`Cluster::stop`] and waits until it answers.
    pub fn start_again(&self) {
        let mut start = self.pg_ctl("start");
        start.arg("-l").arg(self.folder.join("log")).args(["-w", "-t", "60"]);
        // The server inherits these; were they ours, who reads our output would wait for the server too.
        let done = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.is_ok_and(|status| status.success()), "the PostgreSQL server did not start");
    }

    /// Has it listen on a free port of the loopback address, too, with a certificate and its key (PEM) where there is one; who
    /// connects is in its log.
    pub fn listen(&self, certificate: Option<(&str, &str)>) -> u16 {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut text = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\nlog_connections = on\n",
            self.folder.display()
        );
        if let Some((certificate, key)) = certificate {
            for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
                let file = self.data().join(name);
                fs::write(&file, pem).expect("the cluster can be written to");
                fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the file is ours");
                own(&file, self.user.as_ref());
            }
            text.push_str("ssl = on\n");
        }
        fs::write(self.data().join("postgresql.auto.conf"), text).expect("the cluster can be written to");
        self.stop();
        self.start_again();
        port
    }

    /// What the server wrote into its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).expect("it has a log")
    }

    /// Ends it at once, without a checkpoint: it recovers from its log at the next start, as after a crash.
    pub fn stop(&self) {
        let mut stop = self.pg_ctl("stop");
        stop.args(["-m", "immediate"]);
        succeed(stop);
    }

    fn pg_ctl(&self, what: &str) -> std::process::Command {
        let mut command = command(self.user.as_ref(), &self.programs.join("pg_ctl"));
        command.arg(what).arg("-s").arg("-D").arg(self.data());
        command
    }

    /// The URL of a new, empty database.
    pub fn database(&self, name: &str) -> String {
        let mut create = command(self.user.as_ref(), &self.programs.join("createdb"));
        create.arg("-h").arg(&self.folder).args(["-U", "overread", "-T", "template0", "-E", "UTF8", name]);
        succeed(create);
        format!("postgres://overread@localhost/{name}?host={}", self.folder.display())
    }

    /// The first value of a query's answer.
    pub fn ask(&self, database: &str, query: &str) -> String {
        let mut psql = command(self.user.as_ref(), &self.programs.join("psql"));
        psql.arg("-h")
            .arg(&self.folder)
            .args(["-U", "overread", "-X", "-q", "-t", "-A", "-d", database, "-c", query]);
        let output = psql.output().expect("psql comes with the server");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.pg_ctl("stop");
        let _ = stop.args(["-m", "immediate"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
