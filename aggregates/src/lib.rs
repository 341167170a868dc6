//! The pure domain: aggregates, their commands, events and refusals.
