//! The operator's view of a running product.

mod admin_port;
mod metrics;
mod status;
mod traces;
