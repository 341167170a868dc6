#![no_main]

libfuzzer_sys::fuzz_target!(init: colloquy_fuzz::look_at_own_panics(), |bytes: &[u8]| rag::fuzzing::document(bytes));
