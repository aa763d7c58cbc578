//! Following one request: where it is, and where its time went, as it happens.
//!
//! Whatever a request does last it does until its next move. So the parts add up to the whole, to the nanosecond.

use hockeystick_core::engine::moves::{Cause, Move, What};
use hockeystick_core::figure::title;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::Nanos;
use hockeystick_core::workload::Class;

use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent};

use super::Figure;
use super::controls::shape;
use super::dom::{El, button, el, svg};
use super::replay::{Replay, Topology};
use super::theme::class_name;
use crate::charts::number::response;

/// How near to a request a reader must press; and on a card, where a press is for the card unless it hits a request.
pub(crate) const REACH_PX: f64 = 16.0;
pub(crate) const REACH_ON_CARD_PX: f64 = 7.0;

/// What is told of the request that is followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Story {
    /// Which it is; none while one is awaited.
    request: Option<(u32, Class)>,
    stops: Vec<Stop>,
    /// Where it is now.
    at: usize,
    /// The sum of all, in milliseconds.
    sum_ms: f64,
    ended: Option<Option<Cause>>,
}

/// A copy that it came to, and the time that it spent because of it, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
struct Stop {
    node: usize,
    name: String,
    way_ms: f64,
    wait_ms: f64,
    work_ms: f64,
}

#[derive(Clone, Copy)]
enum Part {
    Way,
    Wait,
    Work,
}

impl Story {
    /// The story so far of the request that is followed; none where none is.
    pub(crate) fn of(replay: &Replay, stage: &Stage, now: Nanos) -> Option<Self> {
        let (request, moves) = replay.followed()?;
        let mut story = Self::default();
        let Some((first, request)) = moves.first().zip(request) else { return Some(story) };
        story.request = Some((request, first.class));
        for (place, each) in moves.iter().enumerate() {
            // What is known already but not shown yet is told when it is shown.
            if each.at > now {
                break;
            }
            let until = moves.get(place + 1).map_or(now, |next| next.at.min(now));
            story.hear(each, until, &replay.topology, stage);
        }
        story.sum_ms = story.stops.iter().map(|stop| stop.way_ms + stop.wait_ms + stop.work_ms).sum();
        Some(story)
    }

    fn hear(&mut self, each: &Move, until: Nanos, topology: &Topology, stage: &Stage) {
        let mut spend = |node: usize, part: Part, from: Nanos, until: Nanos| {
            let ms = until.saturating_sub(from) as f64 / 1e6;
            let stop = self.stop(node, topology, stage);
            match part {
                Part::Way => stop.way_ms += ms,
                Part::Wait => stop.wait_ms += ms,
                Part::Work => stop.work_ms += ms,
            }
        };
        match each.what {
            What::Travel { edge, back, arrives } => {
                let Some(&(_, from, to)) = topology.edges.get(usize::from(edge)) else { return };
                spend(to, Part::Way, each.at, arrives.min(until));
                // There, whoever it came to goes on with it. At the users it is over.
                let there = if back { from } else { to };
                if topology.depth.get(there) != Some(&0) {
                    spend(there, Part::Work, arrives, until);
                }
            }
            What::Wait { node } => spend(node.into(), Part::Wait, each.at, until),
            What::Serve { node } => spend(node.into(), Part::Work, each.at, until),
            What::Fail { node, cause } => {
                self.stop(node.into(), topology, stage);
                // Anywhere else it may be tried again.
                if self.ended.is_none() && topology.depth.get(usize::from(node)) == Some(&0) {
                    self.ended = Some(Some(cause));
                }
            }
            What::Done { .. } => {
                if self.ended.is_none() {
                    self.ended = Some(None);
                }
            }
        }
    }

