//! The demo: faces, the real daemon and a page, all on loopback.

pub mod options;

pub use options::DemoOptions;
