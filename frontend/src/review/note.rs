//! The note in the document, built by hand: chunks of lines, in each one element and one text node a segment.
//!
//! Text goes in through text nodes, which keep every character (an HTML parser would drop carriage returns), and
//! positions come out of the element's `data-at` and the offset inside its one text node.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use leptos::prelude::{document, request_animation_frame};
use overread_domain::span::CodePoints;
use overread_domain::{Item, ItemId, ItemState};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, Node, ScrollLogicalPosition};

use crate::logic::marks::{self, Mark, MarkRole};
use crate::logic::offsets;
use crate::logic::segments::{self, Segment};
use crate::web::dom;

/// The id of the range that is shown as selected.
const PAINTED: u32 = u32::MAX;
/// Frames during which a place that was brought into view is held there.
const SETTLING: u32 = 8;

#[derive(Debug)]
pub struct NoteView {
    root: Element,
    text: String,
    len: usize,
    starts: Vec<usize>,
    chunks: Vec<Chunk>,
    marks: Vec<Mark>,
    states: HashMap<ItemId, ItemState>,
    /// Chunk and segment of every mark, by item.
    places: HashMap<ItemId, Vec<(usize, usize)>>,
    current: Option<ItemId>,
    /// Words shown as selected although the browser's selection is elsewhere.
    painted: Option<(usize, usize)>,
    /// Counts what was brought into view: only the last is held there.
    brought: Rc<Cell<u64>>,
}

#[derive(Debug)]
struct Chunk {
    element: Element,
    segments: Vec<Segment>,
    /// What the marks of the segments stand for: item ids and roles, to see whether anything moved.
    signature: Vec<Vec<Mark>>,
    nodes: Vec<Element>,
}

impl NoteView {
    pub fn new(root: Element, text: String) -> Self {
        let starts = segments::chunk_starts(&text);
        let len = text.chars().count();
        root.set_text_content(None);
        let chunks = starts
            .iter()
            .map(|_| {
                let element = document().create_element("div").expect("a div can be made");
                element.set_class_name("chunk");
                let _ = root.append_child(&element);
                Chunk { element, segments: Vec::new(), signature: Vec::new(), nodes: Vec::new() }
            })
            .collect();
        let mut view = Self {
            root,
            text,
            len,
            starts,
            chunks,
            marks: Vec::new(),
            states: HashMap::new(),
            places: HashMap::new(),
            current: None,
            painted: None,
            brought: Rc::default(),
        };
        view.set_items(&[]);
        view
    }

    /// Draws the marks of these rows. Chunks whose marks stay where they are only get other classes.
    pub fn set_items(&mut self, items: &[Item]) {
        let marks = marks::marks(items);
        let moved = marks != self.marks || self.chunks.iter().all(|chunk| chunk.segments.is_empty());
        let states: HashMap<ItemId, ItemState> = items.iter().map(|i| (i.id.clone(), i.state)).collect();
        let changed: BTreeSet<ItemId> = states
            .iter()
            .filter(|(id, state)| self.states.get(*id) != Some(*state))
            .map(|(id, _)| id.clone())
            .collect();
        self.states = states;
        if moved {
            self.marks = marks;
            self.cut();
        } else {
            let touched: BTreeSet<(usize, usize)> =
                changed.iter().filter_map(|id| self.places.get(id)).flatten().copied().collect();
            for (chunk, segment) in touched {
                self.paint(chunk, segment);
            }
        }
    }

    fn cut(&mut self) {
        let mut ranges = marks::ranges(&self.marks);
        ranges.extend(self.painted.map(|(start, end)| segments::Range { start, end, id: PAINTED }));
        let cut = segments::cut(self.len, &self.starts, &ranges);
        let text = self.text.clone();
        let points = CodePoints::new(&text);
        self.places.clear();
        for (index, segments) in cut.into_iter().enumerate() {
            let signature: Vec<Vec<Mark>> = segments
                .iter()
                .map(|segment| {
                    segment.marks.iter().filter_map(|&id| self.marks.get(id as usize).cloned()).collect()
                })
                .collect();
            for (place, segment) in segments.iter().enumerate() {
                for mark in segment.marks.iter().filter_map(|&id| self.marks.get(id as usize)) {
                    self.places.entry(mark.item.clone()).or_default().push((index, place));
                }
            }
            let chunk = &mut self.chunks[index];
            let same = chunk.signature == signature
                && chunk.segments.len() == segments.len()
                && chunk.segments.iter().zip(&segments).all(|(a, b)| (a.start, a.end) == (b.start, b.end));
            chunk.segments = segments;
            if !same {
                chunk.signature = signature;
                chunk.build(&points);
            }
            for place in 0..self.chunks[index].segments.len() {
                self.paint(index, place);
            }
        }
    }

