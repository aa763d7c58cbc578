//! Prints a random stage and what came of its trial: `cargo run -p hockeystick-probe --example replay -- 42`.

fn main() {
    for number in std::env::args().skip(1).filter_map(|text| text.parse().ok()) {
        println!("{:#?}", hockeystick_probe::random::stage(number));
        println!("{:?}", hockeystick_probe::laws::trial(number));
    }
}
