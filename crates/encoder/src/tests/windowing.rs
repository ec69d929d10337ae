//! Windows cover a text, and their states are those of the texts they hold.

use super::{config, distance, random_tensors, tiny_folder};
use crate::windows::owners;
use crate::{Encode, Encoder, Error, Options, Window, plan_windows};
use proptest::prelude::*;
use std::sync::LazyLock;
use tempfile::TempDir;

static TINY: LazyLock<Encoder> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    let config = config(2, 8, 20, 2, "gelu");
    tiny_folder(dir.path(), &random_tensors(&config, 21), &config);
    let options = Options { window: 16, overlap: 4, threads: 2, ..Options::default() };
    Encoder::load_with(dir.path(), options).unwrap()
});

proptest! {
    #[test]
    fn plans_cover_every_token_within_the_limit(n in 0usize..2000, pieces in 3usize..300, overlap in 0usize..64) {
        let windows = plan_windows(n, pieces, overlap);
        let room = pieces - 2;
        prop_assert_eq!(windows.is_empty(), n == 0);
        prop_assert!(windows.iter().all(|w| !w.range.is_empty() && w.range.len() <= room));
        prop_assert_eq!(windows.first().map_or(0, |w| w.range.start), 0);
        prop_assert_eq!(windows.last().map_or(0, |w| w.range.end), n);
        for pair in windows.windows(2) {
            let shared = pair[0].range.end as isize - pair[1].range.start as isize;
            prop_assert!(shared >= overlap.min(room / 2).min(room - 1) as isize);
            prop_assert!(pair[0].range.end < pair[1].range.end || pair[0].range.end == n);
        }
    }

    #[test]
    fn a_token_belongs_to_the_window_where_it_is_deepest(n in 1usize..400, pieces in 4usize..60, overlap in 0usize..20) {
        let windows = plan_windows(n, pieces, overlap);
        let depth = |w: &Window, t: usize| {
            let left = if w.range.start == 0 { usize::MAX } else { t - w.range.start };
            let right = if w.range.end == n { usize::MAX } else { w.range.end - 1 - t };
            left.min(right)
        };
        for (token, owner) in owners(n, &windows).unwrap().into_iter().enumerate() {
            prop_assert!(windows[owner].range.contains(&token));
            let deepest = windows.iter().filter(|w| w.range.contains(&token)).map(|w| depth(w, token)).max();
            prop_assert_eq!(Some(depth(&windows[owner], token)), deepest);
        }
    }

    #[test]
    fn windowed_states_are_those_of_their_window(words in proptest::collection::vec("[a-z]{1,5}", 1..40)) {
        let text = words.join(" ");
        let all = TINY.token_states(&text).unwrap();
        let windows = plan_windows(all.tokens.len(), 16, 4);
        let owner = owners(all.tokens.len(), &windows).unwrap();
        for (index, window) in windows.iter().enumerate() {
            let mut ids = vec![TINY.tokenizer().cls()];
            ids.extend(&all.tokens.ids[window.range.clone()]);
            ids.push(TINY.tokenizer().sep());
            let alone = TINY.forward(&[ids]).unwrap().remove(0);
            for token in window.range.clone().filter(|t| owner[*t] == index) {
                let row = token - window.range.start + 1;
                let expected = &alone[row * 16..(row + 1) * 16];
                prop_assert!(distance(all.row(token), expected) < 1e-5);
            }
        }
    }

    #[test]
    fn single_is_batched(texts in proptest::collection::vec("[a-z ]{0,30}", 1..12)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let batched = TINY.embed(&texts).unwrap();
        for (text, vector) in texts.iter().zip(&batched) {
            prop_assert!(distance(&TINY.embed(&[text]).unwrap()[0], vector) < 1e-5);
        }
    }
}

#[test]
fn a_prefix_gives_context_but_no_states() {
    let tokens = TINY.tokenizer().encode("a cat sat").unwrap();
    let prefix = TINY.tokenizer().ids("pets").unwrap();
    let n = tokens.len();
    let window = Window { range: 0..n, prefix: prefix.clone() };
    let with = TINY.states_in(tokens.clone(), vec![window]).unwrap();
    let without = TINY.states_in(tokens.clone(), vec![Window::new(0..n)]).unwrap();
    assert_eq!(with.states.len(), n * 16);
    assert!(distance(&with.states, &without.states) > 1e-3);

    let mut ids = vec![TINY.tokenizer().cls()];
    ids.extend(prefix.iter().chain(&tokens.ids));
    ids.push(TINY.tokenizer().sep());
    let whole = TINY.forward(&[ids]).unwrap().remove(0);
    let skip = (1 + prefix.len()) * 16;
    assert!(distance(&with.states, &whole[skip..skip + n * 16]) < 1e-6);
}

#[test]
fn a_prefix_is_cut_to_the_room_that_is_left() {
    let tokens = TINY.tokenizer().encode(&"a ".repeat(297)).unwrap();
    let prefix = TINY.tokenizer().ids(&"b ".repeat(50)).unwrap();
    let window = |keep: usize| vec![Window { range: 0..297, prefix: prefix[..keep].to_vec() }];
    let cut = TINY.states_in(tokens.clone(), window(50)).unwrap();
    let fits = TINY.states_in(tokens, window(1)).unwrap();
    assert_eq!(cut, fits);
}

#[test]
fn refuses_windows_that_do_not_fit() {
    let tokens = TINY.tokenizer().encode(&"a ".repeat(400)).unwrap();
    let states = |windows: &[(usize, usize)]| {
        let windows = windows.iter().map(|&(a, b)| Window::new(a..b)).collect();
        TINY.states_in(tokens.clone(), windows).unwrap_err()
    };
    let error = states(&[(0, 100), (100, 400)]);
    assert!(matches!(error, Error::WindowTooLong { window: 1, pieces: 302, limit: 300 }), "{error}");
    let error = states(&[(0, 100), (101, 400)]);
    assert!(matches!(error, Error::Uncovered { token: 100 }), "{error}");
    assert!(matches!(states(&[(0, 401)]), Error::Input { .. }));
}

#[test]
fn refuses_ids_and_lengths_that_the_model_has_not() {
    for ids in [vec![], vec![61], vec![1; 301]] {
        assert!(matches!(TINY.forward(&[ids]), Err(Error::Input { .. })));
    }
}

#[test]
fn an_empty_text_has_a_vector_and_no_states() {
    assert!(TINY.token_states("").unwrap().states.is_empty());
    assert!(TINY.embed(&[""]).unwrap()[0].iter().all(|v| v.is_finite()));
    assert!(TINY.embed(&[]).unwrap().is_empty());
}
