//! What a routing daemon says to its socket of multicast routing, and what it sends on mgm0.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mgm_mroute_calls::daemon::{Daemon, Lost, Router, Vif};
use mgm_mroute_calls::memberships::Membership;
use mgm_mroute_calls::options::{MrouteOption, VifTarget, MRT_BASE, MRT_MAX};
use mgm_mroute_calls::packets::{arrived, complete, queried, whole};
use mgm_remote::messages::{decode, Ack, Callback, Reply, Request};

/// A router that permits everything.
struct Everything;

impl Router for Everything {
    fn call(&mut self, _: Request) -> Result<Reply, Lost> {
        Ok(Reply::Done {})
    }

    fn acknowledge(&mut self, _: Ack) {}

    fn name(&self, index: u32) -> String {
        format!("eth{index}")
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (mut daemon, mut router) = (Daemon::default(), Everything);
    daemon.connected(&mut router, 1);
    let mut rest = bytes;
    // Each call is a kind, a name, a length, and so many bytes.
    while let [kind, name, length, tail @ ..] = rest {
        let (value, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        match kind % 6 {
            0 => {
                let name = MRT_BASE + i32::from(*name) % (MRT_MAX + 2 - MRT_BASE);
                let Ok(option) = MrouteOption::parse(name, value) else { continue };
                let _ = match option {
                    MrouteOption::AddVif { vif, target: VifTarget::Index(index) } => {
                        daemon.add_vif(&mut router, vif, Vif::Real(index))
                    }
                    MrouteOption::AddVif { vif, target: VifTarget::Register } => {
                        daemon.set_register(Some(u32::from(*length)));
                        daemon.add_vif(&mut router, vif, Vif::Register)
                    }
                    MrouteOption::AddVif { vif, .. } => daemon.add_vif(&mut router, vif, Vif::Rest),
                    other => daemon.set(&mut router, other),
                };
            }
            1 => {
                let Some(found) = Membership::parse(i32::from(*name) % 50, value) else { continue };
                match found.joins {
                    true => _ = daemon.join(&mut router, found.flow),
                    false => daemon.leave(&mut router, found.flow),
                }
            }
            2 => {
                let _ = queried(value, name % 2 == 0);
                complete(&mut value.to_vec());
                if let Some(datagram) = whole(4, value) {
                    assert!(datagram.bytes.len() >= 40 && datagram.bytes.len() <= value.len() + 20);
                }
                if let Some(datagram) = arrived(value) {
                    assert!(datagram.bytes.len() >= 20 && datagram.destination().is_multicast());
                }
                daemon.sent_on_rest(value, name % 2 == 0);
            }
            3 => {
                if let Ok(callback) = decode::<Callback>(value) {
                    daemon.arrived(&mut router, callback);
                }
            }
            4 => _ = daemon.read(&mut router, name % 2 == 0),
            _ => daemon.tick(&mut router),
        }
        let (register, flows) = daemon.registered();
        assert!(flows.is_empty() || daemon.vif_that_is(Vif::Register) == Some(register));
    }
    while daemon.is_ready() {
        daemon.read(&mut router, false);
    }
});
