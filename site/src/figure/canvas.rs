//! Drawing what moves: requests as shapes on a canvas over the board.
//!
//! Setting a style from a string costs more than drawing; shapes are gathered by class and style first. Each shape is a
//! path of its own, and is filled, not stroked: browsers have short ways for a single circle, square or triangle, and none
//! for a path of many. `cargo xtask bench --only frames` tells what a frame costs.

use std::f64::consts::TAU;

use hockeystick_core::number::within;
use hockeystick_core::workload::Class;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, CanvasWindingRule, HtmlCanvasElement};

use super::crowd::Crowd;
use super::layout::{Layout, Point, Row, SLOT_LEFT, SLOT_PX, SLOTS, rows, slot_top};
use super::replay::{Dot, FALL_S, Fall, Place, Replay, Station};
use super::theme::Theme;
use hockeystick_core::stage::Stage;

/// The height of a line of words on the board, and the length of most causes of failure.
const LINE_PX: f64 = 14.0;
const WORDS_PX: f64 = 100.0;
/// Most pixels of a canvas: 2,400 by 1,600.
const LARGEST_PX: f64 = 3_840_000.0;
/// How far requests keep to their side of an arrow, and answers to the other.
const LANE_PX: f64 = 4.5;
/// Time constant of a dot's glide from where it was to where it belongs.
const GLIDE_S: f64 = 0.055;
/// The same in pixels of its way: a request that is fast is soon on its arrow, and does not fly beside it.
const GLIDE_PX: f64 = 20.0;
/// Radius of the ring around the request that is followed.
const RING_PX: f64 = 10.5;
/// A hollow shape is what lies between it at two sizes.
const HOLLOW: [f64; 2] = [1.08, 0.67];
/// Calm steps along an arrow, for readers who want less motion.
const CALM_STEPS: f64 = 4.0;

/// How a shape is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// A request.
    Full,
    /// An answer.
    Hollow,
    /// A slot kept for a request that is elsewhere, and work for nobody.
    Faint,
}

const STYLES: [Style; 3] = [Style::Full, Style::Hollow, Style::Faint];

/// Draws the board's canvas.
pub(crate) struct Painter {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    theme: Theme,
    size: (f64, f64),
    ratio: f64,
    /// Shapes by class and style.
    groups: [[Vec<Point>; STYLES.len()]; 4],
    crowd: Crowd,
}

impl std::fmt::Debug for Painter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Painter")
    }
}

/// What one frame shows.
pub(crate) struct Scene<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) layout: &'a Layout,
    /// Pixels on the page for one of the board.
    pub(crate) scale: f64,
    pub(crate) shown_s: f64,
    /// Seconds since the frame before.
    pub(crate) passed_s: f64,
    pub(crate) calm: bool,
    /// Dots that a node's slots should show, by what is in service there.
    pub(crate) in_service: &'a dyn Fn(usize) -> usize,
}

