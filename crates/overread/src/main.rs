//! The `overread` binary: reads settings, wires the parts, one file a command.

#[expect(clippy::doc_markdown, reason = "its comments are the help that people read in a terminal")]
mod cli;
mod commands;
mod parts;
mod settings;
mod source;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use cli::{Cli, Command};
use settings::Settings;

/// How long computations that were broken off may still take before the process ends.
const LINGER: Duration = Duration::from_secs(1);

/// What the world outside gets to know by the exit status.
#[derive(Debug, thiserror::Error)]
pub enum Exit {
    /// The input is bad (status 2); the text says where.
    #[error("{0}")]
    BadInput(String),
    /// The gate keeps the current model (status 3); the report says why.
    #[error("the candidate is refused")]
    Refused,
    /// The audit trail does not hold (status 3); the text names the first place.
    #[error("{0}")]
    Broken(String),
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(panicked));
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("overread: {error:#}");
            let exit = error.chain().find_map(|cause| cause.downcast_ref::<Exit>());
            ExitCode::from(match exit {
                Some(Exit::BadInput(_)) => 2,
                Some(Exit::Refused | Exit::Broken(_)) => 3,
                None => 1,
            })
        }
    }
}

/// Says where and never what: a panic's message may repeat clinical text, as that of a slice out of bounds does.
fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    // Whoever reads has seen enough (`... | head`): an end as by SIGPIPE, which the runtime ignores.
    let message = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
    if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
        std::process::exit(128 + 13);
    }
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    if tracing::dispatcher::has_been_set() {
        tracing::error!(location, "panicked");
    } else {
        eprintln!("overread: panicked at {location}");
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    // Needs no settings, so that it works wherever the program was copied.
    if matches!(cli.command, Command::Openapi) {
        print!("{}", overread_server::openapi());
        return Ok(());
    }
    let settings = Settings::read(&cli.common)?;
    let serving = matches!(cli.command, Command::Serve(_) | Command::Worker(_));
    log(&settings, serving)?;
    match cli.command {
        Command::Eval(command) => commands::eval::run(&settings, &command),
        Command::Codes(command) => commands::codes::run(&settings, &command),
        Command::Suggest(command) => commands::suggest::run(&settings, &command),
        Command::Train(command) => commands::train::run(&settings, &command),
        Command::Gate(command) => commands::gate::run(&settings, &command),
        other => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let outcome = runtime.block_on(async {
                match other {
                    Command::Serve(command) => commands::serve::run(&settings, &command).await,
                    Command::Worker(command) => commands::worker::run(&settings, &command).await,
                    Command::Import(command) => commands::import::run(&settings, &command).await,
                    Command::User(command) => commands::user::run(&settings, command).await,
                    Command::Keys(command) => commands::keys::run(&settings, command).await,
                    Command::Backup(command) => commands::backup::back_up(&settings, &command).await,
                    Command::Restore(command) => commands::backup::restore(&settings, &command).await,
                    Command::Check => commands::check::run(&settings).await,
                    Command::Audit(command) => commands::audit::run(&settings, &command).await,
                    Command::Export(command) => commands::export::run(&settings, &command).await,
                    Command::Eval(_)
                    | Command::Train(_)
                    | Command::Gate(_)
                    | Command::Codes(_)
                    | Command::Suggest(_)
                    | Command::Openapi => Ok(()),
                }
            });
            // Dropping it would wait for a suggestion that is being computed, however long.
            runtime.shutdown_timeout(LINGER);
            outcome
        }
    }
}

/// To standard error: standard output is for answers.
fn log(settings: &Settings, serving: bool) -> anyhow::Result<()> {
    use tracing_subscriber::EnvFilter;
    let absent = if serving { "info" } else { "warn" };
    let filter = EnvFilter::try_new(settings.log.as_deref().unwrap_or(absent))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if settings.log_json {
        subscriber.json().init();
    } else {
        subscriber.init();
    }
    Ok(())
}
