//! How events come about: the calendar's next entry, and what becomes of it.

use std::cmp::Reverse;

use super::calendar::Slot;
use super::calls::{Call, CallId, Place};
use super::message::{Message, What};
use super::moves::Cause;
use super::processor::Fired;
use super::trail::Mark;
use super::{Acting, Answer, Engine, Event, Owner, Reply};
use crate::units::Nanos;

impl Engine {
    /// The next event at or before `until`; then the clock stands at its time. Without one the clock stands at `until`.
    #[inline]
    pub(crate) fn next(&mut self, until: Nanos) -> Option<Event> {
        loop {
            if let Some(message) = self.messages.pop() {
                if let Some(event) = self.deliver(message) {
                    self.events += 1;
                    return Some(event);
                }
                continue;
            }
            if let Some(host) = self.stale.take() {
                self.find_next(host);
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
            if let Some(event) = self.fire(slot) {
                self.events += 1;
                return Some(event);
            }
        }
    }

    fn fire(&mut self, slot: Slot) -> Option<Event> {
        match self.owners[slot.index()] {
            Owner::Timer(timer) => {
                self.fired = Some(slot);
                Some(Event::Timer(timer))
            }
            Owner::Processor(host) => {
                let fired = self.hosts[host as usize].processor.fire(self.now);
                self.schedule_processor(host);
                match fired {
                    Fired::Done(call) => self.served(call),
                    Fired::Quota => None,
                }
            }
            Owner::Disk(host) => {
                let done = self.hosts[host as usize].disk.fire(self.now);
                self.schedule_disk(host);
                done.and_then(|call| self.served(call))
            }
            Owner::Line(line) => {
                let (line, _) = &mut self.lines[line as usize];
                let message = line.receive();
                self.calendar.set(slot, line.next().unwrap_or(Nanos::MAX));
                message.and_then(|message| self.deliver(message))
            }
            Owner::Late => {
                let late = self.late.pop();
                self.schedule_late();
                late.and_then(|Reverse(late)| self.deliver(late.message))
            }
            Owner::Pauses => {
                let paused = self.pauses.pop();
                self.schedule_pauses();
                paused.and_then(|Reverse((_, call))| self.served(call))
            }
            Owner::Deadlines => {
                let due = self.deadlines.fire(&mut self.calendar, self.now, &self.calls);
                due.and_then(|call| self.expire(call))
            }
        }
    }

    fn served(&mut self, id: CallId) -> Option<Event> {
        // A call that was ended while it paused has nobody to tell.
        let call = self.calls.get_mut(id).filter(|call| !call.is_over())?;
        call.place = Place::Held;
        let (node, watched) = (call.node, call.watched);
        self.mark(watched, id, Mark::Served);
        Some(Event::Served(Acting { node, call: id }))
    }

    #[inline]
    fn deliver(&mut self, message: Message) -> Option<Event> {
        match message.what {
            What::Arrive => {
                let call = self.calls.get_mut(message.call)?;
                call.place = Place::Held;
                Some(Event::Arrived(Acting { node: call.node, call: message.call }))
            }
            What::Answer(answer) => self.returned(message.call, answer),
            What::Notice => Some(Event::Notice),
        }
    }

    /// An answer has reached the caller, if it still waits.
    fn returned(&mut self, id: CallId, answer: Answer) -> Option<Event> {
        let call = self.calls.remove(id)?;
        let (caller, stale) = (call.parent, call.stale);
        let reply = Reply { answer, edge: call.link, note: call.note, begun: call.begun };
        let parent = self.calls.get_mut(caller).filter(|parent| !parent.is_over())?;
        parent.stale |= stale && answer.is_ok();
        Some(Event::Answered(Acting { node: parent.node, call: caller }, reply))
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
        if self.stale != Some(host)
            && let Some(other) = self.stale.replace(host)
        {
            self.find_next(other);
        }
    }

    fn find_next(&mut self, host: u32) {
        let host = &self.hosts[host as usize];
        self.calendar.set(host.processor_slot, host.processor.next().unwrap_or(Nanos::MAX));
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
        let next = self.pauses.peek().map_or(Nanos::MAX, |Reverse((at, _))| *at);
        self.calendar.set(self.pauses_slot, next);
    }

    pub(super) fn schedule_late(&mut self) {
        let next = self.late.peek().map_or(Nanos::MAX, |Reverse(late)| late.arrives);
        self.calendar.set(self.late_slot, next);
    }
}
