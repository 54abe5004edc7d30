//! The sockets for IGMP. Each interface has a socket that receives, and one that joins the groups
//! of the IGMP routers. All interfaces share the socket that sends.

use super::context::Context;
use super::reactor::Source;
use mgm_igmp::{Event, Packet, Transmission};
use mgm_net::join::HostJoin;
use mgm_net::links::Links;
use mgm_net::receive::{Batch, ListenError, Receiver};
use mgm_net::send::{Outgoing, Sender};
use nix::errno::Errno;
use std::collections::HashMap;
use std::io;

/// All sockets of interfaces.
pub struct Sockets {
    sender: Sender,
    batch: Batch,
    links: HashMap<u32, Listening>,
}

/// The sockets of one interface. They belong to its device: another device
/// with the same index needs new ones.
struct Listening {
    receiver: Receiver,
    /// Without it, network cards and switches may keep reports away (I70).
    _join: Option<HostJoin>,
}

impl Sockets {
    /// Opens the socket that all interfaces share.
    ///
    /// # Errors
    /// What cannot be opened, and what to do.
    pub fn open() -> Result<Sockets, String> {
        let sender =
            Sender::open().map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EPERM | Errno::EACCES) => {
                    format!("cannot send IGMP: {error}: give mgmd CAP_NET_RAW, or start it as root")
                }
                Some(Errno::EAFNOSUPPORT) => {
                    format!(
                        "cannot send IGMP: {error}: a sandbox blocks AF_PACKET sockets: allow them"
                    )
                }
                _ => format!("cannot send IGMP: {error}"),
            })?;
        Ok(Sockets { sender, batch: Batch::new(), links: HashMap::new() })
    }

    /// Opens the sockets of an interface. If it has open sockets, the new
    /// ones replace them.
    ///
    /// # Errors
    /// Why mgmd cannot listen there.
    pub fn listen(
        &mut self,
        links: &Links,
        index: u32,
        context: Context<'_>,
    ) -> Result<(), ListenError> {
        let receiver = Receiver::open(links, index)?;
        let name = links.get(index).map_or("", |link| &link.name);
        let join = HostJoin::open(index).inspect_err(|error| {
            let cure = match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::ENOBUFS) => {
                    ": set the sysctl net.ipv4.igmp_max_memberships to 2 or more"
                }
                _ => "",
            };
            let text = format!(
                "cannot join the groups of IGMP routers, so a switch may keep reports away: \
                 {error}{cure}"
            );
            context.log(crate::config::LogLevel::Warn, name, text);
        });
        context
            .reactor
            .add(&receiver, Source::Link(index))
            .map_err(|error| ListenError::System { name: name.to_owned(), error: error.into() })?;
        self.links.insert(index, Listening { receiver, _join: join.ok() });
        Ok(())
    }

    /// Closes the sockets of an interface.
    pub fn close(&mut self, index: u32) {
        self.links.remove(&index);
    }

    /// Passes the packets that wait on an interface to IGMP, at most 256 of them (I75). If there
    /// are more, the reactor reports the interface again.
    ///
    /// # Errors
    /// The system lacks memory: the packets are read later.
    pub fn receive(&mut self, index: u32, context: Context<'_>) -> io::Result<()> {
        let Some(link) = self.links.get(&index) else { return Ok(()) };
        link.receiver.read(&mut self.batch)?;
        for packet in self.batch.packets() {
            context.shared.handle(Event::Packet(Packet {
                link: packet.if_index,
                unicast_frame: packet.is_unicast_frame,
                octets: packet.octets,
            }));
        }
        Ok(())
    }

    /// Tells IGMP how many packets the kernel dropped since the last call (I79).
    pub fn count_losses(&self, context: Context<'_>) {
        for (index, link) in &self.links {
            let packets = link.receiver.losses().unwrap_or(0);
            if packets > 0 {
                context.shared.handle(Event::PacketsLost { link: *index, packets });
            }
        }
    }

    /// Sends a packet. If that fails, IGMP is told, and logs it (I79).
    pub fn send(&mut self, links: &Links, packet: &Transmission, context: Context<'_>) {
        let Some(link) = links.get(packet.link) else { return };
        let outgoing = Outgoing { link, octets: &packet.octets, loop_back: packet.loop_back };
        if let Err(error) = self.sender.send(&outgoing) {
            let errno = error.raw_os_error().unwrap_or(0);
            context.shared.handle(Event::SendFailed { link: packet.link, errno });
        }
    }
}
