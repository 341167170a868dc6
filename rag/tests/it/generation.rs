//! Tests of the language model's client.

use std::time::Duration;

use futures::StreamExt as _;
use rag::generate::{ChatConfig, ChatModel, ModelError, ModelEvent, ReportedUsage};
use rag::prompt::{Message, Prompt, Role};

use serde_json::json;

use crate::model_server::{Behavior, ModelServer};

/// A time limit after which a silent server counts as stalled.
const STALLED_AFTER: Duration = Duration::from_millis(300);

fn prompt(question: &str) -> Prompt {
    let messages = vec![Message { role: Role::User, content: question.into() }];
    Prompt {
        messages,
        source_count: 0,
        max_answer_tokens: 48,
        estimated_tokens: 9,
        temperature: None,
        is_continued: false,
    }
}

fn config(base_url: &str) -> ChatConfig {
    ChatConfig::new(base_url, "test-model")
}

async fn answer(config: ChatConfig) -> (String, Result<ReportedUsage, ModelError>) {
    let model = ChatModel::new(config).unwrap();
    let mut stream = Box::pin(model.stream(&prompt("Why?")));
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(ModelEvent::Delta(delta)) => text.push_str(&delta),
            Ok(ModelEvent::Finished(end)) => return (text, Ok(end.usage)),
            Ok(ModelEvent::Reasoning(_) | ModelEvent::TextWasReasoning) => {}
            Err(error) => return (text, Err(error)),
        }
    }
    panic!("the stream ended without an end event or an error")
}

#[tokio::test]
async fn an_answer_arrives_whole_with_its_usage() {
    let server = ModelServer::start(Behavior::Complete(vec!["Bec", "ause ", "é", "。"])).await;
    let mut config = config(&format!("{}/", server.base_url));
    config.api_key = Some("s3cret".into());
    let (text, end) = answer(config).await;
    assert_eq!(text, "Because é。");
    assert_eq!(end.unwrap(), ReportedUsage { prompt_tokens: Some(21), completion_tokens: Some(7) });
    let (headers, body) = server.requests().remove(0);
    assert_eq!(headers["authorization"], "Bearer s3cret");
    assert_eq!(body["model"], "test-model");
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert_eq!(body["messages"][0]["role"], "user");
}

#[tokio::test]
async fn a_server_need_not_report_usage() {
    let server = ModelServer::start(Behavior::CompleteWithoutUsage(vec!["Yes."])).await;
    let (text, end) = answer(config(&server.base_url)).await;
    assert_eq!((text.as_str(), end.unwrap()), ("Yes.", ReportedUsage::default()));
}

#[tokio::test]
async fn a_model_that_writes_nothing_is_unavailable() {
    for behavior in [
        Behavior::Status(503),
        Behavior::Status(429),
        Behavior::CloseAfter(vec![]),
        Behavior::ErrorAfter(vec![]),
        Behavior::StallAfter(vec![]),
    ] {
        let server = ModelServer::start(behavior.clone()).await;
        let mut config = config(&server.base_url);
        if matches!(behavior, Behavior::StallAfter(_)) {
            config.first_token_timeout = STALLED_AFTER;
        }
        let (text, end) = answer(config).await;
        assert!(text.is_empty() && matches!(end, Err(ModelError::Unavailable(_))), "{behavior:?}: {end:?}");
    }
    let (_, end) = answer(config("http://127.0.0.1:9/v1")).await;
    assert!(matches!(end, Err(ModelError::Unavailable(_))), "{end:?}");
}

#[tokio::test]
async fn a_refused_request_is_not_transient() {
    for status in [400, 401, 404] {
        let server = ModelServer::start(Behavior::Status(status)).await;
        let error = answer(config(&server.base_url)).await.1.unwrap_err();
        assert!(matches!(error, ModelError::Refused(_)) && !error.is_transient(), "{status}");
    }
    let (_, end) = answer(config("not an address")).await;
    assert!(matches!(end, Err(ModelError::Refused(_))), "{end:?}");
}

