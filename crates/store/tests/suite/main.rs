//! What the store promises, on both engines: each fact here is run against a `SQLite` file and against a `PostgreSQL`
//! database of its own.

mod audit;
mod backup;
mod decide;
mod edits;
mod import;
mod jobs;
mod learn;
mod memory;
mod people;
mod queue;
mod random;
mod reach;
mod schema;
mod world;

/// Makes a test of each function for each engine.
macro_rules! on_both_engines {
    ($($module:ident :: $name:ident;)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::$module::$name(crate::world::World::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::$module::$name(crate::world::World::postgres().await).await;
            })+
        }
    };
}

on_both_engines! {
    people::users_are_kept_and_changed;
    people::sessions_end_by_time_by_hand_and_with_their_user;
    people::factors_questions_and_codes_count_once;
    people::tokens_and_invitations_end_with_their_user_and_time;
    schema::every_version_rolls_forward;
    people::a_template_gets_a_version_for_each_change;
    reach::nobody_finds_what_is_outside_their_reach;
    reach::an_entry_moves_with_its_counts;
    reach::a_reviewer_finds_of_the_finished_only_what_they_decided_on;
    reach::a_reason_opens_one_note_for_a_while_and_somebody_else_judges_it;
    import::the_same_note_again_changes_nothing;
    import::another_text_under_a_known_id_refuses_the_whole_request;
    import::a_dry_run_keeps_nothing;
    import::texts_come_back_to_the_byte;
    import::what_is_written_once_cannot_be_changed;
    import::a_damaged_text_is_noticed;
    audit::rows_follow_on_each_other_and_are_found_again;
    audit::what_is_recorded_stands_or_falls_with_its_event;
    audit::many_writers_make_one_chain;
    audit::the_database_refuses_to_change_the_trail;
    audit::a_changed_row_is_named;
    audit::a_removed_row_is_named;
    audit::rows_in_another_order_are_named;
    audit::a_trail_cut_short_is_noticed;
    audit::a_sign_off_shows_a_trail_made_anew;
    backup::a_copy_comes_back_whole;
    backup::what_is_not_a_whole_copy_is_refused_and_leaves_nothing;
    backup::a_copy_of_one_engine_comes_back_on_the_other;
    backup::a_copy_is_of_one_moment;
    edits::codes_that_stand_together_are_counted_on_finished_entries;
    edits::levels_are_versioned_and_never_lost;
    edits::of_two_versions_at_once_one_is_saved;
    edits::codes_at_hand_are_ones_own;
    decide::the_row_follows_the_decisions;
    decide::a_stale_revision_gets_what_changed;
    decide::rows_of_another_suggestion_set_are_not_decided;
    decide::a_repeated_request_gets_the_first_answer;
    decide::a_key_serves_one_request;
    decide::an_illegal_action_keeps_none_of_its_request;
    decide::a_lease_keeps_others_out_until_it_ends;
    decide::of_two_at_the_same_moment_one_wins;
    decide::of_two_equal_requests_at_the_same_moment_both_get_one_answer;
    jobs::a_job_has_one_holder;
    jobs::a_claim_that_ran_out_is_free_again;
    jobs::a_clock_set_back_stops_nothing;
    jobs::a_job_has_one_result;
    jobs::failed_jobs_wait_or_stay_failed;
    jobs::a_job_that_is_let_go_of_is_claimed;
    jobs::suggestions_stay_once_somebody_decided;
    jobs::new_suggestions_replace_undecided_ones;
    queue::pages_hold_every_entry_once_even_with_ties;
    queue::filters_hold_together;
    queue::search_takes_the_words_as_they_stand;
    queue::next_hands_out_what_nobody_holds;
    learn::corrections_come_oldest_first_and_whole;
    learn::accuracy_counts_finished_entries;
    learn::reopening_takes_outcomes_back;
    memory::decisions_become_memory_and_are_taken_back;
    memory::the_same_words_are_one_row_that_counts;
    memory::what_was_deleted_stays_forgotten_when_made_again;
    memory::pages_and_filters_hold_together;
    memory::a_database_from_before_learns_what_it_holds;
    memory::many_learners_count_once;
    memory::vectors_are_kept_by_what_made_them;
    random::counters_equal_what_they_count;
    schema::a_second_start_keeps_what_is_there;
    schema::a_newer_schema_is_refused_untouched;
    schema::a_database_of_something_else_is_refused_untouched;
    schema::two_programs_may_start_at_once;
}
