use std::io::Write as _;
use std::path::PathBuf;

use super::*;

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("overread-train-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn reads_plain_and_packed_alike() {
    let text = b"{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n";
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text).unwrap();
    let packed = file("packed.jsonl.gz", &packer.finish().unwrap());
    let plain = file("plain.jsonl", text);
    let lines = read::<serde_json::Value>(&plain).unwrap();
    assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(lines, read::<serde_json::Value>(&packed).unwrap());
}

#[test]
fn says_the_line_and_hides_what_it_holds() {
    let path = file(
        "bad.jsonl",
        b"{\"id\":\"a\",\"text\":\"\",\"spans\":[]}\n{\"id\":\"b\",\"text\":\"\",\"spans\":\"secret\"}\n",
    );
    let error = read::<crate::gold::GoldNote>(&path).unwrap_err();
    assert!(matches!(error, ReadError::Line { line: 2, .. }));
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn refuses_a_repeated_id() {
    let line = "{\"id\":\"a\",\"text\":\"t\",\"spans\":[]}\n";
    let path = file("twice.jsonl", line.repeat(2).as_bytes());
    assert!(matches!(crate::gold::read(&path), Err(ReadError::RepeatedId { line: 2, .. })));
}
