//! Tests of the count of tokens, of answers that do not complete above all.

use std::time::Duration;

use futures::StreamExt as _;
use rag::generate::{ChatConfig, ChatModel, Meter, Usage};
use rag::prompt::{Message, Prompt, Role};
use serde_json::json;

use crate::model_server::{Behavior, ModelServer};

/// The estimated tokens of the prompt.
const ESTIMATED: u32 = 9;

fn prompt() -> Prompt {
    let messages = vec![Message { role: Role::User, content: "Why?".into() }];
    Prompt {
        messages,
        source_count: 0,
        max_answer_tokens: 48,
        estimated_tokens: ESTIMATED,
        temperature: None,
        is_continued: false,
    }
}

fn metered(base_url: &str) -> (ChatModel, Meter) {
    metered_with(ChatConfig::new(base_url, "test-model"))
}

fn metered_with(config: ChatConfig) -> (ChatModel, Meter) {
    let meter = Meter::default();
    (ChatModel::new(config).unwrap().metered(meter.clone()), meter)
}

/// The tokens of a request whose response is read to its end.
async fn tokens(behavior: Behavior) -> Usage {
    let server = ModelServer::start(behavior.clone()).await;
    let mut config = ChatConfig::new(&server.base_url, "test-model");
    if matches!(behavior, Behavior::Silent) {
        config.first_token_timeout = Duration::from_millis(300);
    }
    let (model, meter) = metered_with(config);
    let _: Vec<_> = model.stream(&prompt()).collect().await;
    meter.total()
}

fn event(value: &serde_json::Value) -> String {
    format!("data: {value}\n\n")
}

const fn usage(prompt_tokens: u32, completion_tokens: u32) -> Usage {
    Usage { prompt_tokens, completion_tokens }
}

#[tokio::test]
async fn a_report_counts_also_where_no_text_comes_with_it_or_the_answer_breaks_off_behind_it() {
    let report = event(&json!({"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 12}}));
    let end = event(&json!({"choices": [{"delta": {}, "finish_reason": "length"}]}));
    let done = "data: [DONE]\n\n";
    assert_eq!(tokens(Behavior::Raw(format!("{end}{report}{done}"))).await, usage(30, 12), "no text");
    let text = event(&json!({"choices": [{"delta": {"content": "Half"}}]}));
    let error = event(&json!({"error": {"message": "out of memory"}}));
    assert_eq!(tokens(Behavior::Raw(format!("{text}{report}{error}"))).await, usage(30, 12), "an error");
    assert_eq!(tokens(Behavior::Raw(format!("{text}{error}"))).await, usage(ESTIMATED, 2), "no report");
    let broken = "data: {\"choices\": [}\n\n";
    assert_eq!(tokens(Behavior::Raw(format!("{report}{broken}"))).await, usage(30, 12), "a malformed event");
}

#[tokio::test]
async fn a_prompt_counts_as_soon_as_a_server_may_have_read_it_and_not_where_it_refuses() {
    let server = ModelServer::start(Behavior::Silent).await;
    let (model, meter) = metered(&server.base_url);
    let mut stream = Box::pin(model.stream(&prompt()));
    tokio::select! {
        event = stream.next() => panic!("{event:?}"),
        () = server.has_requests() => {}
    }
    drop(stream);
    assert_eq!(meter.total(), usage(ESTIMATED, 0), "stopped before the response began");
    assert_eq!(tokens(Behavior::Silent).await, usage(ESTIMATED, 0), "no response in time");
    for status in [401, 429, 503] {
        assert_eq!(tokens(Behavior::Status(status)).await, Usage::default(), "{status}");
    }
    let (unreachable, meter) = metered("http://127.0.0.1:9/v1");
    let _: Vec<_> = unreachable.stream(&prompt()).collect().await;
    assert_eq!(meter.total(), Usage::default(), "no connection");
}

#[tokio::test]
async fn requests_with_other_parameters_count_once() {
    let refusing = Behavior::Refusing(&["max_tokens", "temperature", "stream_options"]);
    assert_eq!(tokens(refusing).await, usage(21, 7));
}
