//! The coding edits beside the rows: how many there are, what each says, its mending, its override.

use leptos::prelude::*;
use overread_domain::{Finding, Level, Poa};

use super::choosers::Cancel;
use super::panel::Panel;
use super::state::Review;
use crate::logic::checks::{level_shape, level_word, listed, place, summary};
use crate::logic::codes::step;
use crate::logic::keymap::{Command, Scope};
use crate::web::dom;

/// One line under the rows.
#[component]
pub fn Strip() -> impl IntoView {
    let review = expect_context::<Review>();
    move || {
        review.findings.with(|findings| {
            let ahead = review.ahead.with(|ahead| ahead.len());
            let told = match (summary(findings), ahead) {
                (None, 0) => return None,
                (Some(told), 0) => told,
                (told, ahead) => {
                    let told = told.map(|told| format!("{told}; ")).unwrap_or_default();
                    format!("{told}{ahead} more if the suggestions are accepted")
                }
            };
            let worst = findings.iter().filter(|f| f.overridden.is_none()).map(|f| f.level).min();
            let level = worst.unwrap_or(Level::Information);
            Some(view! {
                <button
                    id="checks-strip"
                    class="checks-strip small"
                    data-level=level_word(level)
                    on:click=move |_| review.open_checks()
                >
                    <kbd>{review.app.hint(Scope::Review, Command::Checks)}</kbd>
                    <span aria-hidden="true">{level_shape(level)}</span>
                    " Checks: "
                    {told}
                </button>
            })
        })
    }
}

/// All findings in place of the card.
#[component]
pub fn Checks(at: usize, overriding: Option<String>) -> impl IntoView {
    let review = expect_context::<Review>();
    let chosen = move || review.listed_check(at);
    if overriding.is_some() {
        dom::focus_soon("override-reason");
    } else {
        dom::focus_soon("checks-list");
    }
    let reason = RwSignal::new(overriding.clone().unwrap_or_default());
    let lines = move || {
        let (now, ahead) = (review.findings.get(), review.ahead.get());
        let begins = now.len();
        now.iter()
            .chain(ahead.iter())
            .enumerate()
            .map(|(nth, finding)| {
                let first_ahead = nth == begins;
                view! {
                    {first_ahead
                        .then(|| {
                            view! {
                                <li class="faint" role="presentation">
                                    "If the suggestions that wait are accepted:"
                                </li>
                            }
                        })}
                    <li
                        id=format!("check-{nth}")
                        role="option"
                        data-rule=finding.rule.clone()
                        data-level=level_word(finding.level)
                        data-ahead=(nth >= begins).then_some("")
                        data-overridden=finding.overridden.is_some().then_some("")
                        aria-selected=(nth == at).to_string()
                        on:click=move |_| review.choose_check(nth)
                    >
                        <span class="level" data-level=level_word(finding.level)>
                            <span aria-hidden="true">{level_shape(finding.level)}</span>
                            " "
                            {level_word(finding.level)}
                        </span>
                        <b>{finding.rule.clone()}</b>
                        " "
                        <span class="said">{finding.message.clone()}</span>
                        {finding
                            .overridden
                            .as_ref()
                            .map(|by| view! { <span class="tag">"overridden: " {by.reason.clone()}</span> })}
                    </li>
                }
            })
            .collect_view()
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        review.override_check(at, &reason.get_untracked());
    };
    let detail = move || {
        chosen().map(|(finding, ahead): (Finding, bool)| {
            let open = finding.overridden.is_none() && !ahead;
            let fixes = finding
                .fixes
                .iter()
                .enumerate()
                .map(|(nth, fix)| {
                    view! {
                        <li>
                            <button class="quiet candidate" data-fix=nth on:click=move |_| review.mend(at, nth)>
                                <kbd>{nth + 1}</kbd>
                                " "
                                {fix.label.clone()}
                            </button>
                        </li>
                    }
                })
                .collect_view();
            view! {
                <div class="check-detail">
                    <p class="faint">{finding.citation.clone()}</p>
                    {(!finding.fixes.is_empty()).then(|| view! { <ol class="candidates" aria-label="What would mend it">{fixes}</ol> })}
                    {(overriding.is_some() && open)
                        .then(|| {
                            view! {
                                <form on:submit=submit>
                                    <label for="override-reason">"Why does it not hold here?"</label>
                                    <input
                                        id="override-reason"
                                        type="text"
                                        required=true
                                        autocomplete="off"
                                        prop:value=reason
                                        on:input=move |event| {
                                            let text = event_target_value(&event);
                                            reason.set(text.clone());
                                            // Untracked: the panel keeps the words without being drawn anew.
                                            review
                                                .panel
                                                .update_untracked(|panel| {
                                                    *panel = Panel::Checks { at, overriding: Some(text) };
                                                });
                                        }
                                    />
                                    <button class="primary small" type="submit">
                                        <kbd>"Enter"</kbd>
                                        " Override"
                                    </button>
                                </form>
                            }
                        })}
                </div>
            }
        })
    };
    view! {
        <section id="checks" class="card tall" aria-labelledby="checks-title">
            <header>
                <h2 id="checks-title">"Checks"</h2>
                <span class="faint hint">
                    <kbd>"↑"</kbd>
                    <kbd>"↓"</kbd>
                    " choose · "
                    <kbd>"Enter"</kbd>
                    " go to it · "
                    <kbd>"1"</kbd>
                    " mend · "
                    <kbd>"o"</kbd>
                    " override"
                </span>
                <span class="grow"></span>
                <Cancel />
            </header>
            <ul id="checks-list" class="hits checks" role="listbox" tabindex="0" aria-label="What the checks found"
                aria-activedescendant=format!("check-{at}")>
                {lines}
            </ul>
            {detail}
        </section>
    }
}

