//! Differences of a conversation between two positions, as text.

use std::collections::HashMap;
use std::fmt::Write as _;

use projections::messages::Message;

use super::decrypted::{facts, heading, indented};
use super::replay::ReplayedConversation;

/// The differences as text: `+` for additions, `-` for removals, `~` for changes.
pub(crate) fn differences(from: &ReplayedConversation, to: &ReplayedConversation) -> String {
    let mut text = format!(
        "from position {} (version {}) to position {} (version {})\n",
        from.position, from.version, to.position, to.version
    );
    let unchanged = text.len();
    let before: HashMap<&str, String> = facts(from).into_iter().collect();
    let after: HashMap<&str, String> = facts(to).into_iter().collect();
    for (name, value) in facts(to) {
        // Writing to a string cannot fail.
        let _ = match before.get(name) {
            None => writeln!(text, "+ {name}: {value}"),
            Some(old) if *old != value => writeln!(text, "~ {name}: {old} -> {value}"),
            Some(_) => Ok(()),
        };
    }
    for (name, value) in facts(from) {
        if !after.contains_key(name) {
            let _ = writeln!(text, "- {name}: {value}");
        }
    }
    compare_messages(&mut text, &from.messages, &to.messages);
    if text.len() == unchanged {
        text.push_str("nothing changed\n");
    }
    text
}

fn compare_messages(text: &mut String, from: &[Message], to: &[Message]) {
    let before: HashMap<_, _> = from.iter().map(|message| (message.id, message)).collect();
    let after: HashMap<_, _> = to.iter().map(|message| (message.id, message)).collect();
    for message in to {
        match before.get(&message.id) {
            None => tell(text, '+', message),
            Some(old) if *old != message => compare_message(text, old, message),
            Some(_) => {}
        }
    }
    for message in from.iter().filter(|message| !after.contains_key(&message.id)) {
        tell(text, '-', message);
    }
}

fn tell(text: &mut String, mark: char, message: &Message) {
    let _ = write!(text, "{mark} {} {}\n{}\n", heading(message), message.id, indented(&message.text.read()));
}

fn compare_message(text: &mut String, old: &Message, new: &Message) {
    let _ = writeln!(text, "~ {} -> {} {}", heading(old), heading(new), new.id);
    if old.text != new.text {
        let _ = writeln!(text, "{}", indented(&new.text.read()));
    }
    if old.rating != new.rating {
        let _ = writeln!(text, "    rating: {:?} -> {:?}", old.rating, new.rating);
    }
    if old.siblings != new.siblings {
        let _ = writeln!(text, "    versions: {} -> {}", old.siblings.len(), new.siblings.len());
    }
}