impl Painter {
    pub(crate) fn new(canvas: HtmlCanvasElement) -> Option<Self> {
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Self {
            canvas,
            context,
            theme: Theme::default(),
            size: (0.0, 0.0),
            ratio: 0.0,
            groups: Default::default(),
            crowd: Crowd::default(),
        })
    }

    /// Reads the colours again. True when they changed.
    pub(crate) fn read_theme(&mut self) -> bool {
        match Theme::of(&self.canvas) {
            Some(theme) if theme != self.theme => {
                self.theme = theme;
                true
            }
            _ => false,
        }
    }

    fn fit(&mut self, width: f64, height: f64, scale: f64) {
        let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio());
        // No canvas of more pixels than can be filled in time.
        let ratio = within(ratio * scale, 0.5, (LARGEST_PX / (width * height).max(1.0)).sqrt().max(1.0));
        if self.size != (width, height) || self.ratio != ratio {
            (self.size, self.ratio) = ((width, height), ratio);
            self.canvas.set_width((width * ratio).round() as u32);
            self.canvas.set_height((height * ratio).round() as u32);
            self.crowd.fit(width, height);
        }
        let _ = self.context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        self.context.clear_rect(0.0, 0.0, width, height);
    }

    /// Draws a frame. True while something still glides to its place.
    pub(crate) fn paint(&mut self, replay: &mut Replay, scene: &Scene<'_>) -> bool {
        self.fit(scene.layout.width, scene.layout.height, scene.scale);
        self.groups.iter_mut().flatten().for_each(Vec::clear);
        let gliding = self.gather(replay, scene);
        self.groups.iter_mut().flatten().for_each(|points| self.crowd.thin(points));
        self.draw_groups();
        self.draw_ring(replay);
        let places: Vec<_> = replay.falls.iter().map(|fall| self.draw_fall(replay, fall, scene)).collect();
        // Words last: no dot hides them. Nor do others: where some stand already, these stand below, or it is clear by now.
        let mut told: Vec<Point> = Vec::new();
        for (fall, place) in replay.falls.iter().zip(places) {
            let Some((mut at, left)) = place.filter(|_| fall.told) else { continue };
            let dot_y = at.y;
            while told.iter().any(|it| (it.y - at.y).abs() < LINE_PX && (it.x - at.x).abs() < WORDS_PX) {
                at.y += LINE_PX;
            }
            if at.y - dot_y < 4.0 * LINE_PX {
                self.tell(fall, at, left, scene);
                told.push(at);
            }
        }
        self.context.set_global_alpha(1.0);
        gliding
    }

    fn gather(&mut self, replay: &mut Replay, scene: &Scene<'_>) -> bool {
        let decay = if scene.calm { 0.0 } else { libm::exp(-scene.passed_s / GLIDE_S) };
        let mut gliding = false;
        let Replay { topology, dots, stations, .. } = replay;
        let card = |node: usize| topology.component.get(node).copied().unwrap_or(0);
        let seats = seats(stations, dots, scene);
        let seat = |node: usize, key: usize| place_of(&seats[node], key);
        for (key, dot) in dots.iter_mut().enumerate() {
            let Some(dot) = dot else { continue };
            for &(node, _) in &dot.held {
                if !matches!(dot.place, Place::Served { node: at } if at == node)
                    && let Some(order) = seat(node, key)
                    && let Some(point) = slot_point(scene, card(node), Row::Serving, order, seats[node].len())
                {
                    self.groups[dot.class as usize][Style::Faint as usize].push(point);
                }
            }
            let (home, style) = match dot.place {
                Place::Travelling { edge, back, from_s, to_s } => {
                    let Some(path) = topology.edges.get(edge).and_then(|edge| scene.layout.links.get(edge.0)) else {
                        continue;
                    };
                    let share = (scene.shown_s - from_s) / (to_s - from_s).max(1e-6);
                    let share = if scene.calm { ((share * CALM_STEPS).floor() + 0.5) / CALM_STEPS } else { share };
                    (Some(path.at(share, back, LANE_PX)), if back { Style::Hollow } else { Style::Full })
                }
                Place::Waiting { node } => {
                    let waiting = &stations[node].waiting;
                    let order = place_of(waiting, key).unwrap_or(usize::MAX);
                    (slot_point(scene, card(node), Row::Waiting, order, waiting.len()), Style::Full)
                }
                Place::Served { node } => {
                    let order = seat(node, key).unwrap_or(usize::MAX);
                    (slot_point(scene, card(node), Row::Serving, order, seats[node].len()), Style::Full)
                }
                Place::Unseen | Place::Failed { .. } | Place::Done => continue,
            };
            // Past the last slot there is no place to be seen; the number beside the slots counts it.
            let Some(home) = home else {
                dot.drawn = None;
                continue;
            };
            let point = glide(dot, home, decay);
            gliding |= dot.offset.0.abs() + dot.offset.1.abs() > 0.5;
            let style = if dot.abandoned { Style::Faint } else { style };
            self.groups[dot.class as usize][style as usize].push(point);
        }
        gliding
    }

    fn draw_groups(&self) {
        let context = &self.context;
        context.set_global_alpha(1.0);
        for (class, groups) in Class::ALL.into_iter().zip(&self.groups) {
            for style in STYLES {
                let points = &groups[style as usize];
                if points.is_empty() {
                    continue;
                }
                context.set_global_alpha(if style == Style::Faint { 0.45 } else { 1.0 });
                context.set_fill_style_str(&self.theme.classes[class as usize]);
                for point in points {
                    context.begin_path();
                    if style == Style::Full {
                        shape(context, class, *point, 1.0);
                        context.fill();
                    } else {
                        HOLLOW.into_iter().for_each(|size| shape(context, class, *point, size));
                        context.fill_with_canvas_winding_rule(CanvasWindingRule::Evenodd);
                    }
                }
            }
        }
        context.set_global_alpha(1.0);
    }

    /// A ring around the request that is followed.
    fn draw_ring(&self, replay: &Replay) {
        let Some((Some(request), _)) = replay.followed() else { return };
        let dot = replay.dots.iter().flatten().find(|dot| dot.request == request);
        let Some((x, y)) = dot.and_then(|dot| dot.drawn) else { return };
        let context = &self.context;
        for (width, colour) in [(5.0, &self.theme.card), (2.2, &self.theme.ink)] {
            context.set_stroke_style_str(colour);
            context.set_line_width(width);
            context.begin_path();
            let _ = context.arc(x, y, RING_PX, 0.0, TAU);
            context.stroke();
        }
    }

    /// A request that failed drops out of the picture, crossed out; the first of a burst says why.
    fn draw_fall(&self, replay: &Replay, fall: &Fall, scene: &Scene<'_>) -> Option<(Point, bool)> {
        let age = (scene.shown_s - fall.since_s) / FALL_S;
        let component = replay.topology.component.get(fall.node).copied().unwrap_or(0);
        let card = scene.layout.cards.get(component)?;
        // It bounces off the card that turned it away; who gives up drops it at their feet.
        let (from, away) = if fall.from.0.is_finite() {
            let from = Point { x: fall.from.0, y: fall.from.1 };
            (from, if from.x < card.x + card.width / 2.0 { -1.0 } else { 1.0 })
        } else {
            (Point { x: card.x + card.width / 2.0, y: card.y + card.height }, 0.4)
        };
        // Neighbours fall apart from one another, by a share that stays with each.
        let spread = (fall.since_s * 61.8).fract();
        let room = (scene.layout.height - from.y - 14.0).clamp(10.0, 130.0);
        let drop = if scene.calm { 14.0 } else { (age * age * 2.6).min(1.0) * room };
        let drift = if scene.calm { 16.0 } else { (1.0 - (1.0 - age) * (1.0 - age)) * (22.0 + 34.0 * spread) };
        let point = Point { x: from.x + away * drift, y: from.y + drop };
        let context = &self.context;
        context.set_global_alpha(fading(age));
        context.set_fill_style_str(&self.theme.bad);
        context.set_stroke_style_str(&self.theme.card);
        context.begin_path();
        shape(context, fall.class, point, 1.15);
        context.fill();
        context.set_line_width(1.4);
        context.begin_path();
        for side in [1.0, -1.0] {
            context.move_to(point.x - 2.2, point.y - 2.2 * side);
            context.line_to(point.x + 2.2, point.y + 2.2 * side);
        }
        context.stroke();
        Some((point, away < 0.0 && point.x > 110.0))
    }

    /// Writes the cause beside a dot, to its left or right.
    fn tell(&self, fall: &Fall, at: Point, left: bool, scene: &Scene<'_>) {
        let context = &self.context;
        context.set_global_alpha(fading((scene.shown_s - fall.since_s) / FALL_S));
        context.set_fill_style_str(&self.theme.bad);
        context.set_stroke_style_str(&self.theme.card);
        context.set_font(&format!("600 12px {}", self.theme.family));
        context.set_text_align(if left { "right" } else { "left" });
        context.set_line_width(3.5);
        context.set_line_join("round");
        let x = if left { at.x - 9.0 } else { at.x + 9.0 };
        let _ = context.stroke_text(fall.cause.name(), x, at.y + 4.0);
        let _ = context.fill_text(fall.cause.name(), x, at.y + 4.0);
    }
}

