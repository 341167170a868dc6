//! Whether the process can do the work of its roles, and what works only in part.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::snapshot::Snapshot;
use crate::roles::Role;
use crate::runtime::erasure_check::ErasureCheck;
use crate::runtime::stages::{Condition, Report, Stages};

/// Whether something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It works.
    Ok,
    /// It works in part.
    Degraded,
    /// It does not work.
    Unavailable,
}

/// A dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// `ok`, or what it means for the process.
    pub status: Verdict,
    /// Why it is not ok.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageState {
    /// `ok`, or what it means for the process.
    pub status: Verdict,
    /// Why it is not ok.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds since its last completed turn.
    pub last_turn_seconds: f64,
}

/// The readiness of a process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Readiness {
    /// The worst of all below.
    pub status: Verdict,
    /// The roles of the process.
    pub roles: Vec<&'static str>,
    /// Dependencies of the roles, by name.
    pub dependencies: BTreeMap<&'static str, State>,
    /// The stages of the process, by name.
    pub stages: BTreeMap<&'static str, StageState>,
    /// The condition that the check of erasures since a backup waits for; users are refused until it is done.
    pub erasures_wait_for: Option<String>,
    /// Aggregates in quarantine, counted in each read model; `null` while Postgres does not answer.
    pub quarantined: Option<u64>,
    /// Work that workers gave up; `null` while Postgres does not answer.
    pub dead_letters: Option<u64>,
    /// Why the process cannot do the work of its roles.
    pub unavailable: Vec<String>,
    /// Reasons why the process works only in part.
    pub degraded: Vec<String>,
}

impl State {
    /// Nothing to say.
    pub(super) const fn ok() -> Self {
        Self { status: Verdict::Ok, reason: None }
    }

    /// Works in part, or not at all without ending the work of the process.
    pub(super) fn degraded(reason: impl Into<String>) -> Self {
        Self { status: Verdict::Degraded, reason: Some(reason.into()) }
    }

    /// Ends the work of the process.
    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self { status: Verdict::Unavailable, reason: Some(reason.into()) }
    }
}

impl StageState {
    fn of(report: &Report) -> Self {
        let (status, reason) = match &report.condition {
            Condition::Starting => (Verdict::Ok, Some("starting".to_owned())),
            Condition::Ok => (Verdict::Ok, None),
            Condition::Failing(reason) => (Verdict::Degraded, Some(reason.clone())),
            Condition::Refused(reason) => (Verdict::Unavailable, Some(reason.clone())),
        };
        Self { status, reason, last_turn_seconds: report.age().as_secs_f64() }
    }
}

/// Judges a process.
pub(super) fn determine(
    roles: &BTreeSet<Role>,
    dependencies: BTreeMap<&'static str, State>,
    stages: &Stages,
    erasures: Option<&ErasureCheck>,
    sample: Option<&Snapshot>,
) -> Readiness {
    let reports = stages.reports();
    let reports: BTreeMap<_, _> =
        reports.iter().map(|(name, report)| (*name, StageState::of(report))).collect();
    let erasures_wait_for = erasures.and_then(ErasureCheck::waits_for).map(|reason| reason.to_string());
    let findings = dependencies.iter().map(|(name, state)| (*name, state.status, state.reason.as_deref()));
    let findings = findings.chain(reports.iter().map(|(name, of)| (*name, of.status, of.reason.as_deref())));
    let (mut unavailable, mut degraded) = (Vec::new(), Vec::new());
    for (name, status, reason) in findings {
        let reason = format!("{name}: {}", reason.unwrap_or_default());
        match status {
            Verdict::Ok => {}
            Verdict::Degraded => degraded.push(reason),
            Verdict::Unavailable => unavailable.push(reason),
        }
    }
    unavailable
        .extend(erasures_wait_for.iter().map(|reason| format!("the check of erasures waits: {reason}")));
    if stages.is_ending() {
        unavailable.push("the process is ending".to_owned());
    }
    degraded.extend(sample.map(Snapshot::reasons).unwrap_or_default());
    let status = match (unavailable.is_empty(), degraded.is_empty()) {
        (false, _) => Verdict::Unavailable,
        (true, false) => Verdict::Degraded,
        (true, true) => Verdict::Ok,
    };
    Readiness {
        status,
        roles: roles.iter().map(|role| role.name()).collect(),
        dependencies,
        stages: reports,
        erasures_wait_for,
        quarantined: sample.and_then(Snapshot::quarantined),
        dead_letters: sample.and_then(Snapshot::dead_letters),
        unavailable,
        degraded,
    }
}

impl Readiness {
    /// Whether the process can do the work of its roles.
    pub fn is_ready(&self) -> bool {
        self.status != Verdict::Unavailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_works_in_part_leaves_a_process_ready_and_what_ends_its_work_does_not() {
        let stages = Stages::default();
        let judge = |dependencies: &[(&'static str, State)]| {
            let dependencies = dependencies.iter().cloned().collect();
            determine(&[Role::Worker].into(), dependencies, &stages, None, None)
        };
        let ready = judge(&[("postgres", State::ok())]);
        assert_eq!((ready.status, ready.is_ready()), (Verdict::Ok, true));
        let degraded = judge(&[("postgres", State::ok()), ("qdrant", State::degraded("does not answer"))]);
        assert_eq!((degraded.status, degraded.is_ready()), (Verdict::Degraded, true));
        assert_eq!(degraded.degraded, ["qdrant: does not answer"]);
        let away = judge(&[("postgres", State::unavailable("does not answer"))]);
        assert_eq!(
            (away.is_ready(), away.unavailable),
            (false, vec!["postgres: does not answer".to_owned()])
        );
        stages.progress("worker").refused("JetStream refuses the consumer");
        assert!(!judge(&[]).is_ready());
    }
}
