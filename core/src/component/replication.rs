//! How changes get from the primary that took them to everybody else who keeps the same rows, and who takes changes when
//! it is gone. Shared by databases and their replicas.
//!
//! A primary numbers its changes and sends each to all others of its group: those that links between databases and
//! replicas join. Numbers are cumulative: whoever has missed some gets them with the next, as from a log that is read on
//! from where one stopped. What is read in one piece is applied by one worker, one change after another.

mod peer;

use std::collections::VecDeque;

use super::{Kind, Place};
use crate::engine::Engine;
use crate::engine::calls::CallId;
use crate::engine::ledger::Log;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::units::{Duration, Nanos, SECOND_NS};
use crate::workload::{Class, Demand};
use peer::{Peer, Way};

/// What a call of a component's own is about: in its `verb`, above those of callers.
pub(super) const CHANGE: u8 = 16;
/// A change whose primary waits until it is safe here.
const CHANGE_TO_ACKNOWLEDGE: u8 = 17;
/// The same, on this machine's disk.
const ACKNOWLEDGED: u8 = 18;
const ACK: u8 = 19;
const APPLY: u8 = 20;

/// How often a copy looks at the others.
pub(super) const TICK_NS: Nanos = SECOND_NS;

/// A piece of the log that has come and is not applied yet.
#[derive(Clone, Copy, Debug)]
struct Piece {
    peer: usize,
    number: u64,
    changes: u64,
    /// When the first and the last of its changes were made.
    at: Nanos,
    until: Nanos,
}

/// A commit that waits for others to say that they have it.
#[derive(Clone, Copy, Debug)]
struct Commit {
    number: u64,
    call: CallId,
    missing: u32,
    until: Nanos,
}

/// How long it takes to replace a primary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promotion {
    pub(super) on: bool,
    pub(super) after: Duration,
}

/// A copy's part in the group.
#[derive(Debug)]
pub(super) struct Replication {
    node: u16,
    host: u32,
    /// Whether it was the primary when it stopped.
    led: bool,
    peers: Vec<Peer>,
    queue: VecDeque<Piece>,
    applying: Option<CallId>,
    pub(super) stuck: bool,
    apply: Sampler,
    applies: Stream,
    /// Share of the items that are kept here.
    pub(super) keeps: f64,
    /// When the last applied change was made.
    fresh_at: Nanos,
    waiting: VecDeque<Commit>,
    /// Waiting took too long once: go on without until the others are back.
    alone: bool,
    ready: Vec<CallId>,
    /// Since when no primary can be seen.
    headless: Option<Nanos>,
    pub(super) lost: u64,
    pub(super) conflicts: u64,
    /// Seconds from changes until they were applied, and how many that were.
    applied: (f64, u64),
}

impl Replication {
    pub(super) fn new(place: &Place, apply: &Demand, engine: &Engine) -> Self {
        let edges = engine.edges();
        let rows = |kind: Kind| matches!(kind, Kind::Database | Kind::Replica);
        let mut peers: Vec<Peer> = Vec::new();
        let mut add = |node: u16, way: Way| {
            if node != place.node && peers.iter().all(|peer| peer.node != node) {
                peers.push(Peer::new(node, way));
            }
        };
        let there = |edge| Way::Edge { edge, back: false };
        place.edges.iter().filter(|way| rows(way.kind)).for_each(|way| add(way.node, there(way.edge)));
        for (caller, kind) in place.callers.iter().filter(|(_, kind)| rows(*kind)) {
            let between = edges.iter().position(|edge| (edge.from, edge.to) == (*caller, place.node));
            between.into_iter().for_each(|edge| add(*caller, Way::Edge { edge: edge as u16, back: true }));
            // Its other copies: a database and a replica lead to nothing else. A replica's own links lead to databases.
            let databases = *kind == Kind::Database;
            let others = edges.iter().enumerate().filter(|(_, edge)| databases && edge.from == *caller);
            others.for_each(|(index, edge)| add(edge.to, Way::Network { primary: *caller, edge: index as u16 }));
        }
        Self {
            node: place.node,
            host: place.host.unwrap_or_default(),
            led: false,
            peers,
            queue: VecDeque::new(),
            applying: None,
            stuck: false,
            apply: Sampler::new(apply),
            applies: engine.stream(&place.name, "apply"),
            keeps: 1.0,
            fresh_at: 0,
            waiting: VecDeque::new(),
            alone: false,
            ready: Vec::new(),
            headless: None,
            lost: 0,
            conflicts: 0,
            applied: (0.0, 0),
        }
    }

