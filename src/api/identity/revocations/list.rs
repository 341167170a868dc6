//! The list of revocations: pure, and bounded by the time that tokens live.

use std::collections::HashMap;

use aggregates::{SessionId, UserId};

use super::super::{Caller, Role, Unauthenticated};
use super::REVOCATIONS_KEPT;
use store::{Revocation, RevocationKind};

/// Largest difference between the clock that dates revocations and the one that dates tokens.
const CLOCKS_DIFFER_SECONDS: u64 = 5;

/// The revocations that can concern a token which has not expired.
#[derive(Debug, Default)]
pub(super) struct List {
    /// The time at which each session ended.
    sessions: HashMap<SessionId, u64>,
    users: HashMap<UserId, User>,
    /// Tokens issued until then are refused: an entry of that age did not fit.
    floor: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct User {
    /// The last change of the role, and its time.
    role: Option<(Role, u64)>,
    banned: Option<u64>,
    /// The time of the last change that is applied.
    at: u64,
}

impl List {
    /// Adds entries, newest first, and drops those of tokens that have expired. Returns whether there was a
    /// new one.
    pub(super) fn extend(&mut self, entries: &[Revocation], full: bool, now: u64) -> bool {
        let oldest = now.saturating_sub(REVOCATIONS_KEPT.as_secs());
        self.sessions.retain(|_, at| *at >= oldest);
        self.users.retain(|_, user| user.at >= oldest);
        let mut has_changed = false;
        for Revocation { user, at, kind } in entries.iter().rev() {
            has_changed |= match kind {
                RevocationKind::Session(session) => self.sessions.insert(*session, *at).is_none(),
                RevocationKind::Role(role) => {
                    let role = role.unwrap_or(Role::User);
                    self.users.entry(*user).or_default().change(*at, |user| user.role = Some((role, *at)))
                }
                RevocationKind::Banned => {
                    self.users.entry(*user).or_default().change(*at, |user| user.banned = Some(*at))
                }
                RevocationKind::BanLifted => {
                    self.users.entry(*user).or_default().change(*at, |user| user.banned = None)
                }
            };
        }
        if full && let Some(last) = entries.last() {
            self.floor = self.floor.max(last.at);
        }
        has_changed
    }

    /// The caller with the role that the account has now.
    pub(super) fn check(&self, caller: Caller) -> Result<Caller, Unauthenticated> {
        if self.sessions.contains_key(&caller.session) || caller.issued <= self.floor {
            return Err(Unauthenticated::Invalid);
        }
        let Some(user) = self.users.get(&caller.user) else { return Ok(caller) };
        let is_older = |at: u64| caller.issued <= at.saturating_add(CLOCKS_DIFFER_SECONDS);
        if user.banned.is_some_and(is_older) {
            return Err(Unauthenticated::Invalid);
        }
        let role = user.role.filter(|(_, at)| is_older(*at)).map_or(caller.role, |(role, _)| role);
        Ok(Caller { role, ..caller })
    }
}

impl User {
    /// Applies a change unless a later one is applied. Changes of one second are applied in their order.
    fn change(&mut self, at: u64, apply: impl FnOnce(&mut Self)) -> bool {
        if at < self.at {
            return false;
        }
        let before = (self.role, self.banned);
        apply(self);
        self.at = at;
        before != (self.role, self.banned)
    }
}

#[cfg(test)]
mod tests {
    use aggregates::account::UserRole;
    use uuid::Uuid;

    use super::*;

    const NOW: u64 = 100_000;
    const SESSION: SessionId = SessionId::new(Uuid::from_u128(1));
    const USER: UserId = UserId::new(Uuid::from_u128(2));

    fn caller(issued: u64) -> Caller {
        Caller { user: USER, role: Role::Admin, until: issued + 900, session: SESSION, issued }
    }

    fn revocation(at: u64, kind: RevocationKind) -> Revocation {
        Revocation { user: USER, at, kind }
    }

    fn list(entries: &[Revocation]) -> List {
        let mut list = List::default();
        list.extend(entries, false, NOW);
        list
    }

    #[test]
    fn tokens_of_a_session_that_ended_are_refused_until_they_have_expired() {
        let mut ended = list(&[revocation(NOW - 10, RevocationKind::Session(SESSION))]);
        assert_eq!(ended.check(caller(NOW - 20)), Err(Unauthenticated::Invalid));
        let other = Caller { session: SessionId::new(Uuid::from_u128(3)), ..caller(NOW - 20) };
        assert_eq!(ended.check(other), Ok(other));
        ended.extend(&[], false, NOW + REVOCATIONS_KEPT.as_secs());
        assert!(ended.sessions.is_empty());
    }

    #[test]
    fn a_token_has_the_role_of_the_last_change_after_it() {
        let changed = list(&[
            revocation(NOW - 10, RevocationKind::Role(Some(UserRole::User))),
            revocation(NOW - 100, RevocationKind::Role(Some(UserRole::Auditor))),
        ]);
        assert_eq!(changed.check(caller(NOW - 200)).unwrap().role, Role::User);
        assert_eq!(changed.check(caller(NOW - 50)).unwrap().role, Role::User);
        assert_eq!(changed.check(caller(NOW)).unwrap().role, Role::Admin);
        let unknown = list(&[revocation(NOW, RevocationKind::Role(None))]);
        assert_eq!(unknown.check(caller(NOW)).unwrap().role, Role::User);
    }

    #[test]
    fn a_ban_refuses_the_tokens_before_it_until_it_is_lifted() {
        let mut banned = list(&[revocation(NOW - 10, RevocationKind::Banned)]);
        assert_eq!(banned.check(caller(NOW - 20)), Err(Unauthenticated::Invalid));
        assert!(banned.extend(&[revocation(NOW - 5, RevocationKind::BanLifted)], false, NOW));
        assert!(banned.check(caller(NOW - 20)).is_ok());
        // The overlap of two reads brings the same entries again.
        let again =
            [revocation(NOW - 5, RevocationKind::BanLifted), revocation(NOW - 10, RevocationKind::Banned)];
        assert!(!banned.extend(&again, false, NOW));
        assert!(banned.check(caller(NOW - 20)).is_ok());
    }

    #[test]
    fn tokens_that_are_older_than_a_full_list_are_refused() {
        let mut full = List::default();
        let other = RevocationKind::Session(SessionId::new(Uuid::from_u128(3)));
        full.extend(&[revocation(NOW, other), revocation(NOW - 10, other)], true, NOW);
        assert_eq!(full.check(caller(NOW - 10)), Err(Unauthenticated::Invalid));
        assert!(full.check(caller(NOW - 9)).is_ok());
    }
}
