//! Can we read what older versions wrote? `format-N.txt` holds rows as careline wrote them, by
//! hand-readable text: format, version, JSON. A line here is never changed, only added.

use careline::store::StoreError;
use careline::store::row::{FORMAT, decode, encode};

/// A line of the golden file as the bytes of a row.
fn row(line: &str) -> Vec<u8> {
    let mut parts = line.splitn(3, ' ');
    let format: u8 = parts.next().unwrap().parse().unwrap();
    let version: u64 = parts.next().unwrap().parse().unwrap();
    [&[format][..], &version.to_be_bytes(), parts.next().unwrap().as_bytes()].concat()
}

fn golden() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rows/format-1.txt");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn every_old_row_is_still_read_and_means_the_same() {
    let mut kinds = std::collections::BTreeSet::new();
    for line in golden() {
        let bytes = row(&line);
        let read = decode(&bytes).unwrap_or_else(|e| panic!("{e}: {line}"));
        let record = read.record.unwrap();
        kinds.insert(
            format!("{record:?}").chars().take_while(|c| c.is_alphabetic()).collect::<String>(),
        );
        let again = decode(&encode(read.version, &record).unwrap()).unwrap();
        assert_eq!((again.version, again.record), (read.version, Some(record)), "{line}");
    }
    assert_eq!(kinds.len(), 16, "a row of every kind: {kinds:?}");
}

#[test]
fn a_newer_row_is_refused_with_a_sentence() {
    let mut bytes = row(&golden()[0]);
    bytes[0] = FORMAT + 1;
    let refused = decode(&bytes).unwrap_err();
    assert!(matches!(refused, StoreError::Newer(_)), "{refused:?}");
    assert!(refused.to_string().contains("newer careline"), "{refused}");
}

#[test]
fn a_damaged_row_is_said_to_be_damaged() {
    let bytes = row(&golden()[0]);
    for cut in 0..bytes.len() {
        assert!(matches!(decode(&bytes[..cut]), Err(StoreError::Broken(_))), "cut at {cut}");
    }
    assert!(matches!(decode(&[0; 20]), Err(StoreError::Broken(_))));
}
