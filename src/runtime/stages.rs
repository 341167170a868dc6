//! Reports of the stages of a process: the last completed turn, and why the last one failed.
//!
//! A stage is a loop that runs for ever, or a part of one. It reports through a [`Progress`], which finds the
//! [`Stages`] of its process by the task in which it is created; in a task of no supervisor it
//! reports to nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use measures::catalogue::{STAGE_LAST_TURN, STAGE_OK};

use super::tasks::Tasks;

/// Interval at which a stage that waits reports.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// The stage that reports of the embedding model.
pub const EMBEDDING_MODEL: &str = "embedding_model";

tokio::task_local! {
    static OF_THIS_TASK: Stages;
}

/// The most characters of a reason that are kept.
const REASON_CHARACTERS: usize = 300;

/// The stages of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Stages {
    reports: Arc<Mutex<Reports>>,
    tasks: Tasks,
}

#[derive(Debug, Default)]
struct Reports {
    stages: BTreeMap<&'static str, Report>,
    is_ending: bool,
}

/// Report of a stage.
#[derive(Debug, Clone)]
pub struct Report {
    /// Outcome of the last turn.
    pub condition: Condition,
    /// The time of the last completed turn, or of the start.
    pub last_turn: Instant,
}

/// Outcome of the last turn of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// No turn has ended yet.
    Starting,
    /// The turn succeeded.
    Ok,
    /// The turn failed and is repeated.
    Failing(String),
    /// The turn was refused, until an operator corrects something.
    Refused(String),
}

/// Reports for one stage.
#[derive(Debug, Clone)]
pub struct Progress {
    stages: Option<Stages>,
    name: &'static str,
}

impl Stages {
    /// Runs a named task whose stages report here.
    pub(super) async fn scope<F: Future + Unpin>(&self, name: &'static str, task: F) -> F::Output {
        OF_THIS_TASK.scope(self.clone(), self.tasks.watch(name, task)).await
    }

    /// The named tasks.
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// All reports, by the name of the stage.
    pub fn reports(&self) -> BTreeMap<&'static str, Report> {
        self.lock().stages.clone()
    }

    /// Reports for a stage of this process, in any task.
    pub fn progress(&self, name: &'static str) -> Progress {
        let progress = Progress { stages: Some(self.clone()), name };
        progress.report(Condition::Starting);
        progress
    }

    /// Notes that the process ends.
    pub(super) fn end(&self) {
        self.lock().is_ending = true;
    }

    /// Whether the process ends.
    pub fn is_ending(&self) -> bool {
        self.lock().is_ending
    }

    fn lock(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    /// The time since the last completed turn.
    pub fn age(&self) -> Duration {
        self.last_turn.elapsed()
    }
}

impl Progress {
    /// Reports for a stage of the process of this task.
    pub fn of(name: &'static str) -> Self {
        match OF_THIS_TASK.try_with(Stages::clone) {
            Ok(stages) => stages.progress(name),
            Err(_) => Self { stages: None, name },
        }
    }

    /// A turn ended well, with or without work.
    pub fn ok(&self) {
        self.report(Condition::Ok);
    }

    /// Waits for something that may take long, and reports meanwhile that the stage waits.
    pub async fn waiting<F: Future>(&self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                output = &mut future => return output,
                () = tokio::time::sleep(HEARTBEAT) => self.ok(),
            }
        }
    }

    /// A turn failed and is repeated.
    pub fn failing(&self, reason: impl fmt::Display) {
        self.report(Condition::Failing(bounded(reason.to_string())));
    }

    /// A turn was refused, until an operator corrects something.
    pub fn refused(&self, reason: impl fmt::Display) {
        self.report(Condition::Refused(bounded(reason.to_string())));
    }

    fn report(&self, condition: Condition) {
        let Some(stages) = &self.stages else { return };
        let is_ok = matches!(condition, Condition::Starting | Condition::Ok);
        STAGE_OK.set(&[self.name], if is_ok { 1.0 } else { 0.0 });
        let mut reports = stages.lock();
        let now = Instant::now();
        let known = reports.stages.get(self.name).map(|report| report.last_turn);
        let last_turn = if is_ok { now } else { known.unwrap_or(now) };
        reports.stages.insert(self.name, Report { condition, last_turn });
        drop(reports);
        if is_ok {
            STAGE_LAST_TURN.set(&[self.name], timestamp());
        }
    }
}

/// Seconds since 1970.
pub fn timestamp() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn bounded(reason: String) -> String {
    if reason.chars().nth(REASON_CHARACTERS).is_none() {
        return reason;
    }
    reason.chars().take(REASON_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stage_reports_to_the_process_of_its_task() {
        let stages = Stages::default();
        stages
            .scope(
                "projector",
                Box::pin(async {
                    let progress = Progress::of("projector");
                    progress.ok();
                    progress.failing("the database is away");
                }),
            )
            .await;
        let reports = stages.reports();
        assert_eq!(reports["projector"].condition, Condition::Failing("the database is away".to_owned()));
        Progress::of("nobody").ok();
        assert_eq!(stages.reports().len(), 1);
    }

    #[test]
    fn a_failed_turn_leaves_the_time_of_the_last_completed_one() {
        let stages = Stages::default();
        let progress = stages.progress("sequencer");
        progress.ok();
        let before = stages.reports()["sequencer"].last_turn;
        progress.refused("x".repeat(2 * REASON_CHARACTERS));
        let report = &stages.reports()["sequencer"];
        assert_eq!(report.last_turn, before);
        assert_eq!(report.condition, Condition::Refused("x".repeat(REASON_CHARACTERS)));
    }
}
