//! Packets in PIM registers, for a daemon that is the rendezvous point (M54).
//!
//! They arrive once more, on the interface mgmreg, which the daemon owns. So the forwarder treats them
//! as it treats any other packet of a flow.

use super::context::Context;
use super::device::REGISTER;
use super::interfaces::Interfaces;
use super::reactor::Source;
use super::reverse_path::accept_all_sources;
use super::shared::now;
use crate::config::{Forwarder, LogLevel};
use mgm_control::status::RegisterCounts;
use mgm_net::registers::{Content, Invalid, Receiver, Register};
use mgm_net::tap::Tap;
use mgm_types::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many registers are read before other events are served.
const AT_ONCE: usize = 64;

/// While registers arrive, the check of sources is switched off once in this time: other programs may
/// switch it on at any time, such as a reload of all settings.
const CHECK_SECS: u32 = 10;

/// The socket and the interface.
pub struct Registers {
    receiver: Receiver,
    device: Arc<Tap>,
    counts: Counts,
    /// When registers arrived for a daemon, and the check of sources was switched off (M55).
    checked: Option<Time>,
    /// The warning of M55 that was logged last.
    warning: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    received: u64,
    forwarded: u64,
    null: u64,
    dropped: BTreeMap<Drop, u64>,
}

/// Why a register is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Drop {
    Invalid(Invalid),
    /// This machine itself has sent it, so the packet has arrived already.
    Own,
    /// No daemon owns mgmreg.
    NoDaemon,
    /// The system has refused the packet.
    System,
}

impl Drop {
    const ALL: [Drop; 9] = [
        Drop::Invalid(Invalid::Malformed),
        Drop::Invalid(Invalid::Sender),
        Drop::Invalid(Invalid::Checksum),
        Drop::Invalid(Invalid::Packet),
        Drop::Invalid(Invalid::Group),
        Drop::Invalid(Invalid::Source),
        Drop::Own,
        Drop::NoDaemon,
        Drop::System,
    ];

    fn name(self) -> &'static str {
        match self {
            Drop::Invalid(Invalid::Malformed) => "malformed",
            Drop::Invalid(Invalid::Sender) => "sender",
            Drop::Invalid(Invalid::Checksum) => "checksum",
            Drop::Invalid(Invalid::Packet) => "packet",
            Drop::Invalid(Invalid::Group) => "group",
            Drop::Invalid(Invalid::Source) => "source",
            Drop::Own => "own",
            Drop::NoDaemon => "no_daemon",
            Drop::System => "system",
        }
    }
}

impl Registers {
    /// Opens the socket. `device` is mgmreg.
    ///
    /// # Errors
    /// Why the socket cannot be used, and what to do.
    pub fn open(device: Arc<Tap>, context: Context<'_>) -> Result<Registers, String> {
        let failed = |error| {
            format!(
                "cannot receive PIM registers: {error}: give mgmd CAP_NET_RAW, or start it as root"
            )
        };
        let receiver = Receiver::open().map_err(failed)?;
        let added = context.reactor.add(&receiver, Source::Register);
        added.map_err(|error| format!("cannot wait for PIM registers: {error}"))?;
        let counts = Counts::default();
        let mut registers = Registers { receiver, device, counts, checked: None, warning: None };
        registers.accept_all_sources(context);
        Ok(registers)
    }

    /// Switches off the kernel's check of sources on mgmreg, and logs once if that does not help (M55).
    fn accept_all_sources(&mut self, context: Context<'_>) {
        let warning = accept_all_sources();
        // Other forwarders see the packets before the check, or do not need it.
        if context.config.router.forwarder != Forwarder::Kernel || self.warning == warning {
            return;
        }
        if let Some(text) = &warning {
            context.log(LogLevel::Warn, REGISTER, text);
        }
        self.warning = warning;
    }

    /// Has the packets of the registers that wait arrive on mgmreg. If there are many, the reactor
    /// reports the socket again.
    pub fn receive(&mut self, interfaces: &Interfaces, context: Context<'_>) {
        let is_owned = context.library.owner(self.device.index()).is_some();
        let now = now();
        if is_owned && self.checked.is_none_or(|at| now >= at.plus_secs(CHECK_SECS)) {
            self.checked = Some(now);
            self.accept_all_sources(context);
        }
        let Registers { receiver, device, counts, .. } = self;
        for _ in 0..AT_ONCE {
            // Without memory, it is read later.
            let Ok(Some(octets)) = receiver.read() else { return };
            counts.received += 1;
            match read(octets, interfaces, is_owned) {
                Ok(Content::Null) => counts.null += 1,
                Ok(Content::Packet { octets, group }) => match device.arrive(octets, group) {
                    Ok(()) => counts.forwarded += 1,
                    Err(_) => counts.drop(Drop::System),
                },
                Err(why) => counts.drop(why),
            }
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> RegisterCounts {
        let Counts { received, forwarded, null, dropped } = &self.counts;
        let count = |why: &Drop| dropped.get(why).copied().unwrap_or(0);
        RegisterCounts {
            received: *received,
            forwarded: *forwarded,
            null: *null,
            dropped: Drop::ALL.iter().map(|why| (why.name().to_owned(), count(why))).collect(),
        }
    }
}

impl Counts {
    fn drop(&mut self, why: Drop) {
        *self.dropped.entry(why).or_default() += 1;
    }
}

fn read<'a>(
    octets: &'a [u8],
    interfaces: &Interfaces,
    is_owned: bool,
) -> Result<Content<'a>, Drop> {
    let register = Register::read(octets).map_err(Drop::Invalid)?;
    let content = register.content().map_err(Drop::Invalid)?;
    match content {
        Content::Packet { .. } if interfaces.has_address(register.sender) => Err(Drop::Own),
        Content::Packet { .. } if !is_owned => Err(Drop::NoDaemon),
        _ => Ok(content),
    }
}
