//! No call home: the server opens no connection of its own, and the page loads nothing from elsewhere (which every test of
//! the page asserts where it ends; see `Stage::clean`).

use std::collections::BTreeSet;
use std::fs;

use overread_e2e::Key;
use serde_json::json;

use super::stage::{NOTE, Stage};

/// Ends of the sockets of a process that are not those of its own listener: from the kernel's tables (proc(5)), so that
/// nothing that the process does can hide them.
fn foreign(pid: u32, port: u16) -> Vec<String> {
    let own: BTreeSet<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    assert!(!own.is_empty(), "a server has at least the socket that it listens on");
    let mut found = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(inode)) = (cells.get(1), cells.get(9)) else { continue };
            let at = local.rsplit(':').next().and_then(|port| u16::from_str_radix(port, 16).ok());
            if own.contains(*inode) && !(table.starts_with("tcp") && at == Some(port)) {
                found.push(format!("{table} {line}"));
            }
        }
    }
    found
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads the kernel's tables of Linux")]
fn the_server_opens_no_connection_of_its_own() {
    let stage = Stage::new();
    let (pid, port) = (stage.product.pid(), stage.product.port());
    let seen = std::sync::Arc::new(std::sync::Mutex::new((0usize, Vec::new())));
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // Looked at all the while: a connection need not last.
    let watcher = {
        let (seen, stop) = (std::sync::Arc::clone(&seen), std::sync::Arc::clone(&stop));
        std::thread::spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let found = foreign(pid, port);
                let mut seen = seen.lock().unwrap();
                seen.0 += 1;
                seen.1.extend(found);
                drop(seen);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        })
    };
    // The main job: a note comes in, is read, looked up, decided on, exported.
    let entry = stage.import(&[json!({ "id": "quiet", "text": NOTE })]).remove(0);
    stage.suggested(&entry);
    stage.sign_in_as("lead");
    stage.open(&entry);
    stage.press("f");
    stage.focused("#find-words");
    stage.browser.type_text("gout").unwrap();
    stage.key(Key::Enter);
    stage.focused("#rows");
    stage.press("/");
    stage.focused("#code-search");
    stage.browser.see("#code-hits [data-code^='M']").unwrap();
    stage.key(Key::Escape);
    stage.finish(&entry);
    stage.lead.get(overread_api::path::CORRECTIONS).unwrap();
    stage.clean();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    watcher.join().unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.0 > 50, "looked only {} times", seen.0);
    assert!(seen.1.is_empty(), "{:#?}", seen.1);
}
