#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| colloquy::api::fuzzing::parameter(bytes));
