//! Makes the same calls of the engine and of the model, and compares the results.

mod alerted;
mod callbacks;
mod grace;
mod surroundings;

use crate::spec::{comparable, Member, MembershipCall, Model, Place};
use crate::steps::{self, Kind, Step};
use crate::tables::{self, Mirror};
use alerted::AlertedClients;
use callbacks::{Pair, Queue};
use mgm_engine::{ClientId, Config, Effects, Engine, Join, Notice, NoticeKinds, Outcome, Packet};
use mgm_types::{Code, Domain, Flow, IfId, Interface, Ipv4Addr, Refusal, Route, Time};
use std::collections::VecDeque;
use std::fmt::Debug;

/// A routing domain beside the main one.
const OTHER: Domain = Domain(7);

/// The time-out of an MFE in seconds: short, so that MFEs expire in walks.
const TIMEOUT: u32 = 60;
pub type Checked = Result<(), String>;

/// The circumstances of a walk.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// With a client that owns so many interfaces that sets of interfaces have more than one
    /// word.
    pub crowded: bool,
    /// With a forwarder that forwards and counts itself, as the kernel does.
    pub kernel: bool,
    /// With room for a few flows only (spec 0.9).
    pub tight: bool,
    /// With two routing domains, which have routes of their own (spec 5.1).
    pub domains: bool,
    /// With a client that wants so many flows of a source that they follow its route in turns
    /// (spec 5.10).
    pub wide: bool,
}

pub struct Drive {
    pub engine: Engine,
    pub model: Model,
    pub mirror: Mirror,
    queues: Vec<Queue>,
    pub alerted: AlertedClients,
    old: Vec<(ClientId, Pair)>,
    /// Events that must happen in a walk; otherwise it tests nothing.
    pub alerts: usize,
    pub installed: usize,
    pub taken_over: usize,
}

fn same<T: PartialEq + Debug>(what: &str, engine: T, model: T) -> Checked {
    if engine == model {
        return Ok(());
    }
    Err(format!("{what}:\n  engine {engine:?}\n  model  {model:?}"))
}

fn code<T>(result: Result<T, Refusal>) -> Result<T, Code> {
    result.map_err(|refusal| refusal.code())
}

impl Drive {
    /// Empty tables, except for what the stage contains.
    pub fn new(stage: Stage) -> Drive {
        let max_flows = if stage.tight { 4 } else { 1000 };
        let config = Config { mfe_timeout: TIMEOUT, max_flows, ..Config::default() };
        let main = steps::SOURCES.map(|source| ((source, Domain::MAIN), steps::route(0, 0)));
        let other = steps::SOURCES.map(|source| ((source, OTHER), steps::route(16, 0)));
        let routes = main.into_iter().chain(other).collect();
        let domains = if stage.domains { vec![(3, OTHER), (4, OTHER)] } else { Vec::new() };
        let mut drive = Drive {
            engine: Engine::new(config),
            model: Model {
                timeout: TIMEOUT,
                max_flows: max_flows as usize,
                domains,
                routes,
                kernel: stage.kernel,
                ..Model::default()
            },
            mirror: Mirror::new(stage.kernel),
            queues: Vec::new(),
            alerted: AlertedClients::default(),
            old: Vec::new(),
            alerts: 0,
            installed: 0,
            taken_over: 0,
        };
        if stage.crowded {
            drive.register((999, 0), false).expect("register");
            for index in 100..162 {
                drive.take(ClientId(1), Interface::link(index), 0).expect("take");
            }
        }
        if stage.wide {
            drive.register((998, 0), false).expect("register");
            let client = drive.model.clients.last().expect("it is there").id;
            drive.take(client, Interface::link(200), 0).expect("take");
            for n in 0..48 {
                let flow = Flow::new(steps::SOURCES[1], Ipv4Addr::new(239, 9, 9, n));
                let there = Interface::link(200);
                let call =
                    MembershipCall { add: true, forward: false, client, flow, interface: there };
                drive.membership(call).expect("join");
            }
        }
        drive
    }

