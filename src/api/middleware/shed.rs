//! Refuses commands at once where they would wait in vain: while many earlier ones are slow, and while the
//! ledger is so far behind that nobody would see what they do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use measures::catalogue::REQUESTS_SHED;

use crate::api::problem::Problem;
use crate::health::Health;

/// Time of a command from which on it counts as slow. Most take milliseconds.
const SLOW: Duration = Duration::from_millis(1_500);
/// Slow commands in flight from which on others are refused.
const MANY: usize = 16;

/// The commands in flight. Clones share them.
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct CommandsInFlight(Arc<Mutex<Commands>>);

#[derive(Debug, Default)]
struct Commands {
    last: u64,
    /// In the order of their begin.
    begun: BTreeMap<u64, Instant>,
}

/// A command in flight, until dropped.
#[derive(Debug)]
struct InFlight(CommandsInFlight, u64);

impl CommandsInFlight {
    /// `None` while many commands are slow.
    fn enter(&self) -> Option<InFlight> {
        let mut commands = self.lock();
        let are_slow = commands.begun.values().nth(MANY - 1).is_some_and(|begun| begun.elapsed() > SLOW);
        if are_slow {
            return None;
        }
        commands.last += 1;
        let id = commands.last;
        commands.begun.insert(id, Instant::now());
        Some(InFlight(self.clone(), id))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Commands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Self(commands, id) = self;
        commands.lock().begun.remove(id);
    }
}

/// Queries pass.
pub(in crate::api) async fn shed(
    State((health, commands)): State<(Health, CommandsInFlight)>,
    request: Request,
    next: Next,
) -> Response<Body> {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let in_flight = if health.is_overloaded() { Err("ledger") } else { commands.enter().ok_or("slow") };
    match in_flight {
        Ok(_in_flight) => next.run(request).await,
        Err(reason) => {
            REQUESTS_SHED.increment(&[reason]);
            Problem::overloaded().into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_refused_while_many_are_slow_and_accepted_again_when_one_ends() {
        let commands = CommandsInFlight::default();
        let mut in_flight: Vec<_> = (0..MANY).map(|_| commands.enter().unwrap()).collect();
        assert!(commands.enter().is_some(), "none of them is slow");
        for begun in commands.lock().begun.values_mut() {
            *begun = Instant::now().checked_sub(2 * SLOW).unwrap();
        }
        assert!(commands.enter().is_none());
        in_flight.pop();
        assert!(commands.enter().is_some());
    }
}
