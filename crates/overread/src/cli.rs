//! The command line. Its help is the manual: every command shows how it is used.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod user;

pub use user::{Password, User};

const ABOUT: &str = "Check AI-filled entries from clinical notes.

A model on this machine suggests field values and codes for each note; people accept, correct or reject them beside the \
words they came from; every decision is kept and can be exported.

Settings come from flags, else from environment variables (OVERREAD_DATABASE, ...), else from overread.toml in the \
working directory, else from defaults that suit one machine.";

const START: &str = "Start from nothing:
  overread user add eva --name \"Eva Miller\" --role coder       asks for a first password
  overread import notes.jsonl                                  {\"id\": \"...\", \"text\": \"...\"} a line
  overread serve                                               then open http://127.0.0.1:8080
  overread export corrections --output corrections.jsonl

No note leaves this machine: nothing here contacts another one but the database you name.";

#[derive(Debug, Parser)]
#[command(name = "overread", version, about = ABOUT, after_help = START, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Settings that many commands share.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// Settings file (TOML); overread.toml of the working directory if there is one
    #[arg(long, global = true, value_name = "FILE", env = "OVERREAD_CONFIG")]
    pub config: Option<PathBuf>,
    /// sqlite:PATH or postgres://USER@HOST/NAME; sqlite:overread.db in the data folder if absent
    #[arg(long, global = true, value_name = "URL", env = "OVERREAD_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Where the database lies and vectors are kept; the working directory if absent
    #[arg(long, global = true, value_name = "DIR", env = "OVERREAD_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Model folder in Hugging Face layout; models/overread-minilm, here or beside the program, if absent
    #[arg(long, global = true, value_name = "DIR", env = "OVERREAD_MODEL")]
    pub model: Option<PathBuf>,
    /// Code release file; the newest in data/icd-10-cm, here or beside the program, if absent
    #[arg(long, global = true, value_name = "FILE", env = "OVERREAD_CODES")]
    pub codes: Option<PathBuf>,
    /// Any further setting of the server by its name in the settings file: --set note_bytes=500000
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// What is logged: error, warn, info, debug, or filters such as overread_server=debug
    #[arg(long, global = true, value_name = "FILTER", env = "OVERREAD_LOG")]
    pub log: Option<String>,
    /// Log as JSON, one object a line
    #[arg(long, global = true, env = "OVERREAD_LOG_JSON")]
    pub log_json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the page and the interface, and run suggestion jobs
    #[command(after_help = SERVE)]
    Serve(Serve),
    /// Run suggestion jobs without serving, beside other processes on one database
    #[command(after_help = WORKER)]
    Worker(Worker),
    /// Import notes: JSON Lines or plain text, all of it or nothing
    #[command(after_help = IMPORT)]
    Import(Import),
    /// Run the model over notes of a file, without a database
    #[command(after_help = SUGGEST)]
    Suggest(Suggest),
    /// Look codes up
    #[command(subcommand)]
    Codes(Codes),
    /// Copy the database while people work; the copy is restored into a scratch database before it gets its name
    #[command(
        after_help = "Examples:\n  overread backup /safe/overread-2026-11-26.backup\n  overread backup monday.backup --database postgres://overread@db/overread\n\n  overread backup friday.backup --recipient age1...               encrypted; keep the identity elsewhere\n\nOne format for SQLite and PostgreSQL: a copy of one comes back on the other. It is readable for its owner alone, and\nencrypted (age) where recipients are named here or under [backup] in the settings; `overread keys identity` makes one.\nImported code systems are in it; sessions, tokens and models are not. A server makes copies by itself: [backup] folder."
    )]
    Backup(Backup),
    /// Fill an empty database from a copy: all of it or nothing
    #[command(
        after_help = "Examples:\n  overread restore monday.backup --database sqlite:restored.db\n  overread restore friday.backup --identity key.txt --database sqlite:restored.db\n\nA copy that is cut short, changed, or of another version of the schema is refused with status 2, and nothing is written."
    )]
    Restore(Restore),
    /// Read the whole database: whether its file, notes, entries and audit trail are what was written
    #[command(
        after_help = "Each page of an encrypted database has a check of its own; of one that is not, only what the engine's own rules, the\nhashes of notes and the chain of the trail show. Status 3 and one line a fault where something does not hold: keep the\nfile, and fill a new one with `overread restore`."
    )]
    Check,
    /// The installation's keys: list, change, and those for copies
    #[command(subcommand)]
    Keys(Keys),
    /// The audit trail: whether it is whole, and its export
    #[command(subcommand)]
    Audit(Audit),
    /// Add, list and change users
    #[command(subcommand)]
    User(User),
    /// Write out what people decided
    #[command(subcommand)]
    Export(Export),
    /// Score suggestions against reference entries
    #[command(after_help = EVAL)]
    Eval(Eval),
    /// Train: a base model by a recipe, or a candidate of the current model and what people decided
    #[command(after_help = TRAIN)]
    Train(Train),
    /// Judge whether a candidate model may take the place of the current one
    #[command(after_help = GATE)]
    Gate(Gate),
    /// Print the OpenAPI description of the interface
    Openapi,
}

