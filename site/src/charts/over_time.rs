//! Charts over simulated time: response time by percentile, throughput with failures by cause, utilisation by station.

use hockeystick_core::number::{in_order, within};
use hockeystick_core::stage::{FaultKind, Stage, Target};

use super::history::{Fold, History, Window, risen, segments};
use super::number;
use super::panel::{Chart, Readout};
use super::scale::Axis;
use super::sheet::{Anchor, Layout, Margins, Sheet, Stroke};
use super::table::Table;
use super::theme::Ink;
use crate::figure::handle::{Change, FigureHandle, Sample, Used};

/// Pixels for one letter of a label, on average; labels are measured before there is a canvas.
const LETTER: f64 = 6.4;

/// Stations whose utilisation is drawn; the table and the file have all.
const BUSIEST: usize = 5;

/// A line of the chart.
#[derive(Clone, Debug, PartialEq)]
struct Series {
    name: String,
    ink: Ink,
    stroke: Stroke,
    /// Whether it stays away while all its values are zero.
    only_when_any: bool,
    /// The places of the least and the most among the history's values, where it is the mean of several.
    bounds: Option<[usize; 2]>,
}

impl Series {
    fn new(name: impl Into<String>, ink: Ink, stroke: Stroke) -> Self {
        Self { name: name.into(), ink, stroke, only_when_any: false, bounds: None }
    }
}

/// A stretch of time during which something was broken.
#[derive(Clone, Debug, PartialEq)]
struct Broken {
    from_s: f64,
    to_s: f64,
    what: String,
}

impl Broken {
    fn is_within(&self, layout: &Layout) -> bool {
        self.to_s > layout.x.from && self.from_s < layout.x.to
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Percentiles,
    Throughput,
    Utilisation,
}

/// Lines over time.
pub(super) struct OverTime {
    what: What,
    history: History,
    series: Vec<Series>,
    planned: Vec<Broken>,
    by_hand: Vec<Broken>,
    speed: f64,
    top: f64,
}

impl OverTime {
    /// The median, the 95th and the 99th percentile of the response time.
    pub(super) fn percentiles(figure: &FigureHandle) -> Self {
        let series = vec![
            Series::new("p50", Ink::Quiet, Stroke::Solid),
            Series::new("p95", Ink::Accent, Stroke::Dashed),
            Series::new("p99", Ink::Violet, Stroke::Dotted),
        ];
        Self::new(figure, What::Percentiles, series)
    }

    /// Requests that arrive, that are answered, and that fail, by cause.
    pub(super) fn throughput(figure: &FigureHandle) -> Self {
        let series =
            vec![Series::new("sent", Ink::Faint, Stroke::Dashed), Series::new("answered", Ink::Accent, Stroke::Solid)];
        Self::new(figure, What::Throughput, series)
    }

    /// How much of its capacity each station uses.
    pub(super) fn utilisation(figure: &FigureHandle) -> Self {
        Self::new(figure, What::Utilisation, Vec::new())
    }

    fn new(figure: &FigureHandle, what: What, series: Vec<Series>) -> Self {
        Self {
            what,
            history: History::default(),
            series,
            planned: figure.with_stage(planned),
            by_hand: Vec::new(),
            speed: figure.speed(),
            top: 0.0,
        }
    }

    const fn fold(&self) -> Fold {
        match self.what {
            What::Percentiles => Fold::Latest,
            What::Throughput => Fold::PerSecond,
            What::Utilisation => Fold::Level,
        }
    }

    fn window(&self) -> Window {
        Window::ending(self.history.now_s().unwrap_or(0.0), self.speed)
    }

    /// Every line that is shown, with its points.
    fn lines(&self) -> Vec<(&Series, Vec<(f64, f64)>)> {
        let window = self.window();
        let points = |index| self.history.binned(index, self.fold(), &window);
        let lines = self.series.iter().enumerate().map(|(index, series)| (series, points(index)));
        let mut lines: Vec<_> = lines
            .filter(|(series, points)| !series.only_when_any || points.iter().any(|(_, value)| *value > 0.0))
            .collect();
        if self.what == What::Utilisation && lines.len() > BUSIEST {
            let sums = lines.iter().map(|(_, points)| -points.iter().map(|(_, value)| value).sum::<f64>());
            let mut keep: Vec<bool> = vec![false; lines.len()];
            in_order(sums).into_iter().take(BUSIEST).for_each(|index| keep[index] = true);
            let mut keep = keep.into_iter();
            lines.retain(|_| keep.next() == Some(true));
        }
        lines
    }

    /// Response times are drawn in seconds when they are long.
    fn unit(&self) -> (f64, &'static str) {
        match self.what {
            What::Percentiles if self.top >= 2_000.0 => (1e-3, "s"),
            What::Percentiles => (1.0, "ms"),
            What::Throughput => (1.0, "/s"),
            What::Utilisation => (100.0, "%"),
        }
    }

