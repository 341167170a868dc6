//! Metadata of commands that the service issues by itself.

use aggregates::{Actor, Metadata, UserId};
use uuid::Uuid;

/// Metadata of a command that the service issues for an owner.
pub(super) fn by_system(owner: UserId) -> Metadata {
    Metadata {
        owner,
        actor: Actor::System,
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        traceparent: None,
    }
}
