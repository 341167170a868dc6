//! Commands on conversations.

use std::sync::{Arc, PoisonError};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Actor, Done, MOST_QUESTIONS, Talk};
use crate::failures::campaign::history::{Effect, Op};
use crate::failures::campaign::stream::Follower;

/// Connections for which a client follows an answer.
const CONNECTIONS: u32 = 4;

impl Actor {
    /// Sends a command on a conversation.
    async fn send(&mut self, conversation: Uuid, effect: Effect, body: &Value) -> (Op, Done) {
        self.carry_out(conversation, effect, |client, api, op| client.command(api, conversation, op, body))
            .await
    }

    /// Leaves a conversation alone whose state is not known.
    fn forget_talk(&mut self, id: Uuid) {
        self.talks.retain(|talk| talk.id != id);
    }

    /// Sends a command on a conversation that exists, and forgets the conversation if the outcome is open.
    async fn change(&mut self, talk: &Talk, effect: Effect, body: &Value) -> (Op, bool) {
        let (op, done) = self.send(talk.id, effect, body).await;
        if done == Done::Perhaps {
            self.forget_talk(talk.id);
        }
        (op, matches!(done, Done::Yes(events) if !events.is_empty()))
    }

    pub(super) async fn ask(&mut self) {
        let open = self.talk(|talk| !talk.is_deleted && talk.questions < MOST_QUESTIONS);
        let open = open.filter(|_| self.rng.u32(..100) < 70).map(|index| self.talks[index].clone());
        let conversation = open.as_ref().map_or_else(Uuid::now_v7, |talk| talk.id);
        let (question, word) = (Uuid::now_v7(), self.word());
        let text = format!("What is {word}, and who has heard of it?");
        let body = json!({"type": "ask", "question_id": question, "text": text});
        let (op, done) = self.send(conversation, Effect::Ask { question, text }, &body).await;
        let Done::Yes(_) = done else {
            if done == Done::Perhaps {
                self.forget_talk(conversation);
            }
            return;
        };
        if let Some(talk) = self.talks.iter_mut().find(|talk| talk.id == conversation) {
            talk.questions += 1;
            (talk.question, talk.answer) = (question, None);
        } else {
            let is_deleted = false;
            self.remember_talk(Talk { id: conversation, questions: 1, question, answer: None, is_deleted });
        }
        if open.is_none() && self.rng.u32(..100) < 40 {
            let id = json!(conversation);
            let path = "/v1/conversations?limit=100";
            self.read_back(op, path, |_, page| items(page).any(|item| item["id"] == id)).await;
        }
        self.after_asking(op, conversation, question, &word).await;
    }

    async fn after_asking(&mut self, op: Op, conversation: Uuid, question: Uuid, word: &str) {
        let path = format!("/v1/conversations/{conversation}/messages?limit=100");
        let id = json!(question);
        let page = self.read_back(op, &path, |_, page| items(page).any(|item| item["id"] == id)).await;
        let answered = |page: &Value| {
            items(page).find(|item| item["parent_id"] == id)?["id"].as_str()?.parse::<Uuid>().ok()
        };
        let Some(answer) = page.as_ref().and_then(answered) else { return };
        if let Some(talk) = self.talks.iter_mut().find(|talk| talk.id == conversation) {
            talk.answer = Some(answer);
        }
        self.pending.push(answer);
        match self.rng.u32(..100) {
            0..15 => self.stop(conversation, answer).await,
            15..50 => {
                let rng = self.rng.fork();
                let follower = Follower::of_conversation(Arc::clone(&self.client), conversation, rng);
                follower.until_ended(answer, CONNECTIONS).await;
            }
            50..62 => {
                let id = json!(question);
                let path = format!("/v1/search?q={word}&limit=100");
                self.read_back(op, &path, |_, page| items(page).any(|item| item["message_id"] == id)).await;
            }
            _ => {}
        }
    }

    async fn stop(&mut self, conversation: Uuid, answer: Uuid) {
        let body = json!({"type": "stop", "answer_id": answer});
        let (op, done) = self.send(conversation, Effect::Stop { answer }, &body).await;
        match done {
            Done::Yes(events) if !events.is_empty() => {
                let path = format!("/v1/conversations/{conversation}/messages?limit=100");
                let id = json!(answer);
                let is_stopped = |item: &Value| item["id"] == id && item["status"] == "stopped";
                self.read_back(op, &path, |_, page| items(page).any(is_stopped)).await;
            }
            Done::Yes(_) | Done::No => {}
            Done::Perhaps => self.forget_talk(conversation),
        }
    }

    pub(super) async fn regenerate(&mut self) {
        let Some(index) = self.talk(|talk| !talk.is_deleted && talk.answer.is_some()) else { return };
        let talk = self.talks[index].clone();
        let (question, answer) = (talk.question, Uuid::now_v7());
        let body = json!({"type": "regenerate", "question_id": question, "answer_id": answer});
        let (op, is_done) = self.change(&talk, Effect::Regenerate { question, answer }, &body).await;
        if is_done {
            self.pending.push(answer);
            let path = format!("/v1/conversations/{}/messages?limit=100", talk.id);
            let id = json!(answer);
            self.read_back(op, &path, |_, page| items(page).any(|item| item["id"] == id)).await;
        }
    }

