//! Tick on half a processor, and how loadgen is told of it: `cargo run --release -p hockeystick-staging --example deploy`

use std::time::Duration;

use hockeystick_staging::deploy::{CpuLimit, DeployError, Deployment, Options};

fn main() -> Result<(), DeployError> {
    let half_a_cpu = CpuLimit { quota_cpus: Some(0.5), period: Duration::from_millis(100), cores: vec![1] };
    let tick = Deployment::start(&Options { cpu: half_a_cpu, work_factor: 200, ..Options::default() })?;
    println!("{} with {}", tick.url(), tick.limits());
    let (url, meter) = (tick.url(), tick.utilisation_source());
    println!("loadgen run --host {url} --plan plan.toml --out RESULTS.json --utilisation {meter}");
    println!("Enter stops it");
    drop(std::io::stdin().read_line(&mut String::new()));
    tick.stop()
}
