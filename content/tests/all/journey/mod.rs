//! Every stage of the journey shows its effect: what broke, what mends it, and what breaks the mend, in numbers.
//!
//! `cargo nextest run -p hockeystick-content --test all journey:: --no-capture` prints a line for each stage.

mod challenges;
mod harness;
mod stage_01;
mod stage_02;
mod stage_03;
mod stage_04;
mod stage_05;
mod stage_06;
mod stage_07;
mod stage_08;
mod stage_09;
mod stage_10;
mod stage_11;
mod stage_12;
mod stage_13;
mod stage_14;
mod stage_15;
mod stage_16;
mod stage_17;
mod stage_18;
mod stage_19;
mod stage_20;
mod stage_21;
mod start_boards;