    /// Makes one step. Returns the first difference.
    pub fn step(&mut self, step: Step) -> Checked {
        let Step { kind, a, b, c, d } = step;
        let client = self.client_for(a);
        match kind {
            Kind::Register => self.register(steps::pick(&steps::KEYS, a), b % 5 == 4),
            Kind::Deregister => self.deregister(client),
            Kind::Take => self.take(client, steps::pick(&steps::INTERFACES, b), c),
            Kind::Release => {
                let (interface, inside) = (self.interface_for(client, b), c % 3 == 1);
                self.act("release", |engine, model, fx| {
                    let answer = engine.release(client, interface, inside, fx);
                    (code(answer), model.release(client, interface, inside))
                })
            }
            Kind::Join | Kind::Leave => {
                let (mut interface, mut flow) = (self.interface_for(client, b), steps::flow(c));
                let add = kind == Kind::Join;
                let forward = d % 4 == 3;
                if let Some((place, there)) = self.member_of(client, c).filter(|_| !add && b < 200)
                {
                    (interface, flow) = (place, there);
                }
                self.membership(MembershipCall { add, forward, client, flow, interface })
            }
            Kind::Packet => self.packet(a, b, c, d),
            Kind::WrongIf => {
                self.wrong_if(steps::source_flow(a), steps::pick(&steps::INTERFACES, b), a)
            }
            Kind::Begin => self.begin(a),
            Kind::Answer => self.answer_one(a, c, d),
            Kind::AnswerAgain => self.answer_again(a, c, d),
            Kind::AnswerAll => self.answer_all(),
            Kind::Deliver if b % 4 == 0 => self.alerted.deliver_all(&self.engine),
            Kind::Deliver => self.alerted.deliver(&self.engine, a.into(), 1 + usize::from(d % 8)),
            Kind::SetMfe => {
                let (flow, up) = (steps::source_flow(b), Ipv4Addr::new(10, 8, 8, d));
                let index = steps::pick(&steps::INTERFACES, c).index;
                self.act("set_mfe", |engine, model, fx| {
                    let answer = engine.set_mfe(client, flow, up, index, fx);
                    (code(answer), model.set_mfe(client, flow, up, index))
                })
            }
            Kind::Routes => self.change_routes(a, b, c, d),
            Kind::Reroute => self.reroute_some(2 + usize::from(a % 32)),
            Kind::Time => self.tick(steps::pick(&steps::SECONDS, a)),
            Kind::LoseOrReturn => self.lose_or_return(a),
            Kind::Threshold => self.set_threshold(steps::pick(&steps::INTERFACES, a), b % 8),
            Kind::Boundary => self.change_boundary(a, b, c),
            Kind::Die => self.die(client),
            Kind::Succeed => self.succeed(a),
            Kind::GraceDone => self.grace_done(a),
            Kind::FlowRate => self.set_flow_rate(steps::pick(&steps::INTERFACES, a).index, b),
        }?;
        self.alerted.check(&self.model)?;
        tables::compare(self)
    }

    fn set_threshold(&mut self, name: Interface, threshold: u8) -> Checked {
        self.act("set_threshold", |engine, model, fx| {
            engine.set_threshold(name, threshold, fx);
            model.set_threshold(name, threshold);
            (Ok(()), Ok(()))
        })
    }

    fn set_flow_rate(&mut self, index: u32, rate: u8) -> Checked {
        self.act("set_flow_rate", |engine, model, fx| {
            engine.set_flow_rate(index, steps::rate(rate), fx);
            model.set_rate(index, steps::rate(rate));
            (Ok(()), Ok(()))
        })
    }

    /// Mostly a client that exists; seldom a former, a future or an invalid one.
    fn client_for(&self, operand: u8) -> ClientId {
        let picked = match operand {
            250..=255 => ClientId(u64::from(operand - 250) * 9),
            _ if self.model.clients.is_empty() => ClientId(1),
            _ => steps::pick(&self.model.clients, operand).id,
        };
        // A client whose process has ended makes no calls, but its successor does.
        let picked = self.model.with_successor(picked);
        if self.model.is_left(Some(picked)) {
            ClientId(0)
        } else {
            picked
        }
    }

    /// Mostly an interface that the client has taken.
    fn interface_for(&self, client: ClientId, operand: u8) -> Interface {
        let has = self.model.interfaces_of(client);
        if has.is_empty() || operand % 8 == 7 {
            steps::pick(&steps::INTERFACES, operand / 8)
        } else {
            steps::pick(&has, operand)
        }
    }

    /// A membership of the client.
    fn member_of(&self, client: ClientId, operand: u8) -> Option<(Interface, Flow)> {
        let is_its = |member: &&Member| {
            let place = self.model.place(member.place);
            let holder = |place: &Place| if member.igmp { place.igmp } else { place.claim };
            place.and_then(holder) == Some(client)
        };
        let its: Vec<_> = self.model.members.iter().filter(is_its).collect();
        let member = its.get(usize::from(operand) % its.len().max(1))?;
        Some((member.place, member.flow))
    }

