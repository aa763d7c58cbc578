//! How events come about: the calendar's next entry, and what becomes of it.

use std::cmp::Reverse;

use super::calendar::Slot;
use super::calls::{Call, CallId, Place};
use super::message::{Message, What};
use super::moves::Cause;
use super::processor::Fired;
use super::trail::Mark;
use super::{Acting, Answer, Engine, Event, NO_HOST, Owner, Reply};
use crate::units::Nanos;

/// Whoever owns an engine and acts on what happens in it.
///
/// Events are handed over where they come about instead of being returned: each place then knows which kind of event it
/// has, so that nothing is packed into an [`Event`] and unpacked again.
pub(crate) trait Driver: Sized {
    /// The engine.
    fn engine(&mut self) -> &mut Engine;

    /// Lets whoever is concerned act on an event.
    fn act(&mut self, event: Event);

    /// Lets what is next at or before `until` happen, which may come to one event or to none; then the clock stands at its
    /// time. False when there is nothing: then the clock stands at `until`.
    #[inline]
    fn next(&mut self, until: Nanos) -> bool {
        if let Some(message) = self.engine().messages.pop() {
            self.deliver(message);
            return true;
        }
        let due = self.engine().advance(until);
        if let Some(slot) = due {
            self.fire(slot);
        }
        due.is_some()
    }

    /// An event of this slot is due.
    #[inline]
    fn fire(&mut self, slot: Slot) {
        let engine = self.engine();
        let owner = engine.owners[slot.index()];
        // Five in six are a processor's: a jump that is foreseen, where one by table would not be.
        let done = if let Owner::Processor(host) = owner {
            let fired = engine.hosts[host as usize].processor.fire(engine.now);
            debug_assert_eq!(engine.stale, NO_HOST, "all is found before the clock moves on");
            engine.stale = host;
            match fired {
                Fired::Done(call) => Some(call),
                Fired::Quota => None,
            }
        } else {
            self.fire_other(slot, owner)
        };
        if let Some(acting) = done.and_then(|call| self.engine().served(call)) {
            self.happens(Event::Served(acting));
        }
    }

    /// The same of a slot that is no processor's. The call with which a station is done, if it was one.
    #[inline(never)]
    fn fire_other(&mut self, slot: Slot, owner: Owner) -> Option<CallId> {
        let engine = self.engine();
        match owner {
            // What has come over a link is next, for nothing else is waiting while the clock moves.
            Owner::Line(line) => {
                let (line, _) = &mut engine.lines[line as usize];
                let message = line.receive();
                engine.calendar.set(slot, line.next().unwrap_or(Nanos::MAX));
                if let Some(message) = message {
                    engine.messages.push(message);
                }
            }
            Owner::Late => {
                let late = engine.late.pop();
                engine.schedule_late();
                if let Some(Reverse(late)) = late {
                    engine.messages.push(late.message);
                }
            }
            Owner::Disk(host) => {
                let done = engine.hosts[host as usize].disk.fire(engine.now);
                engine.schedule_disk(host);
                return done;
            }
            Owner::Pauses => {
                let paused = engine.pauses.pop();
                engine.schedule_pauses();
                return paused;
            }
            Owner::Timer(timer) => {
                engine.fired = Some(slot);
                self.happens(Event::Timer(timer));
            }
            Owner::Deadlines => {
                let due = engine.deadlines.fire(&mut engine.calendar, engine.now, &engine.calls);
                if let Some(event) = due.and_then(|call| engine.expire(call)) {
                    self.happens(event);
                }
            }
            Owner::Processor(_) => {}
        }
        None
    }

    /// What travelled is there.
    #[inline(always)]
    fn deliver(&mut self, message: Message) {
        match message.what {
            What::Arrive => {
                if let Some(acting) = self.engine().arrived(message.call) {
                    self.happens(Event::Arrived(acting));
                }
            }
            What::Answer(answer) => {
                if let Some((acting, reply)) = self.engine().returned(message.call, answer) {
                    self.happens(Event::Answered(acting, reply));
                }
            }
            What::Notice => self.happens(Event::Notice),
        }
    }

    /// An event comes about.
    #[inline(always)]
    fn happens(&mut self, event: Event) {
        self.engine().events += 1;
        self.act(event);
    }
}

impl Engine {
    /// Moves the clock to the next entry of the calendar at or before `until`, else to `until`.
    #[inline]
    fn advance(&mut self, until: Nanos) -> Option<Slot> {
        let stale = std::mem::replace(&mut self.stale, NO_HOST);
        if stale != NO_HOST {
            self.find_next(stale);
        }
        if let Some(slot) = self.fired.take() {
            self.calendar.clear(slot);
        }
        let Some((at, slot)) = self.calendar.earliest().filter(|(at, _)| *at <= until) else {
            self.now = until;
            return None;
        };
        debug_assert!(at >= self.now, "the clock never runs back");
        self.now = at;
        self.note(at ^ ((slot.index() as u64) << 48));
        Some(slot)
    }