    fn value(&self, value: f64) -> String {
        match self.what {
            What::Percentiles => number::response(value),
            What::Throughput => number::rate(value),
            What::Utilisation => number::percent(value),
        }
    }

    fn broken(&self) -> impl Iterator<Item = &Broken> {
        self.planned.iter().chain(&self.by_hand)
    }

    /// Names every series that a sample holds, in the sample's order.
    fn learn(&mut self, sample: &Sample) {
        let strokes = [Stroke::Solid, Stroke::Dashed, Stroke::Dotted];
        match self.what {
            What::Percentiles => {}
            What::Throughput if self.series.len() == 2 + sample.failed.len() => {}
            What::Throughput => {
                self.series.truncate(2);
                self.series.extend(sample.failed.iter().zip(strokes.into_iter().cycle()).map(
                    |((cause, _), stroke)| Series { only_when_any: true, ..Series::new(*cause, Ink::Bad, stroke) },
                ));
            }
            What::Utilisation => {
                let used = sample.utilisation.iter();
                let known = self.series.iter().map(|series| (&series.name, series.bounds.is_some()));
                if !known.eq(used.clone().map(|used| (&used.name, used.copies > 1))) {
                    let inks = [Ink::Accent, Ink::Violet, Ink::Good, Ink::Quiet];
                    self.history.clear();
                    let count = used.len();
                    self.series = used
                        .zip(inks.into_iter().cycle().zip(strokes.into_iter().cycle()))
                        .enumerate()
                        .map(|(index, (used, (ink, stroke)))| Series {
                            bounds: (used.copies > 1).then_some([count + index, 2 * count + index]),
                            ..Series::new(used.name.clone(), ink, stroke)
                        })
                        .collect();
                }
            }
        }
    }

    /// The top of the axis: as high as the data, and not lower the moment a peak leaves the window.
    fn steady_top(&mut self, most: f64) -> f64 {
        if most > self.top || most < 0.5 * self.top {
            self.top = Axis::rounded_up(most * 1.02, 4).to;
        }
        self.top
    }
}

impl OverTime {
    /// Names beside the lines' ends; a cause that has passed is named at its peak.
    fn name_lines(&self, sheet: &Sheet<'_>, lines: &[(&Series, Vec<(f64, f64)>)]) {
        let layout = sheet.layout();
        let mut ends = Vec::with_capacity(lines.len());
        for (series, points) in lines {
            let Some(&last) = points.last() else { continue };
            if !series.only_when_any || last.1 > 0.0 {
                ends.push((last, series.name.clone(), series.ink.for_text()));
            } else if let Some(&(x, y)) = points.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
                let half = sheet.width(&series.name) / 2.0;
                let x = within(layout.x_px(x), layout.margins.left + half, layout.width - half);
                let y = (layout.y_px(y) - 9.0).max(layout.margins.top + 7.0);
                sheet.text(&series.name, (x, y), Anchor::Middle, series.ink.for_text(), 600);
            }
        }
        sheet.end_labels(&ends);
    }

    /// What was broken, above each shaded stretch that has the room; the latest first.
    fn name_faults(&self, sheet: &Sheet<'_>) {
        let layout = sheet.layout();
        let mut until = layout.width;
        for broken in self.by_hand.iter().rev().chain(self.planned.iter().rev()) {
            if !broken.is_within(layout) {
                continue;
            }
            let width = sheet.width(&broken.what);
            let x = layout.x_px(broken.from_s.max(layout.x.from)).min(layout.width - width);
            if x + width <= until {
                sheet.text(&broken.what, (x, layout.margins.top - 9.0), Anchor::Start, Ink::BadText, 500);
                until = x - 8.0;
            }
        }
    }
}

