//! A `PostgreSQL` server for tests, shared by every test process that runs at the same time.
//!
//! The first process makes a cluster in the temporary folder and starts it, reachable only through a socket in a folder
//! of its own; the others find it there. Each holds a shared file lock while it lives. A watchdog stops the server and ends
//! itself some seconds after the last lock is gone, however its holder ended, so that nothing is left behind.
//!
//! A server refuses to run as root: then it runs as `postgres`, or as `nobody` where there is no such user.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Name of an environment variable: the URL of a server on which this user may create databases, to be used instead.
const OTHER_SERVER: &str = "OVERREAD_TEST_POSTGRES";

pub(crate) const MISSING: &str = "no PostgreSQL server is installed (initdb and pg_ctl): on Debian and Ubuntu run \
                       `apt-get install postgresql`, or set OVERREAD_TEST_POSTGRES=postgres://USER@HOST/DATABASE to a \
                       server on which the tests may create databases";

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    databases: AtomicU32,
}

#[derive(Debug)]
enum Server {
    Own { folder: PathBuf, programs: PathBuf, user: Option<User>, _in_use: File },
    Other { url: String },
}

/// Whom the server runs as, where that is not who runs the tests.
#[derive(Clone, Debug)]
pub(crate) struct User {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// The server of this process; started where none runs, in about a second.
    ///
    /// # Panics
    /// If there is no server to start, with a word on what to install.
    pub fn start() -> &'static Self {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(|| {
            let server = match std::env::var(OTHER_SERVER) {
                Ok(url) => Server::Other { url },
                Err(_) => start(),
            };
            Self { server, databases: AtomicU32::new(0) }
        })
    }

    /// The URL of a new, empty database. It goes with the server; on a server of somebody else's it stays, under a name
    /// that starts with `overread_test_`.
    pub fn database(&self) -> String {
        let n = self.databases.fetch_add(1, Ordering::Relaxed);
        let stamp = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
        let name = format!("overread_test_{}_{n}_{stamp:x}", std::process::id());
        match &self.server {
            Server::Own { folder, programs, user, .. } => {
                let mut create = command(user.as_ref(), &programs.join("createdb"));
                create.arg("-h").arg(folder).args(["-U", "overread", "-T", "template0", "-E", "UTF8", &name]);
                succeed(create);
                format!("postgres://overread@localhost/{name}?host={}", folder.display())
            }
            Server::Other { url } => {
                let mut create = Command::new("psql");
                create.args(["-X", "-q", "-d", url, "-c", &format!("CREATE DATABASE {name}")]);
                succeed(create);
                let (base, query) =
                    url.split_once('?').map_or((url.as_str(), ""), |(base, query)| (base, query));
                let start = base.find("://").map_or(0, |place| place + 3);
                let host = base[start..].find('/').map_or(base.len(), |place| start + place);
                let query = if query.is_empty() { String::new() } else { format!("?{query}") };
                format!("{}/{name}{query}", &base[..host])
            }
        }
    }
}

fn start() -> Server {
    let programs = programs().unwrap_or_else(|| panic!("{MISSING}"));
    let user = server_user();
    let me = user.as_ref().map_or_else(|| id(&["-u"]).unwrap_or_default(), |user| user.uid);
    // Short, for a socket's path has 107 bytes at most.
    let folder = std::env::temp_dir().join(format!("overread-test-postgres-{me}"));
    fs::create_dir_all(&folder).expect("the temporary folder can be written to");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("the folder is ours");
    own(&folder, user.as_ref());

    let starting = lock_file(&folder.join("starting"), user.as_ref());
    starting.lock().expect("files can be locked here");
    let in_use = lock_file(&folder.join("in-use"), user.as_ref());
    in_use.lock_shared().expect("files can be locked here");
    let data = folder.join("data");
    let mut status = command(user.as_ref(), &programs.join("pg_ctl"));
    status.arg("status").arg("-D").arg(&data);
    if !output(status).status.success() {
        make_and_start(&folder, &data, &programs, user.as_ref());
    }
    starting.unlock().expect("the lock is ours");
    Server::Own { folder, programs, user, _in_use: in_use }
}

