//! The signals that ask this process to end.

use std::future::Future;

use crate::terminal::note;
use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal was closed).
pub(crate) struct EndSignals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl EndSignals {
    pub(crate) fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be received");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// Runs `work` to its end, or drops it at the first signal; dropping `work` stops the services that it owns.
/// At a second signal this process ends at once, and the kernel ends its children.
pub(crate) async fn until_asked_to_end<T>(work: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    let mut signals = EndSignals::listen()?;
    let mut work = Box::pin(work);
    tokio::select! {
        outcome = &mut work => return outcome.map(Some),
        () = signals.next() => {}
    }
    note("\nStopping …");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(130);
    });
    drop(work);
    Ok(None)
}
