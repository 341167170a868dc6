//! Tests of the reader with the events of servers that keep the format loosely.

use super::*;

fn event(data: &str) -> Event {
    Event { is_error: false, data: data.to_owned() }
}

/// Reads events. Returns what they add.
fn read(completion: &mut Completion, events: &[&str]) -> Vec<ModelEvent> {
    events.iter().flat_map(|data| completion.push(&event(data)).unwrap()).collect()
}

/// The reasoning, the text and the end of a completion of these events.
fn completed(events: &[&str]) -> (String, String, Result<Finished, ModelError>) {
    let mut completion = Completion::default();
    let mut read = read(&mut completion, events);
    let mut end = None;
    match completion.finish() {
        Ok(rest) => read.extend(rest),
        Err(error) => end = Some(Err(error)),
    }
    let (mut reasoning, mut text) = (String::new(), String::new());
    for event in read {
        match event {
            ModelEvent::Reasoning(more) => reasoning.push_str(&more),
            ModelEvent::Delta(more) => text.push_str(&more),
            ModelEvent::TextWasReasoning => reasoning.push_str(&std::mem::take(&mut text)),
            ModelEvent::Finished(finished) => end = Some(Ok(finished)),
        }
    }
    (reasoning, text, end.unwrap())
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#)
}

fn finish(reason: &str) -> String {
    format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":{reason}}}]}}"#)
}

