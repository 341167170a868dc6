//! Invariants of any sequence of commands.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const NUMBERS: std::ops::Range<u128> = 1..4;

fn any_intent() -> impl Strategy<Value = Intent> {
    let number = || NUMBERS;
    prop_oneof![
        4 => (number(), proptest::option::of(number()))
            .prop_map(|(new, parent)| ask(new, parent.map(answer))),
        2 => (number(), NUMBERS.start..9).prop_map(|(of, new)| regenerate(of, new)),
        2 => (NUMBERS.start..9).prop_map(stop),
        2 => (NUMBERS.start..9, prop_oneof![Just(Rating::Up), Just(Rating::Down), Just(Rating::None)])
            .prop_map(|(of, rating)| rate(of, rating)),
        4 => (NUMBERS.start..9).prop_map(record_answer),
        2 => (NUMBERS.start..9).prop_map(record_failure),
        2 => (NUMBERS.start..9, any_purpose(), proptest::option::of(1..6_u32))
            .prop_map(|(of, purpose, attempt)| record_spending_for(answer(of), purpose, attempt)),
        1 => Just(Intent::Rename(Title::parse("Title").unwrap())),
        1 => Just(Intent::ProposeTitle(Title::parse("Proposed").unwrap())),
        1 => Just(Intent::Tag(Tags::parse(&["tag"]).unwrap())),
        1 => Just(Intent::Instruct { instructions: None, temperature: None }),
        1 => Just(Intent::Pin),
        1 => Just(Intent::Unpin),
        1 => Just(Intent::Archive),
        1 => Just(Intent::Unarchive),
        1 => Just(Intent::Delete),
        2 => Just(Intent::Restore),
        1 => Just(Intent::Erase),
    ]
}

fn any_purpose() -> impl Strategy<Value = SpendingPurpose> {
    prop_oneof![
        Just(SpendingPurpose::Attempt),
        Just(SpendingPurpose::Title),
        Just(SpendingPurpose::Suggestions)
    ]
}

fn any_command() -> impl Strategy<Value = ConversationCommand> {
    let by = prop_oneof![
        12 => Just(Actor::User(OWNER)),
        4 => Just(Actor::Worker),
        1 => Just(Actor::User(STRANGER)),
        1 => Just(Actor::System),
    ];
    (by, any_intent(), 0..50_i64, proptest::option::weighted(0.1, 0..12_u64)).prop_map(
        |(by, intent, days, expected)| ConversationCommand {
            by,
            at: noon() + TimeDelta::days(days),
            expected: expected.map(Version),
            intent,
        },
    )
}

fn any_story() -> impl Strategy<Value = Vec<ConversationCommand>> {
    proptest::collection::vec(any_command(), 1..60)
}

fn record_all(conversation: &mut Conversation, events: &[Event]) {
    for event in events {
        conversation.record(event);
    }
}

/// The state and the events that a sequence of commands leads to.
fn played(story: &[ConversationCommand]) -> (Conversation, Vec<Event>) {
    let (mut conversation, mut history) = (Conversation::default(), vec![]);
    for command in story {
        let events = conversation.decide(command.clone(), ConversationLimits::default()).unwrap_or_default();
        record_all(&mut conversation, &events);
        history.extend(events);
    }
    (conversation, history)
}

/// The answer that an event ends.
fn ended(event: &Event) -> Option<AnswerId> {
    match event {
        Event::AnswerCompleted { answer_id, .. }
        | Event::AnswerStopped { answer_id, .. }
        | Event::AnswerFailed { answer_id, .. } => Some(*answer_id),
        _ => None,
    }
}

/// Whether an id in the intent identifies a repetition at any later time.
const fn has_own_id(intent: &Intent) -> bool {
    matches!(intent, Intent::Ask(_) | Intent::Regenerate { .. } | Intent::Stop { .. })
}

/// The receipt of events that were just recorded.
fn receipt_of(conversation: &Conversation, events: &[Event]) -> Receipt {
    Receipt { version: conversation.version(), events: events.iter().map(Event::name).collect() }
}

