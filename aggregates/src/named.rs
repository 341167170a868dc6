//! Enums whose values have stable names: in events, in columns and in the HTTP contract.

/// A name that is not the name of a value of the enum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {of} {name:?}")]
pub struct UnknownName {
    of: &'static str,
    name: String,
}

impl UnknownName {
    /// Keeps the first 64 characters of the name.
    pub fn new(of: &'static str, name: &str) -> Self {
        Self { of, name: name.chars().take(64).collect() }
    }
}

/// Defines an enum and the stable name of each value, once for all representations.
///
/// The enum gets `ALL`, `name`, `Display`, `FromStr`, `TryFrom<&str>`, and the conversion into `&'static
/// str`. It is serialized by these names, and described by them to clients with the feature `openapi`. An
/// unknown name is always an error. A type that is also stored in a column is listed in `columns.rs`.
macro_rules! named_enum {
    (
        $(#[$attribute:meta])*
        pub enum $type:ident {
            $($(#[$value_attribute:meta])* $value:ident = $name:tt,)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $type {
            $($(#[$value_attribute])* #[serde(rename = $name)] $value,)+
        }

        impl $type {
            /// All values, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }

        impl From<$type> for &'static str {
            fn from(value: $type) -> Self {
                value.name()
            }
        }

        impl TryFrom<&str> for $type {
            type Error = $crate::UnknownName;

            fn try_from(name: &str) -> Result<Self, $crate::UnknownName> {
                match name {
                    $($name => Ok(Self::$value),)+
                    unknown => Err($crate::UnknownName::new(stringify!($type), unknown)),
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> Result<Self, $crate::UnknownName> {
                name.try_into()
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use named_enum;

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use crate::account::{AccountStatus, ErasureTarget, UserRole};
    use crate::audit_trail::Through;
    use crate::conversation::{AnswerStatus, FailureReason, MessageRole, MessageStatus, Rating, TitledBy};
    use crate::document::{DocumentScope, DocumentStatus, OmissionCause};
    use crate::operation::{
        DeadLetterKind, DeadLetterOutcome, QuarantineCause, QuarantineOutcome, RotatedKey,
    };
    use crate::{ActorKind, AggregateType, UnknownName};

    fn check<T>(values: &[T], names: &[&str])
    where
        T: Copy + PartialEq + Debug + Display + FromStr<Err = UnknownName> + Serialize + DeserializeOwned,
    {
        let printed: Vec<String> = values.iter().map(T::to_string).collect();
        assert_eq!(printed, names);
        for (value, name) in values.iter().zip(names) {
            assert_eq!(name.parse().as_ref(), Ok(value));
            assert_eq!(serde_json::to_value(value).unwrap(), *name);
            assert_eq!(serde_json::from_value::<T>((*name).into()).unwrap(), *value);
        }
        assert!("".parse::<T>().is_err());
        assert!(serde_json::from_str::<T>("\"other\"").is_err());
    }

    #[test]
    fn each_value_has_one_name_in_text_and_in_json() {
        check(AggregateType::ALL, &["conversation", "account", "document", "audit_trail", "operation"]);
        check(ActorKind::ALL, &["user", "worker", "auditor", "system"]);
        check(Rating::ALL, &["up", "down", "none"]);
        check(
            FailureReason::ALL,
            &[
                "knowledge_unavailable",
                "model_unavailable",
                "model_refused",
                "content_filtered",
                "no_text",
                "attempts_exhausted",
                "internal",
            ],
        );
        check(TitledBy::ALL, &["user", "worker"]);
        check(AnswerStatus::ALL, &["requested", "completed", "stopped", "failed"]);
        check(MessageRole::ALL, &["user", "assistant"]);
        check(MessageStatus::ALL, &["asked", "requested", "completed", "stopped", "failed"]);
        check(DocumentScope::ALL, &["user", "shared"]);
        check(DocumentStatus::ALL, &["added", "indexed", "rejected", "removed"]);
        check(
            OmissionCause::ALL,
            &["limit", "recognition_limit", "damaged", "encrypted", "unsupported", "no_recognition"],
        );
        check(AccountStatus::ALL, &["open", "erasing", "erased"]);
        let stores = ["keys", "read_models", "passages", "files", "live_stream", "caches", "accounts"];
        check(ErasureTarget::ALL, &stores);
        check(UserRole::ALL, &["user", "auditor", "admin"]);
        check(RotatedKey::ALL, &["master", "checkpoint_signing"]);
        check(QuarantineCause::ALL, &["unreadable", "undecryptable", "refused", "panicked"]);
        check(QuarantineOutcome::ALL, &["retried", "skipped", "rebuilt", "erased"]);
        check(DeadLetterKind::ALL, &["answer", "document", "delivery"]);
        check(DeadLetterOutcome::ALL, &["retried", "discarded"]);
        check(Through::ALL, &["api", "command_line"]);
    }

    #[test]
    fn an_unknown_name_is_an_error_that_says_what_was_expected() {
        let unknown = "sideways".parse::<Rating>().unwrap_err();
        assert_eq!(unknown.to_string(), "unknown Rating \"sideways\"");
    }
}
