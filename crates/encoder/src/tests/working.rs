//! The worker answers in order, says when it is full, and when it is gone.

use super::{config, random_tensors, tiny_folder};
use crate::{Encode, Encoder, Error, ModelVersion, Result, TokenStates, Tokenizer, Tokens, Window, Worker};
use std::sync::{Arc, Barrier};
use tempfile::TempDir;

fn tiny() -> Encoder {
    let dir = TempDir::new().unwrap();
    let config = config(2, 4, 10, 1, "gelu");
    tiny_folder(dir.path(), &random_tensors(&config, 2), &config);
    Encoder::load(dir.path()).unwrap()
}

/// Waits twice at a barrier in every `embed`, panics on the text `panic`.
struct Gated(Encoder, Arc<Barrier>);

impl Encode for Gated {
    fn version(&self) -> &ModelVersion {
        self.0.version()
    }
    fn hidden(&self) -> usize {
        self.0.hidden()
    }
    fn window(&self) -> usize {
        self.0.window()
    }
    fn overlap(&self) -> usize {
        self.0.overlap()
    }
    fn tokenizer(&self) -> &Tokenizer {
        self.0.tokenizer()
    }
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        assert!(texts != ["panic"], "as asked");
        self.1.wait();
        self.1.wait();
        self.0.embed(texts)
    }
    fn states_in(&self, tokens: Tokens, windows: Vec<Window>) -> Result<TokenStates> {
        self.0.states_in(tokens, windows)
    }
}

#[test]
fn answers_as_the_encoder_itself() {
    let encoder = tiny();
    let expected = (encoder.embed(&["one", "two"]).unwrap(), encoder.token_states("one two").unwrap());
    let worker = Worker::start(encoder, 4).unwrap();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asks: Vec<_> = (0..4)
            .map(|_| {
                let worker = worker.clone();
                scope.spawn(move || {
                    let vectors = worker.embed(&["one", "two"]).unwrap();
                    (vectors, worker.token_states("one two").unwrap())
                })
            })
            .collect();
        asks.into_iter().map(|a| a.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|a| *a == expected));
}

#[test]
fn errors_come_back_to_the_caller() {
    let worker = Worker::start(tiny(), 1).unwrap();
    let tokens = worker.tokenizer().encode("a b").unwrap();
    let error = worker.states_in(tokens, vec![Window::new(0..1)]).unwrap_err();
    assert!(matches!(error, Error::Uncovered { token: 1 }));
}

#[test]
fn says_when_the_queue_is_full() {
    let gate = Arc::new(Barrier::new(2));
    let worker = Worker::start(Gated(tiny(), Arc::clone(&gate)), 1).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| worker.embed(&["a"]));
        gate.wait(); // the first request is being worked on, the queue is empty
        let (reply, _answer) = std::sync::mpsc::sync_channel(1);
        let waiting = crate::worker::Request::Embed(vec!["b".into()], reply);
        assert!(worker.enqueue(waiting).is_ok());
        assert!(matches!(worker.embed(&["c"]), Err(Error::QueueFull { capacity: 1 })));
        gate.wait();
        first.join().unwrap().unwrap();
        gate.wait();
        gate.wait();
    });
}

#[test]
fn says_when_the_thread_is_gone() {
    let worker = Worker::start(Gated(tiny(), Arc::new(Barrier::new(1))), 1).unwrap();
    assert!(matches!(worker.embed(&["panic"]), Err(Error::Closed)));
    assert!(matches!(worker.embed(&["a"]), Err(Error::Closed)));
}