/// What falls is gone at the end of its fall, and only then.
fn fading(age: f64) -> f64 {
    (3.0 * (1.0 - age)).clamp(0.0, 1.0)
}

/// Which dots sit in each node's slots: all that are being served, and of those whose slot is kept while they are
/// elsewhere, as many as the node really has. Hops are drawn out, so more dots are on their way in the picture than in
/// the simulation; the slots must not look fuller for it.
fn seats(stations: &[Station], dots: &[Option<Dot>], scene: &Scene<'_>) -> Vec<Vec<usize>> {
    let here = |key: usize, node: usize| {
        dots[key].as_ref().is_some_and(|dot| matches!(dot.place, Place::Served { node: at } if at == node))
    };
    let of = |(node, station): (usize, &Station)| {
        let all = station.slots.iter().flatten().copied();
        let served = all.clone().filter(|key| here(*key, node)).count();
        let mut kept = (scene.in_service)(node).saturating_sub(served);
        let stays = |key: &usize| {
            here(*key, node) || {
                let stays = kept > 0;
                kept = kept.saturating_sub(1);
                stays
            }
        };
        all.filter(stays).collect()
    };
    stations.iter().enumerate().map(of).collect()
}

/// The place of a dot among those of a row; none past the last slot. Nobody looks there: a queue of thousands would be
/// gone through once for each of them.
fn place_of(row: &[usize], key: usize) -> Option<usize> {
    row.iter().take(SLOTS).position(|other| *other == key)
}