const SERVE: &str = "Examples:
  overread serve
  overread serve --listen 0.0.0.0:8080 --set secure_cookies=true       behind a proxy that ends TLS
  OVERREAD_DATABASE=postgres://overread@db/overread overread serve

Without a usable model the server still runs: reviewing goes on, the system page says why nothing is suggested.
/healthz, /readyz and /metrics are for machines. Ctrl+C and SIGTERM end it when what is in hand is done.";

#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port; port 0 takes a free one. 127.0.0.1:8080 if absent
    #[arg(long, value_name = "ADDRESS", env = "OVERREAD_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Serve only; `overread worker` processes run the jobs
    #[arg(long)]
    pub no_worker: bool,
}

const WORKER: &str = "Examples:
  overread worker --database postgres://overread@db/overread
  overread worker --until-idle        works off what waits, with a bar, and ends";

#[derive(Debug, Args)]
pub struct Worker {
    /// End when no job is left
    #[arg(long)]
    pub until_idle: bool,
}

const IMPORT: &str = "Examples:
  overread import notes.jsonl
  overread import ward/*.txt                 one note a file, its name is the id
  overread import notes.jsonl --dry-run

A line of JSON Lines: {\"id\": \"n1\", \"text\": \"...\", \"title\": \"...\", \"document_type\": \"Discharge summary\",
\"service_date\": \"2026-03-14\", \"encounter\": \"...\", \"patient\": \"...\"}; all but id and text may be absent.
Files must be UTF-8. On bad input every fault is told with its line, nothing is imported, and the status is 2.";

#[derive(Debug, Args)]
pub struct Import {
    /// Files ending in .jsonl, .ndjson or .txt
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Entry template; encounter-abstract if absent
    #[arg(long, value_name = "ID")]
    pub template: Option<String>,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
}

const SUGGEST: &str = "Example:
  overread suggest --input notes.jsonl --output suggestions.jsonl

Input: {\"id\": \"...\", \"text\": \"...\"} a line. Output, in the same order: {\"id\", \"text_sha256\", \"model\",
\"code_release\", \"suggestions\": [...], \"codes\": [...]}; offsets are Unicode code points, half open. What the page would
not show carries \"shown\": false. Status 2 and the line number on bad input; nothing is written then.";

#[derive(Debug, Args)]
pub struct Suggest {
    /// JSON Lines; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// JSON Lines; - writes to standard output
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// A template file (JSON), or encounter-abstract
    #[arg(long, value_name = "NAME", default_value = "encounter-abstract")]
    pub template: String,
}

#[derive(Debug, Args)]
pub struct Backup {
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Who can open the copy (age1...), beside those of the settings; may be given more than once
    #[arg(long, value_name = "KEY")]
    pub recipient: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Restore {
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The identity file that opens an encrypted copy
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

const KEYS: &str = "The key file holds what seals secrets and the key of an encrypted SQLite database. Keep a copy of it, and not beside
the copies of the database. To change the key while servers run:
  overread keys add          seals anew what the key before sealed; servers take it up by themselves
  overread keys list         which one is in use
  overread keys remove ID    once no copy of the old key is needed
The key that encrypts the pages of an SQLite file itself is changed while nothing uses the database:
  overread keys database     encrypts the whole file anew; an end at any moment leaves it whole";

#[derive(Debug, Subcommand)]
#[command(after_help = KEYS)]
pub enum Keys {
    /// Ids of the keys, the one in use last
    List,
    /// Add a key, take it into use, and seal anew what the one before sealed
    Add,
    /// Take a key out that seals nothing any more
    Remove { id: String },
    /// Encrypt the file of the SQLite database with a fresh key; servers and workers must not run
    Database,
    /// Make an identity that opens encrypted copies; prints the recipient to name in the settings
    Identity {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Go through the whole chain; status 3 and the first place where it does not hold, if it is broken
    Verify,
    /// Write the trail to standard output, one object a line, the oldest first
    #[command(
        after_help = "Examples:\n  overread audit export > audit.jsonl\n  overread audit export --format fhir --after 10000 > events.ndjson"
    )]
    Export {
        /// Rows as they are, or HL7 FHIR R4 AuditEvent resources
        #[arg(long, value_enum, default_value = "json")]
        format: AuditFormat,
        /// Only rows after this one
        #[arg(long, value_name = "ROW", default_value_t = 0)]
        after: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AuditFormat {
    Json,
    Fhir,
}

const CODES_IMPORT: &str = "Examples:
  overread codes import icd10cm-table-index-2026.zip icd10cm-order-2026.zip
  overread codes import icd10cm-tabular-April-1-2026.xml icd10cm-codes-2026.txt --effective 2026-04-01
  overread codes import icd10pcs_tables_2026.xml icd10pcs_order_2026.txt icd10pcs_index_2026.xml
  overread codes import mce.txt POAexemptCodes2026.txt DXCCSR_v2026-1.csv --effective 2025-10-01
  overread codes import wards.csv --system ward-units --effective 2026-01-01

Read are ICD-10-CM (tabular XML with order or codes file; index and tables), ICD-10-PCS (tables XML, with the order file
for official titles and the definitions for what values mean; index), HCPCS Level II (contractor record), Medicare Code
Editor lists, codes exempt from the present-on-admission indicator, CCSR, CMS-HCC mappings, general equivalence mappings,
NCCI edits, ICD-11 (WHO's tabulation), CPT (the AMA's list by columns), and plain CSV. What a file is, its content says.
All or nothing: on a file that is not understood nothing changes, the place is told, and the status is 2. Releases stand
side by side; every entry is coded by the one in force on its discharge or service date. A server that runs takes them in
within seconds.";

#[derive(Debug, Subcommand)]
pub enum Codes {
    /// Find codes by words in any order, a beginning, or the code itself
    #[command(
        after_help = "Examples:\n  overread codes search kidney stone\n  overread codes search E11.2 --limit 5 --json\n  overread codes search sugar disease --semantic     also by meaning; loads the model"
    )]
    Search {
        #[arg(required = true, value_name = "WORDS")]
        words: Vec<String>,
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// One JSON object for each code
        #[arg(long)]
        json: bool,
        /// Only codes that can stand on a claim
        #[arg(long)]
        billable: bool,
        /// Also by meaning, where the data folder holds the vectors that `codes vectors` or `serve` made
        #[arg(long)]
        semantic: bool,
    },
    /// Bring in a code release or a list from the official files, zipped or not
    #[command(after_help = CODES_IMPORT)]
    Import {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// First day in force (YYYY-MM-DD); else October 1 before the year that the files name
        #[arg(long, value_name = "DATE")]
        effective: Option<String>,
        /// Name of a system of your own, for a CSV file with the columns code, title and maybe parent
        #[arg(long, value_name = "NAME")]
        system: Option<String>,
        /// Only say what would be imported and what changes
        #[arg(long)]
        dry_run: bool,
        /// Take the place of what is there under the same name with other content
        #[arg(long)]
        replace: bool,
    },
    /// List the releases and lists that are loaded
    List {
        #[arg(long)]
        json: bool,
    },
    /// Tell what a release changes for entries that are not finished
    #[command(after_help = "Example:\n  overread codes impact icd-10-cm-2026-10")]
    Impact {
        /// Id of an imported release, as `codes list` shows it
        release: String,
    },
    /// Make the vectors by which codes are found by meaning, into the data folder. `serve` does so by itself when idle
    Vectors,
    /// Show one code with what is above and below it and its notes
    Show {
        code: String,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Export {
    /// Corrections as JSON Lines: one decided row or field a line
    Corrections {
        /// Standard output if absent
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Also entries that are not finished
        #[arg(long)]
        all: bool,
        /// Leave the notes' texts out
        #[arg(long)]
        without_text: bool,
    },
}

const EVAL: &str = "Example:
  overread suggest --input gold.jsonl --output out.jsonl && overread eval --gold gold.jsonl --predictions out.jsonl
  overread eval --public negex --data corpora/

With --public the model itself reads the part of a public set that no training saw. --errors quotes the notes: keep that file
where notes may be kept.";

#[derive(Debug, Args)]
pub struct Eval {
    /// Reference entries (JSON Lines, plain or .gz)
    #[arg(long, value_name = "FILE", required_unless_present = "public", conflicts_with = "public")]
    pub gold: Option<PathBuf>,
    /// What `overread suggest` wrote
    #[arg(long, value_name = "FILE", required_unless_present_any = ["public", "identifiers"], conflicts_with = "public")]
    pub predictions: Option<PathBuf>,
    /// Places of identifiers in the texts of --gold, for measuring masks: JSON Lines of id, sha256 and spans
    #[arg(long, value_name = "FILE", requires = "gold", conflicts_with = "predictions")]
    pub identifiers: Option<PathBuf>,
    /// Leave suggestions with less confidence out
    #[arg(long, default_value_t = 0.0)]
    pub threshold: f64,
    /// Write every error with its place and words there
    #[arg(long, value_name = "FILE", requires = "gold")]
    pub errors: Option<PathBuf>,
    /// A public set instead of reference entries; may be given again
    #[arg(long, value_name = "SET", requires = "data")]
    pub public: Vec<PublicSet>,
    /// Folder of the public sets
    #[arg(long, value_name = "DIR", requires = "public")]
    pub data: Option<PathBuf>,
    /// The figures as JSON
    #[arg(long)]
    pub json: bool,
}

/// What a model can be measured on beside reference entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PublicSet {
    /// Mentions of diseases in abstracts, BC5CDR, development part
    Bc5cdr,
    /// Mentions of diseases in abstracts, NCBI, development part
    Ncbi,
    /// Negation, time, experiencer in sentences of notes
    Negex,
    /// ICD-10-CM codes of case reports, CodiEsp, development part
    Codiesp,
}

const TRAIN: &str = "From corrections:
  overread export corrections --output corrections.jsonl
  overread train --from models/overread-minilm --corrections corrections.jsonl --output models/candidate \\
    --gold frozen.jsonl --replay reference.jsonl

The latest fifth of the entries is held out; the rest becomes the model's memory, with its weights fitted, and with
--replay the linear heads are fitted again to the reference entries and the corrections together. The candidate's folder
holds the gate's verdict (gate.md, gate.json) and the record of the run (training.json). It holds phrases of notes: keep it
where notes may be kept. Status 3 when the gate refuses it; nothing is installed either way.

By a recipe (see crates/train/recipes and models/MODEL_CARD.md):
  overread train --from models/base --recipe corpora.toml --data corpora/ --output runs/corpora \\
    --notes samples=samples/reference.jsonl

Encoder and heads learn from the corpora that the recipe names. The run keeps checkpoints and goes on from the last one when
it is started again; curve.jsonl has the losses, training.json the recipe with the hashes of all that was read.";

#[derive(Debug, Args)]
pub struct Train {
    /// Model folder to start from
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// What `overread export corrections` wrote, with texts (JSON Lines, plain or .gz)
    #[arg(long, value_name = "FILE", required_unless_present = "recipe", conflicts_with = "recipe")]
    pub corrections: Option<PathBuf>,
    /// Folder of the model that is made; with --corrections it must not be there yet
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// What to train, in TOML: corpora with epochs, rates, seed
    #[arg(long, value_name = "FILE", requires = "data")]
    pub recipe: Option<PathBuf>,
    /// Folder of the corpora that the recipe names
    #[arg(long, value_name = "DIR", requires = "recipe")]
    pub data: Option<PathBuf>,
    /// Reference entries of your own under the name by which the recipe reads them; may be given again
    #[arg(long, value_name = "NAME=FILE", requires = "recipe", value_parser = named_file)]
    pub notes: Vec<(String, PathBuf)>,
    /// Leave out this fifth of notes_gold_dev (line index modulo 5) and all that repeats it
    #[arg(long, value_name = "0-4", requires = "recipe", value_parser = clap::value_parser!(u8).range(0..5))]
    pub without_fold: Option<u8>,
    /// Reference entries that the heads are fitted to beside the corrections; without any the heads stay
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Frozen reference entries that the gate judges by; may be given again
    #[arg(long, value_name = "FILE")]
    pub gold: Vec<PathBuf>,
    /// Milliseconds a note (95th percentile) that are always fast enough; 250 if absent
    #[arg(long, value_name = "MS")]
    pub milliseconds: Option<f64>,
}

fn named_file(pair: &str) -> Result<(String, PathBuf), String> {
    match pair.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("NAME=FILE is needed".to_owned()),
    }
}

const GATE: &str = "Example:
  overread gate --candidate models/candidate --current models/overread-minilm --gold frozen.jsonl --corrections held-out.jsonl

Both models read the same notes. The candidate is refused unless it is better on the corrections (or, without any, on a
frozen set) in 95 % of paired bootstrap draws, no headline of a frozen set falls by more than one point, calibration is
not worse by more than the margin, and it is not slower than the budget allows. Status 0: it may be promoted; 3: refused.";

#[derive(Debug, Args)]
pub struct Gate {
    /// Model folder to judge
    #[arg(long, value_name = "DIR")]
    pub candidate: PathBuf,
    /// Model folder that serves now
    #[arg(long, value_name = "DIR")]
    pub current: PathBuf,
    /// Frozen reference entries (JSON Lines, plain or .gz); may be given again
    #[arg(long, required = true, value_name = "FILE")]
    pub gold: Vec<PathBuf>,
    /// Corrections that no training saw, with texts
    #[arg(long, value_name = "FILE")]
    pub corrections: Option<PathBuf>,
    /// Write gate.md and gate.json there
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Milliseconds a note (95th percentile) that are always fast enough; 250 if absent
    #[arg(long, value_name = "MS")]
    pub milliseconds: Option<f64>,
    /// How far the expected calibration error may rise; 0.02 if absent
    #[arg(long, value_name = "ECE")]
    pub margin: Option<f64>,
    /// The verdict as JSON instead of Markdown
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
