//! A narrow board: rows from top to bottom, by distance from the users.

use super::card::size;
use super::{MACHINE_FOOT, MACHINE_PAD, MARGIN, Rect, depths, machine_rects, members};
use crate::number::in_order;
use crate::stage::Stage;

/// Between two rows: room to see what travels.
const ROW_GAP: f64 = 62.0;

/// Rows by distance from the users; but what would stand within the frame of a machine on which it does not run comes
/// below that.
pub(super) fn cards(stage: &Stage, width: f64) -> Vec<Rect> {
    let mut rows = depths(stage);
    let mut cards = in_rows(stage, &rows, width);
    for _ in 0..rows.len() {
        let Some((card, machine)) = intruder(stage, &cards) else { break };
        rows[card] = members(stage, machine).map(|member| rows[member] + 1).max().unwrap_or(0);
        cards = in_rows(stage, &rows, width);
    }
    cards
}

/// A component that stands within the frame of a machine, and does not run there.
fn intruder(stage: &Stage, cards: &[Rect]) -> Option<(usize, usize)> {
    let frames = machine_rects(stage, cards, true);
    let frames = frames.iter().enumerate().filter_map(|(machine, frame)| Some((machine, (*frame)?)));
    let within = |(machine, frame): (usize, Rect)| {
        let is_in = |card: &Rect| {
            card.x < frame.right() && frame.x < card.right() && card.y < frame.bottom() && frame.y < card.bottom()
        };
        let other =
            (0..cards.len()).find(|index| is_in(&cards[*index]) && members(stage, machine).all(|it| it != *index));
        other.map(|card| (card, machine))
    };
    frames.into_iter().find_map(within)
}

/// Cards in rows; within a row, from left to right what was from top to bottom.
fn in_rows(stage: &Stage, rows: &[usize], width: f64) -> Vec<Rect> {
    let mut cards = vec![Rect::default(); stage.components.len()];
    let mut top = MARGIN;
    for number in 0..=rows.iter().copied().max().unwrap_or(0) {
        let from_top = in_order(stage.components.iter().map(|component| component.at[1].into()));
        let row: Vec<usize> = from_top.into_iter().filter(|index| rows[*index] == number).collect();
        if !row.is_empty() {
            top = place_row(stage, &row, top, width, &mut cards) + ROW_GAP;
        }
    }
    align_machines(stage, &mut cards, width);
    (0..stage.machines.len()).for_each(|machine| make_room(stage, machine, &mut cards));
    cards
}

/// The bars of a machine stand below its cards: what would lie on them moves down, with everything below it.
fn make_room(stage: &Stage, machine: usize, cards: &mut [Rect]) {
    let Some(Some(rect)) = machine_rects(stage, cards, true).into_iter().nth(machine) else { return };
    let (foot, clear) = (rect.bottom() - MACHINE_FOOT, rect.bottom() + ROW_GAP);
    let meets = |card: &&Rect| (foot..clear).contains(&card.y) && card.x < rect.right() && rect.x < card.right();
    let highest = cards.iter().filter(meets).map(|card| card.y).fold(clear, f64::min);
    cards.iter_mut().filter(|card| card.y >= highest).for_each(|card| card.y += clear - highest);
}

/// Places a row's cards side by side, in as many lines as the width needs; returns the bottom of the lowest.
fn place_row(stage: &Stage, row: &[usize], top: f64, width: f64, cards: &mut [Rect]) -> f64 {
    let space = width - 2.0 * (MARGIN + 4.0);
    // Each line with the width that its cards take.
    let mut lines: Vec<(f64, Vec<usize>)> = Vec::new();
    for &index in row {
        let wide = size(stage, index).0;
        match lines.iter_mut().find(|(total, line)| total + wide + 12.0 * line.len() as f64 <= space) {
            Some((total, line)) => {
                *total += wide;
                line.push(index);
            }
            None => lines.push((wide, vec![index])),
        }
    }
    let mut top = top;
    let mut bottom = top;
    for (total, line) in lines {
        let gap = (width - total) / (line.len() + 1) as f64;
        let mut x = gap;
        for index in line {
            let (w, h) = size(stage, index);
            cards[index] = Rect { x, y: top, width: w, height: h };
            x += w + gap;
            bottom = f64::max(bottom, top + h);
        }
        top = bottom + ROW_GAP / 2.0;
    }
    bottom
}

/// Cards of one machine stand in one column when each is alone in its row.
fn align_machines(stage: &Stage, cards: &mut [Rect], width: f64) {
    for machine in 0..stage.machines.len() {
        let members: Vec<usize> = members(stage, machine).collect();
        let Some(&first) = members.first() else { continue };
        let one_a_row = members.iter().all(|a| members.iter().all(|b| a == b || cards[*a].y != cards[*b].y));
        if one_a_row {
            let widest = members.iter().map(|index| cards[*index].width).fold(0.0, f64::max);
            let most = width - widest / 2.0 - MARGIN - MACHINE_PAD + 10.0;
            let centre = cards[first].centre().x.min(most);
            members.iter().for_each(|index| cards[*index].x = centre - cards[*index].width / 2.0);
        }
    }
}
