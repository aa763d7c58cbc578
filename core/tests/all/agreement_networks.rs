//! The engine against exact theory, continued from `agreement.rs`: blocking, several processors, networks, closed
//! workloads.

use crate::table::{Case, Figure, add, exponential, hold, rows, sharing, users};
use hockeystick_core::component::{Settings, object_store};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::closed::{self, Serving, Station};
use hockeystick_core::theory::jackson;
use hockeystick_core::theory::markov::{Mmc, Mmck};
use hockeystick_core::units::{Duration, Rate};
use hockeystick_core::workload::{Demand, PerClass};

const THINK_S: f64 = 0.1;

/// A queue with so many servers and so much room: who finds it full is refused.
fn blocking(name: &'static str, servers: u32, room: u32, load: f64) -> Case {
    let queue = Mmck { rate_per_s: load * f64::from(servers) / 0.010, service_s: 0.010, servers, room };
    let mut stage = users(queue.rate_per_s);
    let mut app = sharing(exponential(10.0));
    (app.workers, app.backlog) = (servers, room - servers);
    add(&mut stage, "app", Some(servers), Settings::AppServer(app), &["users"]);
    let refused = queue.rate_per_s * queue.lost();
    let exact = vec![(Figure::Errors("refused"), refused), (Figure::Mean, 1e3 * queue.mean_response_s())];
    Case::new(name, stage, 8e6 / queue.rate_per_s, exact)
}

/// Several processors that all requests share: as many inside as in M/M/c, whatever the demand's distribution (Kelly,
/// *Reversibility and Stochastic Networks*, 1979).
fn processors(name: &'static str, vcpus: u32, load: f64, cv: f64) -> Case {
    let queue = Mmc { rate_per_s: load * f64::from(vcpus) / 0.010, service_s: 0.010, servers: vcpus };
    let mut stage = users(queue.rate_per_s);
    let app = sharing(Demand { mean: Duration::from_ms(10), cv });
    add(&mut stage, "app", Some(vcpus), Settings::AppServer(app), &["users"]);
    Case::new(name, stage, 4e6 / queue.rate_per_s, vec![(Figure::Mean, 1e3 * queue.mean_response_s())])
}

/// An application with so many queries to a database on another machine.
fn two_tiers(rate_per_s: f64, vcpus: [u32; 2], ms: [f64; 2], queries: u32) -> Stage {
    let mut stage = users(rate_per_s);
    let mut app = sharing(exponential(ms[0]));
    app.queries = PerClass::all(queries);
    add(&mut stage, "app", Some(vcpus[0]), Settings::AppServer(app), &["users"]);
    add(&mut stage, "database", Some(vcpus[1]), Settings::Database(rows(exponential(ms[1]))), &["app"]);
    stage
}

/// An open network, each station visited so often on the way of a request.
fn open(name: &'static str, stage: Stage, stations: &[(f64, u32)]) -> Case {
    let rate_per_s = stage.workload.rate.per_s();
    // Visit after visit, as one long line: the demands of a request's visits add up.
    let network: Vec<jackson::Station> = (0..stations.len())
        .map(|at| {
            let next = (0..stations.len()).map(|to| f64::from(u8::from(to == at + 1))).collect();
            let (service_ms, servers) = stations[at];
            let arrivals_per_s = if at == 0 { rate_per_s } else { 0.0 };
            jackson::Station { arrivals_per_s, service_s: service_ms / 1e3, servers, next }
        })
        .collect();
    let mean_s = jackson::solve(&network).expect("a stable network").mean_response_s;
    Case::new(name, stage, 2e6 / rate_per_s, vec![(Figure::Mean, 1e3 * mean_s)])
}

/// A closed network of delays and servers.
fn circle(name: &'static str, stage: Stage, stations: &[(f64, u32)]) -> Case {
    let workload = stage.workload.closed.expect("a closed workload");
    let mut network = vec![Station { serving: Serving::Delay, demand_s: workload.think.mean.as_secs_f64() }];
    let station = |(ms, servers): &(f64, u32)| Station { serving: Serving::Servers(*servers), demand_s: ms / 1e3 };
    network.extend(stations.iter().map(station));
    let solved = closed::solve(&network, workload.users).expect("a closed network");
    let exact = vec![(Figure::Throughput, solved.throughput_per_s), (Figure::Mean, 1e3 * solved.response_s)];
    Case::new(name, stage, 1.5e6 / solved.throughput_per_s, exact)
}

fn chain(rate_per_s: f64) -> Stage {
    let mut stage = users(rate_per_s);
    let calling = |ms| {
        let mut app = sharing(exponential(ms));
        app.calls = PerClass::all(1);
        app
    };
    add(&mut stage, "web", Some(1), Settings::AppServer(calling(3.0)), &["users"]);
    add(&mut stage, "orders", Some(2), Settings::AppServer(calling(8.0)), &["web"]);
    add(&mut stage, "stock", Some(1), Settings::AppServer(sharing(exponential(5.0))), &["orders"]);
    stage
}

