//! Routes that the host names.

/// The host's multicast routes.
#[derive(Debug, Default)]
pub struct RouteTable {}