    pub(super) async fn rename(&mut self) {
        let Some(index) = self.talk(|talk| !talk.is_deleted) else { return };
        let (talk, title) = (self.talks[index].clone(), self.word());
        let body = json!({"type": "rename", "title": title});
        let (op, is_done) = self.change(&talk, Effect::Rename { title: title.clone() }, &body).await;
        if is_done {
            self.read_row(op, talk.id, |row| row["title"] == json!(title)).await;
        }
    }

    pub(super) async fn tag(&mut self) {
        let Some(index) = self.talk(|talk| !talk.is_deleted) else { return };
        let (talk, tag) = (self.talks[index].clone(), self.word());
        let body = json!({"type": "tag", "tags": [tag]});
        let (op, is_done) = self.change(&talk, Effect::Tag { tag: tag.clone() }, &body).await;
        if is_done {
            self.read_row(op, talk.id, |row| row["tags"] == json!([tag])).await;
        }
    }

    /// Pins, unpins, archives, or takes out of the archive.
    pub(super) async fn toggle(&mut self) {
        let Some(index) = self.talk(|talk| !talk.is_deleted) else { return };
        let talk = self.talks[index].clone();
        let (command, event, field, value) = [
            ("pin", "ConversationPinned", "pinned", true),
            ("unpin", "ConversationUnpinned", "pinned", false),
            ("archive", "ConversationArchived", "archived", true),
            ("unarchive", "ConversationUnarchived", "archived", false),
        ][self.rng.usize(..4)];
        let (op, is_done) = self.change(&talk, Effect::Plain(event), &json!({"type": command})).await;
        if is_done {
            self.read_row(op, talk.id, |row| row[field] == json!(value)).await;
            // An archived conversation is not in the list that `ask` looks at.
            if command == "archive" {
                self.change(&talk, Effect::Plain("ConversationUnarchived"), &json!({"type": "unarchive"}))
                    .await;
            }
        }
    }

    pub(super) async fn rate(&mut self) {
        let client = Arc::clone(&self.client);
        let is_ended = |talk: &Talk| talk.answer.is_some_and(|answer| client.has_ended(answer));
        let Some(index) = self.talk(|talk| !talk.is_deleted && is_ended(talk)) else { return };
        let talk = self.talks[index].clone();
        let Some(answer) = talk.answer else { return };
        let comment = self.word();
        let rating = ["up", "down"][self.rng.usize(..2)];
        let body = json!({"type": "rate", "answer_id": answer, "rating": rating, "comment": comment});
        let (op, is_done) = self.change(&talk, Effect::Rate { answer, comment }, &body).await;
        if is_done {
            let path = format!("/v1/conversations/{}/messages?limit=100", talk.id);
            let id = json!(answer);
            // The answer may be on another branch than the one that is shown.
            let shows = |item: &Value| item["id"] != id || item["rating"] == rating;
            self.read_back(op, &path, |status, page| status == 200 && items(page).all(shows)).await;
        }
    }

    pub(super) async fn delete_or_restore(&mut self) {
        let Some(index) = self.talk(|_| true) else { return };
        let talk = self.talks[index].clone();
        let (command, event) = if talk.is_deleted {
            ("restore", "ConversationRestored")
        } else {
            ("delete", "ConversationDeleted")
        };
        let (op, is_done) = self.change(&talk, Effect::Plain(event), &json!({"type": command})).await;
        if is_done {
            let was_deleted = talk.is_deleted;
            if let Some(known) = self.talks.iter_mut().find(|known| known.id == talk.id) {
                known.is_deleted = !was_deleted;
            }
            let expected = if was_deleted { 200 } else { 404 };
            let path = format!("/v1/conversations/{}", talk.id);
            self.read_back(op, &path, |status, _| status == expected).await;
        }
    }

    async fn read_row(&mut self, op: Op, conversation: Uuid, shows: impl Fn(&Value) -> bool) {
        let path = format!("/v1/conversations/{conversation}");
        self.read_back(op, &path, |status, row| status == 200 && shows(row)).await;
    }

    /// Sends a command on a conversation of somebody else, which must be refused.
    pub(super) async fn trespass(&mut self) {
        let others = self.registry.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let others: Vec<Uuid> =
            others.iter().filter(|(who, _)| *who != self.client.who).map(|(_, id)| *id).collect();
        let Some(theirs) = self.rng.choice(others) else { return };
        let word = self.word();
        let body = match self.rng.u32(..3) {
            0 => json!({"type": "ask", "question_id": Uuid::now_v7(), "text": word}),
            1 => json!({"type": "rename", "title": word}),
            _ => json!({"type": "delete"}),
        };
        self.send(theirs, Effect::Trespass, &body).await;
        let path = format!("/v1/conversations/{theirs}/messages");
        self.expect_status(&path, 404).await;
    }
}

/// The items of a page; none where there is no page.
pub(super) fn items(page: &Value) -> impl Iterator<Item = &Value> {
    page["items"].as_array().into_iter().flatten()
}
