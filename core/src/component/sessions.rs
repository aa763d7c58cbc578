//! Sessions that a process keeps in its own memory.

use crate::choices;
use crate::engine::Engine;

choices! {
    /// Where sessions are kept.
    pub enum Keeping {
        /// In a session store or in the browser, for every copy alike.
        Shared = "shared",
        /// In the memory of the process that began them.
        Memory = "memory",
    }
}

/// The sessions of one process.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    /// By the visit's place: the number of the visit whose session is here; 0 for none.
    visits: Vec<u32>,
    lost: u64,
}

impl Sessions {
    /// Whether the request may go on: its session is here, or it has none yet and gets one. Otherwise its session was
    /// lost or is elsewhere; the user has to log in again, and has a session here from then on.
    pub(super) fn knows(&mut self, engine: &mut Engine, node: u16, request: u64) -> bool {
        let Some(visit) = engine.visit(request) else { return true };
        let place = visit.place as usize;
        if self.visits.len() <= place {
            self.visits.resize((place + 1).next_power_of_two(), 0);
        }
        // The browser keeps the name of one session only: logging in elsewhere has made it forget the one here.
        let named = engine.cookie_mut(visit).session.replace(node);
        let here = std::mem::replace(&mut self.visits[place], visit.number) == visit.number;
        let lost = named.is_some_and(|named| named != node || !here);
        self.lost += u64::from(lost);
        !lost
    }

    /// The process has died.
    pub(super) fn clear(&mut self) {
        self.visits.fill(0);
    }

    /// Requests that found no session where there had been one.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_known_where_it_was_begun_and_nowhere_else() {
        let mut engine = Engine::new(1);
        engine.add_visits(0, 1, 1_000_000);
        let (mut here, mut there) = (Sessions::default(), Sessions::default());
        assert!(here.knows(&mut engine, 1, 0), "the first request begins it");
        assert!(here.knows(&mut engine, 1, 1));
        assert!(!there.knows(&mut engine, 2, 2), "it is not there");
        assert!(there.knows(&mut engine, 2, 3), "the user has logged in again");
        there.clear();
        assert!(!there.knows(&mut engine, 2, 4), "it died with its process");
        assert!(!here.knows(&mut engine, 1, 5), "the browser has forgotten the first");
        assert_eq!((here.lost(), there.lost()), (1, 2));
    }
}