proptest! {
    #[test]
    fn an_answer_ends_at_most_once_and_only_after_it_was_requested(story in any_story()) {
        let (mut requested, mut ends) = (HashMap::new(), HashMap::new());
        for event in played(&story).1 {
            if let Event::AnswerRequested { answer_id, question_id, .. } = &event {
                prop_assert_eq!(requested.insert(*answer_id, *question_id), None, "requested twice");
            }
            if let Some(answer_id) = ended(&event) {
                prop_assert!(requested.contains_key(&answer_id), "ended before it was requested");
                prop_assert_eq!(ends.insert(answer_id, event), None, "ended twice");
            }
        }
    }

    #[test]
    fn the_version_is_the_number_of_events(story in any_story()) {
        let (conversation, history) = played(&story);
        prop_assert_eq!(conversation.version(), Version(history.len() as u64));
        prop_assert_eq!(after(&history), conversation);
    }

    #[test]
    fn a_command_repeated_at_once_changes_nothing_and_gives_the_same_receipt(
        story in any_story(), last in any_command()
    ) {
        let (mut conversation, _) = played(&story);
        let Ok(events) = conversation.decide(last.clone(), ConversationLimits::default()) else { return Ok(()) };
        record_all(&mut conversation, &events);
        // These carry no id: only an idempotency key identifies their repetition.
        if matches!(
            last.intent,
            Intent::Rename(_) | Intent::Tag(_) | Intent::Instruct { .. } | Intent::RecordSpending(_)
        ) {
            return Ok(());
        }
        let mut again = last.clone();
        again.expected = None;
        prop_assert_eq!(conversation.decide(again, ConversationLimits::default()), Ok(vec![]));
        if has_own_id(&last.intent) && !events.is_empty() {
            prop_assert_eq!(conversation.receipt(&last.intent), receipt_of(&conversation, &events));
        }
    }

    #[test]
    fn a_repeated_command_with_an_id_always_gives_its_first_receipt(story in any_story()) {
        let (mut conversation, mut first_receipts) = (Conversation::default(), vec![]);
        for command in story {
            let events = conversation.decide(command.clone(), ConversationLimits::default()).unwrap_or_default();
            record_all(&mut conversation, &events);
            if has_own_id(&command.intent) && !events.is_empty() {
                first_receipts.push((command, receipt_of(&conversation, &events)));
            }
        }
        for (command, first) in first_receipts {
            prop_assert_eq!(conversation.receipt(&command.intent), first);
            let again = ConversationCommand { expected: Some(Version(0)), ..command };
            prop_assert_eq!(conversation.decide(again, ConversationLimits::default()), Ok(vec![]));
        }
    }

    #[test]
    fn a_stranger_never_changes_anything(story in any_story(), intent in any_intent()) {
        let (conversation, history) = played(&story);
        let not_mine = if conversation.owner() == Some(OWNER) { STRANGER } else { OWNER };
        prop_assume!(!history.is_empty());
        prop_assert_eq!(conversation.decide(command(Actor::User(not_mine), intent), ConversationLimits::default()), Err(Refused::NotFound));
    }

    #[test]
    fn tokens_that_were_spent_for_an_answer_are_always_recorded_and_change_nothing_else(
        story in any_story(), purpose in any_purpose(), attempt in proptest::option::of(1..6_u32)
    ) {
        let (mut conversation, history) = played(&story);
        let requested = history.iter().find_map(|event| match event {
            Event::AnswerRequested { answer_id, .. } => Some(*answer_id),
            _ => None,
        });
        let Some(answer_id) = requested else { return Ok(()) };
        let before = conversation.clone();
        let spending = record_spending_for(answer_id, purpose, attempt);
        let events = conversation.decide(command(Actor::Worker, spending), ConversationLimits::default());
        let names: Vec<_> = events.iter().flatten().map(Event::name).collect();
        prop_assert_eq!(names, ["TokensSpent"]);
        record_all(&mut conversation, &events.unwrap_or_default());
        prop_assert_eq!(conversation.answer(answer_id), before.answer(answer_id));
        prop_assert_eq!(conversation.is_deleted(), before.is_deleted());
    }

    #[test]
    fn every_message_follows_an_earlier_one(story in any_story()) {
        let mut messages = std::collections::HashSet::new();
        for event in played(&story).1 {
            match event {
                Event::QuestionAsked { question_id, parent_id, .. } => {
                    prop_assert!(parent_id.is_none_or(|parent| messages.contains(&parent.uuid())));
                    prop_assert_eq!(parent_id.is_none(), messages.is_empty(), "there is one root");
                    prop_assert!(messages.insert(question_id.uuid()));
                }
                Event::AnswerRequested { question_id, answer_id, .. } => {
                    prop_assert!(messages.contains(&question_id.uuid()));
                    prop_assert!(messages.insert(answer_id.uuid()));
                }
                _ => {}
            }
        }
    }
}
