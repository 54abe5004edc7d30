//! Timers and specific queries (I2, I34 to I36).

use super::{Set, Spec};
use std::net::Ipv4Addr;

impl Spec {
    fn lmqt(&self) -> u64 {
        self.config.last_member_time()
    }

    fn lmqi(&self) -> u64 {
        self.config.last_member_query_interval.into()
    }

    pub(super) fn send(&mut self, text: String) {
        if self.election_address().is_some() {
            self.sent.push((self.now, text));
        }
    }

    fn send_sources(&mut self, group: Ipv4Addr, sources: &Set, suppress: bool) {
        if self.version() == 3 && !sources.is_empty() {
            let list: Vec<String> = sources.iter().map(Ipv4Addr::to_string).collect();
            let suppress = if suppress { " S" } else { "" };
            self.send(format!("Q({group},{{{}}}){suppress}", list.join(",")));
        }
    }

    fn send_group(&mut self, group: Ipv4Addr, suppress: bool) {
        match self.version() {
            1 => {}
            2 => self.send(format!("Q({group}) v2")),
            _ => self.send(format!("Q({group}){}", if suppress { " S" } else { "" })),
        }
    }

    /// Q(G,X) and Q(G) begin.
    pub(super) fn ask(&mut self, group: Ipv4Addr, x: &Set, g: bool) {
        let (now, lmqt, lmqi) = (self.now, self.lmqt(), self.lmqi());
        let left = self.config.last_member_count() - 1;
        let mut begun = Set::new();
        for line in &mut self.sources {
            let asked = line.group == group && x.contains(&line.source);
            if asked && line.until.is_some_and(|until| until > now + lmqt) {
                (line.until, line.queries_left) = (Some(now + lmqt), left);
                begun.insert(line.source);
            }
        }
        let line = self.line(group).expect("it is there");
        if !begun.is_empty() && left > 0 && line.source_queries.is_none() {
            line.source_queries = Some(now + lmqi);
        }
        let begin_group = g && line.exclude && !line.asked;
        if begin_group {
            line.timer = line.timer.min(now + lmqt);
            line.asked = true;
            line.queries = Some((now + lmqi, left)).filter(|_| left > 0);
        }
        self.send_sources(group, &begun, false);
        if begin_group {
            self.send_group(group, false);
        }
    }

    /// The earliest of all deadlines.
    pub fn earliest(&self) -> Option<u64> {
        let groups = self.groups.iter().flat_map(|line| {
            let timer = Some(line.timer).filter(|_| line.exclude);
            [timer, line.queries.map(|(at, _)| at), line.source_queries]
        });
        let sources = self.sources.iter().map(|line| line.until);
        let others = self.others.iter().map(|other| Some(other.until));
        let all = groups.chain(sources).chain(others).chain([self.next_general]);
        all.flatten().min()
    }

    /// Time passes until `end`. With `late`, there was no call meanwhile.
    pub fn pass(&mut self, end: u64, late: bool) {
        while let Some(at) = self.earliest().filter(|at| *at <= end) {
            self.now = if late { end } else { at };
            self.run_election(at);
            let mut groups: Vec<Ipv4Addr> = self.groups.iter().map(|line| line.group).collect();
            groups.sort();
            for group in groups {
                self.run_group(group, at);
            }
        }
        self.now = end;
    }

    fn run_group(&mut self, group: Ipv4Addr, at: u64) {
        let exclude = self.is_exclude(group);
        let over = |until: Option<u64>| until.is_some_and(|until| until <= at);
        if exclude {
            for line in self.sources.iter_mut().filter(|l| l.group == group && over(l.until)) {
                (line.until, line.queries_left) = (None, 0);
            }
        } else {
            self.sources.retain(|line| line.group != group || !over(line.until));
        }
        if self.line(group).is_some_and(|line| line.exclude && line.timer <= at) {
            self.leave_exclude(group);
        }
        self.tidy();
        self.repeat(group, at);
    }

    /// Repeats what is due, if it is not too late for it (G11).
    fn repeat(&mut self, group: Ipv4Addr, at: u64) {
        let (now, lmqt, lmqi) = (self.now, self.lmqt(), self.lmqi());
        let following = |due: u64| if due + lmqi > now { due + lmqi } else { now + lmqi };
        let Some(line) = self.line(group) else { return };
        let group_due = line.queries.is_some_and(|(due, _)| due <= at);
        let ask_group = group_due && line.exclude && line.timer > now;
        let suppress_group = line.timer > now + lmqt;
        if let Some((due, left)) = line.queries.filter(|_| group_due) {
            let more = ask_group && left > 1;
            line.queries = more.then(|| (following(due), left - 1));
        }
        if let Some(due) = line.source_queries.filter(|due| *due <= at) {
            let (mut suppressed, mut asked, mut more) = (Set::new(), Set::new(), false);
            for line in self.sources.iter_mut().filter(|l| l.group == group && l.queries_left > 0) {
                line.queries_left -= 1;
                more |= line.queries_left > 0;
                match line.until {
                    Some(until) if until > now + lmqt => suppressed.insert(line.source),
                    Some(until) if until > now => asked.insert(line.source),
                    _ => false,
                };
            }
            self.line(group).expect("it is there").source_queries = more.then(|| following(due));
            if !ask_group {
                self.send_sources(group, &suppressed, true);
            }
            self.send_sources(group, &asked, false);
        }
        if ask_group {
            self.send_group(group, suppress_group);
        }
    }
}
