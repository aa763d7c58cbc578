//! Where a fitted stage's numbers come from: the heading that [`calibrate`](super::fit) writes into its file, and that
//! later answers read how sure they can be from.

use hockeystick_core::stage::Stage;
use hockeystick_core::statistics::Interval;
use hockeystick_core::units::Duration;
use hockeystick_core::workload::{Class, Demand, PerClass};

use super::{FittedDemand, Shape};

/// What every heading begins with.
const FIRST: &str = "# Fitted by `loadgen calibrate`:";
/// What its other lines begin with.
const INDENT: &str = "#   ";
const WARNING: &str = "warning: ";

/// What a heading says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The demands that were fitted.
    pub demands: Vec<Known>,
    /// What was not certain.
    pub warnings: Vec<String>,
}

/// A fitted demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The component.
    pub component: String,
    /// The class.
    pub class: Class,
    /// What was found.
    pub found: Duration,
    /// Its 90 % interval in milliseconds; none where there is none.
    pub interval_ms: Option<[f64; 2]>,
}

/// A stage with every fitted demand at one end of its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// At the low end.
    pub low: Stage,
    /// At the high end.
    pub high: Stage,
}

/// The heading of a fitted stage's file, as comments.
pub(super) fn heading(demands: &[FittedDemand], shape: &Shape, warnings: &[String]) -> String {
    let mut text = format!("{FIRST}\n");
    for demand in demands {
        let FittedDemand { component, class, before, after, interval_s } = demand;
        let interval = interval_s.filter(Interval::is_bounded).map_or_else(String::new, |found| {
            format!(", 90 % interval {} to {} ms", digits(found.low * 1e3), digits(found.high * 1e3))
        });
        text += &format!("#   {component}.demand.{}: {after} (was {before}{interval})\n", class.name());
    }
    text += &format!(
        "#   shape: cv {}, latency {} one way; {:.1} % off at the calibration steps\n",
        shape.variation,
        shape.latency,
        shape.misfit * 100.0
    );
    for warning in warnings {
        text += &format!("#   {WARNING}{}\n", warning.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    text + "\n"
}

/// A stage file's text without the heading that an earlier fit gave it, whatever an editor made of its line ends.
pub(super) fn without_heading(text: &str) -> &str {
    let text = without_mark(text);
    let mut lines = text.split_inclusive('\n').peekable();
    let Some(first) = lines.next_if(|line| line.trim_end() == FIRST) else { return text };
    let mut length = first.len();
    while let Some(line) = lines.next_if(|line| line.starts_with(INDENT)) {
        length += line.len();
    }
    length += lines.next_if(|line| line.trim_end().is_empty()).map_or(0, str::len);
    &text[length..]
}

/// A text without the mark of a byte order that some editors begin files with.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Four digits: an interval of a few per cent must not vanish in the rounding.
fn digits(ms: f64) -> String {
    if ms <= 0.0 {
        return "0".to_owned();
    }
    let places = (3.0 - ms.abs().max(1e-6).log10().floor()).clamp(0.0, 9.0);
    format!("{ms:.0$}", places as usize)
}

impl Provenance {
    /// Reads the heading of a stage file; none where it has none.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = without_mark(text).lines().skip_while(|line| *line != FIRST);
        lines.next()?;
        let mut provenance = Self::default();
        for line in lines.map_while(|line| line.strip_prefix(INDENT)) {
            if let Some(warning) = line.strip_prefix(WARNING) {
                provenance.warnings.push(warning.to_owned());
            } else {
                provenance.demands.extend(demand(line));
            }
        }
        Some(provenance)
    }

    /// The stage with all demands at once at either end of their intervals.
    ///
    /// # Errors
    /// Why there is no such stage, in words: an interval that is unknown, a demand that was changed after the fit.
    pub fn ends(&self, stage: &Stage) -> Result<Ends, String> {
        let (mut low, mut high) = (stage.clone(), stage.clone());
        if self.demands.is_empty() {
            return Err("the fit found no demand".to_owned());
        }
        for known in &self.demands {
            let Known { component, class, found, interval_ms } = known;
            let name = format!("{component}.demand.{}", class.name());
            let now = demands(&mut low, component).map(|demands| demands.get(*class).mean);
            if now != Some(*found) {
                return Err(format!("{name} is no longer what the fit found"));
            }
            let ends = interval_ms.ok_or_else(|| format!("the fit has no interval for {name}"))?;
            for (stage, ms) in [&mut low, &mut high].into_iter().zip(ends) {
                if let Some(demands) = demands(stage, component) {
                    demands.get_mut(*class).mean = Duration::from_secs_f64(ms / 1e3);
                }
            }
        }
        Ok(Ends { low, high })
    }
}

fn demands<'s>(stage: &'s mut Stage, component: &str) -> Option<&'s mut PerClass<Demand>> {
    let index = stage.component(component)?;
    stage.components[index].settings.demand_mut()
}

