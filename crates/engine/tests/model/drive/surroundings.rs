//! Steps that no client causes: changes of routes, time, boundaries and interfaces.

use super::*;

impl Drive {
    pub(super) fn change_routes(&mut self, a: u8, b: u8, c: u8, d: u8) -> Checked {
        let domain = |operand: u8| match operand & 64 == 0 || self.model.domains.is_empty() {
            true => Domain::MAIN,
            false => OTHER,
        };
        let name = (steps::pick(&steps::SOURCES, a), domain(a));
        let mut routes = vec![(name, steps::route(b, c))];
        let other = (steps::pick(&steps::SOURCES, c), domain(d));
        if other != name && c >= 128 {
            routes.push((other, steps::route(d, a)));
        }
        let named: Vec<_> = routes
            .iter()
            .map(|((source, domain), route)| (*source, *domain, route.clone()))
            .collect();
        self.act_with("update_routes", true, |engine, model, fx| {
            engine.update_routes(&named, fx).expect("there is memory");
            model.change_routes(&routes);
            (Ok(()), Ok(()))
        })
    }

    pub(super) fn tick(&mut self, seconds: u64) -> Checked {
        // The order in which flows end and follow their routes is not specified.
        while self.engine.has_reroutes() {
            self.reroute_some(3)?;
        }
        let now = Time(self.model.now.0 + seconds * 1000);
        let packets = self.mirror.counted();
        self.act_with("tick", true, |engine, model, fx| {
            engine.tick(now, 2, &packets, fx);
            while engine.next_deadline().is_some_and(|due| due <= now) {
                engine.tick(now, 2, &packets, fx);
            }
            model.tick(now);
            (Ok(()), Ok(()))
        })
    }

    /// Some flows follow their routes.
    pub(super) fn reroute_some(&mut self, most: usize) -> Checked {
        self.act_with("reroute_some", true, |engine, model, fx| {
            engine.reroute_some(model.now, most, fx);
            model.reroute_some(most);
            (Ok(()), Ok(()))
        })
    }

    pub(super) fn change_boundary(&mut self, a: u8, b: u8, c: u8) -> Checked {
        let (index, scope) = (steps::pick(&steps::INTERFACES, a).index, steps::scope(b));
        // Existing boundaries are deleted more often than new ones are added.
        let (index, scope) = match self.model.boundaries.as_slice() {
            [] => (index, scope),
            _ if c % 4 == 0 => (index, scope),
            there => steps::pick(there, a),
        };
        self.act_with("a boundary", true, |engine, model, fx| {
            if c % 4 == 0 {
                engine.add_boundary(index, scope, fx);
                model.add_boundary(index, scope);
                return (Ok(()), Ok(()));
            }
            let answer = engine.delete_boundary(index, scope, fx);
            (code(answer), model.delete_boundary(index, scope))
        })
    }

    pub(super) fn lose_or_return(&mut self, operand: u8) -> Checked {
        let name = steps::pick(&steps::INTERFACES, operand / 4);
        let Some(id) = self.engine.interface_number(name) else { return Ok(()) };
        let is_absent = self.model.place(name).is_some_and(|place| place.absent);
        // Mostly it is in the other state; now and then it is lost twice, or returns twice.
        let returns = if is_absent { operand % 4 != 3 } else { operand % 4 != 1 };
        self.act("the loss or return of an interface", |engine, model, fx| {
            if returns {
                engine.interface_back(id, fx);
                model.return_of(name);
            } else {
                engine.interface_lost(id, fx);
                model.lose(name);
            }
            (Ok(()), Ok(()))
        })
    }
}
