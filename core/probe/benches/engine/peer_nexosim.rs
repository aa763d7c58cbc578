//! The same workloads in nexosim: a model for each station, a message for each hop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hockeystick_core::engine::random::{Draw, Exponential, Stream};
use hockeystick_probe::workloads::{A, A_EVENTS, B_HIT_EVENTS, B_MISS_EVENTS, B_SLICES, Hop, WORKLOAD_B, next_hop};
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::Output;
use nexosim::simulation::{Mailbox, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::{Case, Contestant, Figure, Which};

/// A request on its way.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Request {
    app: usize,
    slice_ns: f64,
    served: u8,
    hit: bool,
}

/// Random draws, as the engine makes them.
#[derive(Clone, Debug)]
struct Draws(Exponential, Draw);

impl Default for Draws {
    fn default() -> Self {
        Self::of("peer")
    }
}

impl Draws {
    fn of(name: &str) -> Self {
        Self(Exponential::new(), Stream::new(1, name, "draws").draw(0))
    }

    fn exponential_ns(&mut self, mean_ms: f64) -> f64 {
        mean_ms * 1e6 * self.0.sample(&mut self.1)
    }
}

/// The users.
#[derive(Serialize, Deserialize)]
struct Users {
    gap_ms: f64,
    out: Output<Request>,
    #[serde(skip)]
    draws: Draws,
    #[serde(skip)]
    events: Arc<AtomicU64>,
    tiers: bool,
}

#[Model]
impl Users {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        self.send((), cx).await;
    }

    #[nexosim(schedulable)]
    async fn send(&mut self, _: (), cx: &Context<Self>) {
        self.out.send(Request::default()).await;
        let gap = Duration::from_nanos(self.draws.exponential_ns(self.gap_ms) as u64 + 1);
        cx.schedule_event(gap, schedulable!(Self::send), ()).expect("a time to come");
    }

    async fn answered(&mut self, request: Request) {
        let events = match (self.tiers, request.hit) {
            (false, _) => A_EVENTS,
            (true, true) => B_HIT_EVENTS,
            (true, false) => B_MISS_EVENTS,
        };
        self.events.fetch_add(events, Ordering::Relaxed);
    }
}

/// What a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Role {
    Only,
    Balancer,
    App,
    Cache,
    Replica,
}

/// First come, first served, by so many servers.
#[derive(Serialize, Deserialize)]
struct Station {
    role: Role,
    free: usize,
    mean_ms: f64,
    waiting: VecDeque<Request>,
    /// To users, balancer, cache, applications, replicas: those that it sends to.
    users: Output<Request>,
    balancer: Output<Request>,
    cache: Output<Request>,
    apps: Vec<Output<Request>>,
    replicas: Vec<Output<Request>>,
    next_app: usize,
    #[serde(skip)]
    draws: Draws,
}

#[Model]
impl Station {
    async fn enter(&mut self, request: Request, cx: &Context<Self>) {
        if self.free == 0 {
            self.waiting.push_back(request);
        } else {
            self.free -= 1;
            self.serve(request, cx);
        }
    }

    fn serve(&mut self, request: Request, cx: &Context<Self>) {
        let demand_ns = match (self.role, next_hop(request.served, request.hit)) {
            (Role::App, Hop::App(slices)) => request.slice_ns * f64::from(slices),
            _ => self.draws.exponential_ns(self.mean_ms),
        };
        let demand = Duration::from_nanos(demand_ns as u64 + 1);
        cx.schedule_event(demand, schedulable!(Self::served), request).expect("a time to come");
    }

    #[nexosim(schedulable)]
    async fn served(&mut self, mut request: Request, cx: &Context<Self>) {
        match self.waiting.pop_front() {
            Some(next) => self.serve(next, cx),
            None => self.free += 1,
        }
        if self.role == Role::Only {
            self.users.send(request).await;
            return;
        }
        request.served += 1;
        match request.served {
            1 => {
                self.next_app = (self.next_app + 1) % self.apps.len();
                let work_ns = self.draws.exponential_ns(WORKLOAD_B.demand_ms[1]);
                (request.app, request.slice_ns) = (self.next_app, work_ns / f64::from(B_SLICES));
            }
            3 => request.hit = self.draws.1.chance(WORKLOAD_B.hits),
            _ => {}
        }
        match next_hop(request.served, request.hit) {
            Hop::App(_) => self.apps[request.app].send(request).await,
            Hop::Cache => self.cache.send(request).await,
            Hop::Replica => {
                let replica = self.draws.1.below(self.replicas.len() as u32) as usize;
                self.replicas[replica].send(request).await;
            }
            Hop::Done => self.balancer.send(request).await,
        }
    }

