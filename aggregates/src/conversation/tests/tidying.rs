//! Titles, tags, pins and the archive; deletion and restoration.

use super::*;
use crate::{Instructions, Temperature};

fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}

fn named(by: TitledBy, text: &str) -> Event {
    renamed(by, title(text))
}

#[test]
fn the_owner_can_rename_at_any_time() {
    leads_to(&one_answer(), owner(Intent::Rename(title("One"))), &[named(TitledBy::User, "One")]);
    let history = [one_answer(), vec![named(TitledBy::User, "One")]].concat();
    leads_to(&history, owner(Intent::Rename(title("Two"))), &[named(TitledBy::User, "Two")]);
}

#[test]
fn a_proposed_title_never_replaces_a_title() {
    let propose = || worker(Intent::ProposeTitle(title("Proposed")));
    leads_to(&one_answer(), propose(), &[named(TitledBy::Worker, "Proposed")]);
    for by in [TitledBy::User, TitledBy::Worker] {
        changes_nothing(&[one_answer(), vec![named(by, "One")]].concat(), propose());
    }
    let history = [one_answer(), vec![named(TitledBy::Worker, "Proposed")]].concat();
    leads_to(&history, owner(Intent::Rename(title("Mine"))), &[named(TitledBy::User, "Mine")]);
}

#[test]
fn new_tags_replace_the_old_ones() {
    let tags = |tags: &[&str]| Tags::parse(tags).unwrap();
    let tagged = |tags| Event::ConversationTagged { private: Private::Open(Tagged { tags }) };
    leads_to(&one_answer(), owner(Intent::Tag(tags(&["rust", "sql"]))), &[tagged(tags(&["rust", "sql"]))]);
    let history = [one_answer(), vec![tagged(tags(&["rust"]))]].concat();
    leads_to(&history, owner(Intent::Tag(tags(&[]))), &[tagged(tags(&[]))]);
}

#[test]
fn new_instructions_and_temperature_replace_the_old_ones_and_the_state_names_their_event() {
    let text = |text: &str| Instructions::parse(text).ok();
    let warm = Temperature::try_from(1.2).ok();
    let instructed = |instructions, temperature| Event::ConversationInstructed {
        temperature,
        private: Private::Open(Instructed { instructions }),
    };
    let instruct = |instructions, temperature| owner(Intent::Instruct { instructions, temperature });
    leads_to(&one_answer(), instruct(text("In verse."), warm), &[instructed(text("In verse."), warm)]);
    let history = [one_answer(), vec![instructed(text("In verse."), warm)]].concat();
    leads_to(&history, instruct(None, None), &[instructed(None, None)]);
    let mut conversation = Conversation::default();
    for event in &history {
        conversation.record(event);
    }
    assert_eq!(conversation.instructed_at(), Some(Version(5)));
}

#[test]
fn pins_and_the_archive_are_switched_on_and_off() {
    let switches = [
        (Intent::Pin, Event::ConversationPinned, Intent::Unpin, Event::ConversationUnpinned),
        (Intent::Archive, Event::ConversationArchived, Intent::Unarchive, Event::ConversationUnarchived),
    ];
    for (on, went_on, off, went_off) in switches {
        changes_nothing(&one_answer(), owner(off.clone()));
        leads_to(&one_answer(), owner(on.clone()), std::slice::from_ref(&went_on));
        let changed = [one_answer(), vec![went_on.clone()]].concat();
        changes_nothing(&changed, owner(on.clone()));
        leads_to(&changed, owner(off), std::slice::from_ref(&went_off));
        let back = [changed, vec![went_off]].concat();
        leads_to(&back, owner(on), &[went_on]);
    }
}

#[test]
fn a_conversation_is_deleted_once() {
    leads_to(&one_answer(), owner(Intent::Delete), &[deleted()]);
    changes_nothing(&[one_answer(), vec![deleted()]].concat(), owner(Intent::Delete));
}

fn restore_after(passed: TimeDelta) -> ConversationCommand {
    ConversationCommand { at: noon() + passed, ..owner(Intent::Restore) }
}

#[test]
fn a_conversation_can_be_restored_within_thirty_days() {
    let history = [one_answer(), vec![deleted()]].concat();
    leads_to(&history, restore_after(TimeDelta::zero()), &[Event::ConversationRestored]);
    leads_to(&history, restore_after(TimeDelta::days(30)), &[Event::ConversationRestored]);
    let too_late = restore_after(TimeDelta::days(30) + TimeDelta::milliseconds(1));
    is_refused(&history, too_late, Refused::RestoreTooLate);
    changes_nothing(&one_answer(), restore_after(TimeDelta::days(90)));
}

#[test]
fn a_clock_that_was_set_back_does_not_shorten_the_thirty_days() {
    let history = [one_answer(), vec![deleted()]].concat();
    leads_to(&history, restore_after(TimeDelta::days(-400)), &[Event::ConversationRestored]);
}

#[test]
fn the_thirty_days_begin_with_the_last_deletion() {
    let later = noon() + TimeDelta::days(100);
    let again = vec![deleted(), Event::ConversationRestored, Event::ConversationDeleted { at: later }];
    let history = [one_answer(), again].concat();
    leads_to(&history, restore_after(TimeDelta::days(120)), &[Event::ConversationRestored]);
}

#[test]
fn a_deleted_conversation_refuses_changes() {
    let history = [one_question(), vec![deleted()]].concat();
    for intent in [
        ask(2, None),
        regenerate(1, 2),
        stop(1),
        rate(1, Rating::Up),
        Intent::Rename(title("New")),
        Intent::Tag(Tags::default()),
        Intent::Pin,
        Intent::Archive,
    ] {
        is_refused(&history, owner(intent), Refused::Deleted);
    }
    is_refused(&history, worker(Intent::ProposeTitle(title("New"))), Refused::Deleted);
}

#[test]
fn the_running_answer_of_a_deleted_conversation_still_ends() {
    let history = [one_question(), vec![deleted()]].concat();
    leads_to(&history, worker(record_answer(1)), &[completed(1)]);
    leads_to(&history, worker(record_failure(1)), &[failed(1)]);
}

fn system(intent: Intent) -> ConversationCommand {
    command(Actor::System, intent)
}

#[test]
fn the_system_can_end_a_conversation_finally_and_the_owner_cannot() {
    for history in [one_answer(), [one_answer(), vec![deleted()]].concat()] {
        leads_to(&history, system(Intent::Erase), &[Event::ConversationErased]);
        is_refused(&history, owner(Intent::Erase), Refused::NotFound);
    }
}

#[test]
fn a_finally_ended_conversation_is_neither_changed_nor_restored() {
    let history = [one_question(), vec![deleted(), Event::ConversationErased]].concat();
    is_refused(&history, owner(Intent::Restore), Refused::RestoreTooLate);
    for command in [owner(ask(2, None)), owner(Intent::Pin), worker(record_answer(1))] {
        is_refused(&history, command, Refused::Deleted);
    }
    changes_nothing(&history, system(Intent::Erase));
    changes_nothing(&history, owner(Intent::Delete));
}

#[test]
fn the_pending_answer_of_a_finally_ended_conversation_can_only_fail() {
    let history = [one_question(), vec![deleted(), Event::ConversationErased]].concat();
    leads_to(&history, worker(record_failure(1)), &[failed(1)]);
    leads_to(&history, system(record_failure(1)), &[failed(1)]);
}
