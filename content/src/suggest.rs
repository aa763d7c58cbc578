//! What would have been valid: the nearest name, or the list of names.

/// Names longer than this are not compared: nobody mistypes that much, and comparing takes the square of the length.
const COMPARED_CHARS: usize = 64;

/// Most names that are listed: more than any component has settings, for a file may have thousands of components.
const LISTED: usize = 48;
/// Most names that may be meant at once.
const MEANT: usize = 3;

/// Did you mean one of `names`? Else which ones there are.
pub(crate) fn valid_names<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let meant = nearest(wrong, &names).map_or_else(|| sharing_words(wrong, &names), |name| vec![name]);
    if (1..=MEANT).contains(&meant.len()) {
        let meant: Vec<String> = meant.iter().map(|name| format!("`{name}`")).collect();
        return format!("did you mean {}?", meant.join(" or "));
    }
    listed(&names)
}

/// Names that hold all words of the wrong one, or are all held by it: `memory` for `process_memory`, as after a renaming.
fn sharing_words<'a>(wrong: &str, names: &[&'a str]) -> Vec<&'a str> {
    if wrong.chars().count() > COMPARED_CHARS {
        return Vec::new();
    }
    let words = |name: &str| -> Vec<String> {
        name.to_lowercase().split(['_', '-', ' ']).filter(|word| word.len() > 2).map(str::to_owned).collect()
    };
    let wrong = words(wrong);
    let within = |few: &[String], many: &[String]| !few.is_empty() && few.iter().all(|word| many.contains(word));
    let shares = |name: &&&str| within(&wrong, &words(name)) || within(&words(name), &wrong);
    names.iter().filter(shares).copied().collect()
}

/// `valid are `a`, `b` and 3 more`.
fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => "there is none to choose from".to_owned(),
        length if length > LISTED => format!("valid are {} and {} more", shown.join(", "), length - LISTED),
        _ => format!("valid: {}", shown.join(", ")),
    }
}

/// The name with the smallest edit distance, when at most a third of its letters differ.
fn nearest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    if wrong.chars().count() > COMPARED_CHARS {
        return None;
    }
    let distance = |name: &&str| strsim::osa_distance(&wrong.to_lowercase(), &name.to_lowercase());
    let best = names.iter().min_by_key(|name| distance(name))?;
    let tolerated = 1.max(best.chars().count() / 3);
    (distance(best) <= tolerated).then_some(*best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognised() {
        assert_eq!(valid_names("wrokers", ["workers", "backlog"]), "did you mean `workers`?");
        assert_eq!(valid_names("Rate", ["rate", "users"]), "did you mean `rate`?");
    }

    #[test]
    fn a_name_that_grew_or_shrank_by_a_word_is_recognised() {
        let names = ["workers", "process_memory", "processor_speed", "restart", "restart_time"];
        assert_eq!(valid_names("memory", names), "did you mean `process_memory`?");
        assert_eq!(valid_names("workers_per_copy", names), "did you mean `workers`?");
        assert_eq!(valid_names("time_of_restart", names), "did you mean `restart` or `restart_time`?");
        assert!(valid_names("disk_memory", names).starts_with("valid: "));
    }

    #[test]
    fn something_else_altogether_lists_what_there_is() {
        assert_eq!(valid_names("colour", ["workers", "backlog"]), "valid: `workers`, `backlog`");
        assert_eq!(valid_names("x", []), "there is none to choose from");
    }
}