    /// The answer passes the balancer.
    async fn answered(&mut self, request: Request) {
        self.users.send(request).await;
    }
}

struct Run {
    simulation: Simulation,
    now_s: f64,
    events: Arc<AtomicU64>,
}

impl Contestant for Run {
    fn advance(&mut self, until_s: f64) -> u64 {
        self.simulation.step_until(Duration::from_secs_f64(until_s - self.now_s)).expect("it runs");
        self.now_s = until_s;
        self.events.load(Ordering::Relaxed)
    }
}

fn station(role: Role, servers: usize, mean_ms: f64, name: &str) -> Station {
    Station {
        role,
        free: servers,
        mean_ms,
        waiting: VecDeque::new(),
        users: Output::default(),
        balancer: Output::default(),
        cache: Output::default(),
        apps: Vec::new(),
        replicas: Vec::new(),
        next_app: 0,
        draws: Draws::of(name),
    }
}

/// An output to each of these stations.
fn outputs(to: &[Mailbox<Station>]) -> Vec<Output<Request>> {
    let connected = |mailbox| {
        let mut output = Output::default();
        output.connect(Station::enter, mailbox);
        output
    };
    to.iter().map(connected).collect()
}

fn build(which: Which) -> Run {
    let (tiers, rate_per_s) = if which == Which::B { (true, WORKLOAD_B.rate_per_s) } else { (false, A.0) };
    let events = Arc::new(AtomicU64::new(0));
    let mut users = Users {
        gap_ms: 1e3 / rate_per_s,
        out: Output::default(),
        draws: Draws::of("users"),
        events: events.clone(),
        tiers,
    };
    let (users_box, front_box) = (Mailbox::new(), Mailbox::new());
    users.out.connect(Station::enter, &front_box);
    // One thread, as everybody else.
    let mut init = SimInit::with_num_threads(1);
    let b = WORKLOAD_B;
    let [balancer_ms, app_ms, cache_ms, query_ms] = b.demand_ms;
    let mut front = if tiers {
        station(Role::Balancer, 1, balancer_ms, "balancer")
    } else {
        station(Role::Only, 1, A.1, "station")
    };
    front.users.connect(Users::answered, &users_box);
    if tiers {
        let boxes = |count: usize| (0..count).map(|_| Mailbox::new()).collect::<Vec<Mailbox<Station>>>();
        let (app_boxes, replica_boxes, cache_box) = (boxes(b.apps.0), boxes(b.replicas.0), Mailbox::new());
        front.apps = outputs(&app_boxes);
        let mut cache = station(Role::Cache, 1, cache_ms, "cache");
        cache.apps = outputs(&app_boxes);
        let apps = app_boxes.iter().map(|_| {
            let mut app = station(Role::App, b.apps.1, app_ms, "app");
            app.balancer.connect(Station::answered, &front_box);
            app.cache.connect(Station::enter, &cache_box);
            app.replicas = outputs(&replica_boxes);
            app
        });
        let apps: Vec<Station> = apps.collect();
        let replicas = (0..b.replicas.0).map(|index| {
            let mut replica = station(Role::Replica, b.replicas.1, query_ms, &format!("replica {index}"));
            replica.apps = outputs(&app_boxes);
            replica
        });
        let replicas: Vec<Station> = replicas.collect();
        init = init.add_model(cache, cache_box, "cache");
        for (station, mailbox) in apps.into_iter().zip(app_boxes).chain(replicas.into_iter().zip(replica_boxes)) {
            init = init.add_model(station, mailbox, "station");
        }
    }
    let simulation = init
        .add_model(front, front_box, "front")
        .add_model(users, users_box, "users")
        .init(MonotonicTime::EPOCH)
        .expect("it is complete");
    Run { simulation, now_s: 0.0, events }
}

/// nexosim's best round.
pub(crate) fn measure(case: &Case) -> Result<Figure, String> {
    // It is some ten times as slow: a tenth of the simulated time says as much.
    let case = Case { round_s: case.round_s / 10.0, ..*case };
    let mut contestants: [Box<dyn Contestant>; 1] = [Box::new(build(case.which))];
    Ok(crate::measure(&case, &mut contestants)[0])
}