    /// Makes one call of both. Compares the codes and the notices, and puts the notices into the
    /// queues.
    fn act(
        &mut self,
        what: &str,
        call: impl FnOnce(&mut Engine, &mut Model, &mut Effects) -> (Result<(), Code>, Result<(), Code>),
    ) -> Checked {
        self.act_with(what, false, |engine, model, fx| {
            let (engine, model) = call(engine, model, fx);
            (engine, model)
        })
    }

    fn act_with(
        &mut self,
        what: &str,
        any_order: bool,
        call: impl FnOnce(&mut Engine, &mut Model, &mut Effects) -> (Result<(), Code>, Result<(), Code>),
    ) -> Checked {
        let mut fx = Effects::default();
        let (by_engine, by_model) = call(&mut self.engine, &mut self.model, &mut fx);
        same(&format!("the answer to {what}"), by_engine, by_model)?;
        if by_engine.is_err() && !fx.is_empty() {
            return Err(format!("{what} was refused, and had effects: {fx:?}"));
        }
        self.follow(what, any_order, fx)
    }

    /// Compares effects, and carries them out as the manager does.
    fn follow(&mut self, what: &str, any_order: bool, mut fx: Effects) -> Checked {
        let engine = self.told_by_engine(&mut fx);
        self.alerted.queue(&engine, &std::mem::take(&mut fx.released));
        for client in std::mem::take(&mut fx.departed) {
            self.queues.retain(|queue| queue.client != client);
        }
        let model = self.told_by_model();
        let is_there = |(to, _): &(ClientId, Notice)| self.model.client(*to).is_some();
        let mut engine: Vec<_> = engine.into_iter().filter(is_there).collect();
        let mut model: Vec<_> = model.into_iter().filter(is_there).collect();
        if any_order {
            // The order of what ends in the same tick is not specified.
            let key =
                |(to, notice): &(ClientId, Notice)| (*to, format!("{:?}", comparable(notice)));
            engine.sort_by_key(key);
            model.sort_by_key(key);
        }
        let all_comparable = |notices: &[(ClientId, Notice)]| -> Vec<_> {
            notices.iter().map(|(to, notice)| (*to, comparable(notice))).collect()
        };
        same(&format!("what {what} tells"), all_comparable(&engine), all_comparable(&model))?;
        self.mirror.follow(&self.engine, &mut fx, &mut self.model)?;
        self.model.tidy_homes();
        self.alerts += engine.len();
        let mut mute = Vec::new();
        for ((client, by_engine), (_, by_model)) in engine.into_iter().zip(model) {
            let is_enable = matches!(by_engine, Notice::EnableIgmp { .. });
            if by_engine.question().is_none() && !is_enable {
                continue;
            }
            let Some(queue) = self.queues.iter_mut().find(|queue| queue.client == client) else {
                continue;
            };
            if queue.is_mute {
                mute.push((client, (by_engine, by_model)));
            } else {
                queue.due.push_back((by_engine, by_model));
            }
        }
        for (client, pair) in mute {
            self.starting(client, &pair)?;
            self.answer(client, &pair, 0, 0)?;
        }
        Ok(())
    }

    fn register(&mut self, (protocol, component): (u32, u32), is_mute: bool) -> Checked {
        // Without callbacks the engine does not even ask (5.2, 5.3).
        let kinds = if is_mute { NoticeKinds::default() } else { NoticeKinds::ALL };
        let by_engine = code(self.engine.register(protocol, component, kinds));
        let by_model = self.model.register(protocol, component);
        same("the answer to register", by_engine, by_model)?;
        if let Ok(client) = by_model {
            self.model.mute.extend(Some(client).filter(|_| is_mute));
            self.queues.push(Queue { client, is_mute, due: VecDeque::new(), running: None });
            if !is_mute {
                let is_igmp = self.model.client(client).is_some_and(|client| client.is_igmp());
                self.alerted.register(&self.model, client, is_igmp);
            }
        }
        Ok(())
    }

    fn deregister(&mut self, client: ClientId) -> Checked {
        let check = code(self.engine.check_deregister(client));
        self.act("deregister", |engine, model, fx| {
            let answer = code(engine.deregister(client, fx));
            (
                if answer == check { answer } else { Err(Code::NoMoreItems) },
                model.deregister(client),
            )
        })?;
        if check.is_ok() {
            // The callback that is running ends, and answers.
            let running = self.queues.iter_mut().find(|queue| queue.client == client);
            let running = running.and_then(|queue| queue.running.take());
            self.keep(client, running);
            self.queues.retain(|queue| queue.client != client);
            self.alerted.deregister(client);
        }
        Ok(())
    }

