//! What would have been valid: the nearest name, or the list of names.

/// Names longer than this are not compared: nobody mistypes that much, and comparing takes the square of the length.
const COMPARED_CHARS: usize = 64;

/// Most names that are listed.
const LISTED: usize = 16;

/// Did you mean one of `names`? Else which ones there are.
pub(crate) fn valid_names<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match nearest(wrong, &names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => listed(&names),
    }
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
    fn something_else_altogether_lists_what_there_is() {
        assert_eq!(valid_names("colour", ["workers", "backlog"]), "valid: `workers`, `backlog`");
        assert_eq!(valid_names("x", []), "there is none to choose from");
    }
}
