//! Faults: all kinds, in an order that the seed determines, each brought about and mended again.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::process::PROCESSES;
use super::system::System;

/// A fault of a service that all processes use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServiceFault {
    PostgresCrash,
    PostgresImmediateShutdown,
    PostgresRestart,
    PostgresFrozen,
    NatsKilled,
    NatsFrozen,
    /// JetStream's folder is lost.
    NatsWiped,
    QdrantKilled,
    QdrantFrozen,
    AccountsRestarted,
    AccountsFrozen,
    PoolerKilled,
}

/// A fault of one process, by its number, or of its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessFault {
    Killed,
    Terminated,
    Frozen,
    /// Connections to PostgreSQL or NATS end, all or one in two.
    Cut {
        nats: bool,
        one_in: u64,
    },
    /// No byte passes to or from PostgreSQL or NATS.
    Stalled {
        nats: bool,
    },
    /// PostgreSQL or NATS cannot be reached.
    Unreachable {
        nats: bool,
    },
}

const SERVICE_FAULTS: [ServiceFault; 12] = [
    ServiceFault::PostgresCrash,
    ServiceFault::PostgresImmediateShutdown,
    ServiceFault::PostgresRestart,
    ServiceFault::PostgresFrozen,
    ServiceFault::NatsKilled,
    ServiceFault::NatsFrozen,
    ServiceFault::NatsWiped,
    ServiceFault::QdrantKilled,
    ServiceFault::QdrantFrozen,
    ServiceFault::AccountsRestarted,
    ServiceFault::AccountsFrozen,
    ServiceFault::PoolerKilled,
];

const PROCESS_FAULTS: [ProcessFault; 9] = [
    ProcessFault::Killed,
    ProcessFault::Frozen,
    ProcessFault::Terminated,
    ProcessFault::Cut { nats: false, one_in: 1 },
    ProcessFault::Cut { nats: true, one_in: 2 },
    ProcessFault::Stalled { nats: false },
    ProcessFault::Stalled { nats: true },
    ProcessFault::Unreachable { nats: false },
    ProcessFault::Unreachable { nats: true },
];

/// The faults of one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) service: Option<ServiceFault>,
    pub(super) process: Option<(usize, ProcessFault)>,
    /// Duration of the fault of the service.
    pub(super) hold: Duration,
}

/// The rounds of a seed, without end.
#[derive(Debug)]
pub(super) struct Rounds {
    rng: fastrand::Rng,
    kinds: Deck<(bool, bool)>,
    services: Deck<ServiceFault>,
    processes: Deck<usize>,
    process_faults: Deck<ProcessFault>,
}

/// Cards that are drawn in a random order, each once before any of them again.
#[derive(Debug)]
struct Deck<T> {
    cards: Vec<T>,
    left: Vec<T>,
}

impl<T: Copy> Deck<T> {
    fn of(cards: impl Into<Vec<T>>) -> Self {
        Self { cards: cards.into(), left: vec![] }
    }

    fn draw(&mut self, rng: &mut fastrand::Rng) -> T {
        if self.left.is_empty() {
            self.left.clone_from(&self.cards);
            rng.shuffle(&mut self.left);
        }
        self.left.pop().unwrap()
    }
}

impl Rounds {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            kinds: Deck::of([(true, false), (false, true), (true, true)]),
            services: Deck::of(SERVICE_FAULTS),
            processes: Deck::of((0..PROCESSES.len()).collect::<Vec<_>>()),
            process_faults: Deck::of(PROCESS_FAULTS),
        }
    }

    /// Of three rounds, one has a fault of a service, one of a process, and one both.
    pub(super) fn next_round(&mut self) -> Round {
        let rng = &mut self.rng;
        let (service, process) = self.kinds.draw(rng);
        let service = service.then(|| self.services.draw(rng));
        let process = process.then(|| (self.processes.draw(rng), self.process_faults.draw(rng)));
        Round { service, process, hold: Duration::from_millis(rng.u64(100..3_000)) }
    }
}

