//! Conversations in an export, written in groups of messages.

use std::collections::HashMap;

use aggregates::{AggregateType, RecordedEvent, Version};
use rag::error_chain::ErrorChain;
use uuid::Uuid;

use super::archive::Archive;
use super::transcript::{Message, Outline, Text};
use super::{ExportError, Exporter, PAGE, READ_ATTEMPTS, READ_RETRY, patiently};
use crate::runtime::decrypt::read_batch;
use store::StoreError;

/// Messages whose texts are in memory at the same time.
const GROUP: usize = 50;

impl Exporter {
    /// Writes a conversation as JSON and as Markdown.
    pub(super) async fn write_conversation(
        &self,
        id: Uuid,
        archive: &mut Archive,
    ) -> Result<(), ExportError> {
        let outline = self.outline(id).await?;
        let (opening, end) = outline.json_frame()?;
        archive.begin(&format!("conversations/{id}.json")).await?;
        archive.append(opening).await?;
        for group in outline.messages().chunks(GROUP) {
            let texts = self.texts(id, group).await?;
            for message in group {
                archive.append(outline.message_json(message, text_of(message, &texts))?).await?;
            }
        }
        archive.append(end.to_vec()).await?;
        archive.begin(&format!("conversations/{id}.md")).await?;
        archive.append(outline.markdown_opening().into_bytes()).await?;
        for group in outline.messages().chunks(GROUP) {
            let texts = self.texts(id, group).await?;
            for message in group {
                let written = outline.message_markdown(message, text_of(message, &texts));
                archive.append(written.into_bytes()).await?;
            }
        }
        Ok(())
    }

    async fn outline(&self, id: Uuid) -> Result<Outline, StoreError> {
        let mut outline = Outline::new(id);
        let is_whole = self
            .each_page(AggregateType::Conversation, id, |events| {
                events.for_each(|event| outline.add(event));
            })
            .await?;
        if !is_whole {
            outline.lacks_events();
        }
        Ok(outline)
    }

    /// Passes the decrypted events of an aggregate to `visit`, page by page, and returns whether these are all
    /// of them: what this version cannot read or decrypt is left out.
    pub(super) async fn each_page(
        &self,
        aggregate: AggregateType,
        id: Uuid,
        mut visit: impl FnMut(&mut dyn Iterator<Item = &RecordedEvent>),
    ) -> Result<bool, StoreError> {
        let (mut is_whole, mut after) = (true, Version(0));
        loop {
            let entries = patiently!(self.store.aggregate_entries(aggregate, id, after, PAGE).await)?;
            let Some(last) = entries.last() else { return Ok(is_whole) };
            after = Version(last.event.sequence.unsigned_abs());
            let batch = patiently!(read_batch(&self.store, &entries).await)?;
            is_whole &= batch.unreadable().is_empty();
            visit(&mut batch.events());
        }
    }

    /// The texts of messages by the events that have them.
    async fn texts(&self, id: Uuid, messages: &[Message]) -> Result<HashMap<Version, Text>, StoreError> {
        let wanted: Vec<Version> = messages.iter().filter_map(Message::text_at).collect();
        let entries =
            patiently!(self.store.aggregate_entries_at(AggregateType::Conversation, id, &wanted).await)?;
        let batch = patiently!(read_batch(&self.store, &entries).await)?;
        Ok(batch.events().filter_map(|event| Some((event.sequence, Text::of(&event.event)?))).collect())
    }
}

fn text_of<'a>(message: &Message, texts: &'a HashMap<Version, Text>) -> &'a Text {
    static NONE: std::sync::LazyLock<Text> = std::sync::LazyLock::new(Text::default);
    message.text_at().and_then(|at| texts.get(&at)).unwrap_or(&NONE)
}
