//! The page around the note and the rows: head, banners, messages, keys.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use overread_api::entry::SuggestingState;
use overread_domain::{EntryStatus, Permission, Placing};

use super::card::{Act, Card};
use super::choosers::{Escalate, FieldChooser, FindWords, Reject, Reopen};
use super::code_search::CodePanel;
use super::editor::Editor;
use super::list::RowList;
use super::note_pane::NotePane;
use super::panel::Panel;
use super::state::{Net, Opened, Review};
use crate::logic::effort::Meter;
use crate::logic::format::{place_words, status_shape, status_word};
use crate::logic::keymap::{Command, Scope};
use crate::pages::NotFound;
use crate::shell::{App, PageKeys};
use crate::web::dom;

#[component]
pub fn ReviewPage() -> impl IntoView {
    let app = expect_context::<App>();
    let review = expect_context::<Review>();
    let params = use_params_map();
    let entry = Memo::new(move |_| params.with(|params| params.get("entry").unwrap_or_default()));
    Effect::new(move |_| {
        let entry = entry.get();
        if !entry.is_empty() {
            review.open(entry);
        }
    });
    app.page_keys(PageKeys {
        scope: Scope::Review,
        first: Callback::new(move |(pressed, text): (String, bool)| review.first_key(&pressed, text)),
        command: Callback::new(move |(command, nth)| review.key_command(command, nth)),
    });
    // A new session takes up what the old one left.
    Effect::new(move |before: Option<bool>| {
        let expired = app.expired.get();
        if before == Some(true) && !expired {
            review.try_again();
        }
        expired
    });
    let online = window_event_listener_untyped("online", move |_| review.try_again());
    let moved = window_event_listener(leptos::ev::mousemove, move |_| {
        review.meter.update_value(|meter: &mut Meter| meter.active(dom::now()));
    });
    let mine = review.mounted.get_value() + 1;
    review.mounted.set_value(mine);
    on_cleanup(move || {
        online.remove();
        moved.remove();
        if review.mounted.get_value() == mine {
            review.leave();
        }
    });
    move || match review.opened.get() {
        Opened::Nothing | Opened::Loading => {
            view! { <main id="main" class="blank" aria-busy="true"><p class="faint">"Opening …"</p></main> }
                .into_any()
        }
        Opened::Missing if app.may(Permission::BreakGlass) => view! { <Missing /> }.into_any(),
        Opened::Missing => view! { <NotFound /> }.into_any(),
        Opened::Failed(why) => view! {
            <main id="main" class="page narrow">
                <h1>"The entry can't be opened"</h1>
                <p class="bad">{why}</p>
                <button class="primary" on:click=move |_| review.try_again()>"Try again"</button>
            </main>
        }
        .into_any(),
        Opened::Entry => view! { <Desk /> }.into_any(),
    }
}

#[component]
fn Missing() -> impl IntoView {
    view! {
        <main id="main" class="page narrow">
            <h1>"There is no such entry among those open to you"</h1>
            <p>
                "If somebody's care depends on it, "
                <a href="/access">"open the note with a reason"</a>
                "."
            </p>
        </main>
    }
}

#[component]
fn Desk() -> impl IntoView {
    let review = expect_context::<Review>();
    dom::focus_soon("rows");
    let status = move || review.projection.with(|p| p.as_ref().map(|p| p.status.as_str()));
    view! {
        <main
            id="main"
            class="review"
        >
            <div
                id="review"
                class="desk"
                data-revision=move || review.revision.get()
                data-status=status
                data-net=move || review.net.with(Net::name)
            >
                <Head />
                <div class="banners">
                    <Banner />
                    <super::as_written::OpenedNow />
                </div>
                <NotePane />
                <section class="right" aria-label="Entry">
                    <RowList />
                    <super::checks::Strip />
                    <MessageLine />
                    <PanelSlot />
                </section>
            </div>
        </main>
    }
}

