//! The answer to `GET /v1/interfaces`.

use super::links::{all, chosen, configured_as, key, role, Link};
use super::View;
use mgm_control::interfaces::{
    Boundary, Interface, InterfaceCounters, InterfaceIgmp, Interfaces, Owner, Role,
};
use mgm_control::request::InterfacesQuery;
use mgm_control::{Failure, PageBuilder};
use mgm_igmp::{DropReason, LinkAddress};

/// A page of the configured interfaces.
pub fn page(view: &View, query: &InterfacesQuery) -> Result<Interfaces, Failure> {
    let links = all(view);
    let mut page = PageBuilder::new(query.page.limit);
    for (name, link) in chosen(&links, query.interface.as_ref(), query.page.after.as_ref())? {
        if !page.push(interface(view, name, link), 1) {
            break;
        }
    }
    let (interfaces, more) = page.finish();
    let next = interfaces.last().filter(|_| more).and_then(|last: &Interface| key(&last.name));
    Ok(Interfaces { interfaces, next })
}

fn interface(view: &View, name: &str, link: &Link) -> Interface {
    let config = view.context.config;
    let planned = config.link(name);
    let addresses = link.device.iter().flat_map(|device| &device.info.addresses);
    let boundaries = planned.iter().flat_map(|planned| &planned.boundaries);
    let role = role(config, name);
    Interface {
        name: name.to_owned(),
        index: link.index,
        configured_as: configured_as(config, name),
        state: link.state(),
        addresses: addresses.map(address).collect(),
        role,
        igmp: link.index.filter(|_| role != Role::NoIgmp).and_then(|index| igmp(view, index)),
        owner: link.index.and_then(|index| owner(view, index)),
        ttl_threshold: planned.as_ref().map_or(1, |planned| planned.ttl_threshold),
        boundaries: boundaries
            .map(|boundary| Boundary {
                scope: boundary.scope.to_string(),
                name: boundary.name.clone(),
            })
            .collect(),
        new_flows_per_second: planned.as_ref().and_then(|planned| planned.new_flows),
        counters: counters(view, name, link.index),
    }
}

fn address(known: &LinkAddress) -> String {
    format!("{}/{}", known.address, known.prefix.length())
}

fn igmp(view: &View, index: u32) -> Option<InterfaceIgmp> {
    view.context.shared.with(|state| {
        let status = state.igmp.status(index)?;
        let own = status.querier.then(|| state.igmp.querier_address(index)).flatten();
        Some(InterfaceIgmp {
            version: status.version,
            querier: status.querier,
            querier_address: own.or(status.other_querier),
            groups: status.groups as u64,
        })
    })
}

fn owner(view: &View, index: u32) -> Option<Owner> {
    let (protocol, component) = view.context.library.owner(index)?;
    let name = match protocol {
        10 => "igmp".to_owned(),
        protocol => format!("protocol {protocol}"),
    };
    Some(Owner { name, protocol, component })
}

fn counters(view: &View, name: &str, index: Option<u32>) -> InterfaceCounters {
    let appearances = view.interfaces.appearances(name);
    view.context.shared.with(|state| {
        let Some(known) = index.and_then(|index| state.igmp.counters(index)) else {
            return InterfaceCounters { appearances, ..InterfaceCounters::default() };
        };
        InterfaceCounters {
            igmp_received: known.received,
            igmp_dropped: DropReason::ALL.iter().map(|reason| known.dropped(*reason)).sum(),
            igmp_sent: known.queries_sent + known.reports_sent,
            appearances,
        }
    })
}
