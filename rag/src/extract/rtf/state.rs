//! The state of a group.

use crate::extract::encoding::Charset;

/// The properties that end with their group.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(super) struct State {
    pub(super) is_skipped: bool,
    pub(super) is_hidden: bool,
    pub(super) in_fonts: bool,
    pub(super) in_note: bool,
    pub(super) in_table: bool,
    /// Characters that stand for one of Unicode.
    pub(super) unicode_skip: usize,
    pub(super) encoding: Option<Charset>,
    /// The place at which raised text begins.
    pub(super) raised: Option<usize>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            is_skipped: false,
            is_hidden: false,
            in_fonts: false,
            in_note: false,
            in_table: false,
            unicode_skip: 1,
            encoding: None,
            raised: None,
        }
    }
}
