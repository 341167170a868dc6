//! Lets the language model say what a question that leans on the conversation asks for.

use std::time::Duration;

use futures::{StreamExt as _, pin_mut};

use crate::generate::{ChatModel, ModelEvent};
use crate::prompt;
use crate::vocabulary::Turn;

/// How long the model may take; after that the terms of the conversation have to do.
const TIME: Duration = Duration::from_secs(6);
/// A question longer than this is no question.
const LONGEST: usize = 400;

/// The question as it stands alone; `None` when the model is away, slow, or writes something else.
pub(crate) async fn rewritten(model: &ChatModel, question: &str, history: &[Turn]) -> Option<String> {
    let prompt = prompt::rewrite(question, history, model.context_tokens());
    let writing = async {
        let events = model.stream(&prompt);
        pin_mut!(events);
        let mut text = String::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(ModelEvent::Delta(delta)) => text.push_str(&delta),
                Ok(ModelEvent::Finished(_)) => return Some(text),
                Err(error) => {
                    tracing::debug!(%error, "a question was not written anew");
                    return None;
                }
            }
        }
        None
    };
    tokio::time::timeout(TIME, writing).await.ok().flatten().as_deref().and_then(question_of)
}

/// The question in what the model wrote.
fn question_of(written: &str) -> Option<String> {
    let line = written.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_matches(|c| matches!(c, '"' | '“' | '”' | '*' | '`')).trim();
    let usable = line.chars().any(char::is_alphanumeric) && line.chars().count() <= LONGEST;
    usable.then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_the_model_writes_one_line_counts() {
        let question = Some("How do I undo a rebase?".to_owned());
        assert_eq!(question_of("\n \"How do I undo a rebase?\" \nBecause …"), question);
        assert_eq!(question_of(" \n…?\n"), None);
        assert_eq!(question_of(&"word ".repeat(100)), None);
    }
}
