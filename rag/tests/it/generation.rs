//! What the client of the language model promises.

use std::time::Duration;

use futures::StreamExt as _;
use rag::generate::{ChatConfig, ChatModel, ModelError, ModelEvent, Usage};
use rag::prompt::{Message, Prompt, Role};

use crate::model_server::{Act, ModelServer};

fn prompt(question: &str) -> Prompt {
    let messages = vec![Message { role: Role::User, content: question.into() }];
    Prompt { messages, sources_given: 0, max_answer_tokens: 48, estimated_tokens: 9 }
}

fn config(base_url: &str) -> ChatConfig {
    let mut config = ChatConfig::new(base_url, "test-model");
    config.first_token_timeout = Duration::from_millis(700);
    config.idle_timeout = Duration::from_millis(300);
    config
}

async fn events(config: ChatConfig) -> (String, Result<Option<Usage>, ModelError>) {
    let model = ChatModel::new(config).unwrap();
    let mut stream = Box::pin(model.stream(&prompt("Why?")));
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(ModelEvent::Delta(delta)) => text.push_str(&delta),
            Ok(ModelEvent::Finished(usage)) => return (text, Ok(usage)),
            Err(error) => return (text, Err(error)),
        }
    }
    panic!("the stream ended without saying how")
}

#[tokio::test]
async fn an_answer_arrives_whole_with_its_usage() {
    let server = ModelServer::start(Act::Say(vec!["Bec", "ause ", "é", "。"])).await;
    let mut config = config(&format!("{}/", server.base_url));
    config.api_key = Some("s3cret".into());
    let (text, end) = events(config).await;
    assert_eq!(text, "Because é。");
    assert_eq!(end.unwrap(), Some(Usage { prompt_tokens: 21, completion_tokens: 7 }));
    let (headers, body) = server.requests().remove(0);
    assert_eq!(headers["authorization"], "Bearer s3cret");
    assert_eq!(body["model"], "test-model");
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert_eq!(body["messages"][0]["role"], "user");
}

#[tokio::test]
async fn a_server_that_does_not_count_is_fine() {
    let server = ModelServer::start(Act::SayUncounted(vec!["Yes."])).await;
    assert_eq!(events(config(&server.base_url)).await, ("Yes.".into(), Ok(None)));
}

#[tokio::test]
async fn a_model_that_writes_nothing_is_away() {
    for act in
        [Act::Status(503), Act::Status(429), Act::Drop(vec![]), Act::Stall(vec![]), Act::Report(vec![])]
    {
        let server = ModelServer::start(act.clone()).await;
        let (text, end) = events(config(&server.base_url)).await;
        assert!(text.is_empty() && matches!(end, Err(ModelError::Away(_))), "{act:?}: {end:?}");
    }
    let (_, end) = events(config("http://127.0.0.1:9/v1")).await;
    assert!(matches!(end, Err(ModelError::Away(_))), "{end:?}");
}

#[tokio::test]
async fn a_model_that_refuses_is_not_asked_again() {
    for status in [400, 401, 404] {
        let server = ModelServer::start(Act::Status(status)).await;
        let error = events(config(&server.base_url)).await.1.unwrap_err();
        assert!(matches!(error, ModelError::Refused(_)) && !error.is_transient(), "{status}");
    }
    let (_, end) = events(config("not an address")).await;
    assert!(matches!(end, Err(ModelError::Refused(_))), "{end:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_off() {
    for act in [Act::Drop(vec!["Half"]), Act::Stall(vec!["Half"]), Act::Report(vec!["Half"])] {
        let server = ModelServer::start(act.clone()).await;
        let (text, end) = events(config(&server.base_url)).await;
        assert_eq!(text, "Half");
        assert!(matches!(end, Err(ModelError::CutOff(_))), "{act:?}: {end:?}");
    }
}

#[tokio::test]
async fn dropping_the_stream_ends_the_request() {
    let server = ModelServer::start(Act::Stall(vec!["Half"])).await;
    let idle = server.holders();
    let model = ChatModel::new(ChatConfig::new(&server.base_url, "test-model")).unwrap();
    let mut stream = Box::pin(model.stream(&prompt("Why?")));
    assert_eq!(stream.next().await.unwrap().unwrap(), ModelEvent::Delta("Half".into()));
    assert!(server.holders() > idle);
    drop(stream);
    let ended = async {
        while server.holders() > idle {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
}

/// Needs a real server (llama.cpp with a small model); skipped where none runs, for it only confirms the protocol.
#[tokio::test]
async fn a_real_server_speaks_the_protocol() {
    let Ok(base_url) = std::env::var("COLLOQUY_TEST_MODEL_URL") else { return };
    let (text, end) = events(ChatConfig::new(base_url, "small")).await;
    assert!(!text.is_empty());
    let usage = end.unwrap().unwrap();
    assert!(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
}