    /// Gives a segment the class of its rows.
    fn paint(&self, chunk: usize, place: usize) {
        let segment = &self.chunks[chunk].segments[place];
        let node = &self.chunks[chunk].nodes[place];
        if segment.marks.is_empty() {
            node.set_class_name("");
            return;
        }
        let over = || segment.marks.iter().filter_map(|&id| self.marks.get(id as usize));
        let evidence = over()
            .filter(|mark| mark.role != MarkRole::Attribute)
            .filter_map(|mark| self.states.get(&mark.item).copied());
        let mut class = marks::class(evidence).to_owned();
        if let Some(current) = &self.current {
            for mark in over().filter(|mark| mark.item == *current) {
                class.push_str(if mark.role == MarkRole::Attribute { " attr" } else { " cur" });
            }
        }
        if segment.marks.contains(&PAINTED) {
            class.push_str(" picked");
        }
        node.set_class_name(&class);
    }

    /// Shows words as selected, or none, and brings them into view.
    pub fn paint_selection(&mut self, range: Option<(usize, usize)>) {
        if self.painted == range {
            return;
        }
        self.painted = range;
        self.cut();
        if let Some((start, _)) = range
            && let Some((chunk, place)) = self.place(start)
        {
            self.bring(&self.chunks[chunk].nodes[place]);
        }
    }

    /// Chunk and segment of a code point.
    fn place(&self, point: usize) -> Option<(usize, usize)> {
        let chunk = self.starts.partition_point(|&start| start <= point).checked_sub(1)?;
        let segments = &self.chunks.get(chunk)?.segments;
        let place = segments.partition_point(|segment| segment.start <= point).checked_sub(1)?;
        Some((chunk, place))
    }

    pub fn set_current(&mut self, item: Option<&ItemId>) {
        if self.current.as_ref() == item {
            return;
        }
        let before = std::mem::replace(&mut self.current, item.cloned());
        for id in before.iter().chain(item) {
            for &(chunk, segment) in self.places.get(id).into_iter().flatten() {
                self.paint(chunk, segment);
            }
        }
    }

    /// Brings the nth evidence of a row into view; false if it has none.
    pub fn show(&self, item: &ItemId, nth: usize) -> bool {
        let Some(mark) = self.marks.iter().position(|m| m.item == *item && m.role == MarkRole::Evidence(nth))
        else {
            return false;
        };
        let place =
            self.places.get(item).into_iter().flatten().find(|&&(chunk, segment)| {
                self.chunks[chunk].segments[segment].marks.contains(&(mark as u32))
            });
        let Some(&(chunk, segment)) = place else { return false };
        self.bring(&self.chunks[chunk].nodes[segment]);
        true
    }

    /// Scrolls only if the element is not well inside the view.
    fn bring(&self, node: &Element) {
        let (root, node) = (self.root.clone(), node.clone());
        self.hold(move || {
            let (frame, here) = (root.get_bounding_client_rect(), node.get_bounding_client_rect());
            let margin = 48.0_f64.min(frame.height() / 4.0);
            if here.top() < frame.top() + margin || here.bottom() > frame.bottom() - margin {
                dom::scroll_into(&node, ScrollLogicalPosition::Center);
            }
        });
    }

