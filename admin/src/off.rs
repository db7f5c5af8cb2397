//! No admin port: whoever asks for one is told what is missing.
#![allow(clippy::unused_self)] // an off twin keeps the on twin's signatures

use crate::{AdminError, Settings};
use sidelight::Page;
use std::net::SocketAddr;

/// This build has no admin port.
pub const COMPILED: bool = false;

/// Nobody can ask.
#[derive(Clone, Debug, Default)]
pub struct Health(());
const _: () = assert!(size_of::<Health>() == 0, "what is not seen weighs nothing");

impl Health {
    /// Nothing.
    pub fn is_well(&self, _: &'static str) {}
    /// Nothing.
    pub fn is_unwell(&self, _: &'static str, _: impl Into<String>) {}
}

/// Refuses.
///
/// # Errors
/// Always [`AdminError::NotBuilt`].
pub fn spawn(settings: &Settings, _: Health, _: impl Iterator<Item = &'static Page>) -> Result<SocketAddr, AdminError> {
    Err(AdminError::NotBuilt(settings.address))
}
