//! Reads that follow no command.

use super::Actor;
use crate::failures::campaign::history::Fact;

/// Statuses that a read of one's own may have during a fault.
const USUAL: [u16; 4] = [200, 401, 429, 503];

impl Actor {
    /// Reads a list, or one of the person's own conversations or documents.
    pub(super) async fn look_around(&mut self) {
        let talk = self.talk(|talk| !talk.is_deleted).map(|index| self.talks[index].id);
        let path = match (self.rng.u32(..8), talk) {
            (0, Some(id)) => format!("/v1/conversations/{id}/messages?limit=100"),
            (1, Some(id)) => format!("/v1/conversations/{id}"),
            (2, _) => "/v1/search?q=heard&limit=50".to_owned(),
            (3, _) => "/v1/documents".to_owned(),
            (4, _) => "/v1/usage".to_owned(),
            (5, _) => "/v1/me".to_owned(),
            _ => "/v1/conversations?limit=50".to_owned(),
        };
        let Some(response) = self.client.get(self.rng.usize(..2), &path).await else { return };
        if response.status == 403 {
            self.is_erased |= response.body["type"] == "urn:colloquy:problem:account-erasing";
        }
        if !USUAL.contains(&response.status) && !self.is_erased {
            self.unexpected(path, response.status);
        }
    }

    /// Reads what must be answered with a status, unless the service is not able to answer at all.
    pub(super) async fn expect_status(&mut self, path: &str, expected: u16) {
        let Some(response) = self.client.get(self.rng.usize(..2), path).await else { return };
        let allowed = [expected, 401, 429, 503];
        self.is_erased |= response.status == 403;
        if !allowed.contains(&response.status) && !self.is_erased {
            self.unexpected(path.to_owned(), response.status);
        }
    }

    fn unexpected(&self, path: String, status: u16) {
        self.client.history.record(Fact::Read { who: self.client.who, path, status });
    }
}