    /// Whether anybody else keeps the same rows.
    pub(super) fn has_peers(&self) -> bool {
        !self.peers.is_empty()
    }

    pub(super) fn set_apply(&mut self, apply: &Demand) {
        self.apply = Sampler::new(apply);
    }

    /// The copy runs again; one that `leads` begins as the primary. One that has been replaced meanwhile follows whoever
    /// replaced it.
    pub(super) fn start(&mut self, engine: &mut Engine, leads: bool) {
        let begins = leads && engine.now() == 0;
        let presence = engine.presence_mut(self.node);
        presence.primary |= begins;
        let primary = presence.primary;
        if std::mem::take(&mut self.led) && !primary {
            // It was fenced off.
            self.follow_anew(engine);
        } else if primary {
            self.give_way(engine);
        }
        self.apply_next(engine);
    }

    /// Starts from a copy of what the present primary has.
    fn follow_anew(&mut self, engine: &mut Engine) {
        self.queue.clear();
        let now = engine.now();
        let (mut position, mut term) = (0, engine.log_of(self.node).term);
        for peer in &mut self.peers {
            let log = engine.log_of(peer.node);
            (peer.received, peer.applied, peer.term) = (log.position, log.position, log.term);
            (peer.received_at, peer.complete_at) = (now, now);
            (position, term) = (position.max(log.position), term.max(log.term));
        }
        let own = engine.log_of_mut(self.node);
        (own.position, own.term) = (position, term);
        self.fresh_at = now;
    }

    /// A primary that sees one of a later promotion follows it: two have taken changes while they could not see one
    /// another, and what only this one has is lost.
    fn give_way(&mut self, engine: &mut Engine) {
        let own = engine.log_of(self.node);
        let newer = self.newest(engine).filter(|log| log.term > own.term);
        if let Some(log) = newer {
            self.lost += own.position.saturating_sub(log.base);
            engine.presence_mut(self.node).primary = false;
            self.follow_anew(engine);
        }
    }

    /// What the primary of the last promotion that can be seen has taken.
    fn newest(&self, engine: &Engine) -> Option<Log> {
        let leads = |peer: &&Peer| engine.presence(peer.node).primary && peer.is_reachable(engine, self.node);
        let logs = self.peers.iter().filter(leads).map(|peer| engine.log_of(peer.node));
        logs.reduce(|newest, log| if log.term > newest.term { log } else { newest })
    }

    pub(super) fn stop(&mut self, engine: &mut Engine) {
        self.applying = None;
        self.led = engine.presence(self.node).primary;
        // What was never confirmed to anybody is not lost when it is gone.
        let unconfirmed = self.waiting.len() as u64;
        let log = engine.log_of_mut(self.node);
        log.position = log.position.saturating_sub(unconfirmed);
        self.waiting.clear();
        self.ready.clear();
        self.headless = None;
    }

    /// A change of this item is safe here; everybody else is told. True when the call must wait for `copies` of them.
    pub(super) fn commit(&mut self, engine: &mut Engine, call: CallId, copies: u32, patience: Duration) -> bool {
        let Some(request) = engine.get(call).map(|call| call.request) else { return false };
        let item = engine.item(request, 0);
        if let Some(last) = engine.last_change(item)
            && let Some(peer) = self.peers.iter().find(|peer| peer.node == last.node)
            && engine.presence(peer.node).primary
            && last.number > peer.applied
        {
            // Somebody else has changed it, and whoever changes it here does not know.
            self.conflicts += 1;
        }
        let number = engine.commit(self.node, item);
        let there = self.peers.iter().filter(|peer| peer.is_reachable(engine, self.node)).count() as u32;
        self.alone &= there < copies;
        let wait = copies > 0 && !self.alone && self.has_peers();
        let verb = if wait { CHANGE_TO_ACKNOWLEDGE } else { CHANGE };
        for index in 0..self.peers.len() {
            let peer = self.peers[index];
            if peer.is_reachable(engine, self.node) {
                let arrives = peer.send(engine, call, self.node, (verb, number));
                self.peers[index].read_until = arrives.unwrap_or(peer.read_until);
            }
        }
        if wait {
            let until = engine.now().saturating_add(patience.ns());
            self.waiting.push_back(Commit { number, call, missing: copies, until });
        }
        wait
    }

    /// A call whose commit is acknowledged by enough others.
    pub(super) fn next_ready(&mut self) -> Option<CallId> {
        self.ready.pop()
    }

