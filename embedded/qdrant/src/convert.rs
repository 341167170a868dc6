//! Between Qdrant's gRPC messages and the engine's types. Pure: nothing here touches the disk or awaits.

pub(crate) mod changes;
pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod ids;
pub(crate) mod params;
pub(crate) mod payload;
pub(crate) mod query;
pub(crate) mod results;
pub(crate) mod vectors;
