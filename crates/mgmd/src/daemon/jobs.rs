//! Carries out the actions of IGMP and of the static
//! routes.

use super::context::Context;
use super::sockets::Sockets;
use super::state::Job;
use crate::config::LogLevel;
use mgm_igmp::{Action, Event, Level, LogEvent, LogLine, MgmCall, Ownership};
use mgm_net::links::Links;

/// Carries out all jobs in their order, including the jobs that they cause.
pub fn carry_out(context: Context<'_>, sockets: &mut Sockets, links: &Links) {
    while let Some(job) = context.shared.next_job() {
        match job {
            Job::Igmp(Action::Send(packet)) => sockets.send(links, &packet, context),
            Job::Igmp(Action::Mgm(call)) => make(call, context),
            Job::Igmp(Action::Log(line)) => {
                write(&line, context);
                warn_of_bridge(&line, links, context);
            }
            // The callback has returned it already.
            Job::Igmp(Action::Answer(_)) => {}
            Job::RouteRests { link, rests } => say_that_routes_rest(link, rests, context),
        }
    }
}

/// Makes a call of the library, and tells IGMP what it returned.
fn make(call: MgmCall, context: Context<'_>) {
    let result = context.library.call(call);
    match (call, result) {
        (MgmCall::Take { link }, result) => {
            let tell = |result| context.shared.handle(Event::Taken { link, result });
            match context.shared.with(|state| state.taken(link, result)) {
                Ok(()) => tell_taken(|| context.library.ownership(link), |owner| tell(Ok(owner))),
                Err(code) => tell(Err(code)),
            }
        }
        (_, Ok(())) => {}
        (_, Err((code, _))) => context.shared.handle(Event::Refused { call, code }),
    }
}

/// Tells IGMP whether a protocol owns an interface that was taken just now. A protocol may take or
/// release it at the same time. If IGMP then handles ENABLE_IGMP before it is told, what it is told
/// is out of date, so the owner is looked up again.
fn tell_taken(look_up: impl Fn() -> Ownership, mut tell: impl FnMut(Ownership)) {
    let mut known = look_up();
    loop {
        tell(known);
        let now = look_up();
        if now == known {
            return;
        }
        known = now;
    }
}

fn write(line: &LogLine, context: Context<'_>) {
    let level = match line.event.level() {
        Level::Error => LogLevel::Error,
        Level::Warn => LogLevel::Warn,
        Level::Info => LogLevel::Info,
    };
    let names = |link| name(link, context);
    let text = line.named(&names);
    match name(line.link, context) {
        Some(name) => context.log(level, &name, text),
        None => context.log.write(level, &text.to_string()),
    }
}

/// Logs a warning if the link is a snooping bridge that hides reports. Such a bridge passes no
/// reports to a router on the bridge itself, unless that router sends queries.
fn warn_of_bridge(line: &LogLine, links: &Links, context: Context<'_>) {
    let is_other = matches!(line.event, LogEvent::OtherQuerier(_) | LogEvent::NotForwarding(_));
    let Some(link) = links.get(line.link).filter(|link| is_other && link.hides_reports) else {
        return;
    };
    let text = format!(
        "this bridge hides the reports of hosts from a router that does not query, because its \
         multicast_router is not 2: run \"ip link set {} type bridge mcast_router 2\"",
        link.name
    );
    context.log(LogLevel::Warn, &link.name, text);
}

fn say_that_routes_rest(link: u32, rests: bool, context: Context<'_>) {
    let name = name(link, context).unwrap_or_else(|| format!("interface {link}"));
    if rests {
        let text = "a routing protocol owns it, so static routes from this interface have no \
                    effect if they are for prefixes";
        context.log(LogLevel::Warn, &name, text);
    } else {
        context.log(
            LogLevel::Info,
            &name,
            "no routing protocol owns it any longer: its static routes have an effect again",
        );
    }
}

/// The name of an interface. mgmd may serve it no longer, or may never have served it.
fn name(link: u32, context: Context<'_>) -> Option<String> {
    let served = context.shared.with(|state| state.served.get(&link).cloned());
    served.or_else(|| context.shared.name(link))
}

#[cfg(test)]
mod tests {
    use super::tell_taken;
    use mgm_igmp::Ownership::{Alone, BesideOwner};
    use std::cell::RefCell;

    #[test]
    fn i42_an_owner_that_changes_during_the_take_is_looked_up_again() {
        for (owners, told) in [
            (vec![Alone, Alone], vec![Alone]),
            (vec![Alone, BesideOwner, BesideOwner], vec![Alone, BesideOwner]),
            (
                vec![BesideOwner, Alone, BesideOwner, BesideOwner],
                vec![BesideOwner, Alone, BesideOwner],
            ),
        ] {
            let (left, mut heard) = (RefCell::new(owners.into_iter()), Vec::new());
            tell_taken(
                || left.borrow_mut().next().expect("looked up too often"),
                |o| heard.push(o),
            );
            assert_eq!(heard, told);
            assert_eq!(left.borrow_mut().next(), None);
        }
    }
}
