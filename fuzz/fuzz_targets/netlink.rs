//! What the kernel answers when it is asked for a route.
#![no_main]

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| mgm_linux::netlink::fuzz(datagram));
