#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| careline::fuzzed::run("configuration", data));
