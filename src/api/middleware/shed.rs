//! Refuses commands at once while the ledger is so far behind that their effects would not be seen for long.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use measures::catalogue::REQUESTS_SHED;

use crate::api::problem::Problem;
use crate::health::Health;

/// Queries pass.
pub(in crate::api) async fn shed(
    State(health): State<Health>,
    request: Request,
    next: Next,
) -> Response<Body> {
    if request.method().is_safe() || !health.is_overloaded() {
        return next.run(request).await;
    }
    REQUESTS_SHED.increment(&["ledger"]);
    Problem::overloaded().into_response()
}
