use hockeystick_core::simulate::Simulation;
fn main() {
    let only = std::env::args().nth(1);
    for (name, case, s) in [("A", 0, 2000u64), ("B", 1, 100), ("stage01", 2, 10000)]
        .into_iter()
        .filter(|c| only.as_deref().is_none_or(|o| o == c.0))
    {
        let mut best = 0.0f64;
        for _ in 0..5 {
            let mut run = Simulation::new(&hockeystick_probe::case(case).unwrap(), 1).unwrap();
            let t = std::time::Instant::now();
            run.run_until(s * 1_000_000_000);
            best = best.max(run.events() as f64 / t.elapsed().as_secs_f64() / 1e6);
        }
        println!("{name} {best:.2}");
    }
}
