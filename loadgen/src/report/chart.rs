//! Charts as SVG: figures over load, and quantiles against quantiles.
//!
//! plotters writes colours as hexadecimal digits. Each role gets a colour that nothing else uses, which is replaced by
//! the page's variable afterwards, so that the chart follows light and dark.

use hockeystick_core::statistics::Interval;
use miette::{Report, miette};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// One percentile, or the mean.
pub(super) struct Series {
    pub(super) name: String,
    /// The model's, by load.
    pub(super) line: Vec<(f64, f64)>,
    /// Measured, by load, and whether the step was held out.
    pub(super) points: Vec<(f64, Interval, bool)>,
}

/// A chart.
pub(super) struct Curve<'c> {
    pub(super) series: &'c [Series],
    pub(super) x_name: &'c str,
    pub(super) y_name: &'c str,
}

/// Quantiles of one step.
pub(super) struct Quantiles {
    pub(super) name: String,
    /// Measured and predicted, in milliseconds, above zero.
    pub(super) points: Vec<(f64, f64)>,
}

const SIZE: (u32, u32) = (960, 440);
const SQUARE: (u32, u32) = (960, 620);
const INK: RGBColor = RGBColor(1, 2, 3);
const SOFT: RGBColor = RGBColor(2, 3, 4);
const RULE: RGBColor = RGBColor(3, 4, 5);
const PAGE: RGBColor = RGBColor(4, 5, 6);
const SERIES: [RGBColor; 4] = [RGBColor(5, 6, 7), RGBColor(6, 7, 8), RGBColor(7, 8, 9), RGBColor(8, 9, 10)];
const ROLES: [(RGBColor, &str); 8] = [
    (INK, "var(--ink)"),
    (SOFT, "var(--soft)"),
    (RULE, "var(--rule)"),
    (PAGE, "var(--page)"),
    (SERIES[0], "var(--p50)"),
    (SERIES[1], "var(--mean)"),
    (SERIES[2], "var(--p95)"),
    (SERIES[3], "var(--p99)"),
];

/// Draws the chart.
pub(super) fn draw(curve: &Curve<'_>) -> Result<String, Report> {
    svg(SIZE, &format!("{} over {}", curve.y_name, curve.x_name), |area| draw_on(area, curve))
}

/// Draws quantiles against quantiles, both axes to the same logarithmic scale: what agrees lies on the diagonal.
pub(super) fn draw_quantiles(series: &[Quantiles]) -> Result<String, Report> {
    svg(SQUARE, "quantiles that the model predicts over quantiles that were measured", |area| {
        draw_quantiles_on(area, series)
    })
}

fn svg(
    size: (u32, u32),
    label: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<String, Report> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area).map_err(|error| miette!("cannot draw the chart: {error}"))?;
    }
    for (colour, variable) in ROLES {
        svg = svg.replace(&format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2), variable);
    }
    // The page's style sizes it.
    Ok(svg.replacen("<svg", &format!("<svg role=\"img\" aria-label=\"{label}\""), 1))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw_on(area: &Area<'_>, curve: &Curve<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let (right, top) = extent(curve);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(RULE)
        .light_line_style(TRANSPARENT)
        .axis_style(SOFT)
        .label_style(("sans-serif", 14).into_font().color(&SOFT))
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .x_desc(curve.x_name)
        .y_desc(curve.y_name)
        .draw()?;
    for (index, series) in curve.series.iter().enumerate() {
        let colour = SERIES[index % SERIES.len()];
        // Colour and dash both tell the series apart.
        let dash = [0, 10, 6, 3][index % 4];
        let line = series.line.iter().copied().filter(|(x, y)| *x <= right && *y <= top);
        let style = colour.stroke_width(2);
        if dash == 0 {
            chart.draw_series(LineSeries::new(line, style))?;
        } else {
            chart.draw_series(DashedLineSeries::new(line, dash, dash, style))?;
        }
        for &(x, y, open) in &series.points {
            // Of one that knows neither end nothing is known; one without an upper end reaches beyond the chart.
            let known = y.low.is_finite() || y.high.is_finite();
            let (low, high) = if known { (y.low.max(0.0), y.high.min(top)) } else { (y.value, y.value) };
            chart.draw_series([PathElement::new(vec![(x, low), (x, high)], colour.stroke_width(1))])?;
            let fill = if open { PAGE } else { colour };
            chart.draw_series([Circle::new((x, y.value), 5, fill.filled())])?;
            chart.draw_series([Circle::new((x, y.value), 5, colour.stroke_width(2))])?;
        }
    }
    let ends: Vec<(i32, i32)> = curve
        .series
        .iter()
        .map(|series| {
            let measured = series.points.iter().map(|(x, y, _)| (*x, y.value));
            let last = measured.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default();
            let line = series.line.iter().rfind(|(x, y)| *x <= right && *y <= top).copied().unwrap_or_default();
            chart.plotting_area().map_coordinate(if line.0 > last.0 { &line } else { &last })
        })
        .collect();
    let floor = chart.plotting_area().get_pixel_range().1.end;
    let from = ends.iter().map(|(x, _)| x + 10).max().unwrap_or_default();
    let heights = apart(&ends.iter().map(|(_, y)| *y).collect::<Vec<_>>(), floor - NAME_PX / 2);
    for (index, (series, y)) in curve.series.iter().zip(heights).enumerate() {
        let middle = Pos::new(HPos::Left, VPos::Center);
        let style = ("sans-serif", 15).into_font().color(&SERIES[index % SERIES.len()]).pos(middle);
        area.draw(&Text::new(series.name.clone(), (from, y), style))?;
    }
    area.present()?;
    Ok(())
}