fn one_after_the_other(rate_per_s: f64) -> Stage {
    let mut stage = users(rate_per_s);
    let mut web = sharing(exponential(2.0));
    web.calls = PerClass::all(2);
    add(&mut stage, "web", Some(1), Settings::AppServer(web), &["users"]);
    add(&mut stage, "orders", Some(1), Settings::AppServer(sharing(exponential(2.5))), &["web"]);
    add(&mut stage, "stock", Some(1), Settings::AppServer(sharing(exponential(1.5))), &["web"]);
    stage
}

fn copies(rate_per_s: f64) -> Stage {
    let mut stage = users(rate_per_s);
    add(&mut stage, "app", Some(1), Settings::AppServer(sharing(exponential(10.0))), &["users"]);
    stage.components[1].copies = 4;
    stage
}

fn store(rate_per_s: f64) -> Stage {
    let mut stage = users(rate_per_s);
    let most = Rate::per_second(1e9);
    let store = object_store::Settings { reads_most: most, writes_most: most, ..object_store::Settings::default() };
    add(&mut stage, "store", None, Settings::ObjectStore(store), &["users"]);
    stage
}

#[test]
fn blocking_is_as_in_theory() {
    hold(&[
        blocking("M/M/1/3 at 80 %", 1, 3, 0.8),
        blocking("M/M/1/20 at 120 %", 1, 20, 1.2),
        blocking("M/M/4/4 at 75 % (Erlang B)", 4, 4, 0.75),
        blocking("M/M/4/10 at 90 %", 4, 10, 0.9),
        blocking("M/M/8/16 at 130 %", 8, 16, 1.3),
    ]);
}

#[test]
fn shared_processors_are_as_in_theory() {
    hold(&[
        processors("M/M/2-PS at 50 %", 2, 0.5, 1.0),
        processors("M/M/4-PS at 70 %", 4, 0.7, 1.0),
        processors("M/G/4-PS, cv 0.5, at 70 %", 4, 0.7, 0.5),
        processors("M/G/8-PS, cv 2, at 60 %", 8, 0.6, 2.0),
    ]);
}

#[test]
fn open_networks_are_as_in_theory() {
    hold(&[
        open("app, database", two_tiers(100.0, [1, 1], [4.0, 5.0], 1), &[(4.0, 1), (5.0, 1)]),
        // Visits add up: as many milliseconds at one station in one visit.
        open("app, 3 queries, database", two_tiers(60.0, [1, 2], [6.0, 5.0], 3), &[(6.0, 1), (15.0, 2)]),
        open("app, database, 4 processors each", two_tiers(400.0, [4, 4], [6.0, 7.0], 1), &[(6.0, 4), (7.0, 4)]),
        open("web, orders, stock", chain(120.0), &[(3.0, 1), (8.0, 2), (5.0, 1)]),
        open("web to orders and to stock, twice", one_after_the_other(100.0), &[(2.0, 1), (5.0, 1), (3.0, 1)]),
        open("4 copies, picked at random", copies(240.0), &[(10.0 * 0.4 / 0.4, 4)]).with_mean(10.0 / 0.4),
        open("object store (M/G/inf)", store(100.0), &[(1.0, 1)]).with_mean(100.0),
    ]);
}

impl Case {
    fn with_mean(mut self, mean_ms: f64) -> Self {
        self.exact = vec![(Figure::Mean, mean_ms)];
        self
    }
}

#[test]
fn closed_networks_are_as_in_theory() {
    let thinks = |cv| Demand { mean: Duration::from_secs_f64(THINK_S), cv };
    let tiers = |vcpus, ms, population, cv| crate::table::closed(two_tiers(1.0, vcpus, ms, 1), population, thinks(cv));
    hold(&[
        circle("5 users, app, database", tiers([1, 1], [10.0, 12.0], 5, 1.0), &[(10.0, 1), (12.0, 1)]),
        circle("12 users, app, database", tiers([1, 1], [10.0, 12.0], 12, 1.0), &[(10.0, 1), (12.0, 1)]),
        circle("40 users, app, database", tiers([1, 1], [10.0, 12.0], 40, 1.0), &[(10.0, 1), (12.0, 1)]),
        circle("20 users who think evenly", tiers([1, 1], [4.0, 5.0], 20, 0.0), &[(4.0, 1), (5.0, 1)]),
        circle("30 users, 4 and 2 processors", tiers([4, 2], [15.0, 8.0], 30, 1.0), &[(15.0, 4), (8.0, 2)]),
        circle("60 users, 4 and 2 processors", tiers([4, 2], [15.0, 8.0], 60, 1.0), &[(15.0, 4), (8.0, 2)]),
    ]);
}
