//! Release, list and book files: any bytes are refused or are what they say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use overread_codes::{Book, CodeList, Release};

fuzz_target!(|bytes: &[u8]| {
    let _ = CodeList::from_bytes(bytes);
    let _ = Book::from_bytes(bytes);
    if let Ok(release) = Release::from_bytes(bytes) {
        let _ = release.search("a", &overread_codes::Options::default());
    }
});
