//! The demo: faces, the real daemon and a page, all on loopback.

pub mod loopback;
pub mod options;
pub mod play;
pub mod script;

pub use options::DemoOptions;
