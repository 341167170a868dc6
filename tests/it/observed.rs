//! What operators see of a running product.

mod admin_port;
mod metrics;
mod status;
mod traces;
