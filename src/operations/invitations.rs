//! Invitations to sign up: a code for one address, good once and for a week. Whoever made it passes it on.
//!
//! The event comes first, then the row of the account service. A process that ends in between has recorded an
//! invitation that nobody has; the next one replaces it.

use std::str::FromStr;
use std::time::Duration;

use aggregates::account::UserRole;
use aggregates::operation::{OperationEvent, RecordOperation};
use aggregates::{Actor, Metadata, OperationId, UserId};
use aws_lc_rs::{digest, rand};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::accounts::AccountAdministration;
use crate::config::PublicUrl;
use store::{ExecuteError, InvitedAddress, StoreError};

/// Time for which an invitation is good.
pub const VALID: Duration = Duration::from_hours(7 * 24);
/// Characters of a code: 5 bits each, without those that look like others.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_CHARACTERS: usize = 25;
const GROUP_CHARACTERS: usize = 5;
/// Longest address that mail can be sent to (RFC 5321, 4.5.3.1.3).
const MAX_EMAIL_BYTES: usize = 254;

/// An e-mail address in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// The text is not an e-mail address.
#[derive(Debug, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmail;

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let is_plain =
            |character: char| character.is_ascii_graphic() && !matches!(character, ',' | '"' | '<' | '>');
        let (name, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let is_address = !name.is_empty()
            && !name.contains('@')
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && text.len() <= MAX_EMAIL_BYTES
            && text.chars().all(is_plain);
        if is_address { Ok(Self(text.to_ascii_lowercase())) } else { Err(InvalidEmail) }
    }
}

/// An invitation that was made.
#[derive(Debug)]
pub struct Invitation {
    /// Its id, and that of its event.
    pub id: Uuid,
    /// The code to enter at the sign-up. Kept nowhere.
    pub code: SecretString,
    /// The time at which it ends.
    pub expires_at: DateTime<Utc>,
}

impl Invitation {
    /// The address of the page with the code. A browser sends what follows `#` to no server.
    pub fn link(&self, public_url: &PublicUrl) -> String {
        format!("{public_url}/sign-up#invitation={}", self.code.expose_secret())
    }
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum NotInvited {
    /// The address has an account.
    #[error("an account has this e-mail address")]
    HasAccount,
    /// No code was made.
    #[error("the system has no random numbers")]
    NoRandomness,
    /// The event was not recorded, or the tables of the account service were not changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Invites an address, in place of earlier invitations. `actor` is an administrator, or the system for the
/// command line.
pub async fn invite(
    administration: &AccountAdministration,
    EmailAddress(email): EmailAddress,
    role: UserRole,
    actor: Actor,
    correlation_id: Uuid,
) -> Result<Invitation, NotInvited> {
    let AccountAdministration { store, accounts, wake, .. } = administration;
    if accounts.user_with_email(&email).await?.is_some() {
        return Err(NotInvited::HasAccount);
    }
    let code = new_code()?;
    let id = OperationId::new(Uuid::now_v7());
    let by = match actor {
        Actor::User(by) | Actor::Auditor(by) => by,
        Actor::Worker | Actor::System => UserId::SHARED,
    };
    let metadata =
        Metadata { owner: UserId::SHARED, actor, correlation_id, causation_id: None, traceparent: None };
    let created = RecordOperation(OperationEvent::InvitationCreated { role, by });
    match store.operations().execute(id.uuid(), created, &metadata, None).await {
        // Recorded: the answer to an earlier attempt to append was lost.
        Ok(_) | Err(ExecuteError::Refused(_)) => wake.notify(),
        Err(ExecuteError::Store(error)) => return Err(error.into()),
    }
    let expires_at = Utc::now() + VALID;
    accounts.add_invitation(id.uuid(), &hash(&code), &InvitedAddress { email, role }, VALID).await?;
    Ok(Invitation { id: id.uuid(), code, expires_at })
}

/// 125 random bits in five groups of characters.
fn new_code() -> Result<SecretString, NotInvited> {
    let mut bytes = [0; CODE_CHARACTERS];
    rand::fill(&mut bytes).map_err(|_| NotInvited::NoRandomness)?;
    let characters = bytes.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
    let groups: Vec<String> =
        characters.chunks(GROUP_CHARACTERS).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-").into())
}

/// The hash by which the account service knows a code: SHA-256 of its characters without the hyphens.
fn hash(code: &SecretString) -> String {
    let plain = code.expose_secret().replace('-', "");
    hex::encode(digest::digest(&digest::SHA256, plain.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_five_groups_of_plain_characters_and_differ() {
        let (one, other) = (new_code().unwrap(), new_code().unwrap());
        assert_ne!(one.expose_secret(), other.expose_secret());
        let groups: Vec<&str> = one.expose_secret().split('-').collect();
        assert_eq!(groups.len(), 5);
        assert!(
            groups.iter().all(|group| group.len() == 5 && group.bytes().all(|byte| ALPHABET.contains(&byte)))
        );
    }

    #[test]
    fn the_hash_is_that_of_the_code_without_hyphens() {
        let expected = "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c";
        assert_eq!(hash(&"ab-cde".to_owned().into()), expected);
    }

    #[test]
    fn addresses_are_parsed_into_lower_case_and_others_are_refused() {
        assert_eq!(" Ada@Example.ORG ".parse::<EmailAddress>().unwrap().0, "ada@example.org");
        for wrong in
            ["", "ada", "@example.org", "ada@", "ada@example", "a b@example.org", "a@b@example.org", "a@.org"]
        {
            assert!(wrong.parse::<EmailAddress>().is_err(), "{wrong}");
        }
        assert!(format!("{}@example.org", "a".repeat(250)).parse::<EmailAddress>().is_err());
    }
}
