//! What a CDN keeps: a cache of files for each region of users, and one near the origin that shields it.

use super::Place;
use super::lru::Lru;
use crate::engine::Engine;
use crate::engine::random::Stream;
use crate::stage::FaultKind;
use crate::units::Nanos;

/// How files are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rules {
    /// Files that each cache has room for.
    pub(super) capacity: usize,
    /// Files that there are.
    pub(super) files: u64,
    pub(super) ttl_ns: Nanos,
    /// Share of the files that a release changes.
    pub(super) changed: f64,
    /// Whether a changed file has another name.
    pub(super) new_names: bool,
}

/// A file that is kept.
#[derive(Clone, Copy, Debug)]
struct Kept {
    fresh_until: Nanos,
    /// What was out when it was fetched.
    version: Version,
}

/// Which releases were out at a time: an index of [`Edges::versions`].
pub(super) type Version = u16;

/// Most versions that are told apart, for a request on its way has twelve bits for one. Later releases and their ends
/// change nothing.
const VERSIONS_MOST: usize = 1 << 12;

/// What a look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing that may be served.
    Nothing,
    /// The file; or one of its name that has changed since.
    File {
        /// It has.
        outdated: bool,
        /// What it is of.
        version: Version,
    },
}

/// All caches. A region's is named by its index, the shield by none.
#[derive(Clone, Debug)]
pub(super) struct Edges {
    pub(super) rules: Rules,
    /// By region of the users; made when the first of them comes.
    edges: Vec<Option<Lru<Kept>>>,
    shield: Option<Lru<Kept>>,
    /// Nothing is in a cache when it is made: all were emptied.
    cold: bool,
    /// The releases that were out, by version, the first of them first. A file is as the last one that has changed it left
    /// it, so that what was rolled out and taken back leaves the files as they were.
    versions: Vec<Vec<u64>>,
    /// Those that are out now, with what they were told of.
    out: Vec<(FaultKind, u64)>,
    releases: u64,
    ages: Stream,
    changes: Stream,
    /// Look-ups and hits, at the edges and at the shield.
    looked_up: [u64; 2],
    hits: [u64; 2],
}

impl Edges {
    pub(super) fn new(rules: Rules, warm: bool, place: &Place, engine: &Engine) -> Self {
        Self {
            rules,
            edges: Vec::new(),
            shield: None,
            cold: !warm,
            versions: vec![Vec::new()],
            out: Vec::new(),
            releases: 0,
            ages: engine.stream(&place.name, "age"),
            changes: engine.stream(&place.name, "change"),
            looked_up: [0; 2],
            hits: [0; 2],
        }
    }

    /// What is out now.
    pub(super) fn version(&self) -> Version {
        (self.versions.len() - 1) as Version
    }

    /// Looks for a file, by its key.
    pub(super) fn look_up(&mut self, now: Nanos, region: Option<u16>, key: u64) -> Found {
        let which = usize::from(region.is_none());
        self.looked_up[which] += 1;
        let kept = self.cache_mut(now, region).get(key).filter(|kept| now < kept.fresh_until);
        let Some(kept) = kept else { return Found::Nothing };
        let version = kept.version;
        let outdated =
            version != self.version() && self.last_change(version, key) != self.last_change(self.version(), key);
        if outdated && self.rules.new_names {
            return Found::Nothing;
        }
        self.hits[which] += 1;
        Found::File { outdated, version }
    }

    /// Keeps a file as it was then.
    pub(super) fn keep(&mut self, now: Nanos, region: Option<u16>, key: u64, version: Version) {
        let fresh_until = now.saturating_add(self.rules.ttl_ns);
        if fresh_until > now {
            self.cache_mut(now, region).insert(key, Kept { fresh_until, version });
        }
    }

    /// A release changes some files, or is taken back, and they are as they were before it.
    pub(super) fn release(&mut self, which: &FaultKind, on: bool) {
        if on {
            self.releases += 1;
            self.out.push((*which, self.releases));
        } else if let Some(at) = self.out.iter().rposition(|(out, _)| out == which) {
            self.out.remove(at);
        }
        if self.versions.len() < VERSIONS_MOST {
            self.versions.push(self.out.iter().map(|(_, release)| *release).collect());
        }
    }

    /// Throws everything away.
    pub(super) fn empty(&mut self) {
        self.cold = true;
        self.edges.iter_mut().flatten().chain(&mut self.shield).for_each(Lru::clear);
    }

    /// Takes over other rules.
    pub(super) fn follow(&mut self, rules: Rules) {
        self.rules = rules;
        let caches = self.edges.iter_mut().flatten().chain(&mut self.shield);
        caches.for_each(|cache| cache.resize(rules.capacity));
    }

    /// Hits and look-ups, of the edges or of the shield.
    pub(super) fn hits(&self, shield: bool) -> (f64, f64) {
        let which = usize::from(shield);
        (self.hits[which] as f64, self.looked_up[which] as f64)
    }

    /// Files at the edges.
    pub(super) fn kept(&self) -> usize {
        self.edges.iter().flatten().map(Lru::len).sum()
    }

    /// A cache, with the most popular files in it unless it begins empty.
    fn cache(&self, now: Nanos) -> Lru<Kept> {
        let Rules { capacity, files, ttl_ns, .. } = self.rules;
        let mut cache = Lru::new(capacity);
        if !self.cold {
            for key in (1..=files.min(capacity as u64)).rev() {
                // Files were fetched at any time within the time to live.
                let left_ns = ttl_ns as f64 * self.ages.draw(key).uniform();
                let fresh_until = now.saturating_add(left_ns as Nanos);
                cache.insert(key, Kept { fresh_until, version: self.version() });
            }
        }
        cache
    }

    fn cache_mut(&mut self, now: Nanos, region: Option<u16>) -> &mut Lru<Kept> {
        if let Some(region) = region.map(usize::from) {
            if self.edges.len() <= region {
                self.edges.resize_with(region + 1, || None);
            }
            if self.edges[region].is_none() {
                self.edges[region] = Some(self.cache(now));
            }
            return self.edges[region].get_or_insert_with(|| Lru::new(0));
        }
        if self.shield.is_none() {
            self.shield = Some(self.cache(now));
        }
        self.shield.get_or_insert_with(|| Lru::new(0))
    }

    /// The last release of a version that has changed the file.
    fn last_change(&self, version: Version, key: u64) -> Option<u64> {
        let changed = |release: &u64| self.changes.draw((key << 16) | release).chance(self.rules.changed);
        self.versions[usize::from(version)].iter().rev().copied().find(changed)
    }
}
