//! The note's evidence at a glance.

use leptos::prelude::*;
use overread_domain::ItemState;

use super::state::Review;
use crate::logic::rows::RowKey;

/// Letters on a line of the note, roughly: enough to say how far down a place is.
const LINE: usize = 96;

/// How many display lines stand before each code point mark, for a text wrapped at [`LINE`].
fn lines_before(text: &str, points: &[usize]) -> (Vec<f64>, f64) {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|&index| points[index]);
    let mut found = vec![0.0; points.len()];
    let mut next = order.into_iter().peekable();
    let (mut lines, mut column) = (0usize, 0usize);
    for (count, c) in text.chars().enumerate() {
        while let Some(index) = next.next_if(|&index| points[index] <= count) {
            found[index] = lines as f64;
        }
        column += 1;
        if c == '\n' || column >= LINE {
            lines += 1;
            column = 0;
        }
    }
    let total = (lines + 1) as f64;
    for index in next {
        found[index] = total;
    }
    (found, total)
}

#[component]
pub fn Minimap() -> impl IntoView {
    let review = expect_context::<Review>();
    // Places move only when evidence does; states and the current row are told by class.
    let places = Memo::new(move |_| {
        // The rows come first.
        if review.order.with(Vec::len) > review.drawn.get() {
            return Vec::new();
        }
        review.projection.with(|projection| {
            projection
                .iter()
                .flat_map(|p| &p.items)
                .filter_map(|item| Some((item.id.clone(), item.content.evidence.first()?.start)))
                .collect::<Vec<_>>()
        })
    });
    let ticks = move || {
        let places = places.get();
        let points: Vec<usize> = places.iter().map(|place| place.1).collect();
        let (lines, total) = review.with(|model| lines_before(&model.view.text, &points)).unwrap_or_default();
        places
            .into_iter()
            .zip(lines)
            .map(|((id, _), line)| {
                let key = RowKey::Item(id);
                let row = review.row_signal(&key);
                let (mine, go) = (key.clone(), key);
                let here = Memo::new(move |_| review.current.with(|current| current.as_ref() == Some(&mine)));
                let class = move || {
                    let state = row.as_ref().map(|row| row.with(|row| row.state));
                    let state = match state {
                        Some(crate::logic::rows::RowState::Item(ItemState::Suggested)) => "tick suggested",
                        Some(crate::logic::rows::RowState::Item(ItemState::Rejected)) => "tick rejected",
                        _ => "tick decided",
                    };
                    if here.get() { format!("{state} here") } else { state.to_owned() }
                };
                view! {
                    <i
                        class=class
                        style:top=format!("{:.2}%", line / total.max(1.0) * 100.0)
                        on:click=move |_| review.select(Some(go.clone()))
                    ></i>
                }
            })
            .collect_view()
    };
    view! {
        <div class="minimap" aria-hidden="true">
            {ticks}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_wrapped_lines() {
        let text = format!("{}\r\nb\n", "a".repeat(200));
        let (lines, total) = lines_before(&text, &[202, 0, 100]);
        assert_eq!(lines, [3.0, 0.0, 1.0]);
        assert!(total >= 4.0);
    }
}