    /// A copy's line; it is the place where the request is.
    fn stop(&mut self, node: usize, topology: &Topology, stage: &Stage) -> &mut Stop {
        self.at = self.stops.iter().position(|stop| stop.node == node).unwrap_or_else(|| {
            let component = topology.component.get(node).copied().unwrap_or(0);
            let copy = topology.component[..node.min(topology.component.len())].iter().filter(|it| **it == component);
            let name = title(&stage.copy_name(component, copy.count() as u32));
            self.stops.push(Stop { node, name, way_ms: 0.0, wait_ms: 0.0, work_ms: 0.0 });
            self.stops.len() - 1
        });
        &mut self.stops[self.at]
    }

    /// How it goes, or went, in one sentence.
    fn words(&self) -> String {
        let Some(_) = self.request else { return "Waiting for the next request …".to_owned() };
        let sum = response(self.sum_ms);
        match self.ended {
            None => format!("{sum} so far"),
            Some(None) => format!("answered after {sum}"),
            Some(Some(cause)) => format!("failed after {sum}: {}", cause.name()),
        }
    }
}

/// The button that follows the next request.
pub(crate) fn follow_button(figure: Figure) -> El {
    button("button", "Follow a request")
        .attr("title", "Rings the next request that sets out, and tells where its time goes. Or click one on its way.")
        .on_click(move || {
            figure.with(|running| running.follow_next(true));
            figure.drive(|handle| {
                if !handle.is_running() {
                    handle.play();
                }
            });
        })
}

impl Figure {
    /// Follows the request that is pressed. False where there is none within reach.
    pub(crate) fn follow_pressed(self, event: &MouseEvent, reach_px: f64) -> bool {
        let (x, y, mut found) = (event.client_x().into(), event.client_y().into(), false);
        self.with(|running| found = running.on_board(x, y).is_some_and(|point| running.follow_at(point, reach_px)));
        found
    }
}

/// The board was pressed. What can be pressed itself has seen to it.
pub(crate) fn clicked(figure: Figure, event: &MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let pressed = target.and_then(|target| target.closest("button, [role=button]").ok().flatten());
    if pressed.is_none() {
        figure.follow_pressed(event, REACH_PX);
    }
}

