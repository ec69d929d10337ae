//! Background jobs: notes through the model. A job is claimed in the store, so that a killed worker's job comes back
//! when its claim runs out, and any number of servers share one queue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use overread_domain::code::ICD_10_CM;
use overread_domain::{SuggestionSet, SuggestionSetId};
use overread_store::{ClaimedJob, StoreError};
use overread_suggest::{ModelInfo, NoteInput, Suggest, Suggested};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::{App, Loaded, memory};

/// How long a worker sleeps when nothing is due and nobody rings; other servers' imports don't ring here.
const POLL: Duration = Duration::from_secs(2);
/// Until the database is asked again after it failed.
const AWAY: Duration = Duration::from_secs(5);
/// Between two looks at the folder of imported code systems.
const SHELF: Duration = Duration::from_secs(5);
/// Between two removals of expired sessions.
const SWEEP: Duration = Duration::from_hours(1);

/// Runs workers until `stop` turns true, then lets the jobs in hand end. With `until_idle` they also end when nothing is
/// left to do.
pub async fn run_workers(app: &App, stop: watch::Receiver<bool>, until_idle: bool) {
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..app.config.workers.max(1) {
        // Random, so that two processes never take each other for themselves.
        let name = format!("w{number}-{:016x}", app.source.random() as u64);
        workers.spawn(work(app.clone(), name, stop.clone(), until_idle));
    }
    if !until_idle {
        workers.spawn(memory::follow(app.clone(), stop.clone()));
        workers.spawn(follow_shelf(app.clone(), stop.clone()));
        workers.spawn(sweep(app.clone(), stop));
    }
    while workers.join_next().await.is_some() {}
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the end, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn work(app: App, name: String, mut stop: watch::Receiver<bool>, until_idle: bool) {
    tokio::select! {
        _ = app.model.wait() => {}
        () = stopped(&mut stop) => return,
    }
    let claim_ms = app.config.claim_seconds.saturating_mul(1000);
    while !*stop.borrow() {
        let rung = app.work.notified();
        let pause = match app.store.claim_job(&name, claim_ms).await {
            Ok(Some(job)) => {
                app.model.job_begins();
                // Asked for every job: a more complete model may have come.
                let loaded = app.model.wait().await;
                let suggest = coded(&app, loaded, job.meta.service_date.as_deref());
                let suggest = memory::remembering(&app, suggest).await;
                run(&app, &name, job, suggest).await;
                app.model.job_ends();
                continue;
            }
            Ok(None) if until_idle && idle(&app).await => return,
            Ok(None) => POLL,
            Err(error) => {
                tracing::warn!(%error, "jobs can't be claimed");
                AWAY
            }
        };
        tokio::select! {
            () = rung => {}
            () = sleep(pause) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// The model with codes of the edition in force when the patient was there.
fn coded(app: &App, loaded: Loaded, date: Option<&str>) -> Arc<dyn Suggest> {
    let Some(release) = app.release_on(ICD_10_CM, date) else { return loaded.suggest };
    if loaded.suggest.model().code_release == release.id() {
        return loaded.suggest;
    }
    let vectors = loaded.search_of(&release).and_then(|search| search.vectors());
    loaded.suggest.coded_in(release, vectors).unwrap_or(loaded.suggest)
}

async fn idle(app: &App) -> bool {
    app.store.job_counts().await.is_ok_and(|counts| counts.queued + counts.running == 0)
}

async fn run(app: &App, worker: &str, job: ClaimedJob, suggest: Arc<dyn Suggest>) {
    let started = Instant::now();
    let (id, attempt) = (job.id.clone(), job.attempt);
    // An attempt too many means that workers died on this note: a third would, too.
    let outcome = if attempt > app.config.attempts {
        Err(format!("{} workers ended without a word while they read this note", attempt - 1))
    } else {
        suggested(app, worker, job, &suggest).await
    };
    let took = started.elapsed();
    let done = match outcome {
        Ok((template, version, result)) => {
            let set = suggestion_set(
                SuggestionSetId::new(app.store.new_id("set")),
                suggest.model(),
                (&template, version),
                result,
                app.now(),
                took,
            );
            let count = set.suggestions.len();
            let kept = app.store.complete_job(&id, worker, set).await;
            if kept.is_ok() {
                tracing::info!(job = %id, count, ms = took.as_millis() as u64, "suggested");
                app.metrics.observe("overread_suggestion_duration_seconds", &[], took);
                app.metrics.count("overread_jobs_total", &[("result", "done")], 1);
            }
            kept
        }
        Err(reason) => {
            let retry = (attempt < app.config.attempts).then(|| {
                let wait =
                    app.config.retry_seconds.saturating_mul(4_i64.saturating_pow(attempt.saturating_sub(1)));
                app.now().plus_millis(wait.saturating_mul(1000))
            });
            let result = if retry.is_some() { "retried" } else { "failed" };
            tracing::warn!(job = %id, attempt, reason, result, "suggesting failed");
            app.metrics.count("overread_jobs_total", &[("result", result)], 1);
            app.store.fail_job(&id, worker, &reason, retry).await
        }
    };
    match done {
        Ok(()) => {}
        // The claim ran out and another worker has the job, or the entry moved on: its answer counts.
        Err(StoreError::Conflict { reason, .. }) => tracing::warn!(job = %id, reason, "result not kept"),
        // The claim runs out and the job is tried again.
        Err(error) => {
            tracing::error!(job = %id, %error, "result can't be kept");
            sleep(AWAY).await;
        }
    }
}

/// Runs the model on a thread of its own and holds on to the claim meanwhile. The error is for people.
async fn suggested(
    app: &App,
    worker: &str,
    job: ClaimedJob,
    suggest: &Arc<dyn Suggest>,
) -> Result<(String, u32, Suggested), String> {
    let claim_ms = app.config.claim_seconds.saturating_mul(1000);
    let suggest = Arc::clone(suggest);
    let (id, template, version) = (job.id.clone(), job.template.id.clone(), job.template.version);
    let mut computing = tokio::task::spawn_blocking(move || {
        suggest.suggest(&NoteInput { text: &job.text, meta: &job.meta }, &job.template)
    });
    let beat = Duration::from_millis(claim_ms.unsigned_abs() / 3);
    loop {
        tokio::select! {
            done = &mut computing => {
                return match done {
                    Ok(Ok(result)) => Ok((template, version, result)),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("the model panicked on this note".to_owned()),
                };
            }
            () = sleep(beat) => {
                if let Err(error) = app.store.renew_claim(&id, worker, claim_ms).await {
                    tracing::warn!(job = %id, %error, "claim not renewed");
                }
            }
        }
    }
}

/// What the model said, with all that must be known of it later. `template` is id and version.
pub fn suggestion_set(
    id: SuggestionSetId,
    model: &ModelInfo,
    template: (&str, u32),
    result: Suggested,
    made_at: overread_domain::Timestamp,
    took: Duration,
) -> SuggestionSet {
    SuggestionSet {
        id,
        model: model.version.clone(),
        memory: model.memory.clone(),
        code_release: model.code_release.clone(),
        template: template.0.to_owned(),
        template_version: template.1,
        threshold: result.threshold,
        made_at,
        took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
        read_until: result.read_until,
        suggestions: result.suggestions,
    }
}

/// Takes in what other processes import, until `stop` turns true.
pub async fn follow_shelf(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = sleep(SHELF) => {}
            () = stopped(&mut stop) => return,
        }
        match app.look_at_shelf().await {
            Ok(false) => {}
            Ok(true) => tracing::info!("code systems were read again"),
            Err(error) => tracing::warn!(%error, "a template of a new code system is not there"),
        }
    }
}

async fn sweep(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = app.store.delete_expired_sessions().await {
            tracing::warn!(%error, "expired sessions stay");
        }
        tokio::select! {
            () = sleep(SWEEP) => {}
            () = stopped(&mut stop) => return,
        }
    }
}