    /// A call of the group's own is done with what it did. False when it is none of those.
    pub(super) fn served(&mut self, engine: &mut Engine, id: CallId) -> bool {
        let Some(call) = engine.get(id).copied() else { return false };
        match call.verb {
            CHANGE_TO_ACKNOWLEDGE => {
                // It must be safe here before anybody may say so.
                if let Some(call) = engine.get_mut(id) {
                    call.verb = ACKNOWLEDGED;
                }
                engine.write(id, self.host);
            }
            CHANGE | ACKNOWLEDGED => {
                let origin = self.peers.iter().position(|peer| peer.node == call.step);
                if let Some(index) = origin {
                    self.receive(engine, index, u64::from(call.count), call.note);
                    let peer = self.peers[index];
                    if call.verb == ACKNOWLEDGED && peer.is_reachable(engine, self.node) {
                        Peer { read_until: 0, ..peer }.send(engine, id, self.node, (ACK, u64::from(call.count)));
                    }
                }
                engine.finish(id);
                self.apply_next(engine);
            }
            ACK => {
                engine.finish(id);
                self.acknowledged(u64::from(call.count));
            }
            APPLY => {
                engine.finish(id);
                self.applying = None;
                if let Some(piece) = self.queue.pop_front() {
                    let peer = &mut self.peers[piece.peer];
                    peer.applied = peer.applied.max(piece.number);
                    self.fresh_at = piece.until;
                    let [first, last] = [piece.at, piece.until].map(|at| engine.now().saturating_sub(at) as f64);
                    self.applied.0 += piece.changes as f64 * 0.5 * (first + last) / SECOND_NS as f64;
                    self.applied.1 += piece.changes;
                }
                self.apply_next(engine);
            }
            _ => return false,
        }
        true
    }

    /// Changes up to this number have come, of which the last was made at `until`.
    fn receive(&mut self, engine: &mut Engine, index: usize, number: u64, until: Nanos) {
        if !engine.presence(self.peers[index].node).up {
            // Whoever sent it is dead, and this still lay in its buffers.
            return;
        }
        self.join_term(engine, index);
        let peer = &mut self.peers[index];
        if number > peer.received {
            // Of several the first was made soon after the last that was known, or when it was known that there was none.
            let missed = number > peer.received + 1;
            let at = if missed { peer.received_at.max(peer.complete_at).min(until) } else { until };
            self.queue.push_back(Piece { peer: index, number, changes: number - peer.received, at, until });
            (peer.received, peer.received_at) = (number, until);
            if !engine.presence(self.node).primary {
                engine.log_of_mut(self.node).position = number;
            }
        }
    }

    /// A primary that was promoted goes on counting where it stood, and so does who followed the same as it did.
    fn join_term(&mut self, engine: &Engine, index: usize) {
        let log = engine.log_of(self.peers[index].node);
        if log.term > self.peers[index].term {
            let known = |number: fn(&Peer) -> u64| self.peers.iter().map(number).max().unwrap_or(0).min(log.base);
            let (received, applied) = (known(|peer| peer.received), known(|peer| peer.applied));
            let peer = &mut self.peers[index];
            (peer.received, peer.applied, peer.term) = (received, applied, log.term);
        }
    }

    fn apply_next(&mut self, engine: &mut Engine) {
        if self.applying.is_some() || self.stuck {
            return;
        }
        let Some(piece) = self.queue.front().copied() else { return };
        let own = engine.begin_own(piece.number, Class::Write, self.node, None);
        if let Some(call) = engine.get_mut(own) {
            call.verb = APPLY;
        }
        self.applying = Some(own);
        let mut draw = self.applies.draw(piece.number);
        let kept = self.keeps >= 1.0 || draw.chance(self.keeps);
        let demand_ns = if kept { engine.demand_ns(&self.apply, &mut draw) } else { 0.0 };
        engine.compute(own, self.host, demand_ns * piece.changes as f64);
    }

    /// The worker that applies changes stops without a word, or goes on.
    pub(super) fn stick(&mut self, engine: &mut Engine, on: bool) {
        self.stuck = on;
        self.apply_next(engine);
    }

    fn acknowledged(&mut self, number: u64) {
        if let Some(at) = self.waiting.iter().position(|commit| commit.number == number) {
            let commit = &mut self.waiting[at];
            commit.missing = commit.missing.saturating_sub(1);
            if commit.missing == 0 {
                self.ready.push(commit.call);
                self.waiting.remove(at);
            }
        }
    }

