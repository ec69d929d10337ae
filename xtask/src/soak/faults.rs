//! A slow disk and a clock that jumps, for a server that is none the wiser.

use std::io::{Seek as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use overread_e2e::Settings;
use xshell::cmd;

use crate::shell::{root, shell, write};

/// Two numbers that the server's own system calls read.
#[derive(Debug)]
pub struct Faults {
    file: std::fs::File,
    sync_ms: i64,
    clock_ms: i64,
}

impl Faults {
    /// Compiles the library (`cc`) and puts it before the server's libc.
    pub fn under(settings: &mut Settings) -> Result<Self> {
        let folder = settings.folder.clone();
        let (source, library) = (root().join("xtask/src/soak/faults.c"), folder.join("faults.so"));
        let sh = shell()?;
        cmd!(sh, "cc -O2 -shared -fPIC -o {library} {source}")
            .quiet()
            .run()
            .context("a C compiler is needed")?;
        let path = folder.join("faults");
        write(&path, [0; 16])?;
        settings.env.push(("LD_PRELOAD".to_owned(), text(&library)));
        settings.env.push(("SOAK_FAULTS".to_owned(), text(&path)));
        let file = std::fs::File::options().write(true).open(path)?;
        Ok(Self { file, sync_ms: 0, clock_ms: 0 })
    }

    /// Every synchronisation takes so much longer.
    pub fn slow_disk(&mut self, millis: i64) -> Result<()> {
        self.sync_ms = millis;
        self.write()
    }

    /// The clock stands so far from the true time.
    pub fn clock(&mut self, seconds: i64) -> Result<()> {
        self.clock_ms = seconds * 1000;
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        let mut bytes = self.sync_ms.to_ne_bytes().to_vec();
        bytes.extend(self.clock_ms.to_ne_bytes());
        self.file.rewind()?;
        self.file.write_all(&bytes)?;
        Ok(())
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
