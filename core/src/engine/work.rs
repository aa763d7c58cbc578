//! What a component may do: begin, call, compute, wait, answer.

use std::cmp::Reverse;

use super::calendar::Slot;
use super::calls::{Call, CallId, Place};
use super::message::{self, Late, Message};
use super::moves::{Cause, Move, What};
use super::trail::Mark;
use super::{Answer, Engine, Notice, Order};
use crate::units::Nanos;
use crate::workload::Class;

/// Time after which a lost packet is sent again; doubled each time. Linux waits 200 ms at least (TCP_RTO_MIN); RFC 6298
/// would have it wait a second.
const RETRANSMIT_NS: Nanos = 200_000_000;
/// Most times that one message is sent again: TCP gives up after 15 (tcp_retries2), and by then nobody waits.
const RETRANSMITS_MOST: u32 = 8;

impl Engine {
    /// A new request of a user, at `node`, whose users give up after `patience`: then comes [`super::Event::Expired`].
    pub fn begin(&mut self, request: u64, class: Class, node: u16, patience: Nanos) -> CallId {
        self.tally.counts.arrived += 1;
        let watched = match self.watch_only {
            Some(only) => request == only,
            None => self.watch_one_in > 0 && request.is_multiple_of(self.watch_one_in),
        };
        let deadline = self.now.saturating_add(patience);
        let (id, call) = self.calls.add(request, class, CallId::NONE, node, u16::MAX, self.now);
        (call.root, call.watched, call.deadline) = (true, watched, deadline);
        self.mark(watched, id, Mark::Begun { class, node });
        self.deadlines.add(&mut self.calendar, self.now, id, deadline);
        id
    }

    /// Ends a user's request. False when it had ended before.
    pub fn end(&mut self, root: CallId, answer: Answer) -> bool {
        let Some(call) = self.calls.get(root) else { return false };
        let (request, class, node) = (call.request, call.class, call.node);
        let (begun, stale, watched) = (call.begun, call.stale, call.watched);
        let response_ns = self.now - begun;
        self.note(request.rotate_left(32) ^ response_ns);
        self.mark(watched, root, Mark::Ended { failed: answer.err() });
        match answer {
            Ok(()) => {
                self.tally.complete(class, response_ns, stale);
                self.log(watched, root, What::Done { begun });
            }
            Err(cause) => {
                self.tally.fail(cause);
                self.log(watched, root, What::Fail { node, cause });
            }
        }
        self.calls.remove(root);
        true
    }

    /// Work of a component's own, for which nobody waits: a message in a queue, a change on its way to a replica. Ends
    /// with [`Engine::finish`]. `watched` is the call whose moves it continues, if any.
    pub fn begin_own(&mut self, request: u64, class: Class, node: u16, of: Option<CallId>) -> CallId {
        let watched = of.and_then(|of| self.calls.get(of)).is_some_and(|of| of.watched);
        let (id, call) = self.calls.add(request, class, CallId::NONE, node, u16::MAX, self.now);
        call.watched = watched;
        if let Some(of) = of {
            self.mark(watched, id, Mark::Own { of, node });
        }
        id
    }

    /// Ends work of a component's own.
    pub fn finish(&mut self, own: CallId) {
        if let Some(call) = self.calls.remove(own) {
            let watched = call.watched;
            self.mark(watched, own, Mark::Ended { failed: None });
        }
    }

