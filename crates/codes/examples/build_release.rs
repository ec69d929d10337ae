//! Makes a release file: `build_release TABULAR.xml CODELIST.txt OUT [ID TITLE EFFECTIVE]`. Without the last three,
//! ICD-10-CM April 2026.

use std::error::Error;
use std::path::Path;

use overread_codes::source::{Source, build};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [tabular, list, out, rest @ ..] = args.as_slice() else {
        return Err("usage: build_release TABULAR.xml CODELIST.txt OUT [ID TITLE EFFECTIVE]".into());
    };
    let (id, title, effective) = match rest {
        [] => ("icd-10-cm-2026-04", "ICD-10-CM, April 1, 2026", "2026-04-01"),
        [id, title, effective] => (id.as_str(), title.as_str(), effective.as_str()),
        _ => return Err("id, title and effective date go together".into()),
    };
    let name = |path: &str| {
        Path::new(path).file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    };
    let (tabular_name, list_name) = (name(tabular), name(list));
    let (tabular, list) = (std::fs::read(tabular)?, std::fs::read(list)?);
    let source =
        Source { id, title, effective, tabular: (&tabular_name, &tabular), list: (&list_name, &list) };
    let (release, report) = build(&source)?;
    let bytes = release.to_bytes(19)?;
    std::fs::write(out, &bytes)?;
    println!("{report:#?}");
    println!("{} bytes, content sha256 {}", bytes.len(), release.content_hash());
    Ok(())
}