/// Where a dot is drawn: where it belongs, plus what is left of the way there.
fn glide(dot: &mut Dot, home: Point, mut decay: f64) -> Point {
    let (left_x, left_y) = dot.offset;
    if std::mem::take(&mut dot.moved_on) {
        dot.offset = dot.drawn.map_or((0.0, 0.0), |(x, y)| (x - home.x, y - home.y));
    } else if let Some((x, y)) = dot.drawn {
        decay *= GLIDE_PX / (GLIDE_PX + home.far(Point { x: x - left_x, y: y - left_y }));
    }
    dot.offset = (dot.offset.0 * decay, dot.offset.1 * decay);
    let point = Point { x: home.x + dot.offset.0, y: home.y + dot.offset.1 };
    dot.drawn = Some((point.x, point.y));
    point
}

/// The centre of a card's slot; none when there are more than fit.
fn slot_point(scene: &Scene<'_>, component: usize, row: Row, order: usize, count: usize) -> Option<Point> {
    let card = scene.layout.cards.get(component)?;
    let rows = rows(scene.stage, component);
    if !rows.contains(&row) {
        // No rows: a line of dots at the card's foot.
        let shown = count.clamp(1, 7);
        let x = card.x + card.width / 2.0 + (order as f64 - (shown - 1) as f64 / 2.0) * SLOT_PX;
        let point = Point { x, y: card.y + card.height - 12.0 };
        return (order < shown).then_some(point);
    }
    let point = Point { x: card.x + SLOT_LEFT + order as f64 * SLOT_PX, y: card.y + slot_top(rows, row) };
    (order < SLOTS).then_some(point)
}

/// Adds a class's shape to the path.
fn shape(context: &CanvasRenderingContext2d, class: Class, at: Point, size: f64) {
    let Point { x, y } = at;
    match class {
        Class::Static => {
            let _ = context.arc(x, y, 4.1 * size, 0.0, TAU);
        }
        Class::Read => {
            let r = 5.3 * size;
            context.move_to(x, y - r);
            context.line_to(x + r, y);
            context.line_to(x, y + r);
            context.line_to(x - r, y);
            context.close_path();
        }
        Class::Write => {
            let r = 3.9 * size;
            context.rect(x - r, y - r, 2.0 * r, 2.0 * r);
        }
        Class::Job => {
            let r = 5.2 * size;
            context.move_to(x, y - r);
            context.line_to(x + r * 0.95, y + r * 0.7);
            context.line_to(x - r * 0.95, y + r * 0.7);
            context.close_path();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far a dot that has just turned off its way is beside its arrow after 30 px of it, at this many pixels a frame.
    fn beside_px(step_px: f64) -> f64 {
        let decay = (-1.0 / 60.0 / GLIDE_S).exp();
        let mut dot = Dot::new(Class::Read, 0, 0.0);
        glide(&mut dot, Point { x: 0.0, y: 40.0 }, decay);
        dot.moved_on = true;
        let mut x = 0.0;
        glide(&mut dot, Point::default(), decay);
        while x < 30.0 {
            x += step_px;
            glide(&mut dot, Point { x, y: 0.0 }, decay);
        }
        dot.offset.1
    }

    #[test]
    fn a_fast_request_is_on_its_arrow_as_soon_as_a_slow_one() {
        for step_px in [1.0, 5.0, 30.0] {
            let beside = beside_px(step_px);
            assert!((0.0..12.0).contains(&beside), "{step_px} px a frame: {beside} px beside its arrow");
        }
    }
}
