//! What targets have in common.

use std::panic::{set_hook, take_hook};

/// Ends the process at panics in code of this project alone. A panic in a library that reads files is a file that
/// violates its format: `rag::extract` catches it.
pub fn look_at_own_panics() {
    let abort = take_hook();
    set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|location| location.file().contains("/registry/src/")) {
            abort(panic);
        }
    }));
}
