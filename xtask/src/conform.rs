//! The interface against its own description, by schemathesis (<https://schemathesis.readthedocs.io>): no answer of the server's
//! failure, none that `openapi.json` does not know.

use anyhow::{Context as _, Result, ensure};
use overread_api::entry::EntryRow;
use overread_api::{Page, path};
use overread_domain::Role;
use overread_e2e::product::free_port;
use overread_e2e::{Product, Settings};
use xshell::cmd;

use crate::args::Args;
use crate::bench::api;
use crate::eval::release;
use crate::setup;
use crate::shell::{root, shell, step, target};

const VERSION: &str = "4.32.5";
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// What would end the session that asks; their answers have tests of their own (`tests/api`).
const ENDING: [&str; 3] = ["sign_out", "lock", "end_user_sessions"];
const ROLES: [Role; 4] = [Role::Reviewer, Role::Coder, Role::QaLead, Role::Administrator];

pub fn run(mut args: Args) -> Result<()> {
    let examples: u32 = args.value("--examples")?.unwrap_or(25);
    let seed: u64 = args.value("--seed")?.unwrap_or(1);
    args.done()?;
    let sh = shell()?;
    let tool = setup::from_pypi(&sh, "schemathesis", VERSION, "st")?;
    let program = release(&sh)?;
    let description = root().join("openapi.json");
    let mut failed = Vec::new();
    for role in ROLES.into_iter().map(Some).chain([None]) {
        let name = role.map_or("nobody", Role::as_str);
        let folder = target().join("conform").join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let mut settings = Settings::of(&program, &folder);
        settings.model = None;
        for limit in ["OVERREAD_REQUESTS_PER_MINUTE", "OVERREAD_SEARCHES_PER_MINUTE"] {
            settings.env.push((limit.to_owned(), "0".to_owned()));
        }
        settings.add_user("lead", Role::QaLead)?;
        if let Some(role) = role.filter(|role| *role != Role::QaLead) {
            settings.add_user(role.as_str(), role)?;
        }
        let product = Product::serve(settings, free_port()?)?;
        let lead = product.signed_in("lead")?;
        api::import(&lead, &api::samples()?)?;
        let mut headers = vec!["-H".to_owned(), format!("{}:1", path::CSRF_HEADER)];
        let client = match role {
            None => product.client(),
            Some(Role::QaLead) => product.signed_in("lead")?,
            Some(role) => product.signed_in(role.as_str())?,
        };
        if role.is_some() {
            headers.extend(["-H".to_owned(), format!("cookie:{}", client.cookie().context("a cookie")?)]);
        }
        let entries: Page<EntryRow> = lead.get(&format!("{}?limit=1", path::ENTRIES))?.json()?;
        let entry = &entries.items.first().context("an entry")?.id;
        let (url, examples, seed) = (product.url(), examples.to_string(), seed.to_string());
        let ending = ENDING.map(|id| format!("--exclude-operation-id={id}"));
        let (headers, ending) = (&headers, &ending);
        // Ids that nobody has, and ids of what is there: most answers lie behind the latter.
        for (ids, parameters) in [("any", String::new()), ("known", known(entry.as_str()))] {
            let settings = folder.join(format!("{ids}.toml"));
            std::fs::write(&settings, parameters)?;
            let report = folder.join(format!("{ids}.txt"));
            // It keeps notes of its own where it stands.
            let _here = sh.push_dir(&folder);
            let done = step(&format!("schemathesis as {name}, {ids} ids"), || {
                let run = cmd!(
                    sh,
                    "{tool} --config-file {settings} run {description} --url {url} {headers...} --checks {CHECKS}
                        {ending...} --phases examples,coverage,fuzzing --max-examples {examples} --seed {seed}
                        --continue-on-failure --no-color --request-timeout 30 --warnings off"
                )
                .ignore_status()
                .output()?;
                std::fs::write(&report, &run.stdout)?;
                Ok(run)
            })?;
            let text = String::from_utf8_lossy(&done.stdout).into_owned();
            let said =
                |start: &str| text.lines().find(|line| line.contains(start)).unwrap_or("").trim().to_owned();
            println!("{name}, {ids} ids: {}; {}", said("Tested: "), said(" generated"));
            if !done.status.success() {
                failed.push(report.display().to_string());
            }
        }
        ensure!(product.client().get("/healthz")?.status == 200, "the server does not answer any more");
        let session = client.get(path::SESSION)?.status;
        ensure!(role.is_none() || session == 200, "{name} was signed out on the way: status {session}");
    }
    ensure!(failed.is_empty(), "answers that the description does not know: {}", failed.join(", "));
    Ok(())
}

/// What schemathesis takes for these parameters of a path.
fn known(entry: &str) -> String {
    format!(
        "[parameters]\n\"path.entry\" = \"{entry}\"\n\"path.template\" = \"encounter-abstract\"\n\"path.book\" = \"tabular\"\n\
         \"path.system\" = \"icd-10-cm\"\n\"path.code\" = \"E11.9\"\n"
    )
}
