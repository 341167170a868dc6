//! No person saw another person's ids, and no person acted in another person's name.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Record, Violation};
use crate::failures::campaign::history::Who;

pub(super) fn nobody_saw_others(record: &Record) -> Vec<Violation> {
    let owners = owners(record);
    let mut violations = Vec::new();
    for (who, ids) in &record.seen {
        for id in ids {
            if let Some(owner) = owners.get(id).filter(|owner| *owner != who) {
                let what = format!("person {who} was shown the id {id}, which belongs to person {owner}");
                violations.push(Violation::of(what, &[id]));
            }
        }
    }
    for event in record.ledger.iter().filter(|event| event.is_by_a_user()) {
        let actor = event.actor.id.as_deref().unwrap_or_default();
        let is_content = ["conversation", "document"].contains(&event.aggregate.as_str());
        if is_content && actor != event.owner.to_string() {
            let what =
                format!("{} at position {} is by {actor}, not by its owner", event.kind, event.position);
            violations.push(Violation::of(what, &[&event.aggregate_id]));
        }
    }
    violations
}

/// The person that each id belongs to.
fn owners(record: &Record) -> HashMap<Uuid, Who> {
    let numbers: HashMap<Uuid, Who> =
        record.people.iter().enumerate().map(|(who, person)| (*person, who)).collect();
    let mut owners = numbers.clone();
    for event in &record.ledger {
        let Some(who) = numbers.get(&event.owner) else { continue };
        let ids = [Some(event.aggregate_id), event.id("question_id"), event.id("answer_id")];
        owners.extend(ids.into_iter().flatten().map(|id| (id, *who)));
    }
    owners
}
