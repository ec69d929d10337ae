//! Lets the program be built again when the frontend was, and without it where it never was.

use std::path::Path;

fn main() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../frontend/dist");
    // Cargo takes a missing path for a changed one and would build this crate every time. Where the folder can't be
    // made (a read-only checkout) that is all that happens.
    let _ = std::fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../frontend/dist");
}
