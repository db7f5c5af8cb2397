#![doc = include_str!("../README.md")]

pub mod allocator;
pub mod cpu;
pub mod heap;
pub mod profile;
mod proto;
