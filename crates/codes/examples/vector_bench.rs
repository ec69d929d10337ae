//! Time of the search of vectors: `vector_bench RELEASE.ovr [DIMS [QUERIES]]`. One vector a term, made up: the time
//! does not depend on what they say.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use overread_codes::Release;
use overread_codes::vectors::VectorIndex;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: vector_bench RELEASE.ovr [DIMS [QUERIES]]")?;
    let dims = args.next().map_or(Ok(128), |n| n.parse())?;
    let count = args.next().map_or(Ok(60), |n| n.parse())?;
    let release = Release::from_bytes(&std::fs::read(path)?)?;
    let mut state = 7u32;
    let mut vector = || -> Vec<f32> {
        (0..dims)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
            })
            .collect()
    };
    let vectors: Vec<Vec<f32>> = release.terms().map(|_| vector()).collect();
    let index = VectorIndex::build(&release, "made up", &vectors)?;
    let queries: Vec<Vec<f32>> = (0..count).map(|_| vector()).collect();

    report(&format!("{count} queries together"), &index, || index.nearest_many(&queries, 64).map(drop))?;
    report("one query", &index, || index.nearest(&queries[0], 64).map(drop))?;
    Ok(())
}

fn report<E: Error + 'static>(
    name: &str,
    index: &VectorIndex,
    mut run: impl FnMut() -> Result<(), E>,
) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..30 {
        let start = Instant::now();
        black_box(run()?);
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!(
        "{name}, {} terms x {}: median {:.2?}, best {:.2?}, worst {:.2?}",
        index.len(),
        index.dims(),
        times[times.len() / 2],
        times[0],
        times[times.len() - 1]
    );
    Ok(())
}
