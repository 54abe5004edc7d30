//! Reads the existing links, addresses and routes of a table.

use super::copy::TableCopy;
use super::links::RoutingLinks;
use super::Known;
use crate::fork::Guarded;
use mgm_net::netlink::Dumper;
use std::io;

const RTM_GETROUTE: u16 = 26;
const ROUTE_HEAD: usize = 12;
const RTA_TABLE: u16 = 15;

/// Reads all links and addresses again.
pub(super) fn links(dumper: &mut Guarded<Dumper>, known: &Known) -> io::Result<()> {
    let links = dumper.links()?;
    *known.links.write() = RoutingLinks(links);
    Ok(())
}

/// Reads the table that the host named again, if it named one.
pub(super) fn routes(dumper: &mut Guarded<Dumper>, known: &Known) -> io::Result<()> {
    let Some(copy) = &known.copy else { return Ok(()) };
    let number = copy.read().number();
    let read = dumper.repeatedly(|dumper| {
        let mut copy = TableCopy::of(number);
        let mut intact = true;
        for table in copy.tables() {
            let mut head = [0; ROUTE_HEAD];
            head[0] = libc::AF_INET as u8;
            let attributes = [(RTA_TABLE, table)];
            let result = dumper.dump(RTM_GETROUTE, &head, &attributes, |message| {
                copy.take(message);
            });
            match result {
                // There is no such table yet.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                result => intact &= result?,
            }
        }
        copy.complete();
        Ok((copy, intact))
    })?;
    *copy.write() = read;
    Ok(())
}
