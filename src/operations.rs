//! Work that an operator or an owner starts once: rebuild, restore, export of personal data.

pub mod personal_export;
pub mod rebuild;
pub mod restore;
