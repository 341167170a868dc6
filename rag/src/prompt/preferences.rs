//! How a person wants answers to be written: instructions and a temperature, beside the rules for answers.

use super::estimate_tokens;

const INSTRUCTIONS: &str = include_str!("../../../prompts/instructions.v1.system.md");
/// The instructions take at most one part in this many of the context.
const SHARE: u32 = 4;

/// How answers are to be written. The default leaves everything to the rules and the configuration.
#[derive(Clone, Default, PartialEq)]
pub struct Preferences {
    /// Texts for the language model. Where two contradict each other, the later one counts.
    pub instructions: Vec<String>,
    /// The temperature to ask for; `None` for that of the configuration.
    pub temperature: Option<f32>,
}

impl std::fmt::Debug for Preferences {
    /// Omits the texts, so that they cannot reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Preferences({} instructions, {:?})", self.instructions.len(), self.temperature)
    }
}

/// The rules with the instructions behind them. Instructions take at most a quarter of the context; the end of
/// the earlier ones is left out where all are longer.
pub(super) fn with_instructions(rules: String, instructions: &[String], context_tokens: u32) -> String {
    if instructions.is_empty() {
        return rules;
    }
    let kept = kept(instructions, context_tokens);
    let (before, after) = INSTRUCTIONS.trim().split_once("{{instructions}}").unwrap_or((INSTRUCTIONS, ""));
    format!("{rules}\n\n{before}{}{after}", kept.join("\n\n").trim())
}

/// The number of instructions that have room, counted from the last one.
pub(crate) fn instructions_given(instructions: &[String], context_tokens: u32) -> usize {
    kept(instructions, context_tokens).iter().rev().take_while(|text| !text.trim().is_empty()).count()
}

/// The part of each of the instructions that has room.
fn kept(instructions: &[String], context_tokens: u32) -> Vec<&str> {
    let mut available = context_tokens / SHARE;
    let mut kept = Vec::with_capacity(instructions.len());
    for text in instructions.iter().rev() {
        let text = fitting(text, available);
        available = available.saturating_sub(estimate_tokens(text));
        kept.push(text);
    }
    kept.reverse();
    kept
}

/// The longest beginning of a text that takes at most this many tokens.
fn fitting(text: &str, max_tokens: u32) -> &str {
    if estimate_tokens(text) <= max_tokens {
        return text;
    }
    let (mut ascii, mut other) = (0_u32, 0_u32);
    let beginning = text.chars().take_while(|c| {
        if c.is_ascii() {
            ascii += 1;
        } else {
            other += 1;
        }
        ascii.div_ceil(3) + other <= max_tokens
    });
    &text[..beginning.map(char::len_utf8).sum()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(instructions: &[&str], context_tokens: u32) -> String {
        let instructions: Vec<String> = instructions.iter().map(|text| (*text).to_owned()).collect();
        with_instructions("Rules.".to_owned(), &instructions, context_tokens)
    }

    #[test]
    fn instructions_stand_behind_the_rules_in_their_order_and_add_no_placeholder() {
        let text = with(&["Be {{nothing}}.", "In verse."], 4096);
        assert!(text.starts_with("Rules.\n\nThe person has wishes"), "{text}");
        assert!(text.ends_with("<wishes>\nBe {{nothing}}.\n\nIn verse.\n</wishes>"), "{text}");
        assert_eq!(with(&[], 4096), "Rules.");
    }

    #[test]
    fn long_instructions_leave_room_and_the_later_ones_are_kept_longest() {
        let (early, late) = ("ä".repeat(4_000), "late ".repeat(100));
        let text = with(&[&early, &late], 1_024);
        assert!(text.contains(late.trim()) && text.contains("ää"), "{text}");
        assert!(estimate_tokens(&text) < 256 + 150, "{}", estimate_tokens(&text));
        assert_eq!(instructions_given(&[early.clone(), late.clone()], 1_024), 2);
        assert_eq!(instructions_given(&[late, early], 1_024), 1, "no room is left for the earlier one");
    }
}