/// `app.demand.read: 1.87 ms (was 4 ms, 90 % interval 1.81 to 1.93 ms)`
fn demand(line: &str) -> Option<Known> {
    let (path, value) = line.split_once(": ")?;
    let (component, class) = path.split_once(".demand.")?;
    let (found, rest) = value.split_once(" (was ")?;
    let interval_ms = rest.split_once("90 % interval ").and_then(|(_, interval)| {
        let (low, high) = interval.trim_end_matches(')').trim_end_matches(" ms").split_once(" to ")?;
        Some([low.parse().ok()?, high.parse().ok()?])
    });
    Some(Known {
        component: component.to_owned(),
        class: Class::from_name(class)?,
        found: found.parse().ok()?,
        interval_ms: interval_ms.filter(|[low, high]: &[f64; 2]| 0.0 <= *low && low <= high && high.is_finite()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_read_as_it_was_written() {
        let fitted = |class, interval_s| FittedDemand {
            component: "app".to_owned(),
            class,
            before: Duration::from_ms(4),
            after: Duration::from_ns(1_870_000),
            interval_s,
        };
        let known = Interval { value: 0.001_87, low: 0.001_812_4, high: 0.001_93 };
        let unknown = Interval { value: 0.001_87, low: f64::NEG_INFINITY, high: f64::INFINITY };
        let demands = [fitted(Class::Read, Some(known)), fitted(Class::Job, Some(unknown))];
        let shape = Shape { variation: 0.25, workers: None, latency: Duration::from_ns(25_000), misfit: 0.048 };
        let warnings = ["step 3: it is left out,\n as it failed".to_owned()];
        let text = heading(&demands, &shape, &warnings) + "schema = 1\n#   warning: the author's own\n";
        let provenance = Provenance::read(&text).unwrap();
        assert_eq!(provenance.warnings, ["step 3: it is left out, as it failed"]);
        let of = |class, interval_ms| Known {
            component: "app".to_owned(),
            class,
            found: Duration::from_ns(1_870_000),
            interval_ms,
        };
        assert_eq!(provenance.demands, [of(Class::Read, Some([1.812, 1.930])), of(Class::Job, None)]);
    }

    #[test]
    fn a_second_fit_takes_the_place_of_the_first() {
        let shape = Shape { variation: 1.0, workers: None, latency: Duration::ZERO, misfit: 0.0 };
        assert_eq!(without_heading(&(heading(&[], &shape, &[]) + "# Mine\nschema = 1\n")), "# Mine\nschema = 1\n");
        assert_eq!(without_heading("# Mine\n\nschema = 1\n"), "# Mine\n\nschema = 1\n");
        // Whatever editors do to the file meanwhile.
        let edited = heading(&[], &shape, &[]).replace('\n', "\r\n");
        assert_eq!(without_heading(&format!("\u{feff}{edited}schema = 1\r\n\r\n")), "schema = 1\r\n\r\n");
        let closed_up = heading(&[], &shape, &[]).replace("\n\n", "\n");
        assert_eq!(without_heading(&format!("{closed_up}schema = 1\n\nrate = 1")), "schema = 1\n\nrate = 1");
        assert!(Provenance::read(&format!("\u{feff}{edited}")).is_some());
    }

    #[test]
    fn a_stage_without_a_heading_has_no_provenance() {
        assert_eq!(Provenance::read("schema = 1\n#   app.demand.read: 1 ms (was 2 ms)\n"), None);
    }
}
