//! A campaign of faults over the real product in several processes, chosen by a seed. Clients record all that
//! they were told; at the end a checker compares it with the ledger, the read models and the stores.
//!
//! `make chaos SECONDS=… SEED=…` runs it for hours. The choice of faults depends on the seed alone; each
//! fault is followed by a wait until clients make progress.

mod actor;
mod check;
mod client;
mod evidence;
mod faults;
mod history;
mod ledger;
mod marks;
mod model;
mod people;
mod process;
mod report;
mod settle;
mod stream;
mod system;

use std::sync::Arc;
use std::time::{Duration, Instant};

use faults::{Round, Rounds};
use history::{Fact, History};
use people::People;
use process::Process;
use report::Report;
use system::System;

/// Rounds of the test that always runs, with each kind of fault, and its seed.
const ROUNDS: u32 = 18;
const SEED: u64 = 2_611;
/// Accepted commands and ended answers after which clients count as served again.
const PROGRESS: (u64, u64) = (6, 2);
/// Time within which clients are served again after any fault.
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);

/// End of a campaign.
#[derive(Debug, Clone, Copy)]
enum Extent {
    Rounds(u32),
    Time(Duration),
}

impl Extent {
    /// The share of the campaign that is over: 1 at its end.
    fn passed(self, rounds: u32, began: Instant) -> f64 {
        match self {
            Self::Rounds(all) => f64::from(rounds) / f64::from(all),
            Self::Time(all) => began.elapsed().as_secs_f64() / all.as_secs_f64(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_holds_under_kills_crashes_freezes_and_cut_connections() {
    run(SEED, Extent::Rounds(ROUNDS)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs for CHAOS_SECONDS: make chaos SECONDS=… SEED=…"]
async fn every_promise_holds_for_as_long_as_asked() {
    let number = |name| std::env::var(name).ok().and_then(|value| value.trim().parse().ok());
    let seed = number("CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    let seconds = number("CHAOS_SECONDS").unwrap_or(600);
    run(seed, Extent::Time(Duration::from_secs(seconds))).await;
}

async fn run(seed: u64, extent: Extent) {
    println!("seed {seed}: make chaos SEED={seed} repeats the faults");
    let system = System::start().await;
    let report = Report::new(seed, system.data().clone());
    let history = Arc::new(History::default());
    let mut people = People::sign_up(&system, &history, seed).await;
    served_again(&system, &history, "at the beginning").await;
    let (mut faults, began, mut rounds) = (Rounds::new(seed), Instant::now(), 0);
    while extent.passed(rounds, began) < 1.0 {
        if extent.passed(rounds, began) >= 0.5 {
            people.begin_erasure();
        }
        rounds += 1;
        carry_out(&system, &history, rounds, faults.next_round()).await;
    }
    people.await_erasure().await;
    println!("{rounds} rounds; memory: {}", system.memory());
    settle::settle(&system, &history, &mut people).await;
    let record = evidence::gather(&system, &history, &people, &report).await;
    report.conclude(&record);
}

/// One round: a fault of a service, which ends by itself, and one of a process, which lasts until clients are
/// served by the others.
async fn carry_out(system: &System, history: &History, number: u32, round: Round) {
    let description = round.describe();
    history.record(Fact::Fault(format!("round {number}: {description}")));
    if let Some((process, fault)) = round.process {
        system.inflict(process, fault).await;
    }
    if let Some(fault) = round.service {
        system.suffer(fault, round.hold).await;
    } else {
        tokio::time::sleep(round.hold).await;
    }
    if let Some((process, fault)) = round.process {
        served_again(system, history, &format!("during {description}")).await;
        system.mend(process, fault).await;
    }
    served_again(system, history, &format!("after {description}")).await;
    for excess in system.processes.iter().filter_map(Process::excess) {
        history.record(Fact::Broken(format!("{excess}, after {description}")));
    }
}

/// Waits until clients are served. Records a violation where that takes too long, or where a process ended
/// by itself, which is started again.
async fn served_again(system: &System, history: &History, when: &str) {
    let (before, began) = (history.progress(), Instant::now());
    loop {
        for process in &system.processes {
            if let Some(failure) = process.failure() {
                history.record(Fact::Broken(failure));
                process.service.start().await.unwrap();
            }
        }
        let now = history.progress();
        let made = (now.0 - before.0, now.1 - before.1);
        if made.0 >= PROGRESS.0 && made.1 >= PROGRESS.1 {
            return;
        }
        if began.elapsed() > PATIENCE {
            let (seconds, (commands, answers)) = (PATIENCE.as_secs(), made);
            let what = format!(
                "{commands} commands were accepted and {answers} answers ended in {seconds} s {when}"
            );
            println!("{what}");
            return history.record(Fact::Broken(what));
        }
        tokio::time::sleep(POLL).await;
    }
}
