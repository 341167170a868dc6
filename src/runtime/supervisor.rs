//! Named tasks that end in order.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rag::error_chain::ErrorChain;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::stages::Stages;

/// The order in which tasks end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Ends first: the tasks that accept work from outside. It finishes what it has accepted.
    Intake,
    /// Ends after the intake: the tasks that complete accepted work.
    Background,
}

/// Starts named tasks, watches them, and ends them stage by stage.
///
/// A task that ends, fails or panics before it is asked to ends the whole process with an error: a process
/// never goes on with one of its roles missing.
#[derive(Debug, Default)]
pub struct Supervisor {
    tasks: JoinSet<anyhow::Result<()>>,
    names: HashMap<Id, (&'static str, Stage)>,
    intake: CancellationToken,
    background: CancellationToken,
    short_lived: TaskTracker,
    stages: Stages,
}

/// The two wishes of an operator who ends the process.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// End in order.
    pub drain: CancellationToken,
    /// End now.
    pub abort: CancellationToken,
}

/// Starts tasks that end by themselves, such as a client's stream. They are cancelled with the intake and
/// waited for.
#[derive(Debug, Clone)]
pub struct ShortLived {
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Supervisor {
    /// A supervisor whose tasks report to these stages.
    pub fn reporting_to(stages: Stages) -> Self {
        Self { stages, ..Self::default() }
    }

    /// The token that asks the tasks of a stage to end.
    pub fn token(&self, stage: Stage) -> CancellationToken {
        match stage {
            Stage::Intake => self.intake.clone(),
            Stage::Background => self.background.clone(),
        }
    }

    /// Starts a task. It has to end soon after [`Self::token`] of its stage is cancelled, and not before.
    pub fn spawn(
        &mut self,
        name: &'static str,
        stage: Stage,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        // On the heap before it is wrapped: a task can be large, and each wrapper would hold a copy
        // on the stack.
        let (stages, task) = (self.stages.clone(), Box::pin(task));
        let id = self.tasks.spawn(async move { stages.scope(name, task).await }).id();
        self.names.insert(id, (name, stage));
    }

    /// Starts a loop that never ends by itself and may be cut off at any await.
    pub fn spawn_loop(
        &mut self,
        name: &'static str,
        stage: Stage,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let cancel = self.token(stage);
        self.spawn(name, stage, async move {
            cancel.run_until_cancelled(task).await;
            Ok(())
        });
    }

    /// Starts tasks that end without a signal.
    pub fn short_lived(&self) -> ShortLived {
        ShortLived { tracker: self.short_lived.clone(), cancel: self.intake.clone() }
    }

    /// Runs until `shutdown` or until a task ends early, then ends the stages one after the other within
    /// `grace`. The intake has two thirds of it, so that the background always has time to end in order. What
    /// is left then, or at `shutdown.abort`, is cut off.
    pub async fn run(mut self, shutdown: Shutdown, grace: Duration) -> anyhow::Result<()> {
        let early = tokio::select! {
            // A task that ends by itself at the same signal does not end early.
            biased;
            () = shutdown.drain.cancelled() => Ok(()),
            () = shutdown.abort.cancelled() => bail!("aborted"),
            Some(ended) = self.tasks.join_next_with_id() => self.ended_early(ended),
        };
        tokio::select! {
            () = self.drain(grace) => {}
            () = shutdown.abort.cancelled() => bail!("aborted while ending"),
        }
        early
    }

    async fn drain(&mut self, grace: Duration) {
        self.stages.end();
        self.intake.cancel();
        self.short_lived.close();
        let short_lived = self.short_lived.clone();
        let intake = async {
            short_lived.wait().await;
            self.join_all(Stage::Intake).await;
        };
        let intake_ended = tokio::time::timeout(grace * 2 / 3, intake).await;
        self.background.cancel();
        let background_ended = tokio::time::timeout(grace / 3, self.join_all(Stage::Background)).await;
        if intake_ended.is_err() || background_ended.is_err() {
            tracing::warn!(tasks = ?self.running(), "tasks did not end in time and were cut off");
        }
    }

    async fn join_all(&mut self, stage: Stage) {
        while self.names.values().any(|(_, other)| *other == stage) {
            self.join_one().await;
        }
    }

    async fn join_one(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, Ok(())))) => _ = self.names.remove(&id),
            Some(Ok((id, Err(error)))) => {
                let name = self.names.remove(&id).map_or("unknown", |(name, _)| name);
                tracing::warn!(task = name, error = %ErrorChain(&*error), "a task failed while ending");
            }
            Some(Err(panicked)) => {
                let name = self.names.remove(&panicked.id()).map_or("unknown", |(name, _)| name);
                tracing::error!(task = name, error = %panicked, "a task panicked while ending");
            }
            None => self.names.clear(),
        }
    }

    fn ended_early(&mut self, ended: Result<(Id, anyhow::Result<()>), JoinError>) -> anyhow::Result<()> {
        match ended {
            Ok((id, result)) => {
                let (name, _) = self.names.remove(&id).unwrap_or(("unknown", Stage::Background));
                result.with_context(|| format!("task {name} failed"))?;
                bail!("task {name} ended unexpectedly")
            }
            Err(panicked) => {
                let (name, _) = self.names.remove(&panicked.id()).unwrap_or(("unknown", Stage::Background));
                Err(panicked).with_context(|| format!("task {name} panicked"))
            }
        }
    }

    fn running(&self) -> Vec<&'static str> {
        self.names.values().map(|(name, _)| *name).collect()
    }
}

