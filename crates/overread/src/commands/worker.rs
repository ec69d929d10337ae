//! `overread worker`

use std::time::Duration;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use overread_server::run_workers;

use super::serve::ends;
use crate::cli::Worker;
use crate::parts;
use crate::settings::Settings;

pub async fn run(settings: &Settings, command: &Worker) -> Result<()> {
    let stop = ends();
    let app = parts::app(settings, false).await?;
    let working = run_workers(&app, stop, command.until_idle);
    tokio::pin!(working);
    let bar = bar(0, "notes");
    loop {
        tokio::select! {
            () = &mut working => break,
            () = tokio::time::sleep(Duration::from_millis(500)) => {
                if let Some(problem) = app.model.problem() {
                    bail!("the model can't be used: {problem}");
                }
                if command.until_idle {
                    let counts = app.store.job_counts().await?;
                    bar.set_length(counts.done + counts.failed + counts.queued + counts.running);
                    bar.set_position(counts.done + counts.failed);
                }
            }
        }
    }
    bar.finish_and_clear();
    let counts = app.store.job_counts().await?;
    eprintln!("{} done, {} failed, {} left", counts.done, counts.failed, counts.queued + counts.running);
    app.store.close().await;
    Ok(())
}

/// On standard error, and only where that is a terminal.
pub fn bar(length: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!(
        "{{bar:40}} {{pos}}/{{len}} {what}, {{per_sec}}, {{eta}} left"
    ))
    .expect("the template is well formed");
    ProgressBar::new(length).with_style(style)
}
