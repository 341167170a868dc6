//! Routes, one module for each resource.

pub(super) mod accounts;
pub(super) mod audit;
pub(super) mod commands;
pub(super) mod conversations;
pub(super) mod documents;
pub(super) mod erasures;
pub(super) mod export;
pub(super) mod health;
pub(super) mod instructions;
pub(super) mod invitations;
pub(super) mod me;
pub(super) mod messages;
pub(super) mod models;
pub(super) mod openapi;
pub(super) mod provenance;
pub(super) mod search;
pub(super) mod suggestions;
