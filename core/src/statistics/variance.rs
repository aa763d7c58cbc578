//! Analysis of variance.

use super::f_upper_tail;

/// Probability that the means of three groups differ as much as these do by chance alone, when all values come from one
/// normal distribution: the one-way analysis of variance (Fisher, *Statistical Methods for Research Workers*, 1925, chapter
/// VII). One where there are too few values to say, or all of a group's are the same.
pub fn chance_of_spread(groups: [&[f64]; 3]) -> f64 {
    let count: usize = groups.iter().map(|group| group.len()).sum();
    if groups.iter().any(|group| group.is_empty()) || count <= groups.len() {
        return 1.0;
    }
    let mean = |group: &[f64]| group.iter().sum::<f64>() / group.len() as f64;
    let whole = groups.iter().map(|group| group.iter().sum::<f64>()).sum::<f64>() / count as f64;
    let square = |difference: f64| difference * difference;
    let between: f64 = groups.iter().map(|group| group.len() as f64 * square(mean(group) - whole)).sum();
    let within: f64 = groups.iter().flat_map(|group| group.iter().map(|value| square(value - mean(group)))).sum();
    let (above, below) = ((groups.len() - 1) as f64, (count - groups.len()) as f64);
    if within > 0.0 { f_upper_tail((between / above) / (within / below), above, below) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::{Exponential, Stream};

    #[test]
    fn the_tail_is_that_of_tables() {
        // Any table of the distribution: F of 2 and 3 degrees of freedom exceeds 9.552 with probability 0.05, and 30.817
        // with 0.01. Of these groups F is the square of their distance.
        let tail = |f: f64| {
            let group = |middle: f64| [middle - 1.0, middle + 1.0];
            let distance = libm::sqrt(f);
            chance_of_spread([&group(-distance), &group(0.0), &group(distance)])
        };
        assert!((tail(9.552) - 0.05).abs() < 1e-5 && (tail(30.817) - 0.01).abs() < 1e-6);
    }

    #[test]
    fn chance_alone_is_taken_for_more_as_often_as_it_says() {
        let (stream, exponential) = (Stream::new(5, "anova", "values"), Exponential::new());
        let mut rare = 0;
        for trial in 0..20_000_u64 {
            let mut draw = stream.draw(trial);
            // Near enough to normal: sums of thirty.
            let values: Vec<f64> =
                (0..20).map(|_| (0..30).map(|_| exponential.sample(&mut draw)).sum::<f64>()).collect();
            rare += u32::from(chance_of_spread([&values[..7], &values[7..13], &values[13..]]) < 0.01);
        }
        assert!((140..=260).contains(&rare), "{rare} of 20000, where 200 are expected");
    }

    #[test]
    fn too_few_values_say_nothing() {
        assert_eq!(chance_of_spread([&[], &[1.0], &[2.0]]), 1.0);
        assert_eq!(chance_of_spread([&[1.0], &[5.0], &[9.0]]), 1.0);
        assert_eq!(chance_of_spread([&[1.0, 1.0], &[1.0, 1.0], &[1.0, 1.0]]), 1.0);
    }
}
