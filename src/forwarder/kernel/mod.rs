//! Linux multicast routing.
