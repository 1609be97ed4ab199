//! A customer's mention becomes a thread at the team's desk; the agent's answer goes back.
#![forbid(unsafe_code)]

pub mod case;
pub mod cli;
pub mod config;
pub mod desk;
pub mod engine;
pub mod inbox;
pub mod net;
pub mod network;
pub mod sandbox;
pub mod setting;
pub mod store;
pub mod web;
pub mod world;
