//! All tests that look at careline from outside, in one binary; each folder answers one question.

mod cli;
mod contract;
mod corpus;
mod dialogues;
mod grammar;
mod kill;
mod rows;
mod sandbox;
mod sim;
mod tidy;
mod wire;
