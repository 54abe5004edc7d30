//! A configured link: what IGMP does there.

use crate::port::{Port, Step};
use crate::receive::Received;

#[derive(Debug)]
pub(crate) struct Link {
    pub port: Port,
}

impl Link {
    /// A packet that passed the checks of section 1.
    pub fn received(&mut self, _received: &Received, _step: &mut Step) {}
}
