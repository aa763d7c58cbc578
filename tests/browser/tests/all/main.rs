//! All tests from outside, in one program: each program of tests is linked with everything that it tests.

mod boards;
mod depth;
mod editor;
mod embed;
mod figure;
mod harness;
mod idle;
mod keyboard;
mod lesson;
mod offline;
mod pages;
mod pinch;
mod sharing;
mod steady;
mod tools;
mod undone;
mod update;
mod zoom;