#[component]
fn Head() -> impl IntoView {
    let review = expect_context::<Review>();
    let title = move || {
        review.head.with(|head| {
            head.as_ref().map(|head| {
                let title = head.title.clone().unwrap_or_else(|| head.note.clone());
                let more: Vec<String> =
                    [head.document_type.clone(), head.service_date.clone()].into_iter().flatten().collect();
                let place = (head.place != Placing::default()).then(|| {
                    let mark = if head.place.sensitivity.is_empty() { "" } else { "◆ " };
                    view! { <span class="faint" id="note-place">{mark}{place_words(&head.place)}</span> }
                });
                view! {
                    <h1 title=head.note.clone()>{title}</h1>
                    <span class="faint">{more.join(" · ")}</span>
                    {place}
                }
            })
        })
    };
    let state = move || {
        review.projection.with(|projection| {
            projection.as_ref().map(|p| {
                let cause = p.cause.map(|cause| format!(": {}", cause.label()));
                view! {
                    <span class="status" data-status=p.status.as_str()>
                        <span aria-hidden="true">{status_shape(p.status)}</span>
                        " "
                        {status_word(p.status)}
                        {cause}
                    </span>
                }
            })
        })
    };
    let figures = move || {
        review.projection.with(|projection| {
            projection.as_ref().map(|p| {
                let total = p.rows.iter().filter(|row| row.key.item().is_some() || row.state.is_undecided()).count();
                let done = total - p.undecided;
                view! {
                    <span class="left-over">
                        {if p.undecided == 0 { "all decided".to_owned() } else { format!("{} to decide", p.undecided) }}
                    </span>
                    <progress aria-label="Decided" max=total.max(1) value=done></progress>
                }
            })
        })
    };
    let net = move || match review.net.get() {
        Net::Sending => "saving …",
        Net::Idle => "saved",
        _ => "not saved yet",
    };
    let finished = Memo::new(move |_| {
        review.projection.with(|p| p.as_ref().is_some_and(|p| p.status == EntryStatus::Finished))
    });
    let may_place = review.app.may(Permission::PlaceEntries);
    let returns = Memo::new(move |_| {
        review.projection.with(|p| {
            p.as_ref().is_some_and(|p| matches!(p.status, EntryStatus::Finished | EntryStatus::Exception))
        })
    });
    view! {
        <header class="head">
            <a class="button small quiet" href="/">
                <kbd>"Esc"</kbd>
                " Queue"
            </a>
            {title}
            {state}
            <span class="grow"></span>
            {figures}
            <span class="faint net" role="status">
                {net}
            </span>
            {may_place.then(|| view! { <Act command=Command::Place label="Move" /> })}
            {move || {
                if returns.get() {
                    view! { <Act command=Command::Reopen label="Reopen" /> }.into_any()
                } else {
                    view! { <Act command=Command::Escalate label="Exception" /> }.into_any()
                }
            }}
            <button
                id="finish"
                data-command="finish"
                class="primary small"
                aria-busy=move || review.finishing.get().to_string()
                on:click=move |_| review.finish()
            >
                <kbd>"Ctrl ⏎"</kbd>
                {move || if finished.get() { " Next" } else { " Finish" }}
            </button>
        </header>
    }
}

