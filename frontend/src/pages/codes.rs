//! The code books: look-up, hierarchy and notes, and procedure codes axis by axis, without an entry open.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use overread_api::code::{BuilderView, CodeHit};
use overread_api::code_system::CodeSystems;
use overread_api::path;
use overread_domain::code::ICD_10_CM;
use serde::Serialize;
use web_sys::KeyboardEvent;

use super::book::Book;
use crate::logic::codes::{books_of, tabs_of};
use crate::logic::filters::query_of;
use crate::logic::format::brief;
use crate::review::{CodeBox, CodeDetail, CodeFinder};
use crate::shell::App;
use crate::web::{dom, http};

const BOOKS: [(&str, &str); 6] = [
    ("tabular", "Tabular list"),
    ("index", "Index"),
    ("external-causes", "External causes"),
    ("neoplasms", "Neoplasms"),
    ("drugs", "Drugs"),
    ("procedures", "Index of procedures"),
];

pub const ICD_10_PCS: &str = "icd-10-pcs";

#[component]
pub fn Codes() -> impl IntoView {
    let app = expect_context::<App>();
    let asked = use_query_map();
    // A book, where one is open, and the line to begin at: both can stand in the address.
    let book = RwSignal::new(asked.with_untracked(|asked| asked.get("book")));
    let line = RwSignal::new(
        asked.with_untracked(|asked| asked.get("line")).and_then(|line| line.parse::<u32>().ok()),
    );
    let at_code = RwSignal::new(asked.with_untracked(|asked| asked.get("code")));
    let system = RwSignal::new(ICD_10_CM.to_owned());
    // Tabs for what is loaded, not for what might be.
    let systems = RwSignal::new(vec![(ICD_10_CM.to_owned(), "ICD-10-CM".to_owned())]);
    let books = RwSignal::new(vec!["tabular".to_owned()]);
    leptos::task::spawn_local(async move {
        if let Ok(loaded) = http::get::<CodeSystems>(path::CODE_SYSTEMS).await {
            systems.try_set(tabs_of(&loaded));
            books.try_set(books_of(&loaded));
        }
    });
    let finder = CodeFinder::new(ICD_10_CM.to_owned(), String::new());
    let picked = Callback::new(move |hit: CodeHit| {
        leptos::task::spawn_local(async move {
            if dom::copy(&hit.code).await {
                app.tell(format!("{} is in the clipboard.", hit.code));
            } else {
                app.tell(format!("{} {}", hit.code, hit.title));
            }
        });
    });
    let read = Callback::new(move |(name, at): (String, u32)| {
        line.set(Some(at));
        at_code.set(None);
        book.set(Some(name));
    });
    // What a procedure code begins with, where the index led.
    let begun = RwSignal::new(String::new());
    let open = Callback::new(move |code: String| {
        if book.with_untracked(|book| book.as_deref() == Some("procedures")) {
            system.set(ICD_10_PCS.to_owned());
            begun.set(code);
        } else {
            finder.go_to(&code);
        }
    });
    if let Some(code) = at_code.get_untracked() {
        finder.go_to(&code);
    }
    if book.get_untracked().is_none() {
        dom::focus_soon("code-search");
    }
    let shelf = move || {
        BOOKS
            .into_iter()
            .filter(|(id, _)| books.with(|books| books.iter().any(|book| book == id)))
            .map(|(id, label)| {
                view! {
                    <button
                        class="small"
                        data-book=id
                        aria-pressed=move || book.with(|now| now.as_deref() == Some(id)).to_string()
                        on:click=move |_| {
                            line.set(None);
                            at_code.set(None);
                            system.set(ICD_10_CM.to_owned());
                            finder.set_system(ICD_10_CM.to_owned());
                            book.set(Some(id.to_owned()));
                        }
                    >
                        {label}
                    </button>
                }
            })
            .collect_view()
    };
    let tabs = move || {
        systems
        .get()
        .into_iter()
        .map(|(id, label)| {
            let (here, name) = (id.clone(), id.clone());
            view! {
                <button
                    class="small"
                    data-system=name
                    aria-pressed=move || (system.with(|now| *now == here) && book.with(Option::is_none)).to_string()
                    on:click=move |_| {
                        book.set(None);
                        system.set(id.clone());
                        finder.set_system(id.clone());
                        dom::focus_soon("code-search");
                    }
                >
                    {label}
                </button>
            }
        })
        .collect_view()
    };
    view! {
        <main id="main" class="page codes">
            <header class="row">
                <h1>"Code books"</h1>
                <div class="row" role="group" aria-label="Code system">
                    {tabs}
                </div>
                <div class="row" role="group" aria-label="Books">
                    {shelf}
                </div>
            </header>
            <div class="books">
                <section class="card tall" aria-label="Look-up">
                    {move || match book.get() {
                        Some(name) => view! { <Book name=name line=line.get_untracked() code=at_code.get_untracked() open=open /> }.into_any(),
                        None => view! { <CodeBox finder=finder picked=picked /> }.into_any(),
                    }}
                </section>
                <section class="card tall" aria-label="The code in full">
                    {move || {
                        if system.with(|now| now == ICD_10_PCS) {
                            view! { <Builder picked=picked begun=begun /> }.into_any()
                        } else {
                            view! { <CodeDetail finder=finder read=read /> }.into_any()
                        }
                    }}
                </section>
            </div>
        </main>
    }
}

