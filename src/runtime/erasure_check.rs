//! The check of erasures after the backup that the database may have been restored from.
//!
//! Until the check is done, the process serves no user and answers no question.

use std::sync::Arc;

use tokio::sync::watch;

/// The outcome of the check, for the roles that wait for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ErasureCheck(watch::Receiver<State>);

/// Reports the progress of the check.
#[derive(Debug)]
pub struct Report(watch::Sender<State>);

#[derive(Debug, Clone)]
enum State {
    Waiting(Arc<str>),
    Done,
}

impl ErasureCheck {
    /// A check that has not begun, and where it is reported.
    pub fn begin() -> (Report, Self) {
        let (sender, receiver) = watch::channel(State::Waiting("the check has begun".into()));
        (Report(sender), Self(receiver))
    }

    /// A check that is done.
    pub fn done() -> Self {
        Self(watch::channel(State::Done).1)
    }

    /// The condition that the check waits for, in words for an operator; `None` once it is done.
    pub fn waits_for(&self) -> Option<Arc<str>> {
        match &*self.0.borrow() {
            State::Waiting(reason) => Some(Arc::clone(reason)),
            State::Done => None,
        }
    }

    /// Resolves when the check is done; never if it was given up.
    pub async fn wait(&self) {
        let mut state = self.0.clone();
        if state.wait_for(|state| matches!(state, State::Done)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Report {
    /// The check waits for this.
    pub fn waiting(&self, reason: &str) {
        self.0.send_replace(State::Waiting(reason.into()));
    }

    /// The check is done.
    pub fn done(&self) {
        self.0.send_replace(State::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_is_waited_for_until_it_is_done() {
        let (report, check) = ErasureCheck::begin();
        assert!(check.waits_for().is_some());
        report.waiting("NATS does not answer");
        assert_eq!(check.waits_for().as_deref(), Some("NATS does not answer"));
        report.done();
        check.wait().await;
        assert_eq!(check.waits_for(), None);
    }
}
