//! What the kernel writes into the multicast routing socket.
#![no_main]

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| mgm_linux::kernel::fuzz(datagram));
