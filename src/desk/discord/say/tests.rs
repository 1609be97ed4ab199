//! What leaves for Discord, to the letter.

use super::*;
