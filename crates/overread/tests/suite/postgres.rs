//! The way to a `PostgreSQL` server, encrypted and verified.

use std::path::Path;

use overread_test_support::Cluster;
use tempfile::TempDir;

use crate::{certificate, good, run};

#[test]
fn the_server_is_who_its_certificate_says_or_nothing_is_sent() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    let ((trusted, key), (other, _)) = (certificate(), certificate());
    std::fs::write(here.join("ca.pem"), &trusted).unwrap();
    std::fs::write(here.join("other.pem"), &other).unwrap();
    // In the temporary folder itself: the path of a socket is short.
    let place = std::env::temp_dir().join(format!("overread-tls-{}", std::process::id()));
    let cluster = Cluster::start(&place);
    cluster.database("notes");
    let plain = cluster.listen(None);
    let users = |here: &Path, host: &str, port: u16, query: &str| {
        run(
            here,
            &["user", "list", "--database", &format!("postgres://overread@{host}:{port}/notes?{query}")],
        )
    };
    let refused = |host: &str, port: u16, query: &str, told: &str| {
        let output = users(here, host, port, query);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(told), "{query}: {said}");
    };
    good(&users(here, "localhost", plain, "sslmode=disable"));
    refused("localhost", plain, "sslmode=verify-full&sslrootcert=ca.pem", "server does not support TLS");

    let sealed = cluster.listen(Some((&trusted, &key)));
    good(&users(here, "localhost", sealed, "sslmode=verify-full&sslrootcert=ca.pem"));
    // What the server says of the connections that came in.
    let lines = cluster.log();
    let encrypted = lines.lines().filter(|line| line.contains("SSL enabled (protocol=TLSv1.3")).count();
    assert!(encrypted > 0, "{lines}");
    refused("localhost", sealed, "sslmode=verify-full", "UnknownIssuer");
    refused(
        "localhost",
        sealed,
        "sslmode=verify-full&sslrootcert=other.pem",
        "no encrypted connection came about",
    );
    refused("127.0.0.1", sealed, "sslmode=verify-full&sslrootcert=ca.pem", "not valid for name");
    let count = cluster.log().lines().filter(|line| line.contains("connection authorized")).count();
    assert_eq!(count, lines.lines().filter(|line| line.contains("connection authorized")).count());
}
