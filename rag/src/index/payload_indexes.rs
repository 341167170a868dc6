//! The payload indexes: one for each field that a filter names. Qdrant's strict mode, which Qdrant Cloud has
//! switched on, refuses a filter on any other field.

use qdrant_client::qdrant::{
    CreateFieldIndexCollection, CreateFieldIndexCollectionBuilder, FieldType, PayloadSchemaType,
};

use super::connection::Points;
use super::{IndexError, PassageIndex, payload};

/// The indexed fields with their types.
const FIELDS: [(&str, FieldType, PayloadSchemaType); 7] = [
    (payload::SCOPE, FieldType::Keyword, PayloadSchemaType::Keyword),
    (payload::OWNER, FieldType::Keyword, PayloadSchemaType::Keyword),
    (payload::DOCUMENT_ID, FieldType::Keyword, PayloadSchemaType::Keyword),
    (payload::TERMS, FieldType::Keyword, PayloadSchemaType::Keyword),
    (payload::SEGMENTS, FieldType::Keyword, PayloadSchemaType::Keyword),
    (payload::CONTENT_VERSION, FieldType::Integer, PayloadSchemaType::Integer),
    (payload::ORDINAL, FieldType::Integer, PayloadSchemaType::Integer),
];

impl PassageIndex {
    /// Creates the missing payload indexes of the collection, which Qdrant fills from the points that are
    /// there. While it does, the call may reach its time limit: a later call finds the index complete.
    pub(super) async fn ensure_payload_indexes(&self) -> Result<(), IndexError> {
        let present = self.info().await?.map(|info| info.payload_schema).unwrap_or_default();
        for (field, field_type, schema_type) in FIELDS {
            if present.get(field).is_some_and(|index| index.data_type() == schema_type) {
                continue;
            }
            let request =
                CreateFieldIndexCollectionBuilder::new(&self.collection, field, field_type).wait(true);
            let create = |mut points: Points, request: CreateFieldIndexCollection| async move {
                points.create_field_index(request).await
            };
            self.connection.points(request, create).await?;
        }
        Ok(())
    }
}
