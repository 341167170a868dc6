//! Ids, counters and named values as columns of PostgreSQL, for `sqlx`.
//!
//! Only this crate can implement the traits for its types. A value that does not fit is an error in both
//! directions: a negative counter or an unknown name when it is read, a counter over `i64::MAX` when
//! it is written.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};
use uuid::Uuid;

use crate::account::{AccountStatus, ErasureTarget, UserRole};
use crate::audit_trail::Through;
use crate::conversation::{AnswerStatus, FailureReason, MessageRole, MessageStatus, Rating, TitledBy};
use crate::document::{DocumentScope, DocumentStatus};
use crate::operation::{DeadLetterKind, QuarantineCause};
use crate::{
    AggregateType, AnswerId, ConversationId, DocumentId, EventId, Position, QuestionId, ReceiptId, SessionId,
    UserId, Version,
};

/// Implements `sqlx::Type`, `Encode`, `Decode` and `PgHasArrayType` for types that convert to and from a type
/// that `sqlx` knows. Type information is that of the column's type, so that no statement asks the database
/// for it.
macro_rules! stored_as {
    ($column:ty: $($type:ty),+ $(,)?) => {
        $(
            impl Type<Postgres> for $type {
                fn type_info() -> PgTypeInfo {
                    <$column as Type<Postgres>>::type_info()
                }

                fn compatible(column: &PgTypeInfo) -> bool {
                    <$column as Type<Postgres>>::compatible(column)
                }
            }

            impl PgHasArrayType for $type {
                fn array_type_info() -> PgTypeInfo {
                    <$column as PgHasArrayType>::array_type_info()
                }

                fn array_compatible(column: &PgTypeInfo) -> bool {
                    <$column as PgHasArrayType>::array_compatible(column)
                }
            }

            impl Encode<'_, Postgres> for $type {
                fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
                    let value = <$column>::try_from(*self)?;
                    <$column as Encode<'_, Postgres>>::encode(value, buffer)
                }
            }

            impl<'r> Decode<'r, Postgres> for $type {
                fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                    Ok(Self::try_from(<$column as Decode<'_, Postgres>>::decode(value)?)?)
                }
            }
        )+
    };
}

stored_as!(Uuid: UserId, ConversationId, QuestionId, AnswerId, DocumentId, EventId, ReceiptId, SessionId);
stored_as!(i64: Position, Version);
stored_as!(&str: AggregateType, AccountStatus, ErasureTarget, UserRole, Through, DocumentScope, DocumentStatus);
stored_as!(&str: AnswerStatus, FailureReason, MessageRole, MessageStatus, Rating, TitledBy);
stored_as!(&str: DeadLetterKind, QuarantineCause);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_stored_as_the_column_that_migrations_make() {
        assert_eq!(UserId::type_info().to_string(), "UUID");
        assert_eq!(Position::type_info().to_string(), "INT8");
        assert_eq!(Vec::<Rating>::type_info().to_string(), "TEXT[]");
    }

    #[test]
    fn a_counter_that_no_bigint_holds_is_not_written() {
        let mut buffer = PgArgumentBuffer::default();
        assert!(Position(i64::MAX.unsigned_abs()).encode_by_ref(&mut buffer).is_ok());
        assert_eq!(buffer.len(), 8);
        assert!(Position(1 << 63).encode_by_ref(&mut buffer).is_err());
        assert!(vec![Version(1), Version(u64::MAX)].encode_by_ref(&mut buffer).is_err());
    }

    #[test]
    fn a_named_value_is_written_by_its_name() {
        let mut buffer = PgArgumentBuffer::default();
        assert!(FailureReason::ModelRefused.encode_by_ref(&mut buffer).is_ok());
        assert_eq!(**buffer, *b"model_refused");
    }
}