    /// The number and the primary of the last change of a request's item, if it cannot be seen here yet.
    pub(super) fn unseen(&self, engine: &Engine, request: u64) -> Option<(u16, u64)> {
        if !self.has_peers() {
            return None;
        }
        let last = engine.last_change(engine.item(request, 0)).filter(|last| last.node != self.node)?;
        let peer = self.peers.iter().find(|peer| peer.node == last.node)?;
        let counts = engine.presence(last.node).primary && last.number > peer.applied;
        counts.then_some((last.node, last.number))
    }

    /// Whether this change can be seen here, or never will be.
    pub(super) fn sees(&self, engine: &Engine, node: u16, number: u64) -> bool {
        let behind = |peer: &Peer| peer.node == node && peer.applied < number && engine.presence(node).primary;
        !self.peers.iter().any(behind)
    }

    /// How far reads here are behind, in seconds.
    pub(super) fn lag_s(&self, engine: &Engine) -> f64 {
        let since = match self.queue.front() {
            Some(piece) => piece.at,
            None if self.peers.iter().any(|peer| {
                let primary = engine.presence(peer.node).primary;
                primary
                    && peer.term == engine.log_of(peer.node).term
                    && engine.log_of(peer.node).position > peer.received
            }) =>
            {
                self.fresh_at
            }
            None => return 0.0,
        };
        engine.now().saturating_sub(since) as f64 / SECOND_NS as f64
    }

    /// Seconds from changes until reads here could see them, and how many changes.
    pub(super) fn visible_after(&self) -> (f64, f64) {
        (self.applied.0, self.applied.1 as f64)
    }

    /// Changes that have come and are not applied.
    pub(super) fn backlog(&self) -> u64 {
        self.queue.iter().map(|piece| piece.changes).sum()
    }

    /// Looks at the others: who leads, who is behind, who must take over.
    pub(super) fn look(&mut self, engine: &mut Engine, promotion: Promotion) {
        let now = engine.now();
        while let Some(commit) = self.waiting.front().copied().filter(|commit| commit.until <= now) {
            self.waiting.pop_front();
            self.alone = true;
            self.ready.push(commit.call);
        }
        if engine.presence(self.node).primary {
            self.give_way(engine);
        } else if self.newest(engine).is_some() {
            self.headless = None;
        } else if promotion.on && now >= self.headless.get_or_insert(now).saturating_add(promotion.after.ns()) {
            self.take_over(engine);
        }
        self.catch_up(engine);
    }

    /// Whatever was sent while it could not come is read now.
    fn catch_up(&mut self, engine: &mut Engine) {
        for index in 0..self.peers.len() {
            let peer = self.peers[index];
            if !engine.presence(peer.node).primary || !peer.is_reachable(engine, self.node) {
                continue;
            }
            let [position, received] = peer.seen;
            if peer.received == received && received < position {
                let until = engine.now().saturating_sub(TICK_NS);
                self.receive(engine, index, position, until);
            }
            self.join_term(engine, index);
            let (position, peer) = (engine.log_of(peer.node).position, &mut self.peers[index]);
            peer.seen = [position, peer.received];
            if peer.received >= position {
                peer.complete_at = engine.now();
            }
        }
        self.apply_next(engine);
    }

    /// What the primary that is followed has; none where there is none, or this is it.
    pub(super) fn followed(&self, engine: &Engine) -> Option<Log> {
        let leads = |node: u16| engine.presence(node).primary;
        let primary = self.peers.iter().find(|peer| leads(peer.node)).filter(|_| !leads(self.node))?;
        Some(engine.log_of(primary.node))
    }

    /// Becomes the primary, if it knows more than the others that are left.
    fn take_over(&mut self, engine: &mut Engine) {
        let own = engine.log_of(self.node).position;
        let better = |peer: &Peer| {
            let position = engine.log_of(peer.node).position;
            position > own || (position == own && peer.node < self.node)
        };
        if self.peers.iter().any(|peer| peer.is_reachable(engine, self.node) && better(peer)) {
            return;
        }
        self.headless = None;
        let mut term = engine.log_of(self.node).term;
        for peer in &self.peers {
            term = term.max(engine.log_of(peer.node).term);
            let there = *engine.presence(peer.node);
            if there.primary && !there.up {
                // It is fenced off: it will come back as a follower, and what only it had is gone.
                self.lost += engine.log_of(peer.node).position.saturating_sub(own);
                engine.presence_mut(peer.node).primary = false;
            }
        }
        let log = engine.log_of_mut(self.node);
        (log.term, log.base) = (term + 1, log.position);
        engine.presence_mut(self.node).primary = true;
    }
}