#[tokio::test]
async fn an_answer_that_stops_early_is_interrupted() {
    for behavior in [
        Behavior::CloseAfter(vec!["Half"]),
        Behavior::ErrorAfter(vec!["Half"]),
        Behavior::StallAfter(vec!["Half"]),
    ] {
        let server = ModelServer::start(behavior.clone()).await;
        let mut config = config(&server.base_url);
        if matches!(behavior, Behavior::StallAfter(_)) {
            config.idle_timeout = STALLED_AFTER;
        }
        let (text, end) = answer(config).await;
        assert_eq!(text, "Half");
        assert!(matches!(end, Err(ModelError::Interrupted(_))), "{behavior:?}: {end:?}");
    }
}

#[tokio::test]
async fn an_answer_with_a_finish_reason_is_whole_although_the_connection_stays_open() {
    let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    let server = ModelServer::start(Behavior::EventAfter(vec!["Whole."], end)).await;
    let (text, end) = answer(config(&server.base_url)).await;
    assert_eq!((text.as_str(), end.unwrap()), ("Whole.", ReportedUsage::default()));
}

#[tokio::test]
async fn parameters_that_a_server_refuses_are_found_once_and_remembered() {
    let server =
        ModelServer::start(Behavior::Refusing(&["max_tokens", "temperature", "stream_options"])).await;
    let model = ChatModel::new(config(&server.base_url)).unwrap();
    for _ in 0..2 {
        let events: Vec<_> = model.stream(&prompt("Why?")).collect().await;
        assert_eq!(events.first().unwrap().as_ref().unwrap(), &ModelEvent::Delta("Yes.".into()));
    }
    let bodies: Vec<_> = server.requests().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies.len(), 5, "three refusals, then an answer, then another at once");
    assert!(bodies[4]["max_completion_tokens"].as_u64() > Some(48), "there is room for reasoning");
    assert!(bodies[4].get("temperature").is_none() && bodies[4].get("stream_options").is_none());
}

#[tokio::test]
async fn signs_of_life_do_not_count_as_an_answer() {
    let beats = ": still here\n\ndata: {\"type\":\"ping\"}\n\n".repeat(50);
    for body in
        [beats.clone(), format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"Half\"}}}}]}}\n\n{beats}")]
    {
        let server = ModelServer::start(Behavior::Raw(body)).await;
        let mut config = config(&server.base_url);
        config.first_token_timeout = STALLED_AFTER;
        config.idle_timeout = STALLED_AFTER;
        let (text, end) = answer(config).await;
        let is_silent = matches!(end, Err(ModelError::Unavailable(_) | ModelError::Interrupted(_)));
        assert!(is_silent, "{text}: {end:?}");
    }
}

