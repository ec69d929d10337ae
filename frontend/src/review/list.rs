//! The entry's rows.

use leptos::html;
use leptos::prelude::*;
use overread_domain::Template;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::ResizeObserver;

use super::state::Review;
use crate::logic::checks::{flag, level_shape, level_word};
use crate::logic::format::{assertion_word, band_shape, band_word, brief, role_word};
use crate::logic::rows::{Row, RowKey, RowState, Source};
use crate::web::dom;

#[component]
pub fn RowList() -> impl IntoView {
    let review = expect_context::<Review>();
    let root = NodeRef::<html::Div>::new();
    // A panel that opens or grows takes room from the list; the current row stays in view.
    Effect::new(move |_| {
        let Some(element) = root.get() else { return };
        let resized = Closure::<dyn Fn()>::new(move || {
            if let Some(key) = review.current.get_untracked() {
                dom::scroll_near(&key.dom());
            }
        });
        let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) else { return };
        observer.observe(&element);
        let kept = StoredValue::new_local((observer, resized));
        on_cleanup(move || kept.with_value(|(observer, _)| observer.disconnect()));
    });
    let active = move || review.current.with(|key| key.as_ref().map(RowKey::dom));
    let groups = move || {
        let mut order = review.order.get();
        order.truncate(review.drawn.get());
        let template = review.head.with(|head| head.as_ref().map(|head| head.template.clone()));
        template.map(|template| {
            let keys = review.rows.with_value(|rows| {
                let mut keys: Vec<(usize, RowKey)> = Vec::with_capacity(order.len());
                for key in order {
                    if let Some(row) = rows.get(&key) {
                        keys.push((row.with_untracked(|row| row.group), key));
                    }
                }
                keys
            });
            (template, keys)
        })
    };
    // Groups are stable; their rows are keyed, so that a decision draws one row and not the list.
    let labels = Memo::new(move |_| {
        review.head.with(|head| head.as_ref().map_or_else(Vec::new, |head| labels(&head.template)))
    });
    let by_group = Memo::new(move |_| groups().map(|(_, keys)| keys).unwrap_or_default());
    view! {
        <div
            id="rows"
            class="rows"
            role="listbox"
            aria-label="Fields of the entry"
            tabindex="0"
            node_ref=root
            aria-activedescendant=active
        >
            <For
                each=move || labels.get().into_iter().enumerate()
                key=|(index, label)| (*index, label.clone())
                children=move |(index, label)| {
                    let heading = format!("group-{index}");
                    view! {
                        <div role="group" aria-labelledby=heading.clone() class="group">
                            <div class="group-label" id=heading.clone() role="presentation">
                                {label}
                            </div>
                            <For
                                each=move || {
                                    by_group
                                        .with(|keys| {
                                            keys.iter()
                                                .filter(|(group, _)| *group == index)
                                                .map(|(_, key)| key.clone())
                                                .collect::<Vec<_>>()
                                        })
                                }
                                key=Clone::clone
                                children=move |key| view! { <RowLine row=key /> }
                            />
                        </div>
                    }
                }
            />
        </div>
    }
}

fn labels(template: &Template) -> Vec<String> {
    template.groups.iter().map(|group| group.label.clone()).collect()
}

#[component]
fn RowLine(row: RowKey) -> impl IntoView {
    let review = expect_context::<Review>();
    let key = row;
    let Some(signal) = review.rows.with_value(|rows| rows.get(&key).cloned()) else { return ().into_any() };
    let signal = RwSignal::from(signal);
    let mine = key.clone();
    let here = Memo::new(move |_| review.current.with(|current| current.as_ref() == Some(&mine)));
    let (item, empty) = match &key {
        RowKey::Item(id) => (Some(id.to_string()), None),
        RowKey::Field(field) => (None, Some(field.clone())),
    };
    let go = key.clone();
    let listed = key.item().is_some_and(|item| review.is_listed(item));
    let (dragged, target) = (key.item().cloned(), key.item().cloned());
    let content = move || signal.with(|row| line(review, row));
    view! {
        <div
            id=key.dom()
            role="option"
            class="line"
            data-item=item
            data-empty-field=empty
            data-field=move || signal.with(|row| row.field.clone())
            data-state=move || signal.with(|row| row.state.name())
            data-current=move || here.get().then_some("")
            aria-selected=move || here.get().to_string()
            draggable=listed.then_some("true")
            on:dragstart=move |_| {
                if listed {
                    review.dragged.set_value(dragged.clone());
                }
            }
            on:dragover=move |event| {
                if listed && review.dragged.with_value(Option::is_some) {
                    event.prevent_default();
                }
            }
            on:drop=move |event| {
                if let Some(target) = target.as_ref().filter(|_| listed) {
                    event.prevent_default();
                    review.drop_on(target);
                }
            }
            on:click=move |_| review.select(Some(go.clone()))
        >
            {content}
        </div>
    }
    .into_any()
}