#[derive(Serialize)]
struct Asked {
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<String>,
}

/// A procedure code axis by axis: the character of a value chooses it, Backspace takes the last one back.
#[component]
pub fn Builder(
    picked: Callback<CodeHit>,
    /// The day whose edition is asked.
    #[prop(optional_no_strip)]
    on: Option<String>,
    /// Characters that were chosen elsewhere.
    #[prop(optional)]
    begun: Option<RwSignal<String>>,
) -> impl IntoView {
    let on = StoredValue::new(on);
    let built = RwSignal::new(None::<Result<BuilderView, String>>);
    let prefix = RwSignal::new(String::new());
    let turn = StoredValue::new(0u32);
    // Keys pressed while the answer to the last one was on its way.
    let (waiting, early) = (StoredValue::new(false), StoredValue::new(String::new()));
    let pressed = StoredValue::new(None::<Callback<char>>);
    let ask = move || {
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        waiting.set_value(true);
        let query = query_of(&Asked { prefix: prefix.get_untracked(), on: on.get_value() });
        leptos::task::spawn_local(async move {
            let answer = http::get::<BuilderView>(&format!("{}{query}", path::PROCEDURES)).await;
            if turn.try_get_value() == Some(mine) {
                waiting.try_set_value(false);
                built.try_set(Some(answer.map_err(|failure| failure.message())));
                if let Some(key) =
                    early.try_update_value(|early| (!early.is_empty()).then(|| early.remove(0))).flatten()
                    && let Some(press) = pressed.try_get_value().flatten()
                {
                    press.run(key);
                }
            }
        });
    };
    match begun {
        Some(begun) => {
            Effect::new(move |_| {
                prefix.set(begun.get());
                ask();
            });
        }
        None => ask(),
    }
    let choose = move |character: &str| {
        prefix.update(|prefix| prefix.push_str(character));
        ask();
    };
    let take_back = move || {
        prefix.update(|prefix| {
            prefix.pop();
        });
        ask();
    };
    let take = move || {
        let code =
            built.with_untracked(|b| b.as_ref().and_then(|b| b.as_ref().ok()).and_then(|b| b.code.clone()));
        if let Some(code) = code {
            picked.run(CodeHit {
                system: ICD_10_PCS.to_owned(),
                code: code.code,
                title: code.title,
                billable: code.billable,
                matched: None,
                score: 0.0,
            });
        }
    };
    let press = move |one: char| match one {
        '\u{8}' => take_back(),
        '\n' => take(),
        one => {
            let wanted = one.to_string();
            let there = built.with_untracked(|b| {
                let view = b.as_ref().and_then(|b| b.as_ref().ok());
                view.is_some_and(|view| view.values.iter().any(|value| value.character == wanted))
            });
            if there {
                choose(&wanted);
            } else {
                // What came after a character that is not there was meant for another place.
                early.update_value(String::clear);
            }
        }
    };
    pressed.set_value(Some(Callback::new(press)));
    let key = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let key = event.key();
        let one = match key.as_str() {
            "Backspace" => '\u{8}',
            "Enter" if !dom::takes_button(&event) => '\n',
            one if one.chars().count() == 1 => one.chars().next().map_or(' ', |c| c.to_ascii_uppercase()),
            _ => return,
        };
        if waiting.get_value() {
            early.update_value(|early| early.push(one));
        } else {
            press(one);
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let body = move |view: BuilderView| {
        let chosen = view
            .chosen
            .iter()
            .map(|value| view! { <li><b>{value.character.clone()}</b> " " {value.label.clone()}</li> })
            .collect_view();
        let values = view
            .values
            .into_iter()
            .map(|value| {
                let (character, name) = (value.character.clone(), value.character.clone());
                view! {
                    <li>
                        <button class="quiet candidate" data-value=name on:click=move |_| choose(&character)>
                            <kbd>{value.character}</kbd>
                            <span class="title">
                                {value.label}
                                {value
                                    .definition
                                    .map(|said| view! { <span class="meaning faint" title=said.clone()>{brief(&said, 140)}</span> })}
                            </span>
                            <span class="faint">{value.codes}</span>
                        </button>
                    </li>
                }
            })
            .collect_view();
        view! {
            <ul class="ancestors chosen">{chosen}</ul>
            {view.definition.map(|definition| view! { <p class="faint">{definition}</p> })}
            {view.axis.map(|axis| view! { <h3>{axis}</h3> })}
            <ol class="candidates values" aria-label="Values">{values}</ol>
            {view
                .code
                .map(|code| {
                    view! {
                        <p class="code-line" data-code=code.code.clone()>
                            <b>{code.code.clone()}</b>
                            " "
                            {code.title.clone()}
                        </p>
                        <button class="primary small" on:click=move |_| take()>
                            <kbd>"Enter"</kbd>
                            " Take it"
                        </button>
                    }
                })}
        }
    };
    view! {
        <div id="builder" class="builder" tabindex="0" role="group" aria-label="Procedure code, axis by axis" on:keydown=key>
            <p class="faint hint">
                "The character of a value chooses it · "
                <kbd>"Backspace"</kbd>
                " takes the last back"
            </p>
            {move || match built.get() {
                None => view! { <p class="faint">"…"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad" role="alert">{why}</p> }.into_any(),
                Some(Ok(view)) => body(view).into_any(),
            }}
        </div>
    }
}
