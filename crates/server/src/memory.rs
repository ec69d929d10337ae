//! The correction memory of this server: what the store has, as the model asks for it. The next suggestion sees every
//! decision that was kept before its job began; like words are found once their vectors are made, a moment later.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use overread_store::{MemoryRow, StoreError};
use overread_suggest::Suggest;
use overread_suggest::memory::{Fact, Memory};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::sleep;

use crate::App;

/// Entries taken into the memory before one job, at most: a database from before has many, and the job must not wait for
/// them all.
const BEFORE_A_JOB: u32 = 50;
/// Entries between two looks at whether the server ends.
const AT_ONCE: u32 = 20;
/// Phrases in one batch of vectors.
const BATCH: u32 = 64;
/// How long the follower sleeps when nobody rings; decisions on other servers don't ring here.
const POLL: Duration = Duration::from_secs(2);
/// Until the database is asked again after it failed.
const AWAY: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub struct Cache {
    state: Mutex<State>,
    /// Rings when something was decided.
    pub decided: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The last change that is in `rows`.
    stamp: i64,
    rows: BTreeMap<String, MemoryRow>,
    /// What made `vectors`.
    space: Option<String>,
    vectors: HashMap<String, Vec<f32>>,
    made: Option<Arc<Memory>>,
}

impl Cache {
    /// The memory as it is now.
    async fn memory(&self, app: &App, suggest: &dyn Suggest) -> Result<Arc<Memory>, StoreError> {
        let mut state = self.state.lock().await;
        let space = suggest.phrase_space();
        if state.space.as_ref() != Some(&space) {
            state.vectors = app.store.memory_vectors(&space).await?.into_iter().collect();
            state.space = Some(space.clone());
            state.made = None;
        }
        let new = app.store.memory_since(state.stamp).await?;
        if !new.is_empty() {
            state.made = None;
        }
        for row in new {
            state.stamp = row.changed;
            if row.uses > 0 {
                state.rows.insert(row.id.clone(), row);
            } else {
                state.rows.remove(&row.id);
            }
        }
        if let Some(made) = &state.made {
            return Ok(Arc::clone(made));
        }
        let facts: Vec<Fact> = state.rows.values().map(fact).collect();
        let memory = Memory::new(&facts, suggest.memory_weights());
        let memory = if state.vectors.is_empty() {
            memory
        } else {
            memory.with_vectors(&space, |key| state.vectors.get(key).map(Vec::as_slice))
        };
        let made = Arc::new(memory);
        state.made = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Takes new vectors in, if they are of the space that is asked for.
    async fn add_vectors(&self, space: &str, vectors: Vec<(String, Vec<f32>)>) {
        let mut state = self.state.lock().await;
        if state.space.as_deref() == Some(space) {
            state.vectors.extend(vectors);
            state.made = None;
        }
    }
}

fn fact(row: &MemoryRow) -> Fact {
    Fact {
        kind: row.kind,
        field: row.field.clone(),
        phrase: row.phrase.clone(),
        code: row.code.clone(),
        uses: u32::try_from(row.uses).unwrap_or(u32::MAX),
    }
}

/// The model with all that was decided until now. Where the database is away, the model as it is: what needs the memory most
/// needs the database more.
pub async fn remembering(app: &App, suggest: Arc<dyn Suggest>) -> Arc<dyn Suggest> {
    let learned = app.store.learn(BEFORE_A_JOB).await;
    let memory = match learned {
        Ok(_) => app.memory.memory(app, &*suggest).await,
        Err(error) => Err(error),
    };
    match memory {
        Ok(memory) => suggest.remembering(memory).unwrap_or(suggest),
        Err(error) => {
            tracing::warn!(%error, "suggesting without the correction memory");
            suggest
        }
    }
}

/// Follows the log of decisions and makes vectors of new phrases until `stop` turns true.
pub async fn follow(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let rung = app.memory.decided.notified();
        let pause = match step(&app).await {
            Ok(true) => continue,
            Ok(false) => POLL,
            Err(reason) => {
                tracing::warn!(reason, "the correction memory does not follow");
                AWAY
            }
        };
        tokio::select! {
            () = rung => {}
            () = sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// One step of the follower; whether there may be more to do. The error is for people.
async fn step(app: &App) -> Result<bool, String> {
    if app.store.learn(AT_ONCE).await.map_err(|error| error.to_string())? == AT_ONCE {
        return Ok(true);
    }
    let Some(loaded) = app.model.loaded() else { return Ok(false) };
    let space = loaded.suggest.phrase_space();
    if space.is_empty() {
        return Ok(false);
    }
    let phrases = app.store.memory_without_vector(&space, BATCH).await.map_err(|error| error.to_string())?;
    if phrases.is_empty() {
        return Ok(false);
    }
    let suggest = Arc::clone(&loaded.suggest);
    let computed = tokio::task::spawn_blocking(move || {
        let texts: Vec<&str> = phrases.iter().map(String::as_str).collect();
        let vectors = suggest.phrase_vectors(&texts);
        vectors.map(|vectors| phrases.into_iter().zip(vectors).collect::<Vec<_>>())
    });
    let made = match computed.await {
        Ok(Ok(made)) => made,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("the model panicked on a phrase".to_owned()),
    };
    if made.is_empty() {
        return Ok(false);
    }
    app.store.put_memory_vectors(&space, &made).await.map_err(|error| error.to_string())?;
    app.memory.add_vectors(&space, made).await;
    Ok(true)
}