#[tokio::test]
async fn an_answer_in_one_document_is_read_like_a_stream() {
    let document = json!({
        "choices": [{"message": {"role": "assistant", "content": "<think>Hm.</think>Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    });
    let server = ModelServer::start(Behavior::Raw(document.to_string())).await;
    let (text, end) = answer(config(&server.base_url)).await;
    assert_eq!((text.as_str(), end.unwrap().prompt_tokens), ("Yes.", Some(3)));
}

#[tokio::test]
async fn an_event_without_an_end_is_given_up_at_its_largest_size() {
    let server = ModelServer::start(Behavior::Flood("x".repeat(2 << 20))).await;
    let (text, end) = answer(config(&server.base_url)).await;
    assert!(text.is_empty() && matches!(end, Err(ModelError::Unavailable(_))), "{end:?}");
}

#[tokio::test]
async fn dropping_the_stream_ends_the_request() {
    let server = ModelServer::start(Behavior::StallAfter(vec!["Half"])).await;
    let model = ChatModel::new(config(&server.base_url)).unwrap();
    let mut stream = Box::pin(model.stream(&prompt("Why?")));
    assert_eq!(stream.next().await.unwrap().unwrap(), ModelEvent::Delta("Half".into()));
    assert!(server.is_responding());
    drop(stream);
    tokio::time::timeout(Duration::from_mins(1), server.all_responses_ended()).await.unwrap();
}

#[tokio::test]
async fn a_busy_server_is_asked_again_after_the_time_that_it_names_if_that_is_short() {
    for (headers, requests) in [
        (vec![("retry-after", "0")], 3),
        (vec![("retry-after-ms", "300"), ("retry-after", "20")], 3),
        (vec![("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], 3),
        (vec![("retry-after", "3600")], 1),
        (vec![("retry-after", "soon")], 1),
        (vec![], 1),
    ] {
        let server = ModelServer::start(Behavior::Busy(2, headers.clone())).await;
        let (text, end) = answer(config(&server.base_url)).await;
        assert_eq!(server.requests().len(), requests, "{headers:?}");
        match end {
            Ok(_) => assert_eq!((text.as_str(), requests), ("Yes.", 3)),
            Err(error) => assert!(requests == 1 && matches!(error, ModelError::Unavailable(_)), "{error:?}"),
        }
    }
    // A server that stays busy is not asked for ever.
    let server = ModelServer::start(Behavior::Busy(99, vec![("retry-after", "0")])).await;
    assert!(matches!(answer(config(&server.base_url)).await.1, Err(ModelError::Unavailable(_))));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn the_wait_for_a_busy_server_ends_with_the_stream_and_at_the_limit_to_the_first_token() {
    let server = ModelServer::start(Behavior::Busy(9, vec![("retry-after", "20")])).await;
    let model = ChatModel::new(config(&server.base_url)).unwrap();
    let mut stream = Box::pin(model.stream(&prompt("Why?")));
    tokio::select! {
        event = stream.next() => panic!("{event:?} came before the time was over"),
        () = server.has_requests() => drop(stream),
    }
    let config = ChatConfig { first_token_timeout: Duration::from_secs(10), ..config(&server.base_url) };
    assert!(matches!(answer(config).await.1, Err(ModelError::Unavailable(_))));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_redirection_is_followed_on_the_same_server_with_key_and_question_and_on_no_other() {
    let other = ModelServer::start(Behavior::Complete(vec!["No."])).await;
    for status in [301, 302, 307, 308] {
        let server = ModelServer::start(Behavior::Redirecting(status, "/moved".into())).await;
        let mut config = config(&server.base_url);
        config.api_key = Some("s3cret".into());
        let (text, end) = answer(config.clone()).await;
        assert!(text == "Yes." && end.is_ok(), "{status}: {end:?}");
        let (headers, body) = server.requests().remove(1);
        assert_eq!(
            (&headers["authorization"], &body["model"]),
            (&"Bearer s3cret".parse().unwrap(), &json!("test-model"))
        );

        let elsewhere = format!("{}/chat/completions", other.base_url);
        let server = ModelServer::start(Behavior::Redirecting(status, elsewhere)).await;
        config.base_url.clone_from(&server.base_url);
        assert!(matches!(answer(config.clone()).await.1, Err(ModelError::Refused(_))));
        let server = ModelServer::start(Behavior::Redirecting(status, "/v1/chat/completions".into())).await;
        config.base_url.clone_from(&server.base_url);
        assert!(matches!(answer(config).await.1, Err(ModelError::Refused(_))));
        assert_eq!(server.requests().len(), 4, "a circle ends");
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_compressed_answer_is_read_and_an_unknown_compression_is_named() {
    use std::io::Write as _;
    let answered = "data: {\"choices\":[{\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"stop\"}]}\n\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(answered.as_bytes()).unwrap();
    let server = ModelServer::start(Behavior::Encoded("gzip", gzip.finish().unwrap())).await;
    let (text, end) = answer(config(&server.base_url)).await;
    assert!(text == "Yes." && end.is_ok(), "{end:?}");
    assert_eq!(server.requests().remove(0).0["accept-encoding"], "identity");

    let server = ModelServer::start(Behavior::Encoded("br", vec![7; 40])).await;
    let error = answer(config(&server.base_url)).await.1.unwrap_err();
    assert!(matches!(error, ModelError::Unavailable(_)), "{error:?}");
    assert!(rag::error_chain::ErrorChain(&error).to_string().contains("not by gzip or deflate"), "{error:?}");

    // One event without an end, which unpacks to far more than the largest one.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b'x'; 40 << 20]).unwrap();
    let server = ModelServer::start(Behavior::Encoded("gzip", gzip.finish().unwrap())).await;
    assert!(matches!(answer(config(&server.base_url)).await.1, Err(ModelError::Unavailable(_))));
}

/// Confirms the protocol with llama.cpp and a small model. Skipped if no such server runs.
#[tokio::test]
async fn a_real_server_speaks_the_protocol() {
    let Ok(base_url) = std::env::var("COLLOQUY_TEST_MODEL_URL") else { return };
    let (text, end) = answer(ChatConfig::new(base_url, "small")).await;
    assert!(!text.is_empty());
    let usage = end.unwrap();
    assert!(usage.prompt_tokens > Some(0) && usage.completion_tokens > Some(0));
}
