//! One thread that owns the computing, fed by a bounded queue.
//!
//! A forward pass uses every core by itself, so two at once only evict each other's caches: requests wait in
//! line, and when too many wait the caller is told at once instead of piling up memory.

use crate::encoder::Encode;
use crate::error::{Error, Result};
use crate::manifest::ModelVersion;
use crate::tokenizer::{Tokenizer, Tokens};
use crate::windows::{TokenStates, Window};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

pub(crate) enum Request {
    Embed(Vec<String>, SyncSender<Result<Vec<Vec<f32>>>>),
    States(Tokens, Vec<Window>, SyncSender<Result<TokenStates>>),
}

/// A handle on an encoder that runs on its own thread. Cheap to clone; the thread ends with the last handle.
///
/// Calls block until the answer is there: from asynchronous code use the runtime's blocking call (tokio's
/// `spawn_blocking`). Tokenizing runs on the caller's thread, only the forward pass waits in line.
#[derive(Clone)]
pub struct Worker {
    queue: SyncSender<Request>,
    capacity: usize,
    encoder: Arc<dyn Encode>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("version", &self.version().short())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// Gives `encoder` a thread of its own; at most `capacity` requests wait beside the one being worked on.
    pub fn start(encoder: impl Encode + 'static, capacity: usize) -> Result<Self> {
        let encoder: Arc<dyn Encode> = Arc::new(encoder);
        let (queue, requests) = sync_channel(capacity);
        let own = Arc::clone(&encoder);
        std::thread::Builder::new()
            .name("encoder".into())
            .spawn(move || serve(own.as_ref(), &requests))
            .map_err(|e| Error::Threads(e.to_string()))?;
        Ok(Self { queue, capacity, encoder })
    }

    fn ask<T>(&self, make: impl FnOnce(SyncSender<Result<T>>) -> Request) -> Result<T> {
        let (reply, answer) = sync_channel(1);
        self.enqueue(make(reply))?;
        answer.recv().map_err(|_| Error::Closed)?
    }

    pub(crate) fn enqueue(&self, request: Request) -> Result<()> {
        self.queue.try_send(request).map_err(|e| match e {
            TrySendError::Full(_) => Error::QueueFull { capacity: self.capacity },
            TrySendError::Disconnected(_) => Error::Closed,
        })
    }
}

fn serve(encoder: &dyn Encode, requests: &Receiver<Request>) {
    // A caller that went away is no reason to stop: its answer is dropped.
    while let Ok(request) = requests.recv() {
        match request {
            Request::Embed(texts, reply) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let _ = reply.send(encoder.embed(&texts));
            }
            Request::States(tokens, windows, reply) => {
                let _ = reply.send(encoder.states_in(tokens, windows));
            }
        }
    }
}

impl Encode for Worker {
    fn version(&self) -> &ModelVersion {
        self.encoder.version()
    }

    fn hidden(&self) -> usize {
        self.encoder.hidden()
    }

    fn window(&self) -> usize {
        self.encoder.window()
    }

    fn overlap(&self) -> usize {
        self.encoder.overlap()
    }

    fn tokenizer(&self) -> &Tokenizer {
        self.encoder.tokenizer()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let texts = texts.iter().map(|&t| t.to_owned()).collect();
        self.ask(|reply| Request::Embed(texts, reply))
    }

    fn states_in(&self, tokens: Tokens, windows: Vec<Window>) -> Result<TokenStates> {
        self.ask(|reply| Request::States(tokens, windows, reply))
    }
}
