//! Random numbers: one stream for each component and purpose, and in it one draw for each request.
//!
//! A draw is a function of (seed, component, purpose, number) and of nothing else, not even of the draws before it. Two
//! architectures under one seed therefore see the same arrivals and the same demands, request by request, however the
//! requests are reordered (*common random numbers*; Law & Kelton, *Simulation Modeling and Analysis*, section 11.2).
//!
//! The generator is SplitMix64: its state is a counter, so that jumping to the n-th number costs one multiplication
//! (Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of SplitMix64: every input bit changes every output bit with probability near one half.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The draws of one component for one purpose.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// The stream of `component` for `purpose`. Names, not indices: a new neighbour shifts nobody's draws.
    pub fn new(seed: u64, component: &str, purpose: &str) -> Self {
        let bytes = component.bytes().chain([0xff]).chain(purpose.bytes());
        Self { key: bytes.fold(mix(seed.wrapping_add(GOLDEN_GAMMA)), |key, byte| mix(key ^ u64::from(byte))) }
    }

    /// The draw with this number.
    #[inline]
    pub fn draw(&self, number: u64) -> Draw {
        Draw { state: mix(self.key ^ number.wrapping_mul(GOLDEN_GAMMA)) }
    }
}

/// One draw: as many random numbers as the distribution needs, independent of every other draw.
#[derive(Clone, Debug)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// Uniform over [0, 1), all 53 bits of it.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        unit_interval(self.bits())
    }

    /// True with the given probability.
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform over 0..n, for n up to 2^32.
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        // The upper half of a product of 128 bits, in two products of 64: WebAssembly has none of 128.
        let (bits, n) = (self.bits(), u64::from(n));
        let low = (bits & u64::from(u32::MAX)) * n;
        let high = (bits >> 32) * n;
        ((high + (low >> 32)) >> 32) as u32
    }
}

#[inline]
fn unit_interval(bits: u64) -> f64 {
    // Signed, for the reason of `units::to_f64`.
    (bits >> 11) as i64 as f64 * (1.0 / (1_u64 << 53) as f64)
}

const LAYERS: usize = 256;
/// Where the tail begins, and the area of each layer, for 256 layers (Marsaglia & Tsang 2000, section 3).
const TAIL: f64 = 7.697_117_470_131_05;
const LAYER_AREA: f64 = 0.003_949_659_822_581_557;

/// The exponential distribution by the ziggurat method: no logarithm in 98.9 % of the draws.
///
/// Marsaglia & Tsang, "The Ziggurat Method for Generating Random Variables", Journal of Statistical Software 5(8), 2000.
#[derive(Clone, Debug)]
pub struct Exponential {
    /// Right edge of each layer, from the widest layer to the tip. Apart from the densities: nearly every draw needs two
    /// edges anywhere, hardly any a density.
    edges: Box<[f64; LAYERS + 1]>,
    /// The density there.
    densities: Box<[f64; LAYERS + 1]>,
}

impl Exponential {
    /// Builds the layers.
    pub fn new() -> Self {
        let (mut edges, mut densities) = (Box::new([0.0; LAYERS + 1]), Box::new([1.0; LAYERS + 1]));
        let density = |x: f64| libm::exp(-x);
        // The lowest layer holds the tail as well, so its box is wider than the density reaches.
        (edges[0], densities[0]) = (LAYER_AREA / density(TAIL), density(TAIL));
        (edges[1], densities[1]) = (TAIL, density(TAIL));
        for i in 2..LAYERS {
            edges[i] = -libm::log(LAYER_AREA / edges[i - 1] + densities[i - 1]);
            densities[i] = density(edges[i]);
        }
        Self { edges, densities }
    }

    /// A draw with mean one.
    #[inline]
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        let (layer, x) = self.point(draw);
        if x < self.edges[layer + 1] { x } else { self.sample_edge(layer, x, draw) }
    }

    /// A layer, and a point below its right edge.
    #[inline]
    fn point(&self, draw: &mut Draw) -> (usize, f64) {
        let bits = draw.bits();
        // Eight bits choose the layer; the position takes the upper 53, which do not overlap them.
        let layer = (bits & 0xff) as usize;
        (layer, unit_interval(bits) * self.edges[layer])
    }

    /// The same for a point that the layer above does not cover: it may lie above the density, or in the tail.
    #[cold]
    fn sample_edge(&self, mut layer: usize, mut x: f64, draw: &mut Draw) -> f64 {
        let mut offset = 0.0;
        loop {
            let (floor, ceiling) = (self.densities[layer], self.densities[layer + 1]);
            if x < self.edges[layer + 1] {
                return offset + x;
            }
            if layer == 0 {
                // The tail of an exponential is an exponential again.
                offset += TAIL;
            } else if floor + (ceiling - floor) * draw.uniform() < libm::exp(-x) {
                return offset + x;
            }
            (layer, x) = self.point(draw);
        }
    }
}

impl Default for Exponential {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_draws_have_the_exponential_distribution() {
        // Kolmogorov-Smirnov against 1 - exp(-x); 1.95 / sqrt(n) is the 0.1 % critical value.
        const N: usize = 1_000_000;
        let (exponential, stream) = (Exponential::new(), Stream::new(7, "users", "gap"));
        let mut draws: Vec<f64> = (0..N as u64).map(|i| exponential.sample(&mut stream.draw(i))).collect();
        draws.sort_by(f64::total_cmp);
        let distance = draws.iter().enumerate().map(|(i, x)| {
            let cdf = 1.0 - libm::exp(-x);
            (cdf - i as f64 / N as f64).abs().max((cdf - (i + 1) as f64 / N as f64).abs())
        });
        let distance = distance.fold(0.0, f64::max);
        assert!(distance < 1.95 / (N as f64).sqrt(), "distance {distance}");
    }

    #[test]
    fn neighbouring_draws_and_streams_are_uncorrelated() {
        const N: u64 = 200_000;
        let (a, b) = (Stream::new(1, "app", "demand"), Stream::new(1, "app", "class"));
        let centred = |stream: &Stream, i| stream.draw(i).uniform() - 0.5;
        let correlation =
            |f: &dyn Fn(u64) -> (f64, f64)| (0..N).map(|i| f(i).0 * f(i).1 * 12.0).sum::<f64>() / N as f64;
        // Four standard errors.
        let bound = 4.0 / (N as f64).sqrt();
        assert!(correlation(&|i| (centred(&a, i), centred(&a, i + 1))).abs() < bound);
        assert!(correlation(&|i| (centred(&a, i), centred(&b, i))).abs() < bound);
    }

    #[test]
    fn small_numbers_are_drawn_evenly() {
        let stream = Stream::new(3, "balancer", "choice");
        let mut counts = [0_u32; 3];
        (0..30_000).for_each(|i| counts[stream.draw(i).below(3) as usize] += 1);
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 400), "{counts:?}");
    }
}
