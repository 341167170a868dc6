//! Uploads and removals of documents.

use serde_json::json;
use uuid::Uuid;

use super::{Actor, Done, MOST_DOCUMENTS};
use crate::failures::campaign::history::Effect;

impl Actor {
    pub(super) async fn upload(&mut self) {
        if self.documents.len() == MOST_DOCUMENTS {
            return self.remove_document().await;
        }
        let (document, title) = (Uuid::now_v7(), self.word());
        let text =
            format!("Notes on {title}.\n\nThere is little to say about {title}. It is quiet in autumn.\n");
        let effect = Effect::Upload { title: title.clone() };
        let upload = |client: &super::Client, api, _| client.upload(api, document, &title, &text);
        let (op, done) = self.carry_out(document, effect, upload).await;
        if let Done::Yes(_) = done {
            self.documents.push(document);
            let path = format!("/v1/documents/{document}");
            self.read_back(op, &path, |_, row| row["title"] == json!(title)).await;
        }
    }

    pub(super) async fn remove_document(&mut self) {
        if self.documents.is_empty() {
            return;
        }
        let document = self.documents.swap_remove(self.rng.usize(..self.documents.len()));
        let remove = |client: &super::Client, api, _| {
            client.http.delete(format!("{}/v1/documents/{document}", client.api(api)))
        };
        let (op, done) = self.carry_out(document, Effect::Plain("DocumentRemoved"), remove).await;
        if let Done::Yes(_) = done {
            self.read_back(op, &format!("/v1/documents/{document}"), |status, _| status == 404).await;
        }
    }
}