impl Round {
    /// The faults in words.
    pub(super) fn describe(&self) -> String {
        let service = self.service.map(|fault| format!("{fault:?} for {} ms", self.hold.as_millis()));
        let process = self.process.map(|(number, fault)| format!("{} {fault:?}", PROCESSES[number].0));
        [service, process].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl System {
    /// Brings the fault about, keeps it up for a while where it lasts, and ends it.
    pub(super) async fn suffer(&self, fault: ServiceFault, hold: Duration) {
        let wait = || tokio::time::sleep(hold);
        match fault {
            ServiceFault::PostgresCrash => {
                self.postgres.kill().await.unwrap();
                wait().await;
                self.postgres.start().await.unwrap();
            }
            ServiceFault::PostgresImmediateShutdown => {
                let id = self.postgres.process_id().unwrap();
                kill(Pid::from_raw(id.cast_signed()), Signal::SIGQUIT).unwrap();
                wait().await;
                self.postgres.kill().await.unwrap();
                self.postgres.start().await.unwrap();
            }
            ServiceFault::PostgresRestart => self.postgres.restart().await.unwrap(),
            ServiceFault::PostgresFrozen => self.freeze(&self.postgres, hold * 4).await,
            ServiceFault::NatsKilled => {
                self.nats.kill().await.unwrap();
                wait().await;
                self.nats.start().await.unwrap();
            }
            ServiceFault::NatsFrozen => self.freeze(&self.nats, hold * 3).await,
            ServiceFault::NatsWiped => self.nats.wipe().await.unwrap(),
            ServiceFault::QdrantKilled => {
                self.qdrant.kill().await.unwrap();
                wait().await;
                self.qdrant.start().await.unwrap();
            }
            ServiceFault::QdrantFrozen => self.freeze(&self.qdrant, hold * 3).await,
            ServiceFault::AccountsRestarted => self.auth.restart().await.unwrap(),
            ServiceFault::AccountsFrozen => self.freeze(&self.auth, hold * 3).await,
            ServiceFault::PoolerKilled => {
                self.pooler.kill().await.unwrap();
                wait().await;
                self.pooler.start().await.unwrap();
            }
        }
    }

    async fn freeze(&self, service: &embedded::Service, hold: Duration) {
        service.pause();
        tokio::time::sleep(hold).await;
        service.resume();
    }

    /// Brings the fault of a process about. It lasts until mended.
    pub(super) async fn inflict(&self, number: usize, fault: ProcessFault) {
        let process = &self.processes[number];
        let link = |nats| if nats { &process.to_nats } else { &process.to_postgres };
        match fault {
            ProcessFault::Killed => process.service.kill().await.unwrap(),
            ProcessFault::Terminated => process.service.stop().await.unwrap(),
            ProcessFault::Frozen => process.service.pause(),
            ProcessFault::Cut { nats, one_in } => link(nats).cut(one_in),
            ProcessFault::Stalled { nats } => link(nats).stall(),
            ProcessFault::Unreachable { nats } => link(nats).refuse(),
        }
    }

    /// Ends every fault of a process. A stalled connection is cut, as a network does that forgot it.
    pub(super) async fn mend(&self, number: usize, fault: ProcessFault) {
        let process = &self.processes[number];
        process.service.resume();
        if matches!(fault, ProcessFault::Stalled { .. }) {
            process.to_nats.cut(2);
            process.to_postgres.cut(2);
        }
        process.to_nats.mend();
        process.to_postgres.mend();
        if matches!(fault, ProcessFault::Killed | ProcessFault::Terminated) {
            process.service.start().await.unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_rounds_and_eighteen_rounds_have_each_kind_of_fault() {
        let rounds = |seed| {
            let mut rounds = Rounds::new(seed);
            (0..18).map(|_| rounds.next_round()).collect::<Vec<_>>()
        };
        assert_eq!(rounds(7), rounds(7));
        assert_ne!(rounds(7), rounds(8));
        for fault in SERVICE_FAULTS {
            assert!(rounds(7).iter().any(|round| round.service == Some(fault)), "{fault:?}");
        }
        for fault in PROCESS_FAULTS {
            let is_same = |round: &Round| round.process.is_some_and(|(_, other)| other == fault);
            assert!(rounds(7).iter().any(is_same), "{fault:?}");
        }
    }
}
