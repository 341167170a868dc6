//! History as it happens: everything after a position, then everything new, in order, none missing, none twice.

use aggregates::Position;
use async_nats::Client;
use nats::Subjects;

use super::event::{OpenPage, open_page};
use crate::runtime::ledger_feed::LedgerFeed;
use store::{EventFilter, Store, StoreError};

/// The most events at once.
const PAGE: u32 = 500;

/// One auditor's place in history.
#[derive(Debug)]
pub struct Following {
    store: Store,
    nats: Client,
    subjects: Subjects,
    filter: EventFilter,
    /// Looked through up to here.
    last: Position,
    /// The ledger is known to be at least here.
    known: Position,
    /// Tells how far the ledger is; none until what was there before has been read.
    feed: Option<LedgerFeed>,
}

impl Following {
    /// Follows what a filter lets through after a position.
    pub const fn new(
        store: Store,
        nats: Client,
        subjects: Subjects,
        filter: EventFilter,
        after: Position,
    ) -> Self {
        Self { store, nats, subjects, filter, last: after, known: Position(0), feed: None }
    }

    /// The next events, at least one; waits until there are any.
    pub async fn next(&mut self) -> Result<OpenPage, StoreError> {
        loop {
            if self.last >= self.known {
                self.learn().await?;
                continue;
            }
            let part = self.store.audited(&self.filter, self.last, self.known, PAGE).await?;
            let looked_up_to = part.looked_up_to;
            let page = open_page(&self.store, part.entries).await?;
            self.last = looked_up_to;
            if page.last().is_some() {
                return Ok(page);
            }
        }
    }

    async fn learn(&mut self) -> Result<(), StoreError> {
        self.known = if let Some(feed) = &mut self.feed {
            feed.next(PAGE as usize).await?;
            feed.position()
        } else {
            let (head, _) = self.store.ledger_head().await?;
            let (store, nats) = (self.store.clone(), self.nats.clone());
            self.feed = Some(LedgerFeed::new(store, nats, &self.subjects, head));
            head
        };
        Ok(())
    }
}
