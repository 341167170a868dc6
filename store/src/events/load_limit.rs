//! The bound of the appends that wait: beyond it a new one is refused at once, rather than wait until it
//! times out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use measures::catalogue::REQUESTS_SHED;

use crate::StoreError;

/// Appends that wait or run at the same time.
const MAX_OUTSTANDING: usize = 1_024;
/// Time of a statement from which on the database counts as behind. Most take milliseconds.
const SLOW: Duration = Duration::from_millis(1_500);

/// The appends of a process. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct LoadLimit {
    /// Statements that run at the same time.
    slots: usize,
    load: Arc<Mutex<Load>>,
}

#[derive(Debug, Default)]
struct Load {
    outstanding: usize,
    /// Begin of each statement that runs.
    running: Vec<(u64, Instant)>,
    last: u64,
}

/// A place among the appends, until dropped.
#[derive(Debug)]
pub(crate) struct Place(LoadLimit);

/// A statement that runs, until dropped.
#[derive(Debug)]
pub(crate) struct Running(LoadLimit, u64);

impl LoadLimit {
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots, load: Arc::default() }
    }

    /// A place for one more append. Refuses one that would wait in vain.
    pub(crate) fn enter(&self) -> Result<Place, StoreError> {
        let mut load = self.load();
        let is_stuck =
            load.running.len() >= self.slots && load.running.iter().all(|(_, begun)| begun.elapsed() > SLOW);
        if is_stuck || load.outstanding >= MAX_OUTSTANDING {
            REQUESTS_SHED.increment(&["appends"]);
            return Err(StoreError::Overloaded);
        }
        load.outstanding += 1;
        Ok(Place(self.clone()))
    }

    /// Notes that a statement runs.
    pub(crate) fn run(&self) -> Running {
        let mut load = self.load();
        load.last += 1;
        let id = load.last;
        load.running.push((id, Instant::now()));
        Running(self.clone(), id)
    }

    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.load().outstanding -= 1;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Self(limit, id) = self;
        limit.load().running.retain(|(other, _)| other != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_are_refused_beyond_the_bound_and_accepted_again_below_it() {
        let limit = LoadLimit::new(2);
        let places: Vec<_> = (0..MAX_OUTSTANDING).map(|_| limit.enter().unwrap()).collect();
        assert!(limit.enter().is_err());
        drop(places);
        assert!(limit.enter().is_ok());
    }

    #[test]
    fn appends_are_refused_while_every_statement_is_slow() {
        let limit = LoadLimit::new(2);
        let (first, second) = (limit.run(), limit.run());
        assert!(limit.enter().is_ok());
        for (_, begun) in &mut limit.load().running {
            *begun = Instant::now().checked_sub(2 * SLOW).unwrap();
        }
        assert!(limit.enter().is_err());
        drop(first);
        assert!(limit.enter().is_ok());
        drop(second);
    }
}
