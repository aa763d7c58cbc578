//! A question that is answered before the result is shown.

use std::cell::RefCell;
use std::rc::Rc;

use hockeystick_core::number::fixed;
use hockeystick_protocol::Question;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDetailsElement, HtmlElement, MouseEvent};

use super::measured;
use crate::dom::{self, Listener, weakly};
use crate::figure::handle::{self, Asked, FigureHandle};
use crate::figure::numbers::decimal;

/// Requests that the measured result is made of, about, and the limits of its length in simulated seconds.
const REQUESTS: f64 = 5_000.0;
const SECONDS: std::ops::RangeInclusive<f64> = 60.0..=900.0;

/// A question on the page.
pub(super) struct Predict {
    element: HtmlElement,
    choices: Vec<HtmlElement>,
    /// Index of the right choice, where there is one.
    answer: Option<usize>,
    set: Vec<(String, f64)>,
    listeners: RefCell<Vec<Listener>>,
    runs: RefCell<Option<Asked>>,
}

impl Predict {
    /// Turns the choices into buttons. The explanation stays shut until one is pressed.
    pub(super) fn mount(element: &HtmlElement) -> Rc<Self> {
        let answer = element.get_attribute("data-answer").and_then(|text| text.parse::<usize>().ok());
        let predict = Rc::new(Self {
            element: element.clone(),
            choices: choices(element),
            answer: answer.and_then(|answer| answer.checked_sub(1)),
            set: read_set(&element.get_attribute("data-set").unwrap_or_default()),
            listeners: RefCell::default(),
            runs: RefCell::default(),
        });
        if let Some(details) = predict.details() {
            details.set_open(false);
            details.set_hidden(true);
        }
        let listeners = predict.choices.iter().enumerate().map(|(index, choice)| {
            let pressed = weakly(&predict, move |predict, _: MouseEvent| predict.guessed(index));
            Listener::new(choice, "click", pressed)
        });
        *predict.listeners.borrow_mut() = listeners.collect();
        dom::set(element, "data-live", "");
        predict
    }

    fn details(&self) -> Option<HtmlDetailsElement> {
        self.element.query_selector("details").ok()??.dyn_into().ok()
    }

    /// Shows which choice the reader made and which one holds, explains, and runs the figure.
    fn guessed(self: &Rc<Self>, index: usize) {
        if self.element.has_attribute("data-answered") {
            return;
        }
        for (other, choice) in self.choices.iter().enumerate() {
            // Not `disabled`, which would take the focus away from who has just pressed it.
            dom::set(choice, "aria-disabled", "true");
            let mut marks = Vec::new();
            if other == index {
                dom::set(choice, "data-guess", "");
                marks.push("your guess");
            }
            if Some(other) == self.answer {
                dom::set(choice, "data-right", "");
                marks.push("what happens");
            }
            if !marks.is_empty() {
                let _ = dom::text_child::<Element>(choice, "span", "predict-mark", &marks.join(", "));
            }
        }
        dom::set(&self.element, "data-answered", if self.answer == Some(index) { "right" } else { "other" });
        if let Some(details) = self.details() {
            details.set_hidden(false);
            details.set_open(true);
        }
        let Some(measured) = self.measured_line() else { return };
        dom::say(&measured, "Measuring…");
        let Some(id) = self.element.get_attribute("data-figure") else { return };
        let run = weakly(self, move |predict, figure: FigureHandle| predict.run(&figure, &measured));
        handle::when_mounted(&id, run);
    }

    /// A place for the measured result, before the explanation.
    fn measured_line(&self) -> Option<HtmlElement> {
        let line: HtmlElement = dom::child(&self.element, "p", "predict-measured")?;
        dom::set(&line, "aria-live", "polite");
        if let Some(details) = self.details() {
            details.before_with_node_1(&line).ok()?;
        }
        Some(line)
    }

    /// Turns the figure to what was asked about, and measures it.
    fn run(&self, figure: &FigureHandle, measured: &HtmlElement) {
        for (path, value) in &self.set {
            figure.set(path, *value);
        }
        if !dom::calm() {
            figure.play();
        }
        let stage = figure.stage();
        let rate = stage.workload.rate.per_s().max(1e-3);
        let seconds = (REQUESTS / rate).clamp(*SECONDS.start(), *SECONDS.end());
        let run = Question::Run { stage, seed: figure.seed(), seconds };
        let line = measured.clone();
        let runs = figure.ask(vec![run], move |_, found| match handle::outcome(found) {
            Ok(outcome) => {
                dom::say(&line, "");
                let _ = dom::text_child::<Element>(&line, "b", "", "Measured");
                let text = format!(" over {} simulated seconds: {}.", fixed(seconds, 0), measured::sentence(&outcome));
                let _ = dom::text_child::<Element>(&line, "span", "", &text);
            }
            Err(problem) => dom::say(&line, &format!("The simulation could not run this: {problem}")),
        });
        if runs.is_none() {
            dom::say(measured, "");
        }
        *self.runs.borrow_mut() = runs;
    }
}

/// Turns each choice's words into a button with the same words.
fn choices(element: &HtmlElement) -> Vec<HtmlElement> {
    let Ok(items) = element.query_selector_all(".choices li") else { return Vec::new() };
    let button = |index| {
        let item: Element = items.get(index)?.dyn_into().ok()?;
        let button: HtmlElement = dom::document()?.create_element("button").ok()?.dyn_into().ok()?;
        dom::set(&button, "type", "button");
        button.set_class_name("predict-choice");
        while let Some(node) = item.first_child() {
            button.append_child(&node).ok()?;
        }
        item.append_child(&button).ok()?;
        Some(button)
    };
    (0..items.length()).filter_map(button).collect()
}

/// Reads `users.rate=90;app.workers=100`: paths with numbers in the knobs' units.
fn read_set(text: &str) -> Vec<(String, f64)> {
    let pairs = text.split([';', ' ']).filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(path, value)| Some((path.trim().to_owned(), decimal(value.trim())?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_turn_is_read_and_nonsense_is_left_out() {
        assert_eq!(
            read_set("users.rate=90; app.demand.read=0.3;x=much;=3;"),
            [("users.rate".to_owned(), 90.0), ("app.demand.read".to_owned(), 0.3), (String::new(), 3.0)]
        );
        assert!(read_set("").is_empty());
    }
}