fn line(review: Review, row: &Row) -> impl IntoView + use<> {
    let label = row.leads.then(|| row.field_label.clone());
    let title = row.code.as_ref().and_then(|code| row.code_title.clone().or_else(|| review.title(code)));
    let code = row.code.as_ref().map(|code| {
        view! {
            <span class="code">
                <b>{code.code.clone()}</b>
                " "
                {title}
            </span>
        }
    });
    let value = match row.state {
        RowState::Missing => "required".to_owned(),
        RowState::Empty => "—".to_owned(),
        RowState::ConfirmedEmpty => "nothing, confirmed".to_owned(),
        RowState::Item(_) => brief(&row.value, 90),
    };
    let words = row.words.as_ref().map(|words| view! { <q class="faint">{brief(words, 40)}</q> });
    let sort = row.sort.clone().map(|sort| view! { <span class="tag">{sort}</span> });
    let assertion = row
        .assertion
        .filter(|assertion| *assertion != overread_domain::Assertion::Present)
        .map(|assertion| view! { <span class="tag">{assertion_word(assertion)}</span> });
    let role = row.role.map(|role| view! { <span class="tag">{role_word(role)}</span> });
    // The final list says who brought each code; elsewhere only what is not the model's own is worth a word.
    let source = (row.role.is_some() && row.code.is_some() || row.source == Source::Memory).then(
        || view! { <span class="tag source" data-source=row.source.word()>{row.source.short()}</span> },
    );
    let poa = row.poa.map(|poa| view! { <span class="tag" title=poa.label()>"POA " {poa.letter()}</span> });
    let key = row.key.clone();
    let check = move || {
        let now = review.findings.with(|all| flag(all, &key));
        let ahead = now.is_none();
        now.or_else(|| review.ahead.with(|all| flag(all, &key))).map(|level| {
            let title = ahead.then_some("If this is accepted as it is");
            view! {
                <span class="tag level" data-level=level_word(level) data-ahead=ahead.then_some("") title=title>
                    {level_shape(level)}
                    " "
                    {level_word(level)}
                </span>
            }
        })
    };
    let attributes = (!row.attributes.is_empty()).then(|| {
        let words: Vec<String> = row.attributes.iter().map(|(_, words)| brief(words, 24)).collect();
        view! { <span class="attributes">{words.join(" · ")}</span> }
    });
    let reason = row.reject_reason.map(|reason| view! { <span class="tag">{reason.label()}</span> });
    let flags = (
        row.unsupported.then(|| view! { <span class="tag warn">"⚠ no words"</span> }),
        row.conflict.then(|| view! { <span class="tag warn">"⚠ takes one"</span> }),
    );
    let band = row.band().map(|band| {
        view! {
            <span class=format!("band {}", band_word(band)) title=format!("{} confidence", band_word(band))>
                <span aria-hidden="true">{band_shape(band)}</span>
                " "
                {band_word(band)}
            </span>
        }
    });
    view! {
        <span class="label">{label}</span>
        // What the eye takes from the place and the shape, in words.
        <span class="hidden">{(!row.leads).then(|| row.field_label.clone())} " " {row.state.name()}</span>
        <span class="state" aria-hidden="true">
            {row.state.shape()}
        </span>
        <span class="body">
            <span class="value">{value}</span>
            {words}
            {sort}
            {assertion}
            {role}
            {poa}
            {source}
            {code}
            {attributes}
            {reason}
            {flags}
            {check}
        </span>
        {band}
    }
}