impl ShortLived {
    /// Starts a task that is cut off when the process ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        self.tracker.spawn(async move {
            cancel.run_until_cancelled(task).await;
        });
    }
}

impl Default for ShortLived {
    /// Outside a supervisor: nothing cancels or waits for the tasks.
    fn default() -> Self {
        Self { tracker: TaskTracker::new(), cancel: CancellationToken::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::oneshot;

    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    fn drained() -> Shutdown {
        let shutdown = Shutdown::default();
        shutdown.drain.cancel();
        shutdown
    }

    #[tokio::test]
    async fn the_intake_ends_before_the_background() {
        let mut supervisor = Supervisor::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        for (name, stage) in [("background", Stage::Background), ("intake", Stage::Intake)] {
            let (token, order) = (supervisor.token(stage), Arc::clone(&order));
            supervisor.spawn(name, stage, async move {
                token.cancelled().await;
                order.lock().unwrap().push(name);
                Ok(())
            });
        }
        supervisor.run(drained(), GRACE).await.unwrap();
        assert_eq!(*order.lock().unwrap(), ["intake", "background"]);
    }

    #[tokio::test]
    async fn a_task_that_ends_early_ends_the_process_with_its_name() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("projector", Stage::Background, async { Ok(()) });
        supervisor.spawn_loop("publisher", Stage::Background, std::future::pending());
        let error = supervisor.run(Shutdown::default(), GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "task projector ended unexpectedly");
    }

    #[tokio::test]
    async fn a_task_that_panics_ends_the_process_with_its_name() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("projector", Stage::Background, async { panic!("a bug") });
        let error = supervisor.run(Shutdown::default(), GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "task projector panicked");
    }

    #[tokio::test]
    async fn a_second_signal_ends_a_drain_at_once() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("stuck", Stage::Intake, std::future::pending());
        let shutdown = drained();
        let abort = shutdown.abort.clone();
        let running = tokio::spawn(supervisor.run(shutdown, GRACE));
        abort.cancel();
        assert!(running.await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_cut_off_after_the_grace_period() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("stuck", Stage::Intake, std::future::pending());
        supervisor.run(drained(), GRACE).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_background_ends_in_order_though_the_intake_does_not() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("stuck", Stage::Intake, std::future::pending());
        let ended = Arc::new(Mutex::new(false));
        let (token, set) = (supervisor.token(Stage::Background), Arc::clone(&ended));
        supervisor.spawn("background", Stage::Background, async move {
            token.cancelled().await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            *set.lock().unwrap() = true;
            Ok(())
        });
        supervisor.run(drained(), GRACE).await.unwrap();
        assert!(*ended.lock().unwrap());
    }

    #[tokio::test]
    async fn short_lived_tasks_are_cut_off_when_the_process_ends() {
        let supervisor = Supervisor::default();
        let (sender, receiver) = oneshot::channel::<()>();
        supervisor.short_lived().spawn(async move {
            std::future::pending::<()>().await;
            drop(sender);
        });
        supervisor.run(drained(), GRACE).await.unwrap();
        assert!(receiver.await.is_err());
    }
}
