//! `overread user`: what it takes.

use clap::{Args, Subcommand, ValueEnum};
use overread_domain::{Reach, Role, Sensitivity};

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user. The password is asked for, or read from standard input; it is never an argument
    #[command(
        after_help = "Examples:\n  overread user add eva --name \"Eva Miller\" --role coder\n  pass overread/eva | overread user add eva --role coder --password-stdin"
    )]
    Add {
        /// The name to sign in with
        id: String,
        /// The name that people see; the id if absent
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        role: RoleName,
        #[command(flatten)]
        reach: ReachArguments,
        #[command(flatten)]
        password: Password,
    },
    /// Say which notes are open to a user, in the place of what was said before
    Reach {
        id: String,
        #[command(flatten)]
        reach: ReachArguments,
    },
    /// List all users
    List {
        #[arg(long)]
        json: bool,
    },
    /// Set a new password and end the user's sessions
    SetPassword {
        id: String,
        #[command(flatten)]
        password: Password,
    },
    /// For somebody who lost app, codes and passkeys: forget them all and end the user's sessions
    ResetSecondFactor { id: String },
    /// Shut a user out and end their sessions
    Disable { id: String },
    /// Let a user in again
    Enable { id: String },
}

/// Without any of them: notes of every site and queue, none that is guarded more than others.
#[derive(Clone, Debug, Args)]
pub struct ReachArguments {
    /// Only notes of this site; may be given several times, "" stands for notes without one
    #[arg(long = "site", value_name = "SITE")]
    pub sites: Vec<String>,
    /// Only notes of this work queue; may be given several times, "" stands for notes without one
    #[arg(long = "queue", value_name = "QUEUE")]
    pub queues: Vec<String>,
    /// Also notes of this guarded category (such as substance_use or hiv); may be given several times
    #[arg(long = "sensitivity", value_name = "CATEGORY", value_parser = category)]
    pub sensitivity: Vec<Sensitivity>,
    /// Whether notes are shown as written; without it by the role: QA leads see masked ones
    #[arg(long, value_name = "BOOL")]
    pub as_written: Option<bool>,
}

fn category(word: &str) -> Result<Sensitivity, String> {
    Sensitivity::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Sensitivity::ALL.iter().map(|one| one.as_str()).collect();
        format!("the categories are {}", known.join(", "))
    })
}

impl From<ReachArguments> for Reach {
    fn from(given: ReachArguments) -> Self {
        let named = |names: Vec<String>| (!names.is_empty()).then(|| names.into_iter().collect());
        Self {
            sites: named(given.sites),
            queues: named(given.queues),
            sensitivity: given.sensitivity.into_iter().collect(),
            as_written: given.as_written,
        }
    }
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Password {
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub password_stdin: bool,
    /// The user may keep this password; otherwise it must be changed at the first sign-in
    #[arg(long)]
    pub keep_password: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum RoleName {
    Reviewer,
    Coder,
    QaLead,
    Administrator,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Reviewer => Self::Reviewer,
            RoleName::Coder => Self::Coder,
            RoleName::QaLead => Self::QaLead,
            RoleName::Administrator => Self::Administrator,
        }
    }
}
