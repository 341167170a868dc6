//! Upcasters: they convert stored events of old versions to today's form. Every reader of events uses them.
//!
//! To change an event's form: raise its `event_version`, add an upcaster to [`all`], and keep the golden file
//! of the old version beside that of the new one. Stored events never change, because the ledger's hashes
//! cover them.

use std::sync::LazyLock;

use cqrs_es::persist::{EventUpcaster, SemanticVersionEventUpcaster, SerializedEvent};
use serde_json::Value;

use crate::{AggregateType, Event};

static UPCASTERS: LazyLock<Vec<SemanticVersionEventUpcaster>> = LazyLock::new(all);

/// All upcasters. Those of one event are in the order of its versions.
fn all() -> Vec<SemanticVersionEventUpcaster> {
    vec![SemanticVersionEventUpcaster::new("AuditAccessed", "2", Box::new(audit_accessed_2))]
}

/// Version 1 has no `through`: the API was the only interface.
fn audit_accessed_2(mut payload: Value) -> Value {
    if let Some(fields) = payload.as_object_mut() {
        fields.entry("through").or_insert_with(|| "api".into());
    }
    payload
}

/// Converts a stored event of any version to today's form.
pub fn upcast(event: SerializedEvent) -> SerializedEvent {
    UPCASTERS.iter().fold(event, |event, upcaster| {
        if upcaster.can_upcast(&event.event_type, &event.event_version) {
            upcaster.upcast(event)
        } else {
            event
        }
    })
}

impl Event {
    /// Parses the stored payload of any version. The payload contains the event's name.
    ///
    /// A version that this release does not know is an error, also where its payload looks like that of a
    /// known one: it means something else.
    pub fn from_stored(
        aggregate: AggregateType,
        version: &str,
        payload: Value,
    ) -> Result<Self, serde_json::Error> {
        let name = payload.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if UPCASTERS.iter().any(|upcaster| upcaster.can_upcast(&name, version)) {
            let aggregate_type = aggregate.name().to_owned();
            let stored = SerializedEvent::new(
                String::new(),
                0,
                aggregate_type,
                name,
                version.to_owned(),
                payload,
                Value::Null,
            );
            return Self::from_payload(aggregate, upcast(stored).payload);
        }
        let event = Self::from_payload(aggregate, payload)?;
        if event.version() == version {
            return Ok(event);
        }
        Err(serde::de::Error::custom(format!("version {version:?} of {} is unknown", event.name())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_old_event_gains_the_missing_field_and_a_new_event_stays_as_it_is() {
        let stored = |version: &str, payload: Value| {
            let (id, name) = (String::new(), "AuditAccessed".to_owned());
            SerializedEvent::new(
                id,
                1,
                "audit_trail".to_owned(),
                name,
                version.to_owned(),
                payload,
                Value::Null,
            )
        };
        let old = upcast(stored("1", json!({ "what": "events" })));
        assert_eq!(old.payload, json!({ "what": "events", "through": "api" }));
        let new = upcast(stored("2", json!({ "what": "events", "through": "command_line" })));
        assert_eq!(new.payload["through"], "command_line");
    }
}