/// The panel; nothing while none is followed. It is built anew a few times a second, but for its button.
pub(crate) fn panel(figure: Figure) -> El {
    let story = figure.view.story;
    let cross = svg("", "0 0 16 16", r#"<path d="M3.500 3.500l9 9M12.500 3.500l-9 9"/>"#);
    let close = button("button icon-only", "")
        .attr("aria-label", "Follow it no longer")
        .child(cross)
        .on_click(move || figure.with(|running| running.follow_next(false)));
    let head = el("header", "")
        .live_child(move || story.with(|it| it.as_ref().map(heading)))
        .child(el("span", "follow-sum").attr("role", "status").live_text(move || {
            // Told aloud when it is over, not at every step.
            story.with(|it| it.as_ref().filter(|it| it.ended.is_some()).map(Story::words).unwrap_or_default())
        }))
        .child(close);
    el("section", "follow")
        .attr("aria-label", "The request that is followed")
        .live_class("shown", move || story.with(Option::is_some))
        .child(head)
        .live_child(move || story.with(|it| it.as_ref().filter(|it| !it.stops.is_empty()).map(table)))
}

fn heading(story: &Story) -> El {
    let heading = el("p", "name");
    let heading = match story.request {
        Some((number, class)) => {
            heading.child(shape(class)).text(&format!("Request {number}, a {}", class_name(class)))
        }
        None => heading.text(&story.words()),
    };
    let so_far = if story.ended.is_none() && story.request.is_some() { story.words() } else { String::new() };
    heading.child(el("span", "so-far").text(&so_far))
}

fn table(story: &Story) -> El {
    let head = ["Stop", "On the way", "Waited", "Worked"].map(|name| el("th", "").attr("scope", "col").text(name));
    let row = |(place, stop): (usize, &Stop)| {
        let class = if place == story.at && story.ended.is_none() { "now" } else { "" };
        let time = |ms: f64, class: &str| {
            let share = if story.sum_ms > 0.0 { ms / story.sum_ms } else { 0.0 };
            let cell = el("td", class).text(&if ms > 0.0 { response(ms) } else { "–".to_owned() });
            let _ = cell.html().style().set_property("--share", &hockeystick_core::number::short(share * 100.0, 1));
            cell
        };
        el("tr", class)
            .child(el("th", "").attr("scope", "row").text(&stop.name))
            .child(time(stop.way_ms, ""))
            .child(time(stop.wait_ms, "waited"))
            .child(time(stop.work_ms, ""))
    };
    el("table", "")
        .child(el("thead", "").child(el("tr", "").children(head)))
        .child(el("tbody", "").children(story.stops.iter().enumerate().map(row)))
}

#[cfg(test)]
mod tests {
    use super::super::clock::Clock;
    use super::*;

    fn topology() -> Topology {
        Topology { component: vec![0, 1, 2], depth: vec![0, 1, 2], edges: vec![(0, 0, 1), (1, 1, 2)] }
    }

    fn three() -> Stage {
        let component = |id: &str| hockeystick_core::stage::Component {
            id: id.to_owned(),
            copies: 1,
            machine: None,
            region: None,
            at: [0.0, 0.0],
            settings: hockeystick_core::component::Kind::Dns.default_settings(),
        };
        Stage { components: ["users", "app", "data"].map(component).to_vec(), ..Stage::default() }
    }

    #[test]
    fn what_fails_on_the_way_may_be_tried_again_and_only_the_user_ends_it() {
        let fail = |node| What::Fail { node, cause: Cause::Refused };
        let ended = |moves: &[What]| {
            let (stage, mut story) = (three(), Story::default());
            for what in moves {
                let each = Move { at: 0, request: 1, class: Class::Read, what: *what };
                story.hear(&each, 0, &topology(), &stage);
            }
            story.ended
        };
        assert_eq!(ended(&[fail(2)]), None);
        assert_eq!(ended(&[fail(2), What::Done { begun: 0 }]), Some(None));
        assert_eq!(ended(&[fail(2), fail(1), fail(0)]), Some(Some(Cause::Refused)));
    }

    #[test]
    fn the_parts_of_a_request_add_up_to_its_response_time() {
        let mut replay = Replay::new(topology());
        replay.follow_next(true);
        let at = |us: u64, what| Move { at: us * 1_000, request: 3, class: Class::Read, what };
        let travel = |edge, back, arrives_us: u64| What::Travel { edge, back, arrives: arrives_us * 1_000 };
        let mut clock = Clock::new(1.0);
        clock.set_running(true, 0);
        replay.schedule(
            &[
                at(100, travel(0, false, 600)),
                at(600, What::Wait { node: 1 }),
                at(2_600, What::Serve { node: 1 }),
                at(3_000, travel(1, false, 3_200)),
                at(3_200, What::Serve { node: 2 }),
                at(5_000, travel(1, true, 5_200)),
                // The application goes on for a while before it answers.
                at(6_000, travel(0, true, 6_500)),
                at(6_500, What::Done { begun: 100_000 }),
            ],
            &clock,
            0.0,
        );
        let stage = three();
        let story = Story::of(&replay, &stage, 10_000_000).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let of = |place: usize| &story.stops[place];
        assert!(near(story.sum_ms, 6.4), "{}", story.sum_ms);
        assert!(near(of(0).way_ms, 1.0) && near(of(0).wait_ms, 2.0) && near(of(0).work_ms, 0.4 + 0.8));
        assert!(near(of(1).way_ms, 0.4) && near(of(1).work_ms, 1.8));
        assert_eq!(story.ended, Some(None));
        assert_eq!(Story::of(&replay, &stage, 2_000_000).unwrap().ended, None, "it is told as it happens");
    }
}
