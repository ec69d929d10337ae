//! The whole product on one's own machine, with invented notes in it.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use overread_api::entry::ProgressView;
use overread_api::import::ImportView;
use overread_api::path;
use overread_api::system::{ModelView, SystemView};
use overread_domain::Role;
use overread_e2e::{Client, Product, Settings};

use crate::args::Args;
use crate::shell::{read, root, shell, step, write};
use crate::{eval, frontend};

const FOLDER: &str = "demo-data";
/// User ids with their passwords.
const USERS: &str = "users.json";
/// Its being there says that the sample notes were imported and read; a start that was broken off before goes on.
const FILLED: &str = "filled";
const PEOPLE: [(&str, Role); 4] = [
    ("reviewer", Role::Reviewer),
    ("coder", Role::Coder),
    ("qa", Role::QaLead),
    ("admin", Role::Administrator),
];

pub fn run(mut args: Args) -> Result<()> {
    let port: u16 = args.value("--port")?.unwrap_or(8080);
    let serve = !args.flag("--no-serve");
    let fresh = args.flag("--fresh");
    args.done()?;
    if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
        bail!("port {port} is taken; choose another with --port");
    }
    let started = Instant::now();
    let sh = shell()?;
    frontend::build(false)?;
    let program = eval::release(&sh)?;
    eval::vectors(&sh, &program)?;
    let folder = root().join(FOLDER);
    if fresh {
        sh.remove_path(&folder)?;
    }
    sh.create_dir(&folder)?;
    let mut settings = Settings::of(program, &folder);
    settings.semantic = true;
    let users = folder.join(USERS);
    let passwords = if users.is_file() {
        serde_json::from_str(&read(&users)?).with_context(|| users.display().to_string())?
    } else {
        let passwords = (PEOPLE.iter().map(|(id, _)| Ok(((*id).to_owned(), password()?))))
            .collect::<Result<BTreeMap<_, _>>>()?;
        // Before the users are made: passwords that nobody knows would be worth nothing.
        write(&users, serde_json::to_string_pretty(&passwords)?)?;
        passwords
    };
    let filled = folder.join(FILLED);
    if !filled.is_file() {
        people(&settings, &passwords)?;
    }
    let mut product = step("start the server", || Product::serve(settings, port))?;
    if !filled.is_file() {
        fill(&mut product, &passwords)?;
        write(&filled, "")?;
    }
    eprintln!("    ready after {:.0} s\n", started.elapsed().as_secs_f32());
    greet(&product.url(), &passwords, &folder);
    if serve { product.wait() } else { product.stop() }
}

/// Makes the users that are not there yet.
fn people(settings: &Settings, passwords: &BTreeMap<String, String>) -> Result<()> {
    let there = settings.users()?;
    for (id, role) in PEOPLE {
        if !there.iter().any(|known| known == id) {
            settings.add_user_with(id, &format!("Demo {}", role.label()), role, &passwords[id])?;
        }
    }
    Ok(())
}

/// 75 random bits in letters that are not taken for one another.
fn password() -> Result<String> {
    use std::io::Read as _;
    let mut bytes = [0_u8; 15];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let letters: Vec<char> = "abcdefghijkmnpqrstuvwxyz23456789".chars().collect();
    let mut out = String::new();
    for (place, byte) in bytes.into_iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            out.push('-');
        }
        out.push(letters[usize::from(byte) % letters.len()]);
    }
    Ok(out)
}

/// Imports the sample notes and waits until the model has read them all.
fn fill(product: &mut Product, passwords: &BTreeMap<String, String>) -> Result<()> {
    let client = product.client();
    client.sign_in("qa", &passwords["qa"])?;
    let notes = std::fs::read(root().join("samples/notes.jsonl"))?;
    let imported: ImportView = step("import the sample notes", || {
        client.send("POST", path::IMPORT, Some(notes), "application/x-ndjson")?.json()
    })?;
    step(&format!("suggest for {} notes", imported.imported + imported.unchanged), || {
        await_suggestions(&client)
    })
}

/// Draws a bar until nothing waits for suggestions.
fn await_suggestions(client: &Client) -> Result<()> {
    let mut shown = u64::MAX;
    loop {
        let progress: ProgressView = client.get(path::PROGRESS)?.json()?;
        let total = progress.open + progress.in_progress + progress.exception + progress.finished;
        let done = total.saturating_sub(progress.suggesting);
        if done != shown {
            bar(done, total);
            shown = done;
        }
        if progress.suggesting == 0 {
            eprintln!();
            if progress.failed > 0 {
                eprintln!("    {} notes got no suggestions; the system page says why", progress.failed);
            }
            return Ok(());
        }
        let system: SystemView = client.get(path::SYSTEM)?.json()?;
        if let ModelView::Unavailable { message } = system.model {
            eprintln!();
            bail!("the model can't be used: {message}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn bar(done: u64, total: u64) {
    if std::io::stderr().is_terminal() {
        let width = 40;
        let full = (done * width).checked_div(total).unwrap_or(width) as usize;
        eprint!("\r    [{}{}] {done}/{total}", "#".repeat(full), " ".repeat(width as usize - full));
    } else if done.is_multiple_of(10) || done == total {
        eprintln!("    {done}/{total}");
    }
}

fn greet(url: &str, passwords: &BTreeMap<String, String>, folder: &Path) {
    println!("Overread serves {url}\n");
    println!("  {:<14} {:<20} password", "role", "user");
    for (id, role) in PEOPLE {
        let password = passwords.get(id).map_or("", String::as_str);
        println!("  {:<14} {id:<20} {password}", role.label());
    }
    println!(
        "\nEverything is in {}; `cargo xtask demo --fresh` starts over. Ctrl+C stops.",
        folder.display()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_enough_and_differ() {
        let (one, two) = (password().unwrap(), password().unwrap());
        assert_eq!(one.len(), 17);
        assert_ne!(one, two);
    }
}
