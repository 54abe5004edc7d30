//! The flows on the whole terminal, the busiest first.
//!
//! - `terminal`: the terminal's keys and size.

mod terminal;

use crate::arguments::Top;
use crate::failed::Failed;
use crate::router::{Overview, Router};
use crate::show::{self, Watch};
use crate::table::{cut, WIDTH};
use mgm_control::request::FlowsQuery;
use mgm_control::Page;
use std::io::Write;
use std::time::{Duration, Instant};
use terminal::{Input, Terminal, CONTROL_C};

/// All flows, in pages that are as large as possible.
pub fn all() -> FlowsQuery {
    FlowsQuery {
        group: None,
        source: None,
        page: Page { after: None, limit: Page::<()>::MAX_LIMIT },
    }
}

/// What is on the screen.
struct Screen {
    router: Overview,
    flows: Watch,
}

impl Screen {
    /// Asks the router for the first time: there are no rates yet.
    fn new(router: &mut Router) -> Result<Screen, Failed> {
        let (overview, flows) = router.look(&all())?;
        let mut watch = Watch::default();
        watch.update(flows, uptime(&overview));
        Ok(Screen { router: overview, flows: watch })
    }

    fn update(&mut self, router: &mut Router) -> Result<(), Failed> {
        let (overview, flows) = router.look(&all())?;
        self.flows.update(flows, uptime(&overview));
        self.router = overview;
        Ok(())
    }

    fn text(&self, width: usize) -> String {
        let head = show::head(&self.router).map(|line| cut(&line, width) + "\n");
        format!("{}{}\n{}", head[0], head[1], self.flows.table(width))
    }
}

/// The clock of the router, so that rates do not depend on how long an answer takes.
fn uptime(router: &Overview) -> Duration {
    Duration::from_millis(match router {
        Overview::Mgmd(status) => status.uptime_ms,
        Overview::Library(summary) => summary.uptime_ms,
    })
}

/// Shows the flows until the user presses `q`, or once.
pub fn run(router: &mut Router, how: Top) -> Result<(), Failed> {
    let mut screen = Screen::new(router)?;
    if how.once {
        std::thread::sleep(how.interval);
        screen.update(router)?;
        return Ok(std::io::stdout().write_all(screen.text(WIDTH).as_bytes())?);
    }
    let terminal = Terminal::take().map_err(Failed::Terminal)?;
    let mut waited = Duration::ZERO;
    loop {
        terminal.show(|width| screen.text(width)).map_err(Failed::Terminal)?;
        let begun = Instant::now();
        match terminal.input(how.interval.saturating_sub(waited)) {
            Some(Input::Key(b'q' | b'Q' | CONTROL_C)) => return Ok(()),
            Some(_) => waited += begun.elapsed(),
            None => waited = how.interval,
        }
        if waited >= how.interval {
            waited = Duration::ZERO;
            screen.update(router)?;
        }
    }
}
