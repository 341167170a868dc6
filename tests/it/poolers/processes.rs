//! Two processes of each role behind a pooler.

use aggregates::Position;
use store::PreparedStatements;
use uuid::Uuid;

use super::Pooled;
use crate::support::backbone::Backbone;
use crate::support::person::Person;
use crate::support::served::Served;
use crate::support::waiting::until;

const ROLES: [&str; 4] = ["api", "sequencer", "projector", "worker"];
const QUESTIONS: usize = 6;

#[tokio::test]
async fn two_processes_of_each_role_do_the_work_of_one() {
    let pooled = Pooled::with_defaults().await;
    let config = pooled.configuration(PreparedStatements::Off);
    let started: Vec<(&str, Served)> =
        [ROLES, ROLES].concat().into_iter().map(|role| (role, Served::begin_role(&config, role))).collect();
    let apis: Vec<&str> =
        started.iter().filter(|(role, _)| *role == "api").map(|(_, served)| served.url.as_str()).collect();
    for api in &apis {
        let ready = format!("{api}/readyz");
        until("the api answers", async || reqwest::get(&ready).await.ok()?.error_for_status().ok()).await;
    }
    let asker = Person::of(apis[0]).await;
    let asking = (0..QUESTIONS).map(async |number| {
        let (here, there) = (asker.at_url(apis[number % 2]), asker.at_url(apis[(number + 1) % 2]));
        let conversation = Uuid::now_v7();
        here.ask(conversation, &format!("What is number {number}?")).await;
        let path = format!("/v1/conversations/{conversation}");
        let shown = there.get(&path).await;
        assert_eq!(shown.status, 200, "the other process shows it: {shown:?}");
        let told =
            there.listen(&format!("{path}/stream"), None, |told| told.event == "answer.completed").await;
        assert_eq!(told.iter().filter(|told| told.event == "answer.completed").count(), 1);
    });
    futures::future::join_all(asking).await;
    let direct = Backbone::on(pooled.direct_url.clone()).await;
    let (head, _) = direct.store.ledger_head().await.unwrap();
    let events = direct.store.contiguous_events_after(Position(0), 10_000).await.unwrap();
    assert_eq!(events.last().unwrap().position, head);
    for (role, mut served) in started {
        assert!(served.is_running(), "{role}: {}", served.log());
    }
}
