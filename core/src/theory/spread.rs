//! The distribution of a demand, cut into pieces for numerical integration against any smooth function.

use super::complex::Complex;
use super::demand::Part;
use super::inversion;
use crate::numeric::gauss_legendre;

/// Ratio of neighbouring edges: two to a doubling.
const RATIO: f64 = std::f64::consts::SQRT_2;
/// Nodes in a panel where the integrand turns fast.
const FINE: usize = 8;
/// Nodes in a panel where it hardly turns.
const COARSE: usize = 4;
/// Probability that is not worth a panel.
const NEGLIGIBLE: f64 = 1e-13;

/// Edges in geometric order, and the nodes of Gauss and Legendre between each two.
#[derive(Clone, Debug)]
pub(super) struct Panels {
    edges: Vec<f64>,
    fine: [(f64, f64); FINE],
    coarse: [(f64, f64); COARSE],
}

impl Panels {
    /// Panels from `low` until an edge is at least `high`.
    pub(super) fn between(low: f64, high: f64) -> Self {
        let mut edges = vec![low];
        let mut edge = low;
        while edge < high {
            edge *= RATIO;
            edges.push(edge);
        }
        Self { edges, fine: gauss_legendre(), coarse: gauss_legendre() }
    }

    /// The edge with this index; those past the last go on in the same ratio.
    pub(super) fn edge(&self, index: usize) -> f64 {
        let last = self.edges.len() - 1;
        let beyond = index.saturating_sub(last);
        (0..beyond).fold(self.edges[index.min(last)], |edge, _| edge * RATIO)
    }
}

/// A demand, as weights on the nodes of [`Panels`].
#[derive(Clone, Debug)]
pub(super) struct Spread {
    /// What the demand is at least; nodes count from there.
    pub(super) least_s: f64,
    /// Probability of the least alone, or so little more that it makes no difference, and where to put it.
    start: (f64, f64),
    fine: Vec<[f64; FINE]>,
    coarse: Vec<[f64; COARSE]>,
}

impl Spread {
    /// The spread of the sum of `parts`.
    pub(super) fn of(parts: &[Part], panels: &Panels) -> Self {
        let least_s: f64 = parts.iter().map(Part::least_s).sum();
        let vary: Vec<&Part> =
            parts.iter().filter(|part| part.least_s() == 0.0 && part.moments().first > 0.0).collect();
        let mut spread = Self { least_s, start: (1.0, 0.0), fine: Vec::new(), coarse: Vec::new() };
        if vary.is_empty() {
            return spread;
        }
        let transform = |s: Complex| vary.iter().fold(Complex::ONE, |all, part| all * part.transform(s));
        let density = |x: f64| inversion::invert(x, transform).max(0.0);
        let first = panels.edges[0];
        let mut above = inversion::tail(first, transform);
        spread.start = (1.0 - above, 0.5 * first);
        for edge in panels.edges.windows(2) {
            if above <= NEGLIGIBLE {
                break;
            }
            let next = inversion::tail(edge[1], transform).min(above);
            spread.fine.push(weigh(edge, &panels.fine, above - next, density));
            spread.coarse.push(weigh(edge, &panels.coarse, above - next, density));
            above = next;
        }
        spread
    }

    /// Sum of weight times value, where `values` are those of the function at [`nodes`], in their order.
    pub(super) fn integrate(&self, values: &[Complex], upto: usize) -> Complex {
        let (fine, coarse) = ranges(upto);
        let coarse = self.coarse.iter().take(coarse).flatten();
        let fine = self.fine.iter().skip(fine.start).take(fine.len()).flatten();
        let mut sum = values[0] * self.start.0;
        // Panels without a weight are last in each range, so that the pieces are lined up by panel.
        let (low, high) = values[1..].split_at(upto_coarse(upto) * COARSE);
        for (value, weight) in low.iter().zip(coarse) {
            sum = sum + *value * *weight;
        }
        for (value, weight) in high.iter().zip(fine) {
            sum = sum + *value * *weight;
        }
        sum
    }
}

/// Panels that take part in a transform for the time `edge(upto)`: fine from a quarter of it to its double, coarse below.
/// A demand of more than double the time weighs less than e^-9 in the inversion, and its response is later anyway.
fn ranges(upto: usize) -> (std::ops::Range<usize>, usize) {
    (upto_coarse(upto)..upto + 2, upto_coarse(upto))
}

fn upto_coarse(upto: usize) -> usize {
    upto.saturating_sub(4)
}

/// Where the integrand is wanted for the time `edge(upto)`, counted from the least demand.
pub(super) fn nodes(panels: &Panels, upto: usize) -> Vec<f64> {
    let (fine, coarse) = ranges(upto);
    let mut nodes = vec![0.5 * panels.edges[0]];
    let mut place = |panel: usize, shape: &[(f64, f64)]| {
        let (low, high) = (panels.edge(panel), panels.edge(panel + 1));
        nodes.extend(shape.iter().map(|(at, _)| low + at * (high - low)));
    };
    (0..coarse).for_each(|panel| place(panel, &panels.coarse));
    fine.for_each(|panel| place(panel, &panels.fine));
    nodes
}

/// Weights of a panel's nodes: those of the rule times the density, scaled so that they add up to the panel's mass.
fn weigh<const N: usize>(edge: &[f64], rule: &[(f64, f64); N], mass: f64, density: impl Fn(f64) -> f64) -> [f64; N] {
    let raw = rule.map(|(at, weight)| weight * density(edge[0] + at * (edge[1] - edge[0])));
    let sum: f64 = raw.iter().sum();
    if sum > 0.0 { raw.map(|weight| weight * mass / sum) } else { rule.map(|(_, weight)| weight * mass) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::demand::Moments;
    use crate::units::Duration;
    use crate::workload::Demand;

    fn part(count: u32, chance: f64, ms: u64, cv: f64) -> Part {
        Part::new(count, chance, &Demand { mean: Duration::from_ms(ms), cv }, 1.0)
    }

    #[test]
    fn weights_add_up_to_one_and_keep_the_mean() {
        let panels = Panels::between(1e-6, 10.0);
        let demands = [
            vec![part(1, 1.0, 10, 1.0)],
            vec![part(1, 1.0, 12, 1.0), part(2, 1.0, 2, 1.0)],
            vec![part(1, 1.0, 10, 0.3)],
            vec![part(1, 1.0, 10, 2.5), part(3, 0.4, 5, 0.0)],
            vec![part(4, 1.0, 3, 0.0), part(1, 1.0, 7, 1.0)],
            vec![part(2, 1.0, 5, 0.0)],
        ];
        for parts in demands {
            let spread = Spread::of(&parts, &panels);
            let upto = panels.edges.len() - 3;
            let at = nodes(&panels, upto);
            let ones = vec![Complex::ONE; at.len()];
            let total = spread.integrate(&ones, upto).re;
            assert!((total - 1.0).abs() < 1e-6, "{total}");
            let values: Vec<Complex> = at.iter().map(|x| Complex::real(spread.least_s + x)).collect();
            let mean = spread.integrate(&values, upto).re;
            let expected = Moments::of_sum(&parts).first;
            assert!((mean / expected - 1.0).abs() < 2e-3, "{mean} {expected}");
        }
    }
}
