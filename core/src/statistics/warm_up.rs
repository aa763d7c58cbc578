//! How much of the start of a run belongs to its warm-up.

/// Values in one batch.
const BATCH: usize = 5;

/// How many leading values to leave out, so that the mean of the rest tells most of the steady state.
///
/// The rule is MSER-5: the values are averaged in batches of five, and the cut is put where the standard error of the
/// mean of what remains is smallest. Leaving out more of the warm-up lowers the variance of the rest, leaving out too
/// much makes the rest small. The cut is never past the middle: a minimum there says that the run was too short.
///
/// White, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69 (1997); White,
/// Cobb & Spratt, "A comparison of five steady-state truncation heuristics for simulation", WSC 2000.
pub fn mser5(values: &[f64]) -> usize {
    let batches: Vec<f64> = values.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    let most = batches.len() / 2;
    let (mut best, mut cut) = (f64::INFINITY, 0);
    // From the end to the front, so that mean and sum of squares grow by one batch at a time (Welford 1962).
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for (index, batch) in batches.iter().enumerate().rev() {
        count += 1.0;
        let from_mean = batch - mean;
        mean += from_mean / count;
        squares += from_mean * (batch - mean);
        let error = squares / (count * count);
        if index <= most && error <= best {
            (best, cut) = (error, index);
        }
    }
    cut * BATCH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evenly spread numbers in 0..1 that look random enough: the multiples of the golden ratio.
    fn noise(i: usize) -> f64 {
        (i as f64 * 0.618_033_988_749_895).fract()
    }

    #[test]
    fn a_start_above_the_steady_state_is_cut_off() {
        let values: Vec<f64> = (0..2000).map(|i| noise(i) + if i < 300 { 5.0 } else { 0.0 }).collect();
        assert!((300..=320).contains(&mser5(&values)), "{}", mser5(&values));
    }

    #[test]
    fn a_run_that_is_steady_from_the_start_stays_nearly_whole() {
        let values: Vec<f64> = (0..2000).map(noise).collect();
        assert!(mser5(&values) < 400, "{}", mser5(&values));
    }

    #[test]
    fn never_more_than_half_is_cut_and_little_data_is_no_problem() {
        let growing: Vec<f64> = (0..1003).map(|i| i as f64).collect();
        assert_eq!(mser5(&growing), 500);
        assert_eq!(mser5(&[]), 0);
        assert_eq!(mser5(&[1.0, 2.0, 3.0]), 0);
        assert_eq!(mser5(&[7.0; 100]), 0, "nothing to gain by a cut");
    }
}