impl Chart for OverTime {
    fn title(&self) -> &'static str {
        match self.what {
            What::Percentiles => "Response time",
            What::Throughput => "Throughput",
            What::Utilisation => "Utilisation",
        }
    }

    fn subtitle(&self) -> String {
        let what = match self.what {
            What::Percentiles => "percentiles",
            What::Throughput => "requests",
            What::Utilisation if self.series.len() > BUSIEST => "the five busiest",
            What::Utilisation => "of capacity",
        };
        let several = self.series.iter().any(|series| series.bounds.is_some());
        let band = if several { ", copies: mean and range" } else { "" };
        format!("{what}{band}, last {} of simulated time", length(self.window().length_s()))
    }

    fn height(&self, width: f64) -> f64 {
        (width * 0.48).clamp(150.0, 200.0)
    }

    fn sampled(&mut self, sample: &Sample) {
        self.learn(sample);
        let values = match self.what {
            What::Percentiles => match sample.response {
                Some(response) => vec![response.p50_ms, response.p95_ms, response.p99_ms],
                None => vec![f64::NAN; 3],
            },
            What::Throughput => {
                let counts = [sample.arrived, sample.completed].into_iter();
                counts.chain(sample.failed.iter().map(|(_, count)| *count)).map(|count| count as f64).collect()
            }
            What::Utilisation => {
                let picks: [fn(&Used) -> f64; 3] = [|it| it.mean, |it| it.least, |it| it.most];
                picks.iter().flat_map(|pick| sample.utilisation.iter().map(pick)).collect()
            }
        };
        self.history.push(sample.at_s, sample.seconds, values);
    }

    fn changed(&mut self, figure: &FigureHandle, change: &Change) {
        match change {
            Change::Restarted | Change::Rewound => {
                self.history.clear();
                self.top = 0.0;
                if matches!(change, Change::Restarted) {
                    self.by_hand.clear();
                }
            }
            Change::Speed(speed) => self.speed = *speed,
            Change::Broken(broken) => {
                let from_s = self.history.now_s().unwrap_or(0.0);
                let what = figure.with_stage(|stage| name_of(stage, &broken.on, broken.kind));
                // What has no end of its own lasts until it is repaired.
                let lasts_s = if broken.lasts_s > 0.0 { broken.lasts_s } else { f64::INFINITY };
                self.by_hand.push(Broken { from_s, to_s: from_s + lasts_s, what });
            }
            Change::Mended => {
                let now_s = self.history.now_s().unwrap_or(0.0);
                self.by_hand.iter_mut().for_each(|it| it.to_s = it.to_s.min(now_s));
            }
            Change::Knob(_) => self.planned = figure.with_stage(planned),
            Change::Running(_) | Change::Moved => {}
        }
    }

    fn layout(&mut self, width: f64, height: f64) -> Layout {
        let window = self.window();
        let lines = self.lines();
        let most = lines.iter().flat_map(|(_, points)| points).map(|(_, value)| *value).fold(0.0, f64::max);
        let longest = lines.iter().map(|(series, _)| series.name.chars().count()).max().unwrap_or(0);
        let y = match self.what {
            // Without data there is no scale, only a base line.
            _ if self.history.now_s().is_none() || most <= 0.0 && self.what != What::Utilisation => {
                Axis { from: 0.0, to: 1.0, step: 1.0, ticks: vec![0.0] }
            }
            What::Utilisation => Axis { from: 0.0, to: 1.0, step: 0.5, ticks: vec![0.0, 0.5, 1.0] },
            _ => Axis::up_to(self.steady_top(most), 3),
        };
        let (scale, _) = self.unit();
        let label = y.ticks.last().map_or(1, |tick| number::significant(tick * scale, 3).chars().count());
        let margins = Margins {
            top: 22.0,
            right: 12.0 + longest as f64 * LETTER,
            bottom: 24.0,
            left: (label as f64 * LETTER + 10.0).max(30.0),
        };
        Layout { width, height, margins, x: Axis::time(window.from_s, window.to_s, 3), y }
    }

    fn draw(&self, sheet: &Sheet<'_>) {
        let layout = sheet.layout();
        let (scale, unit) = self.unit();
        for broken in self.broken().filter(|broken| broken.is_within(layout)) {
            sheet.band(broken.from_s, broken.to_s, Ink::Bad);
        }
        if self.history.now_s().is_none() {
            sheet.nothing("nothing measured yet");
        }
        let axis = Axis { step: layout.y.step * scale, ..layout.y.clone() };
        sheet.y_axis(unit, |tick| axis.label(tick * scale));
        sheet.x_axis("", |tick| layout.x.time_label(tick));
        let lines = self.lines();
        let gap = 2.5 * self.window().bin_s;
        for (series, points) in &lines {
            if let Some(bounds) = series.bounds {
                let [least, most] = bounds.map(|index| self.history.binned(index, self.fold(), &self.window()));
                sheet.shade(least.into_iter().chain(most.into_iter().rev()), series.ink);
            }
            for points in segments(points, gap) {
                // A cause that befalls nobody for a while draws no line along the bottom.
                let stretches = if series.only_when_any { risen(points) } else { vec![points] };
                for points in stretches {
                    sheet.line(points, series.ink, 2.0, series.stroke);
                }
            }
        }
        self.name_lines(sheet, &lines);
        self.name_faults(sheet);
    }

    fn readout(&self, x: f64) -> Option<Readout> {
        let lines = self.lines();
        let nearest =
            |points: &[(f64, f64)]| points.iter().copied().min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()));
        let at = lines.iter().filter_map(|(_, points)| nearest(points)).map(|(at, _)| at).next()?;
        let mut text = vec![format!("at {}", number::moment(at))];
        for (series, points) in &lines {
            if let Some((_, value)) = nearest(points).filter(|(time, _)| (time - at).abs() < self.window().bin_s) {
                text.push(format!("{} {}", series.name, self.value(value)));
            }
        }
        let broken = self.broken().filter(|broken| (broken.from_s..broken.to_s).contains(&at));
        text.extend(broken.map(|broken| broken.what.clone()));
        Some(Readout { x: at, lines: text })
    }

    fn table(&self) -> Table {
        let window = self.window();
        let (_, unit) = self.unit();
        let unit = if self.what == What::Percentiles { "ms" } else { unit };
        let scale = if self.what == What::Utilisation { 100.0 } else { 1.0 };
        let (mut names, mut columns) = (vec!["simulated time (s)".to_owned()], Vec::new());
        for (index, series) in self.series.iter().enumerate() {
            let mut add = |words: &str, index: usize| {
                names.push(format!("{}{words} ({unit})", series.name));
                columns.push(self.history.binned(index, self.fold(), &window));
            };
            add("", index);
            if let Some([least, most]) = series.bounds {
                add(", least", least);
                add(", most", most);
            }
        }
        let cell = |column: &Vec<(f64, f64)>, time: f64| {
            let value = column.iter().find(|(at, _)| (*at - time).abs() < 0.5 * window.bin_s);
            value.map_or(f64::NAN, |(_, value)| value * scale)
        };
        Table {
            head: names,
            rows: window
                .ends()
                .map(|time| std::iter::once(time).chain(columns.iter().map(|column| cell(column, time))).collect())
                .filter(|row: &Vec<f64>| row[1..].iter().any(|value| value.is_finite()))
                .collect(),
        }
    }

    fn file_name(&self) -> &'static str {
        match self.what {
            What::Percentiles => "response-time",
            What::Throughput => "throughput",
            What::Utilisation => "utilisation",
        }
    }
}