    /// The processor, the disk or the pause is done with a call.
    #[inline]
    fn served(&mut self, id: CallId) -> Option<Acting> {
        // A call that was ended while it paused has nobody to tell.
        let call = self.calls.get(id).filter(|call| !call.is_over())?;
        let (node, watched) = (call.node, call.watched);
        if watched {
            self.mark(true, id, Mark::Served);
        }
        Some(Acting { node, call: id })
    }

    /// A call has come to its component.
    #[inline]
    fn arrived(&mut self, id: CallId) -> Option<Acting> {
        let call = self.calls.get_mut(id)?;
        call.place = Place::Held;
        Some(Acting { node: call.node, call: id })
    }

    /// An answer has reached the caller, if it still waits.
    #[inline]
    fn returned(&mut self, id: CallId, answer: Answer) -> Option<(Acting, Reply)> {
        let call = self.calls.remove(id)?;
        let (caller, stale) = (call.parent, call.stale);
        let reply = Reply { answer, edge: call.link, note: call.note, begun: call.begun };
        let parent = self.calls.get_mut(caller).filter(|parent| !parent.is_over())?;
        // What is only read is at hand sooner than what was just written.
        if stale && answer.is_ok() {
            parent.stale = true;
        }
        Some((Acting { node: parent.node, call: caller }, reply))
    }

    /// A call's deadline has come. Its caller goes on; whoever works for it does not know, and works for nobody.
    fn expire(&mut self, id: CallId) -> Option<Event> {
        let call = self.calls.get_mut(id)?;
        call.deadline = Nanos::MAX;
        let Call { parent, node, watched, link, note, begun, .. } = *call;
        if !call.has_caller() {
            return Some(Event::Expired(Acting { node, call: id }));
        }
        let over = call.is_over();
        self.mark(watched, id, Mark::GivenUp);
        if over {
            self.calls.remove(id);
        } else {
            self.see(node, id, Err(Cause::TimedOut));
            if let Some(call) = self.calls.get_mut(id) {
                call.parent = CallId::NONE;
            }
        }
        let caller = self.calls.get(parent).filter(|parent| !parent.is_over())?;
        let reply = Reply { answer: Err(Cause::TimedOut), edge: link, note, begun };
        Some(Event::Answered(Acting { node: caller.node, call: parent }, reply))
    }

    #[cold]
    pub(super) fn add_line_slot(&mut self, index: usize) -> Slot {
        let slot = self.add_slot(Owner::Line(index as u32));
        self.lines[index].1 = Some(slot);
        slot
    }

    pub(super) fn add_slot(&mut self, owner: Owner) -> Slot {
        self.owners.push(owner);
        self.calendar.add()
    }

    #[inline]
    pub(super) fn schedule_processor(&mut self, host: u32) {
        if self.stale != host {
            let other = std::mem::replace(&mut self.stale, host);
            if other != NO_HOST {
                self.find_next(other);
            }
        }
    }

    fn find_next(&mut self, index: u32) {
        let host = &self.hosts[index as usize];
        if !host.processor.is_plain() {
            return self.find_next_in_general(index);
        }
        let slot = host.processor_slot;
        match host.processor.next::<true>() {
            Some(at) => self.calendar.set(slot, at),
            None => self.calendar.clear(slot),
        }
    }

    #[inline(never)]
    fn find_next_in_general(&mut self, index: u32) {
        let host = &self.hosts[index as usize];
        self.calendar.set(host.processor_slot, host.processor.next::<false>().unwrap_or(Nanos::MAX));
    }

    pub(super) fn schedule_disk(&mut self, index: u32) {
        let host = &self.hosts[index as usize];
        let next = host.disk.next();
        let slot = match (host.disk_slot, next) {
            (Some(slot), _) => slot,
            (None, None) => return,
            (None, Some(_)) => {
                let slot = self.add_slot(Owner::Disk(index));
                self.hosts[index as usize].disk_slot = Some(slot);
                slot
            }
        };
        self.calendar.set(slot, next.unwrap_or(Nanos::MAX));
    }

    pub(super) fn schedule_pauses(&mut self) {
        self.calendar.set(self.pauses_slot, self.pauses.next());
    }

    pub(super) fn schedule_late(&mut self) {
        let next = self.late.peek().map_or(Nanos::MAX, |Reverse(late)| late.arrives);
        self.calendar.set(self.late_slot, next);
    }
}