/// Pixels from the middle of one name to that of the next.
const NAME_PX: i32 = 18;

/// Where names stand whose lines end at these heights, in pixels from the top: as near as they can without touching one
/// another, or the ground.
fn apart(heights: &[i32], floor: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(heights[*index]));
    let (mut placed, mut room) = (heights.to_vec(), floor);
    for index in order {
        placed[index] = heights[index].min(room);
        room = placed[index] - NAME_PX;
    }
    placed
}

/// What stands at an axis: the number of the tables, which keeps three digits, without the zeros that say nothing there.
fn label(value: &f64) -> String {
    let text = crate::table::number(*value);
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    short.to_owned()
}

fn draw_quantiles_on(area: &Area<'_>, series: &[Quantiles]) -> Result<(), Box<dyn std::error::Error>> {
    let all = || series.iter().flat_map(|one| &one.points).flat_map(|(x, y)| [*x, *y]);
    let low = all().fold(f64::INFINITY, f64::min) / 1.3;
    let high = all().fold(0.0, f64::max) * 1.3;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((low..high).log_scale(), (low..high).log_scale())?;
    chart
        .configure_mesh()
        .bold_line_style(RULE)
        .light_line_style(TRANSPARENT)
        .axis_style(SOFT)
        .label_style(("sans-serif", 14).into_font().color(&SOFT))
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .x_desc("measured, milliseconds")
        .y_desc("the model, milliseconds")
        .draw()?;
    chart.draw_series([PathElement::new(vec![(low, low), (high, high)], SOFT.stroke_width(1))])?;
    for (index, one) in series.iter().enumerate() {
        let colour = SERIES[index % SERIES.len()];
        let points = || one.points.iter().copied();
        chart.draw_series(LineSeries::new(points(), colour.stroke_width(2)))?;
        // Shape and colour both tell steps apart.
        let size = [3_u32, 4, 5, 6][index % 4];
        chart.draw_series(points().map(|at| {
            EmptyElement::at(at)
                + Circle::new((0, 0), size, if index % 2 == 0 { colour.filled() } else { colour.stroke_width(2) })
        }))?;
        let style = ("sans-serif", 15).into_font().color(&colour);
        // Names stand in the upper left, where no quantile of a sound model lies.
        let (x, y) = (24, 14 + 20 * index as i32);
        chart.plotting_area().strip_coord_spec().draw(&Text::new(one.name.clone(), (x, y), style))?;
    }
    area.present()?;
    Ok(())
}

/// Upper ends of both axes: all points, with room for the names at the right.
fn extent(curve: &Curve<'_>) -> (f64, f64) {
    let points = || curve.series.iter().flat_map(|series| &series.points);
    let right = points().map(|(x, ..)| *x).fold(0.0, f64::max) * 1.1;
    // Intervals of a noisy percentile may be wide; they must not squeeze everything else flat.
    let top = points().map(|(_, y, _)| y.value).fold(0.0, f64::max) * 1.25;
    (right.max(1e-3), top.max(1e-3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_their_lines_ends_unless_they_would_touch() {
        assert_eq!(apart(&[100, 300, 200], 400), [100, 300, 200]);
        assert_eq!(apart(&[400, 398, 100], 390), [390, 372, 100]);
    }

    #[test]
    fn an_axis_has_no_zeros_that_say_nothing() {
        assert_eq!([0.0, 0.25, 2.5, 20.0, 1000.0].map(|value| label(&value)), ["0", "0.25", "2.5", "20", "1000"]);
    }
}
