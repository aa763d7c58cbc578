//! A lesson's page.

use hockeystick_core::stage::Challenge;
use maud::{Markup, html};

use super::{Chapter, Content, Printed, figure, model, ready, strip};
use crate::draw::Curves;
use crate::journey::Stop;
use crate::lesson::{Block, Predict, Term};
use crate::show;

pub(super) fn page(stops: &[Stop], chapter: &Chapter) -> Content {
    let Chapter { stop, stage, lesson, curves, .. } = chapter;
    let number = stops.iter().position(|other| other.slug == stop.slug).map_or(1, |index| index + 1);
    let mut printed = Printed::default();
    let main = html! {
        main #content.lesson {
            article {
                div.title {
                    p.no { "Stage " (stop.number()) " · " (stop.users) " users a day" }
                    h1 { (stage.title) }
                    (strip::strip(stage))
                }
                @for block in &lesson.blocks { (show_block(block, curves, &mut printed)) }
                (model::section(stage))
                (glossary(&lesson.terms))
            }
            (neighbours(stops, number))
        }
    };
    Content {
        title: format!("{}: {}", stop.number(), stage.title),
        description: stop.broke.clone(),
        here: None,
        stage_number: Some(number),
        stops: stops.to_vec(),
        main,
        needs_figures: lesson.figures().next().is_some(),
        tool: None,
    }
}

fn show_block(block: &Block, curves: &Curves, printed: &mut Printed) -> Markup {
    match block {
        Block::Prose(html) => html! { (ready(html)) },
        Block::Figure(block) => figure(block, curves, printed),
        Block::Predict(predict) => prediction(predict),
        Block::Challenge(challenge) => match &challenge.asked {
            Some(asked) => task(&challenge.figure, asked),
            None => html! {},
        },
    }
}

fn prediction(predict: &Predict) -> Markup {
    let set: Vec<String> = predict.set.iter().map(|(path, value)| format!("{path}={value}")).collect();
    html! {
        hockeystick-predict data-figure=(predict.figure) data-set=(set.join(";")) data-answer=(predict.answer + 1) {
            div.ask role="group" aria-label="A question before you look" {
                p.ask-head { "Before you look" }
                p.question { (ready(&predict.question_html)) }
                ol.choices { @for choice in &predict.choices_html { li { (ready(choice)) } } }
                details {
                    summary { "The answer" }
                    p { b { (ready(&predict.choices_html[predict.answer])) } }
                    p { (ready(&predict.explain_html)) }
                }
            }
        }
    }
}

fn task(figure: &str, asked: &Challenge) -> Markup {
    html! {
        hockeystick-challenge data-figure=(figure) {
            div.ask.task role="group" aria-label="Challenge" {
                p.ask-head { "Challenge" }
                p.question { (show::sentence(&asked.goal)) }
                ul.goals {
                    li data-goal="rate" {
                        "Carry at least " b { (show::rate(asked.rate.per_s())) }
                        // What is found is how many are answered.
                        @if asked.errors > 0.02 { ", less what may fail" }
                    }
                    li data-goal="p95" { "95 of 100 answers within " b { (asked.p95.to_string()) } }
                    li data-goal="errors" {
                        "At most " b { (show::significant(asked.errors * 100.0)) " %" } " of the requests fail"
                    }
                    @if let Some(stale) = asked.stale {
                        li data-goal="stale" {
                            "At most " b { (show::significant(stale * 100.0)) " %" } " of the answers are old"
                        }
                    }
                    @if let Some(lost) = asked.lost {
                        li data-goal="lost" { (lost_words(lost)) }
                    }
                    @if let Some(budget) = asked.budget {
                        li data-goal="budget" { "At most " b { (show::dollars(budget)) } " a month for machines" }
                    }
                }
                @for (index, hint) in asked.hints.iter().enumerate() {
                    details { summary { "Hint " (index + 1) } p { (show::sentence(hint)) } }
                }
            }
        }
    }
}

fn lost_words(most: f64) -> Markup {
    html! {
        @if most > 0.0 { "At most " b { (show::significant(most)) } " changes are lost" } @else { b { "No" } " change is lost" }
    }
}

fn glossary(terms: &[Term]) -> Markup {
    html! {
        @if !terms.is_empty() {
            section.glossary aria-labelledby="words" {
                h2 #words { "Words of this stage" }
                dl {
                    @for term in terms {
                        div { dt id={ "term-" (term.key) } { (term.word) } dd { (show::sentence(&term.meaning)) } }
                    }
                }
            }
        }
    }
}

fn neighbours(stops: &[Stop], number: usize) -> Markup {
    let stop = |number: usize| number.checked_sub(1).and_then(|index| stops.get(index));
    let show = |stop: &Stop, label: &str| {
        html! { a href={ "/stages/" (stop.slug) "/" } { span { (label) } b { (stop.title) } } }
    };
    html! {
        nav.neighbours aria-label="Previous and next stage" {
            @match stop(number - 1) {
                Some(before) => { (show(before, "Before")) }
                None => { a href="/stages/" { span { "All stages" } b { "The map of the journey" } } }
            }
            @match stop(number + 1) {
                Some(next) => { (show(next, "Next")) }
                None => { a href="/stages/" { span { "The end of the journey" } b { "The map, once more" } } }
            }
        }
    }
}
