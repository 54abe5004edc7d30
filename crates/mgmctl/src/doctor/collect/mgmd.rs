//! What mgmd says at its control socket.

use super::super::facts::{Mgmd, Router};
use super::super::report::Report;
use super::super::Options;
use super::{configuration, processes, AS_ROOT};
use mgm_control::client::{Client, ClientError};
use mgm_control::forwarding::Proxies;
use mgm_control::igmp::{IgmpLink, IgmpLinks};
use mgm_control::interfaces::{Interface, Interfaces};
use mgm_control::request::InterfacesQuery;
use mgm_control::status::Status;
use mgm_control::{Page, Request, Versioned};
use serde::de::DeserializeOwned;
use std::path::Path;

/// systemd starts mgmd with the system if this link exists.
const ENABLED: &str = "/etc/systemd/system/multi-user.target.wants/mgmd.service";

/// Asks for the interfaces of mgmd.
pub fn open(options: &Options) -> Mgmd {
    let mut mgmd = Mgmd {
        socket: options.socket.clone(),
        is_named: options.socket_is_named,
        is_wanted: options.socket_is_named || Path::new(ENABLED).exists(),
        is_absent: false,
        table: None,
        router: None,
    };
    match router(&mut Client::new(&mgmd.socket)) {
        Ok(router) => mgmd.router = Some(router),
        Err(ClientError::NotRunning(_)) => {
            mgmd.is_absent = true;
            mgmd.table = configuration::table(&mgmd.socket);
        }
        Err(_) => {}
    }
    mgmd
}

/// The state of IGMP when the capture begins.
pub fn begin(mgmd: &mut Mgmd) {
    let Some(router) = &mut mgmd.router else { return };
    router.before = igmp(&mut Client::new(&mgmd.socket)).unwrap_or_default();
}

/// The state of everything when the capture ends.
pub fn end(mgmd: &mut Mgmd, report: &mut Report) {
    match router(&mut Client::new(&mgmd.socket)) {
        Ok(router) => {
            let before = mgmd.router.take().map(|router| router.before);
            mgmd.router = Some(Router { before: before.unwrap_or_default(), ..router });
        }
        // Other routers have no such socket.
        Err(ClientError::NotRunning(_)) if !mgmd.is_wanted && mgmd.is_silent() => {}
        Err(error) => {
            let is_forbidden = matches!(error, ClientError::NotPermitted(..));
            let command = is_forbidden.then_some(AS_ROOT);
            report.gap("mgmd", error.to_string(), command);
        }
    }
}

fn router(client: &mut Client) -> Result<Router, ClientError> {
    let status: Status = answer(client, &Request::Status)?;
    let proxies: Proxies = answer(client, &Request::Proxies)?;
    let privileges = processes::privileges(status.pid);
    let (after, interfaces) = (igmp(client)?, interfaces(client)?);
    Ok(Router {
        before: Vec::new(),
        after,
        interfaces,
        proxies: proxies.proxies,
        privileges,
        status,
    })
}

fn answer<T: DeserializeOwned>(client: &mut Client, request: &Request) -> Result<T, ClientError> {
    Ok(client.ask::<Versioned<T>>(request)?.answer)
}

fn igmp(client: &mut Client) -> Result<Vec<IgmpLink>, ClientError> {
    let mut all = Vec::new();
    let mut query = InterfacesQuery { interface: None, page: whole() };
    loop {
        let page: IgmpLinks = answer(client, &Request::Igmp(query.clone()))?;
        all.extend(page.links);
        match page.next {
            Some(next) if query.page.after.as_ref() != Some(&next) => query.page.after = Some(next),
            _ => return Ok(all),
        }
    }
}

fn interfaces(client: &mut Client) -> Result<Vec<Interface>, ClientError> {
    let mut all = Vec::new();
    let mut query = InterfacesQuery { interface: None, page: whole() };
    loop {
        let page: Interfaces = answer(client, &Request::Interfaces(query.clone()))?;
        all.extend(page.interfaces);
        match page.next {
            Some(next) if query.page.after.as_ref() != Some(&next) => query.page.after = Some(next),
            _ => return Ok(all),
        }
    }
}

fn whole<K>() -> Page<K> {
    Page { after: None, limit: Page::<K>::MAX_LIMIT }
}
