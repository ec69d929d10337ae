//! Folders that are not what they should be are refused with a reason.

use super::{Tensors, base, config, distance, random_tensors, tiny_folder};
use crate::weights::{Precision, Weights, write};
use crate::{Encode, Encoder, Error, ModelFolder, Options, seal, write_folder};
use proptest::prelude::*;
use std::path::Path;
use tempfile::TempDir;

fn folder_with(change: impl FnOnce(&mut Tensors)) -> TempDir {
    let dir = TempDir::new().unwrap();
    let config = config(2, 4, 10, 1, "gelu");
    let mut tensors = random_tensors(&config, 1);
    change(&mut tensors);
    tiny_folder(dir.path(), &tensors, &config);
    dir
}

fn load(folder: &Path) -> Result<Encoder, Error> {
    let options = Options { threads: 1, ..Options::default() };
    Encoder::load_with(folder, options)
}

fn edit_config(folder: &Path, key: &str, value: serde_json::Value) {
    let path = folder.join("config.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    json[key] = value;
    std::fs::write(path, json.to_string()).unwrap();
}

#[test]
fn loads_the_shipped_model_and_checks_its_manifest() {
    let folder = ModelFolder::open(base()).unwrap();
    let manifest = folder.manifest.as_ref().unwrap();
    assert_eq!(manifest.licence, "Apache-2.0");
    assert!(manifest.files.contains_key("model.safetensors"));
    assert_eq!(folder.embed_limit, 256);
    assert_eq!(folder.version.as_str().len(), 64);
    assert_eq!(folder.version.short().len(), 12);
}

#[test]
fn names_the_file_that_is_missing() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let dir = folder_with(|_| ());
        std::fs::remove_file(dir.path().join(file)).unwrap();
        let error = load(dir.path()).unwrap_err();
        assert!(matches!(&error, Error::MissingFile { file: f, .. } if f == file), "{error}");
    }
}

#[test]
fn refuses_other_shapes_missing_tensors_and_nan() {
    const QUERY: &str = "encoder.layer.0.attention.self.query.weight";
    let dir = folder_with(|t| t.get_mut(QUERY).unwrap().0 = vec![4, 16]);
    let error = load(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::Shape { name, .. } if name == QUERY), "{error}");

    let dir = folder_with(|t| drop(t.remove(QUERY)));
    let error = load(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::MissingTensor { name } if name == QUERY), "{error}");

    for (at, bad) in [(0, f32::NAN), (17, f32::INFINITY), (63, f32::NEG_INFINITY)] {
        let dir = folder_with(|_| ());
        let path = dir.path().join("model.safetensors");
        let mut bytes = std::fs::read(&path).unwrap();
        let (header, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let start = header + 8 + metadata.info(QUERY).unwrap().data_offsets.0 + 4 * at;
        bytes[start..start + 4].copy_from_slice(&bad.to_le_bytes());
        std::fs::write(path, bytes).unwrap();
        let error = load(dir.path()).unwrap_err();
        assert!(matches!(&error, Error::NotFinite { at: a, .. } if *a == at), "{error}");
    }
}

#[test]
fn refuses_foreign_configurations() {
    for (key, value, words) in [
        ("model_type", "roberta".into(), "model_type"),
        ("position_embedding_type", "relative_key".into(), "position_embedding_type"),
        ("hidden_act", "swish".into(), "swish"),
        ("num_attention_heads", 3.into(), "not divisible"),
        ("hidden_size", 0.into(), "hidden_size"),
        ("intermediate_size", (1u64 << 40).into(), "intermediate_size"),
        ("layer_norm_eps", (-1.0).into(), "layer_norm_eps"),
    ] {
        let dir = folder_with(|_| ());
        edit_config(dir.path(), key, value);
        let error = load(dir.path()).unwrap_err();
        assert!(matches!(&error, Error::Config { reason } if reason.contains(words)), "{error}");
    }
}

#[test]
fn refuses_a_tokenizer_with_more_pieces_than_the_model() {
    let dir = folder_with(|_| ());
    edit_config(dir.path(), "vocab_size", 20.into());
    let error = load(dir.path()).unwrap_err();
    let expected = matches!(error, Error::Vocabulary { max_id: 56, vocab_size: 20 });
    assert!(expected, "{error}");
}

