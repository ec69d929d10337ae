//! The current row in full, with everything that can be done with it.

use leptos::prelude::*;
use overread_domain::CodeCandidate;

use super::panel::Panel;
use super::state::Review;
use crate::logic::format::{assertion_word, band_shape, band_word, percent, role_word};
use crate::logic::keymap::{Command, Scope};
use crate::logic::rows::{Row, RowKey, RowState};
use crate::shell::Key;

/// A button that says its key.
#[component]
pub fn Act(
    command: Command,
    label: &'static str,
    #[prop(optional)] primary: bool,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    let review = expect_context::<Review>();
    let key = Signal::derive(move || review.app.hint(Scope::Review, command));
    view! {
        <button
            data-command=command.name()
            class:primary=primary
            class="small"
            disabled=disabled
            on:click=move |_| {
                review.command(command, 0);
                if !review.panel.with_untracked(Panel::is_open) {
                    crate::web::dom::focus("rows");
                }
            }
        >
            <Key text=key />
            " "
            {label}
        </button>
    }
}

#[component]
pub fn Card() -> impl IntoView {
    let review = expect_context::<Review>();
    view! {
        <section id="card" class="card" aria-label="Current row">
            {move || match review.current_row() {
                None => view! { <p class="faint">"No row is selected."</p> }.into_any(),
                Some(row) => view! { <Full row=row /> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn Full(row: Row) -> impl IntoView {
    let review = expect_context::<Review>();
    let field = review.field(&row.field);
    let help = field.as_ref().map(|field| field.description.clone());
    let coded = field.as_ref().is_some_and(|field| field.code_system.is_some());
    let is_item = row.key.item().is_some();
    let listed = is_item
        && field.as_ref().is_some_and(|field| field.kind == overread_domain::FieldKind::Code)
        && row.state != RowState::Item(overread_domain::ItemState::Rejected);
    let undecided = row.state.is_undecided();
    let candidates = match &row.key {
        RowKey::Item(item) => review
            .with(|model| model.suggestion(item).map(|s| s.candidates.clone()))
            .flatten()
            .unwrap_or_default(),
        RowKey::Field(_) => Vec::new(),
    };
    let suggested = matches!(&row.key, RowKey::Item(item) if item.suggestion_index().is_some());
    let status = format!("{} {}", row.state.shape(), row.state.name().replace('-', " "));
    let confidence = row.confidence.zip(row.band()).map(|(confidence, band)| {
        view! {
            <span class=format!("band {}", band_word(band))>
                <span aria-hidden="true">{band_shape(band)}</span>
                {format!(" {} · {}", band_word(band), percent(f64::from(confidence)))}
            </span>
        }
    });
    let chosen = row.code.clone();
    let badges = row.code.as_ref().map(|code| {
        let known =
            review.with(|model| model.view.badges.get(&code.code).cloned()).flatten().unwrap_or_default();
        known
            .into_iter()
            .map(|badge| {
                view! {
                    " "
                    <span class="tag" data-badge=badge.kind.clone()>
                        {badge.kind.to_uppercase()}
                        " "
                        {badge.text}
                    </span>
                }
            })
            .collect::<Vec<_>>()
    });
    let facts = facts(&row);
    let evidence = move || {
        let count = review.evidence_count();
        let at = review.evidence.get();
        (is_item && count > 1).then(|| {
            view! {
                <span class="evidence">
                    {format!("evidence {} of {count} ", at + 1)}
                    <Act command=Command::PreviousEvidence label="" />
                    <Act command=Command::NextEvidence label="" />
                </span>
            }
        })
    };
    let bulk = move || {
        let likely = review.projection.with(|p| {
            p.iter().flat_map(|p| &p.rows).filter(|other| other.field == row.field && other.bulk()).count()
        });
        (likely > 1).then_some(likely)
    };
    let coded_as = row.code.clone().zip(Some(row.code_title.clone()));
    let code_title = move || {
        coded_as
            .as_ref()
            .map(|(code, title)| title.clone().or_else(|| review.title(code)).unwrap_or_default())
    };
    view! {
        <header>
            <h2>{row.field_label.clone()}</h2>
            <span class="state-word" data-state=row.state.name()>
                {status}
            </span>
            {confidence}
            {evidence}
        </header>
        <p class="big">
            {match row.state {
                RowState::Missing => "Nothing yet, and something is needed".to_owned(),
                RowState::Empty => "Nothing".to_owned(),
                RowState::ConfirmedEmpty => "Nothing belongs here (confirmed)".to_owned(),
                RowState::Item(_) => row.value.clone(),
            }}
            {row.words.clone().map(|words| view! { <q>{words}</q> })}
        </p>
        {row
            .code
            .clone()
            .map(|code| {
                view! {
                    <p class="code-line">
                        <b>{code.code}</b>
                        " "
                        {code_title}
                        {badges}
                    </p>
                }
            })}
        {(!facts.is_empty())
            .then(|| {
                view! {
                    <dl class="facts">
                        {facts
                            .into_iter()
                            .map(|(name, value)| view! { <dt>{name}</dt> <dd>{value}</dd> })
                            .collect_view()}
                    </dl>
                }
            })}
        {row
            .unsupported
            .then(|| {
                is_item
                    .then(|| {
                        view! {
                            <p class="warn-line">"⚠ No words of the note support this. Select some and press w, or reject."</p>
                        }
                    })
            })}
        {row
            .conflict
            .then(|| {
                view! { <p class="warn-line">"⚠ This field takes one value: accept one, reject the others."</p> }
            })}
        {(!candidates.is_empty())
            .then(|| view! { <Candidates candidates=candidates chosen=chosen.map(|code| code.code) /> })}
        {(!is_item).then(|| help.map(|help| view! { <p class="faint help">{help}</p> }))}
        <div class="acts">
            {suggested.then(|| view! { <Act command=Command::Accept label="Accept" primary=undecided /> })}
            {move || {
                bulk()
                    .map(|count| {
                        view! {
                            <Act command=Command::AcceptAll label="Accept all likely" />
                            <span class="faint">{format!("({count})")}</span>
                        }
                    })
            }}
            {is_item.then(|| view! { <Act command=Command::Reject label="Reject" /> })}
            {is_item.then(|| view! { <Act command=Command::Edit label="Edit" /> })}
            {coded.then(|| view! { <Act command=Command::FindCode label="Find code" /> })}
            {listed.then(|| view! { <Act command=Command::Principal label="Principal" /> })}
            {listed.then(|| view! { <Act command=Command::SequenceUp label="Up" /> })}
            {listed.then(|| view! { <Act command=Command::SequenceDown label="Down" /> })}
            {listed.then(|| view! { <Act command=Command::Poa label="POA" /> })}
            {(!is_item).then(|| view! { <Act command=Command::Edit label="Enter a value" primary=undecided /> })}
            {(!is_item).then(|| view! { <Act command=Command::ConfirmEmpty label="Nothing belongs here" /> })}
            <Act command=Command::Add label="Add" />
            <Act command=Command::Undo label="Undo" />
        </div>
    }
}

fn facts(row: &Row) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    if let Some(sort) = &row.sort {
        facts.push(("Value".to_owned(), sort.clone()));
    }
    if let Some(assertion) = row.assertion {
        facts.push(("Assertion".to_owned(), assertion_word(assertion).to_owned()));
    }
    if let Some(role) = row.role {
        facts.push(("Role".to_owned(), role_word(role).to_owned()));
    }
    if row.key.item().is_some() {
        facts.push(("Source".to_owned(), row.source.word().to_owned()));
    }
    facts.extend(row.attributes.iter().cloned());
    if let Some(reason) = row.reject_reason {
        facts.push(("Rejected".to_owned(), reason.label().to_owned()));
    }
    facts
}

#[component]
fn Candidates(candidates: Vec<CodeCandidate>, chosen: Option<String>) -> impl IntoView {
    let review = expect_context::<Review>();
    view! {
        <ol class="candidates" aria-label="Codes offered">
            {candidates
                .into_iter()
                .take(8)
                .enumerate()
                .map(|(nth, candidate)| {
                    let on = chosen.as_ref() == Some(&candidate.code);
                    view! {
                        <li>
                            <button
                                class="quiet candidate"
                                data-candidate=candidate.code.clone()
                                aria-pressed=on.to_string()
                                on:click=move |_| {
                                    review.take_candidate(nth);
                                    crate::web::dom::focus("rows");
                                }
                            >
                                <kbd>{nth + 1}</kbd>
                                <b>{candidate.code.clone()}</b>
                                <span class="title">{candidate.title}</span>
                                <span class="faint">{percent(f64::from(candidate.confidence))}</span>
                            </button>
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
}