    fn take(&mut self, client: ClientId, interface: Interface, how: u8) -> Checked {
        let prepared = code(self.engine.prepare_take(client, interface, &mut Effects::default()));
        let checked = self.model.check_take(client, interface);
        same("the answer to take", prepared.map(|(_, is_new)| is_new), checked)?;
        let Ok((id, is_new)) = prepared else { return Ok(()) };
        if is_new && how % 16 == 15 {
            self.engine.abandon_take(id); // the forwarder refuses
            return Ok(());
        }
        self.mirror.name(id, interface);
        let holder = self.model.place(interface).map(|place| [place.claim, place.igmp]);
        let is_left = |holder| self.model.is_left_to(holder, client);
        self.taken_over += usize::from(holder.is_some_and(|all| all.into_iter().any(is_left)));
        let mut fx = Effects::default();
        self.engine.set_domain(id, self.model.domain_of(interface), &mut fx);
        same("the effects of a domain", fx.is_empty(), true)?;
        self.act("take", |engine, model, fx| {
            engine.take(client, id, how % 3 == 1, fx);
            model.take(client, interface, how % 3 == 1);
            (Ok(()), Ok(()))
        })
    }

    fn route_for(&self, flow: Flow, interface: Interface) -> Option<Route> {
        let (source, domain) = self.engine.needs_route(flow, interface)?;
        Some(self.model.look_up(source, domain))
    }

    fn membership(&mut self, call: MembershipCall) -> Checked {
        let MembershipCall { add, forward, client, flow, interface } = call;
        let join = if forward { Join::Forward } else { Join::State };
        let route = self.route_for(flow, interface);
        let what = format!("{} {flow}", if add { "join" } else { "leave" });
        self.act(&what, |engine, model, fx| {
            let answer = if add {
                engine.join(client, flow, interface, join, route.as_ref(), fx)
            } else {
                engine.leave(client, flow, interface, join, fx)
            };
            (code(answer), model.membership(call))
        })
    }

    fn packet(&mut self, a: u8, b: u8, c: u8, d: u8) -> Checked {
        let flow = steps::source_flow(a);
        // Mostly on the right interface.
        let due = self.model.mfe(flow).map(|mfe| mfe.iif).filter(|_| b % 2 == 0);
        let arrival = due.unwrap_or_else(|| steps::pick(&steps::INTERFACES, b / 2));
        let header = &[0x45, b];
        let packet = Packet { flow, arrival, header, length: 100 + u32::from(c), ttl: d % 8 };
        let (mut by_kernel, route) = (c % 3 == 2, self.route_for(flow, arrival));
        if self.mirror.is_kernel() && !by_kernel {
            match self.mirror.iif(flow) {
                Some(iif) if iif == arrival => {
                    self.mirror.count(flow);
                    self.model.kernel_forwards(flow);
                    return Ok(());
                }
                Some(_) => return self.wrong_if(flow, arrival, b),
                // A packet of a refused flow is dropped without a notice, where the flow began.
                None if self.mirror.refused_at(flow) == Some(arrival) => return Ok(()),
                None if self.mirror.refused_at(flow).is_some() => {
                    return self.wrong_if(flow, arrival, b);
                }
                None => by_kernel = true,
            }
        }
        let mut outcomes = None;
        self.act("packet", |engine, model, fx| {
            let by_engine = if by_kernel {
                engine.no_entry(model.now, &packet, route.as_ref(), fx)
            } else {
                engine.packet(model.now, &packet, route.as_ref(), fx)
            };
            outcomes = Some((by_engine, model.packet(&packet, by_kernel)));
            (Ok(()), Ok(()))
        })?;
        let in_order = |outcome| match outcome {
            Outcome::Forwarded(mut out) => {
                out.sort_unstable();
                Outcome::Forwarded(out)
            }
            other => other,
        };
        let Some((engine, mut model)) = outcomes else { return Ok(()) };
        if model == Outcome::Resolving && !by_kernel && self.model.asking(flow).is_none() {
            // No client had to be asked, which the model knows only now.
            model = self.model.packet(&packet, by_kernel);
        }
        same("the fate of the packet", in_order(engine), in_order(model))
    }

    /// The kernel reports a packet.
    fn wrong_if(&mut self, flow: Flow, arrival: Interface, header: u8) -> Checked {
        let header = [0x45, header];
        let (packets, route) = (self.mirror.counted(), self.route_for(flow, arrival));
        self.act("wrong_if", |engine, model, fx| {
            let packet = Packet { flow, arrival, header: &header, length: 0, ttl: 0 };
            engine.wrong_if(model.now, &packet, route.as_ref(), packets, fx);
            model.wrong_if(flow, arrival, &header);
            (Ok(()), Ok(()))
        })
    }
}

/// The engine's number of an interface.
pub fn number(id: IfId) -> usize {
    usize::from(id.0)
}
