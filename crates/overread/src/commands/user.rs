//! `overread user`

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result, bail, ensure};
use overread_domain::{AuditAction, Reach, UserId};
use overread_server::{check_password, hash_password};
use overread_store::{Event, NewUser, Origin, UserPatch};

use crate::cli::{Password, User};
use crate::parts;
use crate::settings::Settings;

/// Where a password may also come from, for scripts that have no terminal and no pipe to spare.
const VARIABLE: &str = "OVERREAD_PASSWORD";

pub async fn run(settings: &Settings, command: User) -> Result<()> {
    let (store, source) = parts::store(settings).await?;
    match command {
        User::Add { id, name, role, reach, password } => {
            ensure!(overread_server::is_user_id(&id), "an id has 1 to 64 letters, digits and . _ - @");
            let hash = hash_password(&read(password, &id)?, source.random());
            let user = NewUser {
                name: name.unwrap_or_else(|| id.clone()),
                id: UserId::new(id),
                role: role.into(),
                reach: reach.into(),
                password_hash: hash,
                must_change_password: !password.keep_password,
            };
            let event = event(AuditAction::UserCreated, user.id.as_str())
                .with("role", user.role.as_str())
                .with("reach", overread_server::told_reach(&user.reach));
            let user = store.recording(event).create_user(user).await?;
            println!("{} added as {}", user.id, user.role.label());
        }
        User::Reach { id, reach } => {
            let reach = Reach::from(reach);
            let told = overread_server::told_reach(&reach);
            let event = event(AuditAction::UserChanged, &id).with("reach", told.as_str());
            let patch = UserPatch { reach: Some(reach), ..UserPatch::default() };
            store.recording(event).update_user(&UserId::new(id.as_str()), patch).await?;
            println!("{id}: {told}");
        }
        User::List { json } => {
            for user in store.users().await? {
                let state = if user.disabled { "disabled" } else { "active" };
                if json {
                    let line = serde_json::json!({
                        "id": user.id, "name": user.name, "role": user.role, "disabled": user.disabled,
                        "reach": user.reach,
                        "must_change_password": user.must_change_password, "created_at": user.created_at,
                        "last_sign_in": user.last_sign_in,
                    });
                    println!("{line}");
                } else {
                    println!("{:<20} {:<14} {state:<9} {}", user.id, user.role.label(), user.name);
                }
            }
        }
        User::SetPassword { id, password } => {
            let hash = hash_password(&read(password, &id)?, source.random());
            let id = UserId::new(id);
            let recording =
                store.recording(event(AuditAction::UserChanged, id.as_str()).with("password", "set"));
            let ended = recording.give_password(&id, &hash, !password.keep_password).await?;
            println!("password of {id} set, {ended} sessions ended");
        }
        User::ResetSecondFactor { id } => {
            let of = UserId::new(id.as_str());
            ensure!(store.user(&of).await?.is_some(), "there is no user \"{id}\"");
            store.recording(event(AuditAction::SecondFactorReset, &id)).reset_factors(&of).await?;
            println!("{id} has no second factor any more, and is signed out everywhere");
        }
        User::Disable { id } => {
            let patch = UserPatch { disabled: Some(true), ..UserPatch::default() };
            let event = event(AuditAction::UserChanged, &id).with("disabled", "true");
            store.recording(event).update_user(&UserId::new(id.as_str()), patch).await?;
            println!("{id} is shut out");
        }
        User::Enable { id } => {
            let patch = UserPatch { disabled: Some(false), ..UserPatch::default() };
            let event = event(AuditAction::UserChanged, &id).with("disabled", "false");
            store.recording(event).update_user(&UserId::new(id.as_str()), patch).await?;
            println!("{id} may sign in");
        }
    }
    store.close().await;
    Ok(())
}

/// Whoever has a shell here needs no name; that it was done here is on record.
fn event(action: AuditAction, user: &str) -> Event {
    let origin = Origin { request: "command".to_owned(), address: "local".to_owned() };
    Event::new(action, None, &origin).on(user)
}

/// From standard input, the environment, or asked for twice; never an argument, which other users of the machine can see.
fn read(how: Password, user: &str) -> Result<String> {
    let password = if how.password_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).context("reading the password")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else if let Ok(password) = std::env::var(VARIABLE) {
        password
    } else if io::stdin().is_terminal() {
        let first = rpassword::prompt_password(format!("Password for {user}: "))?;
        let second = rpassword::prompt_password("Once more: ")?;
        ensure!(first == second, "the two are not the same");
        first
    } else {
        bail!("no terminal to ask for the password: use --password-stdin or {VARIABLE}");
    };
    check_password(&password, user)?;
    Ok(password)
}
