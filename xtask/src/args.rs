//! Flags of the commands. Few and flat, so no parser is worth compiling before everything else.

use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

#[derive(Debug)]
pub struct Args {
    left: Vec<String>,
}

impl Args {
    pub fn from_env() -> Self {
        Self { left: std::env::args().skip(1).collect() }
    }

    #[cfg(test)]
    pub fn of(words: &[&str]) -> Self {
        Self { left: words.iter().map(|&word| word.to_owned()).collect() }
    }

    pub fn command(&mut self) -> Option<String> {
        if self.left.is_empty() { None } else { Some(self.left.remove(0)) }
    }

    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.left.len();
        self.left.retain(|word| word != name);
        self.left.len() < before
    }

    /// `--name VALUE` or `--name=VALUE`.
    pub fn value<T>(&mut self, name: &str) -> Result<Option<T>>
    where
        T: FromStr,
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let inline = format!("{name}=");
        let Some(at) = self.left.iter().position(|word| word == name || word.starts_with(&inline)) else {
            return Ok(None);
        };
        let word = self.left.remove(at);
        let text = match word.strip_prefix(&inline) {
            Some(text) => text.to_owned(),
            None if at < self.left.len() => self.left.remove(at),
            None => bail!("{name} needs a value"),
        };
        text.parse().map(Some).with_context(|| format!("{name}: \"{text}\""))
    }

    /// Refuses what no flag or value took.
    pub fn done(self) -> Result<()> {
        match self.left.first() {
            None => Ok(()),
            Some(word) => bail!("\"{word}\" means nothing here; `cargo xtask` lists the commands"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_flags_and_values_in_any_order() {
        let mut args = Args::of(&["demo", "--fresh", "--port", "9000"]);
        assert_eq!(args.command().as_deref(), Some("demo"));
        assert_eq!(args.value::<u16>("--port").unwrap(), Some(9000));
        assert!(args.flag("--fresh"));
        assert!(!args.flag("--fresh"));
        args.done().unwrap();
    }

    #[test]
    fn refuses_what_it_does_not_know_and_values_that_do_not_parse() {
        assert!(Args::of(&["--prot"]).done().is_err());
        assert!(Args::of(&["--port"]).value::<u16>("--port").is_err());
        assert!(Args::of(&["--port=high"]).value::<u16>("--port").is_err());
    }
}
