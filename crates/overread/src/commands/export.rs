//! `overread export`

use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::{Context as _, Result};
use overread_server::correction_lines;
use overread_store::CorrectionFilter;

use crate::cli::Export;
use crate::parts;
use crate::settings::Settings;

pub async fn run(settings: &Settings, command: &Export) -> Result<()> {
    let Export::Corrections { output, all, without_text } = command;
    let (store, _) = parts::store(settings).await?;
    let mut out: BufWriter<Box<dyn Write>> = BufWriter::new(match output {
        Some(path) => Box::new(File::create(path).with_context(|| path.display().to_string())?),
        None => Box::new(io::stdout()),
    });
    let mut corrections = store.corrections(CorrectionFilter { all: *all, since: None });
    let (mut entries, mut lines) = (0_u64, 0_u64);
    while let Some(record) = corrections.next().await? {
        entries += 1;
        for line in correction_lines(&record, !without_text) {
            serde_json::to_writer(&mut out, &line)?;
            out.write_all(b"\n")?;
            lines += 1;
        }
    }
    out.flush()?;
    store.close().await;
    eprintln!("{lines} corrections of {entries} entries");
    Ok(())
}