    /// Calls the component at the other end of `edge` for `parent`. Its answer comes as [`super::Event::Answered`], at the
    /// latest after `timeout` as [`Cause::TimedOut`]. The new call, to be told what is wanted; none when there is no parent.
    pub fn call(&mut self, edge: u16, parent: CallId, timeout: Nanos) -> Option<&mut Call> {
        let from = self.calls.get(parent)?;
        let (request, class, watched, branch) = (from.request, from.class, from.watched, from.branch);
        let (to, deadline) = (self.edges[usize::from(edge)].to, self.now.saturating_add(timeout));
        let (id, call) = self.calls.add(request, class, parent, to, edge, self.now);
        (call.watched, call.branch, call.place, call.deadline) = (watched, branch, Place::OnTheWay, deadline);
        self.deadlines.add(&mut self.calendar, self.now, id, deadline);
        let arrives = self.send(usize::from(edge) * 2, class, Message { what: message::What::Arrive, call: id });
        if watched {
            self.log(true, id, What::Travel { edge, back: false, arrives });
            self.mark(true, id, Mark::Called { by: parent, edge, arrives });
        }
        Some(self.calls.at(id))
    }

    /// Ends a call and sends the answer to whoever made it and still waits.
    pub fn answer(&mut self, id: CallId, answer: Answer) {
        let Some(call) = self.calls.get_mut(id).filter(|call| !call.is_over()) else { return };
        // Nearly every answer goes to somebody who waits and is seen by nobody else: there is little to do for it.
        if call.root || call.watched || answer.is_err() || call.parent == CallId::NONE || !self.watched.is_empty() {
            return self.answer_in_general(id, answer);
        }
        call.place = Place::Answered;
        let message = Message { what: message::What::Answer(answer), call: id };
        let (link, class) = (call.link, call.class);
        self.send(usize::from(link) * 2 + 1, class, message);
    }

    #[inline(never)]
    fn answer_in_general(&mut self, id: CallId, answer: Answer) {
        let Some(call) = self.calls.get_mut(id) else { return };
        if call.root {
            self.end(id, answer);
            return;
        }
        call.place = Place::Answered;
        let waited_for = call.parent != CallId::NONE;
        let (node, link, class, watched) = (call.node, call.link, call.class, call.watched);
        self.see(node, id, answer);
        if let Err(cause) = answer {
            self.log(watched, id, What::Fail { node, cause });
        }
        if !waited_for {
            self.calls.remove(id);
            self.mark(watched, id, Mark::Ended { failed: answer.err() });
            return;
        }
        let message = Message { what: message::What::Answer(answer), call: id };
        let arrives = self.send(usize::from(link) * 2 + 1, class, message);
        if watched {
            self.mark(true, id, Mark::Answered { arrives, failed: answer.err() });
            if answer.is_ok() {
                self.log(true, id, What::Travel { edge: link, back: true, arrives });
            }
        }
    }

    /// Ends a call without a word: the machine is off, and nobody is left to answer. Its caller waits for its deadline.
    pub fn abandon(&mut self, id: CallId, cause: Cause) {
        let Some(call) = self.calls.get(id) else { return };
        if call.root {
            self.end(id, Err(cause));
        } else {
            let (node, watched) = (call.node, call.watched);
            self.see(node, id, Err(cause));
            self.log(watched, id, What::Fail { node, cause });
            self.mark(watched, id, Mark::Ended { failed: Some(cause) });
            self.lose(id);
        }
    }

    /// Nobody will answer this call.
    pub(super) fn lose(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(id) else { return };
        if call.parent == CallId::NONE {
            self.calls.remove(id);
        } else {
            call.place = Place::Lost;
        }
    }

