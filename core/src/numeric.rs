//! Small numerics that formulas of several floors share.

/// Whether a quantity can be a rate, a time or a number of something: finite and not negative.
pub(crate) fn is_quantity(x: f64) -> bool {
    x.is_finite() && x >= 0.0
}

/// Whether a quantity is finite and above zero.
pub(crate) fn is_positive(x: f64) -> bool {
    x.is_finite() && x > 0.0
}

/// Whether a number can be a probability.
pub(crate) fn is_share(x: f64) -> bool {
    (0.0..=1.0).contains(&x)
}

// A page has logarithm and exponential anyway; the library's own functions for the next two would weigh a kilobyte more.

/// `base` to the power of `exponent`, for a base above zero: within `|exponent ln base|` units in the last place.
pub(crate) fn pow(base: f64, exponent: f64) -> f64 {
    libm::exp(exponent * libm::log(base))
}

/// ln Γ(x) for x above zero: Stirling's series from 16 on (Abramowitz & Stegun 6.1.41), which it comes to by
/// Γ(x + 1) = x Γ(x). Within 1e-13 of it, or of one where it is smaller.
pub(crate) fn log_gamma(mut x: f64) -> f64 {
    const TERMS: [f64; 5] = [1.0 / 1_188.0, -1.0 / 1_680.0, 1.0 / 1_260.0, -1.0 / 360.0, 1.0 / 12.0];
    const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;
    let mut below = 1.0;
    while x < 16.0 {
        below *= x;
        x += 1.0;
    }
    let series = TERMS.iter().fold(0.0, |sum, term| sum / (x * x) + term) / x;
    (x - 0.5) * libm::log(x) - x + HALF_LOG_TAU + series - libm::log(below)
}

/// The `x` that solves `matrix x = right`, by Gaussian elimination with partial pivoting; none where the matrix is
/// singular to working precision. Costs n³/3 multiplications.
pub(crate) fn solve_linear(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    let scale = matrix.iter().flatten().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for column in 0..n {
        let pivot = (column..n).max_by(|i, j| matrix[*i][column].abs().total_cmp(&matrix[*j][column].abs()))?;
        if matrix[pivot][column].abs() <= 1e-13 * scale {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..n {
            let factor = matrix[row][column] / matrix[column][column];
            if factor != 0.0 {
                let (above, below) = matrix.split_at_mut(row);
                for (x, pivot_x) in below[0].iter_mut().zip(&above[column]).skip(column) {
                    *x -= factor * pivot_x;
                }
                right[row] -= factor * right[column];
            }
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right.iter().all(|x| x.is_finite()).then_some(right)
}

/// A point where `f` changes its sign between `low` and `high`, by bisection down to neighbouring numbers.
pub(crate) fn bisect(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let rises = f(low) < 0.0;
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if (f(middle) < 0.0) == rises { low = middle } else { high = middle }
    }
}

/// Nodes and weights of Gauss-Legendre integration on 0..1, by Newton's method on the Legendre polynomial
/// (Abramowitz & Stegun 25.4.29).
pub(crate) fn gauss_legendre<const N: usize>() -> [(f64, f64); N] {
    let n = N as f64;
    std::array::from_fn(|i| {
        let mut x = libm::cos(std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5));
        let mut slope = 1.0;
        for _ in 0..20 {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=N {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
            }
            slope = n * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
    })
}

/// Steady probabilities of a finite Markov chain, given the rate of each jump. For tests: it knows no queueing theory.
#[cfg(test)]
pub(crate) fn steady_state(states: usize, jumps: impl IntoIterator<Item = (usize, usize, f64)>) -> Vec<f64> {
    let mut balance = vec![vec![0.0; states]; states];
    for (from, to, rate) in jumps {
        balance[to][from] += rate;
        balance[from][from] -= rate;
    }
    // One balance equation follows from the others; that the probabilities add up to one takes its place.
    balance[states - 1] = vec![1.0; states];
    let mut right = vec![0.0; states];
    right[states - 1] = 1.0;
    solve_linear(balance, right).expect("an irreducible chain")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn powers_and_the_gamma_function_are_those_of_the_library() {
        for n in 1..3_000 {
            let x = 0.013 * f64::from(n);
            for exponent in [-4.0, -0.7, 0.0, 0.3, 8.0] {
                let exact = libm::pow(x, exponent);
                assert!((pow(x, exponent) / exact - 1.0).abs() < 1e-14, "{x}^{exponent}");
            }
            for x in [x, x * x, libm::exp(x)] {
                let exact = libm::lgamma(x);
                assert!((log_gamma(x) - exact).abs() < 1e-13 * exact.abs().max(1.0), "{x}");
            }
        }
    }

    #[test]
    fn a_singular_matrix_has_no_solution() {
        assert_eq!(solve_linear(vec![vec![1.0, 2.0], vec![2.0, 4.0]], vec![1.0, 1.0]), None);
        assert_eq!(solve_linear(vec![vec![0.0, 2.0], vec![4.0, 0.0]], vec![1.0, 1.0]), Some(vec![0.25, 0.5]));
    }

    #[test]
    fn bisection_finds_a_root_of_either_slope() {
        assert!((bisect(0.0, 2.0, |x| x * x - 2.0) - std::f64::consts::SQRT_2).abs() < 1e-15);
        assert!((bisect(0.0, 2.0, |x| 2.0 - x * x) - std::f64::consts::SQRT_2).abs() < 1e-15);
    }

    #[test]
    fn gauss_legendre_integrates_polynomials_exactly() {
        let integral: f64 = gauss_legendre::<4>().iter().map(|(x, weight)| weight * libm::pow(*x, 7.0)).sum();
        assert!((integral - 0.125).abs() < 1e-14, "{integral}");
    }

    proptest! {
        #[test]
        fn the_solution_solves(rows in prop::collection::vec(prop::collection::vec(-1.0..1.0_f64, 5), 4)) {
            let (mut matrix, right): (Vec<Vec<f64>>, Vec<f64>) =
                rows.iter().map(|row| (row[..4].to_vec(), row[4])).unzip();
            // A dominant diagonal keeps it away from singular ones.
            for (i, row) in matrix.iter_mut().enumerate() {
                row[i] += 5.0;
            }
            let x = solve_linear(matrix.clone(), right.clone()).unwrap();
            for (row, right) in matrix.iter().zip(&right) {
                let left: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
                prop_assert!((left - right).abs() < 1e-12);
            }
        }
    }
}
