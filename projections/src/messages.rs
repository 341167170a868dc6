//! The tree of messages: each question and answer is a child of the message that it follows.

mod fold;
mod message;
mod pending;
mod query;
mod row;
mod tree;

pub(crate) use fold::{apply, replay};
pub use message::{Failure, Message, MessageUsage, open_all};
pub use pending::{
    PendingAnswer, ended_answers, oldest_pending_position, pending_answers, pending_answers_of,
};
pub use query::{Branch, Cursor, MessagesPage, PageRequest, branch_page, pages};
pub use row::SealedMessage;
