//! A customer's mention becomes a thread at the team's desk; the agent's answer goes back.
//!
//! Customers stand at **networks**, agents sit at **desks**, and between them there is only the
//! **case**. For every event of the world the engine does the same four steps: *reach, read,
//! decide, commit*. What must be sent is part of the commit and waits until it may go.
//!
//! ```text
//!   customers                                                     agents
//!  +----------+  envelope   +--------+  commit   +-------+       +--------+
//!  | network  | ----------> | engine | --------> | store |       |  desk  |
//!  |          |             |  case  | <---------+-------+------ |        |
//!  +----------+ <---------- +--------+ ------------------------> +--------+
//!                delivery                delivery      envelope
//! ```
//!
//! The rooms, each with what never happens in it:
//!
//! * [`case`] decides. Nothing in it waits, reads a clock, draws lots or fails.
//! * [`world`] pretends people, posts and threads. It knows no platform and no HTTP.
//! * [`inbox`] is the one way in for events. What it took is on disk when it returns.
//! * [`net`] is the only way out; [`web`] the only way in. No redirect, no byte without a limit.
//! * [`setting`] is a section of the configuration. It never repeats a secret.
//! * [`listen`] hears what nobody addressed to us. It never decides what becomes of it.
//! * [`network`] is where customers are. No network knows that a desk exists.
//! * [`desk`] is where agents are. No desk knows that a network exists, and none parses words.
//! * [`store`] remembers. It talks to nobody, and answers only what is on disk.
//! * [`engine`] moves. It never looks inside an effect and knows no platform by name.
//! * [`config`] reads what the operator decided. It connects to nothing.
//! * [`score`] reads tone and sees bursts. It knows nobody's reach and forgets nothing on its own.
//! * [`sandbox`] is the demo. It reaches nothing but this machine.
//! * [`cli`] is the command line. It decides nothing about cases.
//!
//! Who may import whom is a test: `tests/tidy/imports.rs`. Begin reading at [`case::decide`], then
//! one folder below [`network`].
#![forbid(unsafe_code)]

pub mod case;
pub mod cli;
pub mod config;
pub mod desk;
pub mod engine;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
pub mod inbox;
pub mod listen;
pub mod net;
pub mod network;
pub mod sandbox;
pub mod score;
pub mod setting;
pub mod store;
pub mod web;
pub mod world;
