//! What a JWT says, and when it is valid. Parsed strictly: a claim of another type refuses the token.

use aggregates::{SessionId, UserId};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::{Caller, role_named};

/// Largest difference between the clocks of this process and of the account service by which a token may
/// be used too early. There is no allowance at the end: an expired token is invalid at once.
const LEEWAY_SECONDS: u64 = 5;
/// Values of `typ` that name an access token (RFC 7519, 5.1, and RFC 9068, 2.1). The account service sends
/// no `typ`.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// The header of a JWT.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub(super) kid: String,
    #[serde(default, deserialize_with = "required")]
    typ: Option<String>,
    /// Extensions that the recipient must understand (RFC 7515, 4.1.11). There are none.
    #[serde(default, rename = "crit", deserialize_with = "present")]
    has_critical: bool,
}

impl Header {
    /// Whether the token is one that this service understands.
    pub(super) fn is_access_token(&self) -> bool {
        let is_known = |typ: &String| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known));
        !self.has_critical && self.typ.as_ref().is_none_or(is_known)
    }
}

/// The claims of a JWT.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    sub: UserId,
    iss: String,
    aud: Audience,
    exp: u64,
    iat: u64,
    #[serde(default, deserialize_with = "required")]
    nbf: Option<u64>,
    sid: SessionId,
    #[serde(default)]
    role: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

/// Parts of the configuration that a token must name.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) issuer: String,
    pub(super) audience: String,
}

/// The time in which a token is valid, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    not_before: u64,
    expires: u64,
}

impl Validity {
    /// The only rule, for a token that is verified and for one that is cached.
    pub(super) const fn holds(self, now: u64) -> bool {
        now.saturating_add(LEEWAY_SECONDS) >= self.not_before && now < self.expires
    }
}

impl Claims {
    /// The caller and the time of validity; `None` if issuer, audience or subject is wrong.
    pub(super) fn caller(self, expected: &Expected) -> Option<(Caller, Validity)> {
        let is_ours = self.iss == expected.issuer && self.aud.contains(&expected.audience);
        if !is_ours || self.sub == UserId::SHARED {
            return None;
        }
        let validity = Validity { not_before: self.nbf.unwrap_or(0).max(self.iat), expires: self.exp };
        let role = role_named(self.role.as_deref());
        let (user, until, session, issued) = (self.sub, self.exp, self.sid, self.iat);
        let caller = Caller { user, role, until, session, issued };
        Some((caller, validity))
    }
}

/// `true` for a field that is present, with any value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The value of a field that may be absent and may not be `null`.
fn required<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: Validity = Validity { not_before: 1_000, expires: 1_900 };

    #[test]
    fn a_token_is_valid_until_the_second_before_it_expires() {
        assert!(VALID.holds(1_899));
        assert!(!VALID.holds(1_900));
        assert!(!VALID.holds(u64::MAX));
    }

    #[test]
    fn a_token_may_be_used_before_its_time_by_the_difference_of_two_clocks() {
        assert!(VALID.holds(1_000 - LEEWAY_SECONDS));
        assert!(!VALID.holds(1_000 - LEEWAY_SECONDS - 1));
    }
}
