//! What no compiler checks: which crate may know which, what may be linked, how long files get, what must not be left
//! behind. Our own checks return their findings, so that one run shows them all.

use anyhow::{Result, bail};

use crate::args::Args;
use crate::deny;
use crate::shell::{root, shell};

mod arrows;
mod metadata;
mod sources;
mod unused;

pub fn run(args: Args) -> Result<()> {
    args.done()?;
    let sh = shell()?;
    let graph = metadata::Graph::load(&sh)?;
    let mut findings = arrows::check(&graph);
    findings.extend(unused::check(&graph, &root())?);
    findings.extend(sources::check(&sh)?);
    if let Err(error) = deny::check(&sh) {
        findings.push(format!("cargo-deny: {error:#}"));
    }
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    if findings.is_empty() {
        eprintln!(
            "tidy: {} of our crates, {} packages, nothing to say",
            graph.ours().count(),
            graph.packages.len()
        );
        Ok(())
    } else {
        bail!("{} findings", findings.len())
    }
}
