//! `overread serve`

use std::net::TcpListener;

use anyhow::{Context as _, Result};
use tokio::sync::watch;

use super::schedule;
use crate::cli::Serve;
use crate::parts;
use crate::settings::Settings;

pub async fn run(settings: &Settings, command: &Serve) -> Result<()> {
    let listen = command.listen.map_or_else(|| settings.listen.clone(), |listen| listen.to_string());
    // Before anything slow, so that a taken port is known at once.
    let listener = TcpListener::bind(&listen).with_context(|| format!("listening on {listen}"))?;
    let address = listener.local_addr()?;
    // A certificate that can't be used is known at once, too.
    if let Some(tls) = &settings.tls {
        tls.load()?;
    }
    let stop = ends();
    let app = parts::app(settings, true).await?;
    if app.store.users().await?.is_empty() {
        eprintln!("There are no users yet: overread user add NAME --role administrator");
    }
    if !address.ip().is_loopback() && !app.config.secure_cookies {
        tracing::warn!("serving beyond this machine without TLS: passwords and notes can be read on the way");
    }
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    eprintln!("Overread serves {scheme}://{address}");
    let copies = tokio::spawn(schedule::run(settings.clone(), app.store.clone(), stop.clone()));
    overread_server::serve(app, listener, settings.tls.clone(), stop, !command.no_worker).await?;
    copies.abort();
    tracing::info!("ended");
    Ok(())
}

/// Turns true at Ctrl+C or SIGTERM; a second one ends the process at once.
pub fn ends() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        tracing::info!("ending; once more ends at once");
        sender.send_replace(true);
        signal().await;
        std::process::exit(130);
    });
    receiver
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
