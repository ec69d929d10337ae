//! Official files of code systems, zipped or not: any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use overread_codes::import::{File, Limits, Options, import};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { files: 20, file_bytes: 1 << 20, all_bytes: 2 << 20 };
    let options = Options { effective: Some("2026-04-01".into()), system: Some("own".into()), limits };
    let name = |n: usize| format!("file-{n}");
    // A zero byte parts files, so that one input can be a whole delivery.
    let files = bytes.split(|b| *b == 0).take(4).enumerate().map(|(n, own)| File { name: name(n), bytes: own.to_vec() });
    if let Ok((found, _)) = import(files.collect(), &options) {
        for result in found {
            let bytes = result.to_bytes().expect("what was imported can be written");
            assert!(!bytes.is_empty());
        }
    }
    let _ = import(vec![File { name: "one".into(), bytes: bytes.to_vec() }], &options);
});
