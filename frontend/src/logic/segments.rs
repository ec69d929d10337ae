//! Cuts a text with overlapping marks into segments that carry each the marks that cover it, so that the page needs
//! one text node a segment and never nests marks.

/// A marked range in code points; `id` is the caller's own number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: usize,
    pub end: usize,
    pub id: u32,
}

/// Words under the same marks. Half open, code points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub start: usize,
    pub end: usize,
    /// Ids of the marks over it, in the order in which they begin.
    pub marks: Vec<u32>,
}

/// Lines and code points after which a new chunk may begin.
const CHUNK_LINES: usize = 40;
const CHUNK_POINTS: usize = 3_000;

/// Where the chunks of a text begin: always after a line feed, so that a chunk can be a block of its own.
pub fn chunk_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let (mut lines, mut begin) = (0, 0);
    for (point, c) in text.chars().enumerate() {
        if c == '\n' {
            lines += 1;
            if lines >= CHUNK_LINES || point + 1 - begin >= CHUNK_POINTS {
                starts.push(point + 1);
                lines = 0;
                begin = point + 1;
            }
        }
    }
    starts
}

/// The segments of each chunk. `len` is the text's length in code points; what of a mark lies beyond it is left out.
pub fn cut(len: usize, starts: &[usize], marks: &[Range]) -> Vec<Vec<Segment>> {
    let mut edges: Vec<(usize, bool, usize)> = Vec::with_capacity(marks.len() * 2);
    for (order, mark) in marks.iter().enumerate() {
        let end = mark.end.min(len);
        if mark.start < end {
            edges.push((mark.start, true, order));
            edges.push((end, false, order));
        }
    }
    edges.sort_unstable();
    let mut chunks = Vec::with_capacity(starts.len());
    let mut active: Vec<usize> = Vec::new();
    let mut next = 0;
    for (index, &chunk) in starts.iter().enumerate() {
        let stop = starts.get(index + 1).copied().unwrap_or(len);
        let mut segments = Vec::new();
        let mut at = chunk;
        while at < stop {
            while let Some(&(place, opens, order)) = edges.get(next)
                && place <= at
            {
                if opens {
                    active.push(order);
                } else {
                    active.retain(|&open| open != order);
                }
                next += 1;
            }
            let end = edges.get(next).map_or(stop, |edge| edge.0.min(stop));
            segments.push(Segment {
                start: at,
                end,
                marks: active.iter().map(|&order| marks[order].id).collect(),
            });
            at = end;
        }
        chunks.push(segments);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(start: usize, end: usize, id: u32) -> Range {
        Range { start, end, id }
    }

    #[test]
    fn cuts_overlapping_marks() {
        let chunks = cut(10, &[0], &[mark(2, 6, 1), mark(4, 8, 2)]);
        let parts: Vec<_> = chunks[0].iter().map(|s| (s.start, s.end, s.marks.clone())).collect();
        assert_eq!(
            parts,
            [(0, 2, vec![]), (2, 4, vec![1]), (4, 6, vec![1, 2]), (6, 8, vec![2]), (8, 10, vec![])]
        );
    }

    #[test]
    fn a_mark_over_a_chunk_border_is_cut_there() {
        let chunks = cut(10, &[0, 5], &[mark(3, 7, 9)]);
        assert_eq!(chunks[0].last().unwrap().marks, [9]);
        assert_eq!(chunks[1][0], Segment { start: 5, end: 7, marks: vec![9] });
    }

    #[test]
    fn chunks_begin_after_line_feeds() {
        let text = "line\r\n".repeat(100);
        let starts = chunk_starts(&text);
        assert!(starts.len() >= 3);
        let chars: Vec<char> = text.chars().collect();
        assert!(starts[1..].iter().all(|&start| chars[start - 1] == '\n'));
    }

    #[test]
    fn an_empty_text_has_no_segments() {
        assert_eq!(cut(0, &chunk_starts(""), &[]), vec![Vec::<Segment>::new()]);
    }

    proptest! {
        #[test]
        fn segments_tile_the_text_and_carry_exactly_the_marks_over_them(
            raw in proptest::collection::vec((0usize..60, 0usize..20), 0..12),
            second in 1usize..49,
        ) {
            let marks: Vec<Range> =
                raw.iter().enumerate().map(|(i, &(s, l))| mark(s, s + l, i as u32)).collect();
            let segments: Vec<Segment> = cut(50, &[0, second], &marks).into_iter().flatten().collect();
            let mut at = 0;
            for segment in &segments {
                prop_assert_eq!(segment.start, at);
                prop_assert!(segment.end > segment.start);
                at = segment.end;
                for mark in &marks {
                    let over = mark.start <= segment.start && segment.end <= mark.end;
                    prop_assert_eq!(over, segment.marks.contains(&mark.id));
                }
            }
            prop_assert_eq!(at, 50);
        }
    }
}
