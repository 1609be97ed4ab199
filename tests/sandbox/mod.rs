//! Does the demo work as a visitor uses it, and for nobody else?

mod again;
mod alert;
mod browser;
mod day;
mod devtools;
mod media;
mod outside;
mod private;
mod refused;

/// Base 64 (RFC 4648), as DevTools writes pictures.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|c| ALPHABET.iter().position(|a| *a == c));
    let (mut out, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for digit in digits {
        bits = (bits << 6 | u32::try_from(digit).unwrap_or(0)) & 0xFF_FFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xFF).unwrap_or(0));
        }
    }
    out
}