fn make_and_start(folder: &Path, data: &Path, programs: &Path, user: Option<&User>) {
    if data.exists() {
        fs::remove_dir_all(data).expect("the old cluster can be removed");
    }
    let mut initdb = command(user, &programs.join("initdb"));
    initdb.arg("-D").arg(data).args([
        "-U",
        "overread",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
    ]);
    succeed(initdb);
    let settings = format!(
        "listen_addresses = ''\nunix_socket_directories = '{}'\nunix_socket_permissions = 0700\nfsync = off\n\
         full_page_writes = off\nsynchronous_commit = off\nmax_connections = 400\nshared_buffers = 64MB\n\
         autovacuum = off\nlog_min_messages = error\n",
        folder.display()
    );
    fs::write(data.join("postgresql.auto.conf"), settings).expect("the cluster can be written to");
    own(&data.join("postgresql.auto.conf"), user);
    let mut start = command(user, &programs.join("pg_ctl"));
    start.arg("start").arg("-D").arg(data).arg("-l").arg(folder.join("log")).args(["-w", "-t", "60", "-s"]);
    // The server inherits these; were they the test's own, who reads the test's output would wait for the server too.
    let done = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !done.is_ok_and(|status| status.success()) {
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("the PostgreSQL server did not start:\n{log}");
    }
    watch(folder, data, programs, user);
}

/// Stops the server once nobody has held the lock for ten seconds.
fn watch(folder: &Path, data: &Path, programs: &Path, user: Option<&User>) {
    const SCRIPT: &str = "idle=0
while sleep 2; do
    [ -d \"$2\" ] || exit
    if flock -n -x \"$1/in-use\" true; then idle=$((idle + 1)); else idle=0; fi
    if [ $idle -ge 5 ]; then
        flock -x \"$1/starting\" flock -n -x \"$1/in-use\" \"$3/pg_ctl\" stop -s -m immediate -D \"$2\" && exit
        idle=0
    fi
done";
    // In the background of a shell that ends at once: the watchdog outlives this process and is no child of it.
    let mut shell = command(user, Path::new("sh"));
    shell.args(["-c", "setsid sh -c \"$0\" watch \"$@\" &", SCRIPT]).arg(folder).arg(data).arg(programs);
    let done = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(done.is_ok_and(|status| status.success()), "no shell can be started");
}

/// Where initdb and `pg_ctl` are: Debian keeps them off the search path.
pub(crate) fn programs() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("pg_ctl").exists();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|folders| folders.flatten().map(|folder| folder.path().join("bin")).filter(complete).collect())
        .unwrap_or_default();
    versions.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        version.and_then(|version| version.parse::<u32>().ok())
    });
    versions.pop().or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(complete))
}

pub(crate) fn server_user() -> Option<User> {
    if id(&["-u"]) != Some(0) {
        return None;
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some(User { uid: id(&["-u", name])?, gid: id(&["-g", name])? }))
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// A program run as the server's user, in a folder that this user can read.
pub(crate) fn command(user: Option<&User>, program: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C").env_remove("PGOPTIONS").env_remove("PGPORT");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

fn output(mut command: Command) -> Output {
    let name = command.get_program().to_owned();
    command.output().unwrap_or_else(|error| panic!("{} can't be run: {error}", name.display()))
}

pub(crate) fn succeed(command: Command) {
    let name = command.get_program().to_owned();
    let output = output(command);
    assert!(
        output.status.success(),
        "{} failed: {}",
        name.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
}

pub(crate) fn own(path: &Path, user: Option<&User>) {
    if let Some(user) = user {
        chown(path, Some(user.uid), Some(user.gid)).expect("root may give files away");
    }
}

fn lock_file(path: &Path, user: Option<&User>) -> File {
    let file = File::options().create(true).truncate(false).write(true).read(true).open(path);
    let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    own(path, user);
    file
}
