//! Do we speak the platforms' language?

mod slack;