/// Choosing whether a condition was there on admission.
#[component]
pub fn PoaChooser(item: overread_domain::ItemId) -> impl IntoView {
    let review = expect_context::<Review>();
    let item = StoredValue::new(item);
    dom::focus_soon("poa-first");
    view! {
        <section id="poa" class="card" role="group" aria-labelledby="poa-title">
            <h2 id="poa-title">"Was it present on admission?"</h2>
            <ol class="choices">
                {Poa::ALL
                    .into_iter()
                    .enumerate()
                    .map(|(nth, poa)| {
                        view! {
                            <li>
                                <button
                                    id={(nth == 0).then_some("poa-first")}
                                    data-poa=poa.letter()
                                    on:click=move |_| review.say_poa(&item.get_value(), poa)
                                >
                                    <kbd>{nth + 1}</kbd>
                                    " "
                                    {poa.letter()}
                                    " · "
                                    {poa.label()}
                                </button>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
            <Cancel />
        </section>
    }
}

impl Review {
    /// Opens the checks at the one that is about the current row, else at the first.
    pub fn open_checks(self) {
        let (found, ahead) = (self.findings.get_untracked(), self.ahead.get_untracked());
        if found.is_empty() && ahead.is_empty() {
            self.say("The checks have nothing to say.");
            return;
        }
        let item = self.current_item();
        let at = found
            .iter()
            .chain(ahead.iter())
            .position(|f| f.overridden.is_none() && item.as_ref().is_some_and(|item| f.items.contains(item)))
            .unwrap_or(0);
        self.panel.set(Panel::Checks { at, overriding: None });
    }

    /// The nth finding of the panel, and whether it is one that only would come.
    pub fn listed_check(self, at: usize) -> Option<(Finding, bool)> {
        self.findings.with(|now| self.ahead.with(|ahead| listed(now, ahead, at)))
    }

    pub fn choose_check(self, at: usize) {
        self.panel.set(Panel::Checks { at, overriding: None });
        dom::scroll_near(&format!("check-{at}"));
    }

    /// Keys of the panel. True where it takes them.
    pub fn check_key(self, at: usize, pressed: &str) -> bool {
        let len = self.findings.with_untracked(|all| all.len()) + self.ahead.with_untracked(|all| all.len());
        match pressed {
            "ArrowDown" | "j" => self.choose_check(step(at, 1, len)),
            "ArrowUp" | "k" => self.choose_check(step(at, -1, len)),
            "Enter" => {
                let finding = untrack(|| self.listed_check(at));
                if let Some(key) = finding.and_then(|(finding, _)| place(&finding)) {
                    self.select(Some(key));
                }
            }
            "o" => {
                let open =
                    self.findings.with_untracked(|all| all.get(at).is_some_and(|f| f.overridden.is_none()));
                if open {
                    self.panel.set(Panel::Checks { at, overriding: Some(String::new()) });
                }
            }
            digit => match digit.parse::<usize>() {
                Ok(nth @ 1..=9) => self.mend(at, nth - 1),
                _ => return false,
            },
        }
        true
    }

    /// Takes the decisions that mend a finding.
    pub fn mend(self, at: usize, nth: usize) {
        let fix = untrack(|| self.listed_check(at)).and_then(|(found, _)| found.fixes.get(nth).cloned());
        let Some(fix) = fix else { return };
        if self.decide(fix.actions) {
            self.close_panel();
            self.say(format!("{}.", fix.label));
        }
    }

    pub fn override_check(self, at: usize, reason: &str) {
        let key = self.findings.with_untracked(|all| all.get(at).map(|f| f.key.clone()));
        let Some(edit) = key else { return };
        let action = overread_domain::Action::Override { edit, reason: reason.trim().to_owned() };
        if self.decide(vec![action]) {
            self.close_panel();
            self.say("Overridden; the reason is on record.");
        }
    }

    pub fn say_poa(self, item: &overread_domain::ItemId, poa: Poa) {
        if self.decide(vec![overread_domain::Action::PresentOnAdmission { item: item.clone(), poa }]) {
            self.close_panel();
        }
    }

    /// Puts the dragged code where another stands.
    pub fn drop_on(self, target: &overread_domain::ItemId) {
        let Some(item) = self.dragged.try_update_value(Option::take).flatten() else { return };
        if let Some(action) = self.with(|model| model.dropped(&item, target)).flatten()
            && self.decide(vec![action])
        {
            self.select(Some(crate::logic::rows::RowKey::Item(item)));
        }
    }

    /// Moves the current code within the final list; `by` of [`isize::MIN`] makes it the principal diagnosis.
    pub fn sequence(self, by: isize) {
        let Some(item) = self.current_item() else {
            self.complain("Only codes of the final list have an order");
            return;
        };
        let order = self.with(|model| model.reordered(&item, by)).flatten();
        match order {
            Some(action) => {
                if self.decide(vec![action]) {
                    self.select(Some(crate::logic::rows::RowKey::Item(item)));
                }
            }
            None => self.complain("This row can't be moved there"),
        }
    }
}