    pub fn show_point(&self, point: usize) {
        let Some((chunk, place)) = self.place(point) else { return };
        let chunk = &self.chunks[chunk];
        let (segment, node) = (&chunk.segments[place], &chunk.nodes[place]);
        let (Ok(range), Some(text)) = (document().create_range(), node.first_child()) else { return };
        let units = offsets::utf16_at_points(&text.text_content().unwrap_or_default(), point - segment.start);
        let _ = range.set_start(&text, units as u32);
        let _ = range.set_end(&text, units as u32);
        dom::scroll_into(&chunk.element, ScrollLogicalPosition::Nearest);
        let root = self.root.clone();
        self.hold(move || {
            let top = range.get_bounding_client_rect().top() - root.get_bounding_client_rect().top();
            root.set_scroll_top(root.scroll_top() + top as i32 - 12);
        });
    }

    /// Scrolls now and again in the next frames: chunks out of view have a height that is guessed, and get their own
    /// only when they are drawn, which may push out what was just brought in.
    fn hold(&self, scroll: impl Fn() + 'static) {
        scroll();
        let turn = self.brought.get() + 1;
        self.brought.set(turn);
        hold(Rc::clone(&self.brought), turn, SETTLING, scroll);
    }

    /// The row to select for a click on this node.
    pub fn at(&self, node: &Node) -> Option<ItemId> {
        let (chunk, place) = self.place(self.point(node, 0)?)?;
        let here = &self.chunks[chunk].segments[place].marks;
        marks::pick(&self.marks, here, self.current.as_ref()).cloned()
    }

    /// The code point offset of a place that the browser names by node and UTF-16 offset.
    fn point(&self, node: &Node, units: u32) -> Option<usize> {
        if !self.root.contains(Some(node)) {
            return None;
        }
        if node.node_type() == Node::TEXT_NODE {
            let at: usize = node.parent_element()?.get_attribute("data-at")?.parse().ok()?;
            return Some(at + offsets::points_at_utf16(&node.text_content()?, units as usize));
        }
        // Between elements: the start of the one after, or the end of what holds it.
        let child = node.child_nodes().get(units).and_then(|child| child.dyn_into::<Element>().ok());
        match child {
            Some(child) => self.begin(&child),
            None => self.end(node),
        }
    }

    fn begin(&self, element: &Element) -> Option<usize> {
        if let Some(at) = element.get_attribute("data-at") {
            return at.parse().ok();
        }
        let chunk = self.chunks.iter().position(|chunk| chunk.element == *element)?;
        self.starts.get(chunk).copied()
    }

    fn end(&self, node: &Node) -> Option<usize> {
        let element = node.dyn_ref::<Element>()?;
        if *element == self.root {
            return Some(self.len);
        }
        if let Some(at) = element.get_attribute("data-at") {
            let at: usize = at.parse().ok()?;
            return Some(at + element.text_content()?.chars().count());
        }
        let chunk = self.chunks.iter().position(|chunk| chunk.element == *element)?;
        Some(self.starts.get(chunk + 1).copied().unwrap_or(self.len))
    }

    /// What is selected of the note, without white space at its ends, in code points.
    pub fn selected(&self) -> Option<(usize, usize)> {
        let selection = document().get_selection().ok().flatten()?;
        if selection.is_collapsed() || selection.range_count() == 0 {
            return None;
        }
        let range = selection.get_range_at(0).ok()?;
        let start = self.point(&range.start_container().ok()?, range.start_offset().ok()?)?;
        let end = self.point(&range.end_container().ok()?, range.end_offset().ok()?)?;
        offsets::trim_range(&self.text, start, end)
    }
}

impl Chunk {
    fn build(&mut self, points: &CodePoints<'_>) {
        let document = document();
        self.element.set_text_content(None);
        self.nodes.clear();
        for segment in &self.segments {
            let node = document.create_element("span").expect("a span can be made");
            let _ = node.set_attribute("data-at", &segment.start.to_string());
            let bytes = points.to_byte(segment.start).zip(points.to_byte(segment.end));
            let words = bytes.map_or("", |(first, last)| &points.text()[first..last]);
            let _ = node.append_child(&document.create_text_node(words));
            let _ = self.element.append_child(&node);
            self.nodes.push(node);
        }
    }
}

fn hold(brought: Rc<Cell<u64>>, turn: u64, frames: u32, scroll: impl Fn() + 'static) {
    request_animation_frame(move || {
        if brought.get() != turn {
            return;
        }
        scroll();
        if frames > 1 {
            hold(brought, turn, frames - 1, scroll);
        }
    });
}
