//! Notes of both forms: any bytes are refused with a place or are notes whose text is what came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use overread_intake::{File, Form, Limits, read};

fuzz_target!(|bytes: &[u8]| {
    for form in [Form::JsonLines, Form::PlainText { id: None, title: None }] {
        match read(&[File { name: "seed".to_owned(), form, bytes }], Limits::default()) {
            Ok(batch) => assert!(batch.notes.iter().all(|note| note.text.len() <= bytes.len() * 3)),
            Err(faults) => assert!(!faults.told.is_empty()),
        }
    }
});
