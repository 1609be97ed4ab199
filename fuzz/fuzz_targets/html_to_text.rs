#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| careline::fuzzed::run("html_to_text", data));
