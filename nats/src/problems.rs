//! Problems with NATS that last until an operator corrects something.
//!
//! The service goes on trying, so that it recovers by itself once the problem is corrected. Until then the
//! problem is in the log and in the readiness of the process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Interval at which a problem that lasts is written to the log again.
const REMINDER: Duration = Duration::from_mins(5);
/// Texts of an area that are known to be in the log.
const MAX_LOGGED: usize = 32;

/// The part of the work with NATS that a problem concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemArea {
    /// Login and TLS.
    Connection,
    /// Subjects that the login may not use.
    Permissions,
    /// Streams that cannot be created or do not fit.
    Streams,
}

/// The problems of one connection. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Problems(Arc<Mutex<[Area; 3]>>);

/// An area: its problem, and the texts that the log has.
#[derive(Debug, Default)]
struct Area {
    problem: Option<Problem>,
    logged: VecDeque<(String, Instant)>,
}

#[derive(Debug)]
struct Problem {
    text: String,
    /// The time at which the problem counts as corrected unless it is reported again.
    expires: Option<Instant>,
}

impl Problems {
    /// The first problem, in words for an operator; `None` while there is none.
    pub fn first(&self) -> Option<String> {
        self.lock().iter().find_map(|area| area.problem.as_ref().map(|problem| problem.text.clone()))
    }

    /// Whether an area has a problem.
    pub fn is_reported(&self, area: ProblemArea) -> bool {
        self.lock()[area as usize].problem.is_some()
    }

    /// Reports a problem. The log has it when it is new, and as a reminder while it lasts.
    pub fn report(&self, area: ProblemArea, text: String) {
        let area = &mut self.lock()[area as usize];
        area.logged.retain(|(_, at)| at.elapsed() < REMINDER);
        if !area.logged.iter().any(|(logged, _)| *logged == text) {
            tracing::error!(problem = text, "NATS cannot be used until this is corrected");
            area.logged.truncate(MAX_LOGGED - 1);
            area.logged.push_front((text.clone(), Instant::now()));
        }
        area.problem = Some(Problem { text, expires: None });
    }

    /// Reports that an area has no problem.
    pub fn clear(&self, area: ProblemArea) {
        self.lock()[area as usize].clear();
    }

    /// Takes the problem of an area for corrected unless it is reported again within this time.
    pub(crate) fn expire(&self, area: ProblemArea, within: Duration) {
        if let Some(problem) = &mut self.lock()[area as usize].problem {
            problem.expires = Some(Instant::now() + within);
        }
    }

    fn lock(&self) -> MutexGuard<'_, [Area; 3]> {
        let mut areas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for area in areas.iter_mut() {
            let expires = area.problem.as_ref().and_then(|problem| problem.expires);
            if expires.is_some_and(|expires| expires <= Instant::now()) {
                area.clear();
            }
        }
        areas
    }
}

impl Area {
    fn clear(&mut self) {
        self.logged.clear();
        if let Some(problem) = self.problem.take() {
            tracing::info!(problem = problem.text, "a problem with NATS is corrected");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_lasts_until_its_area_has_none() {
        let problems = Problems::default();
        problems.report(ProblemArea::Streams, "no storage".to_owned());
        problems.report(ProblemArea::Connection, "no login".to_owned());
        assert_eq!(problems.first().as_deref(), Some("no login"));
        problems.clear(ProblemArea::Connection);
        assert_eq!(problems.first().as_deref(), Some("no storage"));
        assert!(problems.is_reported(ProblemArea::Streams));
        problems.clear(ProblemArea::Streams);
        assert_eq!(problems.first(), None);
    }

    #[test]
    fn a_problem_that_is_reported_again_does_not_expire() {
        let problems = Problems::default();
        problems.report(ProblemArea::Permissions, "a".to_owned());
        problems.expire(ProblemArea::Permissions, Duration::ZERO);
        assert_eq!(problems.first(), None);
        problems.report(ProblemArea::Permissions, "a".to_owned());
        problems.expire(ProblemArea::Permissions, REMINDER);
        problems.report(ProblemArea::Permissions, "b".to_owned());
        assert_eq!(problems.first().as_deref(), Some("b"));
    }
}
