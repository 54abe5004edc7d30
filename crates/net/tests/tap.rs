//! A TAP device, in a network namespace. Without root it is skipped with a message.
#![cfg(target_os = "linux")]

use mgm_net::monitor::Monitor;
use mgm_net::tap::Tap;
use mgm_netns::run;
use std::net::Ipv4Addr;

#[test]
fn a_tap_exists_as_long_as_its_value() {
    run(|| {
        let address = Ipv4Addr::new(169, 254, 77, 1);
        let tap = Tap::open("tap0", address, 30).unwrap();
        let monitor = Monitor::open().unwrap();
        let links = monitor.links();
        let link = links.named("tap0").expect("the device");
        assert!(link.is_running() && !link.is_point_to_point(), "{link:?}");
        let [known] = links.addresses(link.index) else { panic!("one address") };
        assert_eq!((known.local, known.prefix_len), (address, 30));
        assert!(Tap::open("tap0", address, 30).is_err(), "the name is in use");
        drop(tap);
        assert!(Monitor::open().unwrap().links().named("tap0").is_none());
        for name in ["", "a name that is too long"] {
            assert!(Tap::open(name, address, 30).is_err(), "{name:?}");
        }
    });
}