#[test]
fn refuses_a_file_that_the_manifest_does_not_know() {
    let source = folder_with(|_| ());
    let dir = TempDir::new().unwrap();
    let tensors = random_tensors(&config(2, 4, 10, 1, "gelu"), 1);
    let names = ("tiny", "random", "CC0-1.0");
    write_folder(source.path(), dir.path(), names, &tensors, Precision::F32).unwrap();
    load(dir.path()).unwrap();

    let path = dir.path().join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = load(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::Checksum { file, .. } if file == "model.safetensors"), "{error}");

    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    // Files of other parts of the model, once they are named.
    let heads = dir.path().join("heads.json");
    std::fs::write(&heads, "one").unwrap();
    load(dir.path()).unwrap();
    seal(dir.path(), &["heads.json", "absent.json"]).unwrap();
    load(dir.path()).unwrap();
    std::fs::write(&heads, "two").unwrap();
    let error = load(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::Checksum { file, .. } if file == "heads.json"), "{error}");
    std::fs::remove_file(&heads).unwrap();
    assert!(matches!(load(dir.path()).unwrap_err(), Error::MissingFile { .. }));
    seal(dir.path(), &["heads.json"]).unwrap();
    load(dir.path()).unwrap();

    let path = dir.path().join("manifest.json");
    let outside = std::fs::read_to_string(&path).unwrap().replace("config.json", "../x");
    std::fs::write(path, outside).unwrap();
    assert!(matches!(load(dir.path()).unwrap_err(), Error::Manifest { .. }));
}

#[test]
fn version_follows_the_bytes_and_nothing_else() {
    let (a, b) = (folder_with(|_| ()), folder_with(|_| ()));
    let other = folder_with(|t| t.values_mut().next().unwrap().1[0] += 0.5);
    let version = |dir: &TempDir| ModelFolder::open(dir.path()).unwrap().version;
    assert_eq!(version(&a), version(&b));
    assert_ne!(version(&a), version(&other));
}

#[test]
fn reads_prefixed_and_old_names_and_all_three_number_types() {
    let plain = load(folder_with(|_| ()).path()).unwrap();
    let renamed = load(
        folder_with(|t| {
            *t = std::mem::take(t)
                .into_iter()
                .map(|(name, tensor)| {
                    let name = name
                        .replace("LayerNorm.weight", "LayerNorm.gamma")
                        .replace("LayerNorm.bias", "LayerNorm.beta");
                    (format!("bert.{name}"), tensor)
                })
                .collect();
        })
        .path(),
    )
    .unwrap();
    let text = ["some words"];
    assert_eq!(plain.embed(&text).unwrap(), renamed.embed(&text).unwrap());

    let halves = [1.5f32, -0.25, 65504.0, 6.1e-5];
    let mut bytes = Vec::new();
    let values = half_bytes(&halves);
    let bf16: Vec<u8> = halves[..2].iter().flat_map(|v| half::bf16::from_f32(*v).to_le_bytes()).collect();
    let view =
        |dtype, shape: usize, data| safetensors::tensor::TensorView::new(dtype, vec![shape], data).unwrap();
    let ints = [0u8; 8];
    let views = [
        ("half", view(safetensors::Dtype::F16, 4, &values[..])),
        ("brain", view(safetensors::Dtype::BF16, 2, &bf16[..])),
        ("ints", view(safetensors::Dtype::I64, 1, &ints[..])),
    ];
    bytes.extend(safetensors::serialize(views, None).unwrap());
    let weights = Weights::parse("x", bytes).unwrap();
    assert!(distance(&weights.get("half", &[4]).unwrap(), &halves) < 1e-7);
    assert_eq!(weights.get("brain", &[2]).unwrap(), halves[..2]);
    assert!(matches!(weights.get("ints", &[1]), Err(Error::Dtype { .. })));
}

fn half_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect()
}

#[test]
fn does_not_write_weights_that_half_precision_cannot_hold() {
    let dir = TempDir::new().unwrap();
    let tensors = Tensors::from([("big".into(), (vec![2], vec![1.0, 1e6]))]);
    let error = write(&dir.path().join("w"), &tensors, Precision::F16).unwrap_err();
    assert!(matches!(error, Error::NotFinite { at: 1, .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn truncated_weights_are_refused(keep in 0.0f64..1.0) {
        let dir = folder_with(|_| ());
        let path = dir.path().join("model.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..(bytes.len() as f64 * keep) as usize]).unwrap();
        let refused = matches!(load(dir.path()), Err(Error::Weights { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), file in 0usize..4) {
        let dir = folder_with(|_| ());
        let name = ["config.json", "tokenizer.json", "model.safetensors", "manifest.json"][file];
        std::fs::write(dir.path().join(name), bytes).unwrap();
        prop_assert!(load(dir.path()).is_err());
    }
}