#[test]
fn a_finish_reason_or_the_last_event_completes_an_answer() {
    for (reason, read) in [
        ("stop", FinishReason::Stop),
        ("eos_token", FinishReason::Stop),
        ("STOP", FinishReason::Stop),
        ("length", FinishReason::Length),
        ("MAX_TOKENS", FinishReason::Length),
        ("token_limit", FinishReason::Length),
        ("content_filter", FinishReason::ContentFilter),
        ("SAFETY", FinishReason::ContentFilter),
    ] {
        let (_, text, end) = completed(&[&delta(r#"{"content":"a"}"#), &finish(&format!("\"{reason}\""))]);
        assert_eq!((text.as_str(), end.unwrap().reason), ("a", read), "{reason}");
    }
    assert!(completed(&[&delta(r#"{"content":"a"}"#), DONE]).2.is_ok());
}

#[test]
fn an_answer_without_a_finish_reason_is_torn() {
    for reason in ["null", r#""""#, r#""null""#, "7"] {
        let (_, text, end) = completed(&[&delta(r#"{"content":"a"}"#), &finish(reason)]);
        let is_torn = matches!(end, Err(ModelError::Interrupted(ApiError::EndedEarly)));
        assert!(text == "a" && is_torn, "{reason}");
    }
    let mut completion = Completion::default();
    read(&mut completion, &[&delta(r#"{"content":"a"}"#)]);
    let broken = completion.push(&event(&finish(r#""error""#))).unwrap_err();
    assert!(matches!(broken, ModelError::Interrupted(ApiError::Reported)));
}

#[test]
fn only_credible_token_counts_are_taken_and_no_report_breaks_an_answer() {
    for (prompt_tokens, taken) in [
        ("21", Some(21)),
        ("21.0", Some(21)),
        ("null", None),
        ("-1", None),
        ("0.5", None),
        ("\"many\"", None),
        ("4294967295", None),
        ("1e300", None),
        ("[]", None),
    ] {
        let usage = format!(r#"{{"choices":[],"usage":{{"prompt_tokens":{prompt_tokens}}}}}"#);
        let (_, _, end) = completed(&[&delta(r#"{"content":"a"}"#), &usage, DONE]);
        let reported = ReportedUsage { prompt_tokens: taken, completion_tokens: None };
        assert_eq!(end.unwrap().usage, reported, "{prompt_tokens}");
    }
    let usage = r#"{"choices":[],"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":3}}}"#;
    let (_, _, end) = completed(&[&delta(r#"{"content":"a"}"#), usage, DONE]);
    assert_eq!(end.unwrap().usage, ReportedUsage { prompt_tokens: Some(9), completion_tokens: Some(3) });
    for usage in ["null", "7", "\"none\"", "{}"] {
        let usage = format!(r#"{{"choices":null,"usage":{usage}}}"#);
        let (_, _, end) = completed(&[&delta(r#"{"content":"a"}"#), &usage, DONE]);
        assert_eq!(end.unwrap().usage, ReportedUsage::default());
    }
}

#[test]
fn signs_of_life_add_nothing() {
    let pings =
        ["", "ping", "keep-alive", "null", "7", "{\"type\":\"ping\"}", "{}", "[]", "{\"choices\":[]}"];
    for ping in pings {
        let (_, text, end) =
            completed(&[ping, &delta(r#"{"content":"a"}"#), ping, &finish("\"stop\""), ping]);
        assert!(text == "a" && end.is_ok(), "{ping:?}");
    }
}

#[test]
fn content_comes_as_text_as_parts_or_as_a_whole_message() {
    for (events, reasoning, text) in [
        (vec![delta(r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#)], "", "ab"),
        (vec![delta(r#"{"content":[{"type":"thinking","thinking":[{"text":"hm"}]},"a"]}"#)], "hm", "a"),
        (vec![delta(r#"{"content":{"type":"output_text","text":"a"}}"#)], "", "a"),
        (
            vec![
                delta(r#"{"content":null,"reasoning":"hm","reasoning_content":"hm"}"#),
                delta(r#"{"content":"a"}"#),
            ],
            "hm",
            "a",
        ),
        (
            vec![
                delta(r#"{"content":"","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}"#),
                delta(r#"{"content":"a"}"#),
            ],
            "hm",
            "a",
        ),
        (vec![r#"{"choices":[{"message":{"role":"assistant","content":"a"}}]}"#.into()], "", "a"),
        (vec![delta(r#"{"content":"a"}"#), r#"{"choices":[{"message":{"content":"a"}}]}"#.into()], "", "a"),
        (vec![r#"{"choices":[{"text":"a"}]}"#.into()], "", "a"),
        (
            vec![
                r#"{"choices":[{"index":1,"delta":{"content":"x"}},{"index":0,"delta":{"content":"a"}}]}"#
                    .into(),
            ],
            "",
            "a",
        ),
        (vec![format!("{}\n{}", delta(r#"{"content":"a"}"#), delta(r#"{"content":"b"}"#))], "", "ab"),
        (vec![delta(r#"{"content":"\ud83d"}"#), delta(r#"{"content":"\ude00"}"#)], "", "😀"),
        (vec![r#"{"choices":[{"delta":{"content":"a"},"logprobs":NaN}]}"#.into()], "", "a"),
        (vec![delta(r#"{"refusal":"a"}"#)], "", "a"),
    ] {
        let events: Vec<&str> = events.iter().map(String::as_str).chain([DONE]).collect();
        let (read_reasoning, read_text, end) = completed(&events);
        assert_eq!((read_reasoning.as_str(), read_text.as_str()), (reasoning, text), "{events:?}");
        assert!(end.is_ok());
    }
}

#[test]
fn a_completion_without_a_text_names_its_reason() {
    let call = r#"{"tool_calls":[{"index":0,"function":{"name":"search","arguments":"{}"}}]}"#;
    for (events, expected) in [
        (vec![delta(r#"{"reasoning_content":"hm"}"#), finish("\"length\"")], FinishReason::Length),
        (vec![delta(r#"{"content":"<think>hm"}"#), finish("\"stop\"")], FinishReason::Stop),
        (vec![delta(r#"{"content":"hm</think>\n"}"#), finish("\"stop\"")], FinishReason::Stop),
        (vec![delta(r#"{"role":"assistant"}"#), finish("\"content_filter\"")], FinishReason::ContentFilter),
        (vec![delta(call), finish("\"tool_calls\"")], FinishReason::ToolCall),
        (vec![delta(call), finish("\"stop\"")], FinishReason::ToolCall),
        (
            vec![
                delta(r#"{"content":"<tool_call>\n{\"name\":\"search\"}\n</tool_call>"}"#),
                finish("\"stop\""),
            ],
            FinishReason::ToolCall,
        ),
        (vec![delta(r#"{"content":"[TOOL_CALLS][{\"name\":"}"#), DONE.to_owned()], FinishReason::ToolCall),
        (vec![delta(r#"{"content":" \n"}"#), finish("\"stop\"")], FinishReason::Stop),
        (vec![DONE.to_owned()], FinishReason::Stop),
    ] {
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let end = completed(&events).2;
        assert!(matches!(end, Err(ModelError::NoText(reason)) if reason == expected), "{events:?}: {end:?}");
    }
}

#[test]
fn control_characters_are_removed_from_the_text() {
    let (_, text, _) = completed(&[&delta(r#"{"content":"a\u0000\u0007b\n\tc\u009f"}"#), DONE]);
    assert_eq!(text, "ab\n\tc");
}

#[test]
fn errors_in_the_stream_are_failures_until_the_answer_is_whole() {
    for (error, refused) in [
        (r#"{"error":{"message":"out of memory"}}"#, false),
        (r#"{"error":"out of memory"}"#, false),
        (r#"{"error":{"message":"Provider returned error","code":502},"choices":[]}"#, false),
        (r#"{"object":"error","message":"bad","code":400}"#, true),
        (r#"{"error":{"code":"401"}}"#, true),
        (r#"[{"error":{"code":429}}]"#, false),
        (r#"{"detail":"Internal error"}"#, false),
        ("{\"choices\": [", false),
    ] {
        let mut completion = Completion::default();
        let before = completion.push(&event(error)).unwrap_err();
        assert_eq!(matches!(before, ModelError::Refused(_)), refused, "{error}");
        read(&mut completion, &[&delta(r#"{"content":"a"}"#)]);
        let within = completion.push(&event(error)).unwrap_err();
        assert!(matches!(within, ModelError::Interrupted(_)), "{error}");
        read(&mut completion, &[&finish("\"stop\"")]);
        assert!(completion.push(&event(error)).unwrap().is_empty(), "{error}");
    }
    let named = Event { is_error: true, data: r#"{"message":"overloaded"}"#.into() };
    assert!(matches!(Completion::default().push(&named), Err(ModelError::Unavailable(ApiError::Reported))));
}
