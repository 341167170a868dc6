//! Work that an operator or an owner starts once: backups, rebuild, restore, export of personal data, changes
//! of accounts, invitations.

pub mod accounts;
pub mod backup;
pub mod connections;
pub mod dead_letters;
pub mod invitations;
pub mod journal;
pub mod personal_export;
pub mod quarantine;
pub mod rebuild;
pub mod restore;
