//! One module for each resource of the HTTP contract.

pub(crate) mod audit;
pub(crate) mod commands;
pub(crate) mod conversations;
pub(crate) mod documents;
pub(crate) mod erasures;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod me;
pub(crate) mod messages;
pub(crate) mod openapi;
pub(crate) mod search;
