//! Follows the ledger for an auditor: all events after a position, then new ones, in order, without
//! gaps or repetitions.

use aggregates::Position;
use async_nats::Client;
use nats::Subjects;

use super::event::{OpenPage, open_page};
use crate::runtime::ledger_feed::LedgerFeed;
use store::{EventFilter, Store, StoreError};

/// The most events of one page.
const PAGE: u32 = 500;

/// An auditor who follows the ledger.
#[derive(Debug)]
pub struct Following {
    store: Store,
    nats: Client,
    subjects: Subjects,
    filter: EventFilter,
    /// Position up to which events were filtered.
    last: Position,
    /// Known lower bound of the head.
    known: Position,
    /// Delivers new events; `None` until the existing ones are read.
    feed: Option<LedgerFeed>,
}

impl Following {
    /// Follows the events after a position that pass a filter.
    pub const fn new(
        store: Store,
        nats: Client,
        subjects: Subjects,
        filter: EventFilter,
        after: Position,
    ) -> Self {
        Self { store, nats, subjects, filter, last: after, known: Position(0), feed: None }
    }

    /// Waits for the next events, at least one.
    pub async fn next(&mut self) -> Result<OpenPage, StoreError> {
        loop {
            if self.last >= self.known {
                self.learn().await?;
                continue;
            }
            let part = self.store.filtered_ledger(&self.filter, self.last, self.known, PAGE).await?;
            let searched_to = part.searched_to;
            let page = open_page(&self.store, part.entries).await?;
            self.last = searched_to;
            if page.last().is_some() {
                return Ok(page);
            }
        }
    }

    async fn learn(&mut self) -> Result<(), StoreError> {
        self.known = if let Some(feed) = &mut self.feed {
            feed.next_readable(PAGE as usize).await?;
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