    /// Moves a call's deadline.
    pub fn set_deadline(&mut self, id: CallId, deadline: Nanos) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.deadline = deadline;
        self.deadlines.add(&mut self.calendar, self.now, id, deadline);
    }

    /// Lets a call run on a machine's processors. Its end comes as [`super::Event::Served`].
    pub fn compute(&mut self, id: CallId, host: u32, demand_ns: f64) {
        self.run(id, host, demand_ns, false);
    }

    /// The same for a call that a worker or connection of its component takes now; see [`serves`](Self::serves).
    pub fn serve(&mut self, id: CallId, host: u32, demand_ns: f64) {
        self.run(id, host, demand_ns, true);
    }

    fn run(&mut self, id: CallId, host: u32, demand_ns: f64, taken: bool) {
        let Some(call) = self.calls.get(id) else { return };
        let processor = &mut self.hosts[host as usize].processor;
        if call.watched || !processor.is_plain() {
            return self.run_in_general(id, host, demand_ns, taken);
        }
        processor.add::<true>(self.now, id, demand_ns);
        self.schedule_processor(host);
    }

    #[inline(never)]
    fn run_in_general(&mut self, id: CallId, host: u32, demand_ns: f64, taken: bool) {
        if taken {
            self.serves(id);
        }
        let watched = self.calls.get(id).is_some_and(|call| call.watched);
        self.mark(watched, id, Mark::Computes);
        self.hosts[host as usize].processor.add::<false>(self.now, id, demand_ns);
        self.schedule_processor(host);
    }

    /// Lets a call wait for a synchronous operation of a machine's disk. Its end comes as [`super::Event::Served`].
    pub fn write(&mut self, id: CallId, host: u32) {
        let disk_ns = self.hosts[host as usize].machine.disk_latency.ns();
        self.use_disk(id, host, disk_ns);
    }

    /// The same for a write that takes along whatever waits. `room` is the share of it that is still free: as much more it
    /// could do, however busy the disk is.
    pub fn write_with_room(&mut self, id: CallId, host: u32, room: f64) {
        let host_now = &mut self.hosts[host as usize];
        host_now.disk_room_ns += room * host_now.machine.disk_latency.ns() as f64;
        self.write(id, host);
    }

    /// Lets a call keep a machine's disk busy for so long: a scan, a backup. Its end comes as [`super::Event::Served`].
    pub fn use_disk(&mut self, id: CallId, host: u32, demand_ns: Nanos) {
        let Some(watched) = self.calls.get(id).map(|call| call.watched) else { return };
        self.hosts[host as usize].disk.add(self.now, id, demand_ns);
        self.schedule_disk(host);
        self.mark(watched, id, Mark::AtDisk);
    }

    /// Lets time pass for a call. Its end comes as [`super::Event::Served`].
    pub fn pause(&mut self, id: CallId, ns: Nanos) {
        self.pauses.push(self.now, ns, id);
        self.schedule_pauses();
    }

    /// Lets a packet of a call cross an edge, there or back, without work at the other end. Its arrival comes as
    /// [`super::Event::Served`]; where the edge is cut it never does.
    pub fn cross(&mut self, id: CallId, edge: u16, back: bool) {
        self.cross_after(id, edge, back, 0);
    }

    /// The same for what is read in order, and not before `before`: when the packet ahead of it has come. When it arrives.
    pub fn cross_after(&mut self, id: CallId, edge: u16, back: bool, before: Nanos) -> Option<Nanos> {
        let watched = self.calls.get(id).map(|call| call.watched)?;
        if self.is_cut(edge) {
            return None;
        }
        let (line, _) = &mut self.lines[usize::from(edge) * 2 + usize::from(back)];
        let (arrives, loss) = (line.arrival(self.now, 0.0), line.trouble().loss);
        let late_ns = if loss > 0.0 { self.retransmission_ns(loss) } else { 0 };
        let arrives = arrives.saturating_add(late_ns).max(before);
        self.log(watched, id, What::Travel { edge, back, arrives });
        self.mark(watched, id, Mark::Crossed { edge, back, arrives });
        self.pause(id, arrives - self.now);
        Some(arrives)
    }

    /// Sets a timer; it goes off as [`super::Event::Timer`].
    #[inline]
    pub fn set_timer(&mut self, slot: Slot, at: Nanos) {
        if self.fired == Some(slot) {
            self.fired = None;
        }
        self.calendar.set(slot, at);
    }

    /// Stops a timer.
    pub fn clear_timer(&mut self, slot: Slot) {
        self.calendar.clear(slot);
    }

    /// Takes memory of a machine, or with a negative number gives it back.
    pub fn hold(&mut self, host: u32, bytes: f64) {
        self.hosts[host as usize].used_bytes += bytes;
        if !self.hosts[host as usize].at_ease() {
            self.press(host);
        }
    }

    /// Takes room on a machine's disk, or with a negative number gives it back. False, and nothing is taken, when it
    /// does not fit.
    pub fn store(&mut self, host: u32, bytes: f64) -> bool {
        self.hosts[host as usize].store(bytes)
    }

    /// Takes all the room that is left on a machine's disk. How many bytes that was.
    pub fn fill_disk(&mut self, host: u32) -> f64 {
        self.hosts[host as usize].fill_disk()
    }

    /// Asks whoever drives the engine to do something to a node, before the clock moves on.
    pub fn order(&mut self, order: Order) {
        self.messages.push_notice(Notice::Order(order));
    }

    /// Says that a call queues at its component.
    pub fn waits(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(id) {
            let (node, watched) = (call.node, call.watched);
            self.log(watched, id, What::Wait { node });
            self.mark(watched, id, Mark::Waits);
        }
    }

    /// Says that a call is taken by a worker or connection of its component.
    pub fn serves(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(id) {
            let (node, watched) = (call.node, call.watched);
            self.log(watched, id, What::Serve { node });
            self.mark(watched, id, Mark::Serves);
        }
    }

    /// Puts a message on a line, and says when it arrives.
    #[inline]
    fn send(&mut self, index: usize, class: Class, message: Message) -> Nanos {
        let (line, _) = &mut self.lines[index];
        let bytes = self.payload[index % 2][class as usize];
        line.sent_bytes += bytes;
        if line.immediate() {
            // On the same machine: no event, no slot; it is handled before the clock moves on.
            self.messages.push(message);
            return self.now;
        }
        self.send_over(index, bytes, message)
    }

    // Out of the way of what is sent within a machine, and with it everything that it needs room for.
    #[inline(never)]
    fn send_over(&mut self, index: usize, bytes: f64, message: Message) -> Nanos {
        let (line, _) = &mut self.lines[index];
        let trouble = line.trouble();
        if trouble.cuts > 0 {
            self.lose(message.call);
            return Nanos::MAX;
        }
        let arrives = line.arrival(self.now, bytes);
        let late_ns = if trouble.loss > 0.0 { self.retransmission_ns(trouble.loss) } else { 0 };
        if late_ns > 0 {
            return self.send_late(arrives.saturating_add(late_ns), message);
        }
        let (line, slot) = &mut self.lines[index];
        let arrives = line.send(arrives, message);
        if line.next() == Some(arrives) {
            let slot = match *slot {
                Some(slot) => slot,
                None => self.add_line_slot(index),
            };
            self.calendar.set(slot, arrives);
        }
        arrives
    }

    /// By how much losses on the way make a message late.
    fn retransmission_ns(&mut self, loss: f64) -> Nanos {
        let mut late_ns = 0;
        let mut wait_ns = RETRANSMIT_NS;
        for _ in 0..RETRANSMITS_MOST {
            self.sent_again += 1;
            if !self.losses.draw(self.sent_again).chance(loss) {
                break;
            }
            late_ns += wait_ns;
            wait_ns *= 2;
        }
        late_ns
    }

    fn send_late(&mut self, arrives: Nanos, message: Message) -> Nanos {
        self.late.push(Reverse(Late { arrives, number: self.sent_again, message }));
        self.schedule_late();
        arrives
    }

    /// Logs a move of a call that is watched.
    #[inline]
    pub(super) fn log(&mut self, watched: bool, id: CallId, what: What) {
        if watched {
            self.log_watched(id, what);
        }
    }

    #[cold]
    fn log_watched(&mut self, id: CallId, what: What) {
        if let Some(call) = self.calls.get(id) {
            self.moves.push(Move { at: self.now, request: call.request as u32, class: call.class, what });
        }
    }
}
