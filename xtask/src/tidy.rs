//! What no compiler checks: which crate may know which, what may be linked, how long files get, what must not be left
//! behind. Every check returns its findings, so that one run shows them all.

use anyhow::{Result, bail};

use crate::args::Args;
use crate::shell::{root, shell};

mod arrows;
mod links;
mod metadata;
mod sources;
mod spdx;
mod unused;

pub fn run(args: Args) -> Result<()> {
    args.done()?;
    let sh = shell()?;
    let graph = metadata::Graph::load(&sh)?;
    let rules = links::Rules::load(&root().join("deny.toml"))?;
    let mut findings = arrows::check(&graph);
    findings.extend(links::check(&graph, &rules));
    findings.extend(unused::check(&graph, &root())?);
    findings.extend(sources::check(&sh)?);
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
