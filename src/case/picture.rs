//! Takes out of a picture what does not belong to what it shows: where and when it was taken, with
//! which camera, by whom. Colours and the way up are kept.
//!
//! Sources: JPEG, ITU T.81 annex B (segments); Exif 2.3, 4.6 (tag 0x0112 is the way up); PNG, third
//! edition, 11.3 (chunks); WebP, RIFF container (RFC 9649, 2.7).

/// Why a picture is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// The picture without its metadata. What is no JPEG, PNG or WebP is given back as it is.
///
/// # Errors
/// [`Damaged`]: it begins like a picture and does not go on like one; nobody knows what it holds.
pub fn bare(bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
    match bytes {
        [0xFF, 0xD8, rest @ ..] => jpeg(rest).ok_or(Damaged),
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, rest @ ..] => png(rest).ok_or(Damaged),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', rest @ ..] => {
            webp(rest).ok_or(Damaged)
        }
        other => Ok(other.to_vec()),
    }
}

fn jpeg(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0xFF, 0xD8];
    loop {
        let [0xFF, marker, tail @ ..] = rest else { return None };
        match marker {
            0xFF => rest = &rest[1..],
            // From here on it is the picture itself.
            0xDA => {
                out.extend_from_slice(rest);
                return Some(out);
            }
            _ => {
                let (size, _) = tail.split_first_chunk::<2>()?;
                let size = usize::from(u16::from_be_bytes(*size));
                let segment = tail.get(2..size)?;
                match marker {
                    // APP1: Exif and XMP. APP13: captions. COM: a comment.
                    0xE1 => out.extend(way_up(segment).map(upright).unwrap_or_default()),
                    0xED | 0xFE => {}
                    _ => out.extend_from_slice(&rest[..2 + size]),
                }
                rest = &tail[size..];
            }
        }
    }
}

