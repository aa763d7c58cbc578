//! The CPU time of one request of each class, by the kernel's counter. The README's table comes from here:
//! `cargo build --release -p hockeystick-staging && cargo run --release -p hockeystick-staging --example cost`

use hockeystick_staging::deploy::{Deployment, Options};
use hockeystick_staging::plan::{self, PlanMaterial, PlanRequest, RequestClass};
use reqwest::blocking::Client;

const WARM_UP: u32 = 100;
const REQUESTS: u32 = 1_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let work_factor = std::env::args().nth(1).map_or(Ok(Options::default().work_factor), |text| text.parse())?;
    let options = Options { work_factor, ..Options::default() };
    let tick = Deployment::start(&options)?;
    println!("work factor {work_factor}, {}", tick.limits());
    let material = plan::material(options.seed_accounts);
    let client = Client::new();
    for class in [RequestClass::Static, RequestClass::Read, RequestClass::Write, RequestClass::Job] {
        let requests: Vec<_> = material.requests.iter().filter(|request| request.class == class).collect();
        let send = |number: u32| {
            let request = requests[number as usize % requests.len()];
            send(&client, &tick, &material, request, number)
        };
        (0..WARM_UP).try_for_each(send)?;
        let before_ns = tick.cpu_usage_ns()?;
        (0..REQUESTS).try_for_each(send)?;
        let used_ns = tick.cpu_usage_ns()? - before_ns;
        println!("{:8} {:8.3} ms", class.as_str(), used_ns as f64 / f64::from(REQUESTS) / 1e6);
    }
    tick.stop()?;
    Ok(())
}

fn send(
    client: &Client,
    tick: &Deployment,
    material: &PlanMaterial,
    request: &PlanRequest,
    number: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    // A step that is prime to the ranges' lengths, so that every id has its turn.
    let path = request.path_with(&material.ranges, |(first, last)| first + number * 137 % (last - first + 1));
    let method = reqwest::Method::from_bytes(request.method.as_bytes())?;
    let mut call = client.request(method, format!("{}{path}", tick.url()));
    for (name, value) in request.headers.iter().chain([&material.authorization]) {
        call = call.header(*name, *value);
    }
    call.body(request.body).send()?.error_for_status()?.bytes()?;
    Ok(())
}
