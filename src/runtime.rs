//! Building blocks of everything that runs for ever: each idea once.
//!
//! | a role needs to | module |
//! |---|---|
//! | run as a named task, end in order | [`supervisor`] |
//! | report that it works, or why not | [`stages`] |
//! | show what its tasks do | [`tasks`] |
//! | record a batch in traces | [`traced_batch`] |
//! | wait between attempts | [`backoff`] |
//! | follow a NATS subject | [`subscription`] |
//! | send a message that may be lost | [`hint`] |
//! | take work from JetStream | [`consumer`] |
//! | read the answers that are being written | [`live_messages`] |
//! | follow the ledger | [`ledger_feed`] |
//! | decrypt a batch of events | [`decrypt`] |
//! | apply a batch to the read models | [`projecting`] |
//! | record an operation as an event | [`operation_journal`] |
//! | wait for the check of erasures since a backup | [`erasure_check`] |
//! | announce destroyed keys | [`key_hints`] |
//! | wake the sequencer | [`wake`] |

pub mod backoff;
pub mod consumer;
pub mod decrypt;
pub mod erasure_check;
pub mod hint;
pub mod key_hints;
pub mod ledger_feed;
pub mod live_messages;
pub mod operation_journal;
pub mod projecting;
pub mod stages;
pub mod subscription;
pub mod supervisor;
pub mod tasks;
pub mod traced_batch;
pub mod wake;
