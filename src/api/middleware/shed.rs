//! Refuses commands at once while the ledger is so far behind that their effects would not be seen for long.

use axum::extract::Request;
use measures::catalogue::REQUESTS_SHED;

use super::wrap::Middleware;
use crate::api::problem::Problem;
use crate::health::Health;

/// Refuses commands; queries pass.
#[derive(Debug, Clone)]
pub(in crate::api) struct Shed(pub(in crate::api) Health);

impl Middleware for Shed {
    type Kept = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        if request.method().is_safe() || !self.0.is_overloaded() {
            return Ok(());
        }
        REQUESTS_SHED.increment(&["ledger"]);
        Err(Problem::overloaded())
    }
}
