//! Commands on conversations that run at the same time. While many of them are slow, another one would wait
//! in vain and is refused at once.
//!
//! A command counts from its complete body and its known author on: a slow sender is no sign of
//! a slow database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use measures::catalogue::REQUESTS_SHED;

use crate::api::problem::Problem;

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
pub(in crate::api) struct InFlight(CommandsInFlight, u64);

impl CommandsInFlight {
    /// Adds a command, unless many are slow.
    pub(in crate::api) fn enter(&self) -> Result<InFlight, Problem> {
        let mut commands = self.lock();
        let are_slow = commands.begun.values().nth(MANY - 1).is_some_and(|begun| begun.elapsed() > SLOW);
        if are_slow {
            REQUESTS_SHED.increment(&["slow"]);
            return Err(Problem::overloaded());
        }
        commands.last += 1;
        let id = commands.last;
        commands.begun.insert(id, Instant::now());
        Ok(InFlight(self.clone(), id))
    }

    fn lock(&self) -> MutexGuard<'_, Commands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Self(commands, id) = self;
        commands.lock().begun.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_refused_while_many_are_slow_and_accepted_again_when_one_ends() {
        let commands = CommandsInFlight::default();
        let mut in_flight: Vec<_> = (0..MANY).map(|_| commands.enter().unwrap()).collect();
        assert!(commands.enter().is_ok(), "none of them is slow");
        for begun in commands.lock().begun.values_mut() {
            *begun = Instant::now().checked_sub(2 * SLOW).unwrap();
        }
        assert!(commands.enter().is_err());
        in_flight.pop();
        assert!(commands.enter().is_ok());
    }
}