/// A length of time in words that follow "last".
fn length(seconds: f64) -> String {
    match seconds {
        60.0 => "minute".to_owned(),
        3600.0 => "hour".to_owned(),
        s if s < 60.0 => number::fixed(s, 0) + " s",
        s if s < 7200.0 => number::fixed(s / 60.0, 0) + " min",
        s => number::fixed(s / 3600.0, 0) + " h",
    }
}

/// The faults on the stage's own timeline.
fn planned(stage: &Stage) -> Vec<Broken> {
    let fault = |fault: &hockeystick_core::stage::Fault| {
        let from_s = fault.at.as_secs_f64();
        let to_s = fault.lasts.map_or(f64::INFINITY, |lasts| from_s + lasts.as_secs_f64());
        Broken { from_s, to_s, what: name_of(stage, &fault.on, fault.kind) }
    };
    stage.faults.iter().map(fault).collect()
}

/// A fault in a few words: "box down".
fn name_of(stage: &Stage, on: &Target, kind: FaultKind) -> String {
    let target = stage.target_name(on);
    let what = kind.words();
    format!("{target} {what}")
}

#[cfg(test)]
mod tests {
    use hockeystick_core::component::Kind;
    use hockeystick_core::figure::{Break, Figure};
    use hockeystick_core::stage::{Component, FaultKind, Target};

    use super::*;

    #[test]
    fn what_is_broken_until_it_is_repaired_is_so_until_then() {
        let settings = Kind::Clients.default_settings();
        let users = Component { id: "users".into(), copies: 1, machine: None, region: None, at: [0.0; 2], settings };
        let stage = Stage { components: vec![users], ..Stage::default() };
        let figure = FigureHandle::new(Figure::bare("test", stage), None, Vec::new());
        let mut chart = OverTime::throughput(&figure);
        let pass = |chart: &mut OverTime, until_s: f64| chart.history.push(until_s, 1.0, vec![0.0; 2]);
        let on = Target::Component(0, None);
        let break_it = |chart: &mut OverTime, lasts_s: f64| {
            let broken = Break { label: String::new(), on: on.clone(), kind: FaultKind::Down, lasts_s };
            chart.changed(&figure, &Change::Broken(broken));
        };
        let ends = |chart: &OverTime| chart.broken().map(|it| it.to_s).collect::<Vec<_>>();
        pass(&mut chart, 10.0);
        break_it(&mut chart, 0.0);
        break_it(&mut chart, 30.0);
        break_it(&mut chart, 1.0);
        assert_eq!(ends(&chart), [f64::INFINITY, 40.0, 11.0]);
        pass(&mut chart, 12.0);
        chart.changed(&figure, &Change::Mended);
        assert_eq!(ends(&chart), [12.0, 12.0, 11.0]);
        // Gone back, it breaks again; another run has only what is planned.
        chart.changed(&figure, &Change::Rewound);
        assert_eq!(ends(&chart), [12.0, 12.0, 11.0]);
        chart.changed(&figure, &Change::Restarted);
        assert!(ends(&chart).is_empty());
    }
}