/// Which way up the picture is, if its Exif part says so and it is not the usual one.
fn way_up(segment: &[u8]) -> Option<u8> {
    let tiff = segment.strip_prefix(b"Exif\0\0")?;
    let big = tiff.starts_with(b"MM");
    let short = |at: usize| {
        let two: [u8; 2] = tiff.get(at..at + 2)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    };
    let long = |at: usize| {
        let four: [u8; 4] = tiff.get(at..at + 4)?.try_into().ok()?;
        Some(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    };
    let first = usize::try_from(long(4)?).ok()?.min(tiff.len());
    let mut entries = (0..usize::from(short(first)?)).map(|n| first + 2 + 12 * n);
    let at = entries.find(|at| short(*at) == Some(0x0112))?;
    u8::try_from(short(at + 8)?).ok().filter(|way| (2..=8).contains(way))
}

/// An Exif part that says only this.
fn upright(way: u8) -> Vec<u8> {
    let mut out = vec![0xFF, 0xE1, 0, 34];
    out.extend(b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
    out.extend([way, 0, 0, 0, 0, 0, 0]);
    out
}

fn png(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = b"\x89PNG\r\n\x1A\n".to_vec();
    while !rest.is_empty() {
        let (size, tail) = rest.split_first_chunk::<4>()?;
        let whole = usize::try_from(u32::from_be_bytes(*size)).ok()?.checked_add(12)?;
        let chunk = rest.get(..whole)?;
        let told = matches!(&tail[..4], b"tEXt" | b"zTXt" | b"iTXt" | b"eXIf" | b"tIME");
        if !told {
            out.extend_from_slice(chunk);
        }
        rest = &rest[whole..];
    }
    Some(out)
}

fn webp(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    while !rest.is_empty() {
        let (name, tail) = rest.split_first_chunk::<4>()?;
        let (size, _) = tail.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
        let whole = size.checked_add(size % 2)?.checked_add(8)?;
        let mut chunk = rest.get(..whole)?.to_vec();
        if name == b"VP8X" {
            // The flags that say that Exif and XMP follow.
            *chunk.get_mut(8)? &= !0b0000_1100;
        }
        if !matches!(name, b"EXIF" | b"XMP ") {
            out.extend(chunk);
        }
        rest = &rest[whole..];
    }
    let size = u32::try_from(out.len() - 8).ok()?;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        let size = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker][..], &size, body].concat()
    }

    fn holds(bytes: &[u8], words: &[u8]) -> bool {
        bytes.windows(words.len()).any(|part| part == words)
    }

    /// Exif with a way up (little-endian) and a place.
    fn exif(way: u8) -> Vec<u8> {
        let mut body = b"Exif\0\0II\x2A\0\x08\0\0\0\x02\0".to_vec();
        body.extend(b"\x0F\x01\x02\0\x04\0\0\0CAM\0");
        body.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, way, 0, 0, 0]);
        body.extend(b"\0\0\0\0GPS 52.5 13.4");
        body
    }

    #[test]
    fn a_photo_loses_its_place_and_keeps_its_way_up() {
        let scan = [0xFF, 0xDA, 0, 3, 1, 0xAB, 0xFF, 0xD9];
        let photo = [
            &[0xFF, 0xD8][..],
            &segment(0xE0, b"JFIF\0"),
            &segment(0xE1, &exif(6)),
            &segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<author>"),
            &segment(0xFE, b"a comment"),
            &segment(0xE2, b"ICC_PROFILE\0"),
            &scan,
        ]
        .concat();
        let bare = bare(&photo).unwrap();
        for gone in [&b"GPS"[..], b"CAM", b"author", b"a comment"] {
            assert!(!holds(&bare, gone), "{}", String::from_utf8_lossy(gone));
        }
        assert!(holds(&bare, b"JFIF") && holds(&bare, b"ICC_PROFILE") && bare.ends_with(&scan));
        let at = bare.windows(2).position(|two| two == [0xFF, 0xE1]).unwrap();
        assert_eq!(way_up(&bare[at + 4..at + 36]), Some(6));
        assert_eq!(super::bare(&bare).unwrap(), bare, "once is enough");
    }

    #[test]
    fn a_picture_that_stands_upright_needs_no_word_of_it() {
        let photo = [&[0xFF, 0xD8][..], &segment(0xE1, &exif(1)), &[0xFF, 0xDA, 0, 2]].concat();
        assert!(!holds(&bare(&photo).unwrap(), b"Exif"));
    }

    #[test]
    fn png_and_webp_lose_their_texts() {
        let chunk = |name: &[u8], body: &[u8]| {
            let size = u32::try_from(body.len()).unwrap().to_be_bytes();
            [&size[..], name, body, b"sum."].concat()
        };
        let start = b"\x89PNG\r\n\x1A\n";
        let (text, data) = (chunk(b"tEXt", b"Author\0Ann"), chunk(b"IDAT", b"dots"));
        let bare_png = bare(&[&start[..], &text, &data].concat()).unwrap();
        assert_eq!(bare_png, [&start[..], &data].concat());
        let part = |name: &[u8], body: &[u8]| {
            let size = u32::try_from(body.len()).unwrap().to_le_bytes();
            let pad = vec![0; body.len() % 2];
            [name, &size[..], body, &pad].concat()
        };
        let flags = part(b"VP8X", &[0b0000_1100, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let all = [&flags[..], &part(b"VP8 ", b"dots!"), &part(b"EXIF", b"GPS")].concat();
        let file = [&b"RIFF\0\0\0\0WEBP"[..], &all].concat();
        let bare_webp = bare(&file).unwrap();
        assert!(!holds(&bare_webp, b"GPS") && holds(&bare_webp, b"dots!"));
        assert_eq!(bare_webp[20], 0, "no flag promises what is gone");
        let size = u32::from_le_bytes(bare_webp[4..8].try_into().unwrap());
        assert_eq!(size as usize, bare_webp.len() - 8);
    }

    #[test]
    fn what_is_cut_anywhere_is_never_passed_on_half_read() {
        let photo = [&[0xFF, 0xD8][..], &segment(0xE1, &exif(6)), &[0xFF, 0xDA, 0, 2]].concat();
        for cut in 2..photo.len() - 4 {
            assert_eq!(bare(&photo[..cut]), Err(Damaged), "cut at {cut}");
        }
        assert_eq!(bare(b"plain words").unwrap(), b"plain words");
    }
}
