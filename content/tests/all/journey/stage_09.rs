//! Stage 09-load-balancer.

use hockeystick_core::engine::moves::Cause;
use hockeystick_core::simulate::Run;
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::Duration;

use super::harness::{Figures, ran, stage, with};

/// The stage with one thing going wrong after 20 s, for so long, on one copy or all of a component.
fn broken(stage: &Stage, id: &str, copy: Option<u32>, kind: FaultKind, lasts_s: u64) -> Stage {
    let on = Target::Component(stage.component(id).expect("it is there"), copy);
    let fault = Fault { at: Duration::from_s(20), lasts: Some(Duration::from_s(lasts_s)), on, kind };
    Stage { faults: vec![fault], ..stage.clone() }
}

fn failed(run: &Run) -> u64 {
    run.counts.failed_in_all()
}

const DEPLOY: FaultKind = FaultKind::Deploy { errors: 0.0, speed: 1.0, canary: Duration::ZERO };

#[test]
fn four_servers_carry_what_one_cannot() {
    let stage = stage("09-load-balancer");
    let one = ran(&with(&stage, &[("app.copies", "1")]), 60.0).outcome;
    let four = ran(&stage, 60.0).outcome;
    assert!(one.errors_per_s() > 300.0, "{}", one.errors_per_s());
    assert!(four.errors_per_s() < 0.1 && four.p95_ms() < 250.0, "{} {}", four.errors_per_s(), four.p95_ms());
    let busy = four.utilisation["app#1 cpu"].known().expect("it is there");
    assert!((0.5..0.75).contains(&busy), "{busy}");
    println!(
        "stage 09 at 926/s: {:.0}/s fail with one server, none with four ({:.0} % busy, p95 {:.0} ms)",
        one.errors_per_s(),
        100.0 * busy,
        four.p95_ms()
    );
}

#[test]
fn checks_take_a_dead_server_out_and_a_second_try_hides_it() {
    let stage = stage("09-load-balancer");
    let dead = broken(&stage, "app", Some(1), FaultKind::Down, 30);
    let unchecked = failed(&ran(&with(&dead, &[("balancer.check_interval", "0 s")]), 60.0));
    let checked = failed(&ran(&dead, 60.0));
    let tried_again = failed(&ran(&with(&dead, &[("balancer.tries", "2")]), 60.0));
    // A quarter of 926 requests a second for 30 s; until three checks have failed, 4 to 6 s; what was in its hands.
    assert!((6_000..7_500).contains(&unchecked), "{unchecked}");
    assert!((900..1_600).contains(&checked), "{checked}");
    assert!(tried_again < 40, "{tried_again}");
    println!(
        "stage 09, a server dead for 30 s: {unchecked} fail unchecked, {checked} with checks, {tried_again} with a second try"
    );
}

#[test]
fn some_algorithms_notice_a_slow_server() {
    let stage = stage("09-load-balancer");
    let slow = broken(&stage, "app", Some(0), FaultKind::Slow { speed: 0.25 }, 1_000);
    let mean_ms = |algorithm| ran(&with(&slow, &[("balancer.algorithm", algorithm)]), 80.0).outcome.mean_ms();
    let round_robin = mean_ms("round-robin");
    let random = mean_ms("random");
    let seeing = ["least-connections", "power-of-two", "peak-ewma"].map(|algorithm| (algorithm, mean_ms(algorithm)));
    for (algorithm, mean_ms) in seeing {
        assert!(mean_ms < 0.5 * round_robin.min(random), "{algorithm} {mean_ms}, {round_robin}, {random}");
    }
    println!(
        "stage 09, a server at quarter speed: mean {round_robin:.0} ms by turns, {:.0} ms least connections, {:.0} ms power of two, {:.0} ms peak EWMA",
        seeing[0].1, seeing[1].1, seeing[2].1
    );
}

#[test]
fn a_deploy_that_drains_loses_nothing() {
    let stage = stage("09-load-balancer");
    let deploy = broken(&stage, "app", None, DEPLOY, 1_000);
    let drained = failed(&ran(&deploy, 100.0));
    let at_once = failed(&ran(&with(&deploy, &[("app.drain", "0 s")]), 100.0));
    let alone = failed(&ran(&with(&deploy, &[("app.copies", "1"), ("users.rate", "200/s")]), 100.0));
    assert!(drained == 0, "{drained}");
    assert!(at_once > 2_000, "{at_once}");
    assert!(alone > 1_500, "ten seconds without any server: {alone}");
    println!("stage 09, a deploy: {at_once} requests fail without draining, {drained} with it");
}

#[test]
fn a_standby_takes_the_address_over() {
    let stage = stage("09-load-balancer");
    let dead = broken(&stage, "balancer", Some(0), FaultKind::Down, 30);
    let pair = ran(&dead, 60.0);
    let single = failed(&ran(&with(&dead, &[("balancer.copies", "1")]), 60.0));
    // Three seconds after the active one was last heard of, which is once a second: two to three and a bit of 926.
    assert!((1_700..3_300).contains(&failed(&pair)), "{}", failed(&pair));
    assert!(single > 27_000, "{single}");
    assert_eq!(pair.counts.failed[Cause::Down as usize], failed(&pair));
    println!("stage 09, a balancer dead for 30 s: {single} requests fail, {} with a standby", failed(&pair));
}

#[test]
fn the_challenge_can_be_met() {
    let solved = with(&stage("09-load-balancer"), &[("app.copies", "6"), ("users.rate", "1800/s")]);
    let goal = solved.challenge.clone().expect("it is there");
    let outcome = ran(&solved, 30.0).outcome;
    let errors = outcome.errors_per_s() / (outcome.errors_per_s() + outcome.throughput_per_s());
    let price = solved.price_per_month();
    assert!(outcome.p95_ms() <= goal.p95.as_ms_f64(), "p95 {} ms", outcome.p95_ms());
    assert!(errors <= goal.errors && price <= goal.budget.expect("it is there"), "{errors} {price}");
    println!("stage 09, challenge: p95 {:.0} ms for {price:.0} dollars a month", outcome.p95_ms());
}