#[component]
fn Banner() -> impl IntoView {
    let review = expect_context::<Review>();
    let app = expect_context::<App>();
    let suggest_again = move |_| {
        let Some(entry) = review.entry_id() else { return };
        leptos::task::spawn_local(async move {
            let path = overread_api::path::fill(overread_api::path::SUGGEST_AGAIN, &[&entry]);
            match crate::web::http::post::<overread_api::entry::SuggestAgain>(&path, &serde_json::json!({}))
                .await
            {
                Ok(_) => review.open(entry),
                Err(failure) => review.complain(failure.message()),
            }
        });
    };
    let line = move || -> Option<AnyView> {
        if let Net::Away(why) = review.net.get() {
            return Some(
                view! {
                    <span>"▲ " {why} " Your decisions are kept here and sent again by themselves."</span>
                    <button class="small" on:click=move |_| review.try_again()>
                        "Try now"
                    </button>
                }
                .into_any(),
            );
        }
        if let Some(holder) = review.holder.get() {
            let text =
                format!("▲ {holder} works on this entry. You can look on; it is yours when they leave.");
            return Some(view! { <span>{text}</span> }.into_any());
        }
        if review.net.get() == Net::SignedOut {
            return Some(view! { <span>"▲ Not signed in: what you decided is kept here."</span> }.into_any());
        }
        if review.masked() {
            return Some(
                view! {
                    <span>"◌ Names, numbers and dates are not those of the note. Nothing can be decided on it so."</span>
                    <button id="show-as-written" class="small" on:click=move |_| review.panel.set(Panel::AsWritten)>
                        "Show as written …"
                    </button>
                }
                .into_any(),
            );
        }
        let status = review.projection.with(|p| p.as_ref().map(|p| p.status));
        if status != Some(EntryStatus::Finished)
            && let Some(why) = review.may_not(false)
        {
            return Some(view! { <span>"● " {why} "."</span> }.into_any());
        }
        if status == Some(EntryStatus::Finished) {
            return Some(view! { <span>"● Finished. To change something, reopen it."</span> }.into_any());
        }
        review.head.with(|head| {
            let head = head.as_ref()?;
            match head.suggesting {
                SuggestingState::Queued => Some(view! { <span>"… Suggestions are on their way (waiting)."</span> }.into_any()),
                SuggestingState::Running => Some(view! { <span>"… The model is reading the note."</span> }.into_any()),
                SuggestingState::Failed => {
                    let why = head.suggesting_error.clone().unwrap_or_default();
                    let may = app.may(Permission::RunJobs);
                    Some(
                        view! {
                            <span>"▲ No suggestions: " {why} " You can fill the entry in by hand."</span>
                            {may.then(|| view! { <button class="small" on:click=suggest_again>"Try again"</button> })}
                        }
                        .into_any(),
                    )
                }
                SuggestingState::Done => head.read_percent.map(|percent| {
                    let text = format!(
                        "▲ The model read the first {percent} % of this long note. Nothing is suggested from the rest."
                    );
                    view! { <span>{text}</span> }.into_any()
                }),
            }
        })
    };
    view! {
        <div id="banner" class="banner" role="status">
            {line}
        </div>
    }
}

#[component]
fn MessageLine() -> impl IntoView {
    let review = expect_context::<Review>();
    view! {
        <p
            id="message"
            class="message"
            class:bad=move || review.message.with(|m| m.as_ref().is_some_and(|m| m.bad))
            role="status"
            aria-live="polite"
        >
            {move || review.message.get().map(|message| if message.bad { format!("▲ {}", message.text) } else { message.text })}
        </p>
    }
}

#[component]
fn PanelSlot() -> impl IntoView {
    let review = expect_context::<Review>();
    move || match review.panel.get() {
        Panel::None => view! { <Card /> }.into_any(),
        Panel::Reject { item, comment } => view! { <Reject item=item comment=comment /> }.into_any(),
        Panel::Edit(form) => view! { <Editor form=form /> }.into_any(),
        Panel::Codes { item, query } => view! { <CodePanel item=item query=query /> }.into_any(),
        Panel::Add { words } => view! { <FieldChooser words=words /> }.into_any(),
        Panel::FindWords => view! { <FindWords /> }.into_any(),
        Panel::Escalate { comment } => view! { <Escalate comment=comment /> }.into_any(),
        Panel::Checks { at, overriding } => {
            view! { <super::checks::Checks at=at overriding=overriding /> }.into_any()
        }
        Panel::Poa { item } => view! { <super::checks::PoaChooser item=item /> }.into_any(),
        Panel::Place => view! { <super::place::Place /> }.into_any(),
        Panel::AsWritten => view! { <super::as_written::AsWritten /> }.into_any(),
        Panel::Reopen { reason } => view! { <Reopen reason=reason /> }.into_any(),
    }
}
