//! Work that an operator or an owner starts once: rebuild, restore, export of personal data, changes of
//! accounts.

pub mod accounts;
pub mod connections;
pub mod journal;
pub mod personal_export;
pub mod rebuild;
pub mod restore;
