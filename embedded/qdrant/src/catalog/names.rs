//! Which names a collection may have: the server's rule, and no name that would lead out of the folder.

use crate::failure::Failure;

const LONGEST: usize = 255;
const FORBIDDEN: [char; 11] = ['<', '>', ':', '"', '/', '\\', '|', '?', '*', '\0', '\u{1F}'];

/// Refuses what cannot be the name of a collection.
pub(super) fn check(name: &str) -> Result<(), Failure> {
    let refused = |why: String| Err(Failure::OutOfBounds("collection_name", why));
    if name.is_empty() || name.len() > LONGEST {
        return refused(format!("value \"{name}\" invalid, must be from 1 to {LONGEST} characters"));
    }
    if let Some(character) = name.chars().find(|character| FORBIDDEN.contains(character)) {
        return refused(format!("collection name cannot contain \"{character}\" char"));
    }
    if name == "." || name == ".." {
        return refused(format!("collection name cannot be \"{name}\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn ordinary_names_pass() {
        for name in ["passages", "passages_minilm-l6-v2-int8_384", "über", "a.b", ".hidden"] {
            assert!(check(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "../x", "a/b", "a\\b", "a\0b", "a:b", &"x".repeat(256)] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
