//! The name of a component, at the head of its settings: there the reader gives it another.

use hockeystick_core::figure::title;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement, KeyboardEvent};

use super::Figure;
use super::dom::{self, El, refuse};
use super::view::Thing;

/// What a name may be, and why another was not taken.
const VALID: &str = "Letters, digits and spaces, at most 40, a letter first; and nothing else here may have that name.";

/// The name, to be changed where it stands.
pub(crate) fn field(figure: Figure, index: usize, name: &str) -> El {
    let field = dom::field("name number", "Name").attr("value", name).attr("maxlength", "40");
    let input: HtmlInputElement = field.html().unchecked_into();
    let typed = input.clone();
    let take = move || {
        if !figure.rename(index, &input.value()) {
            refuse(&input, VALID);
        }
    };
    let leave = take.clone();
    field
        .on("change", move |_: Event| leave())
        // Before the focus goes on: the field is another one then.
        .on("keydown", move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" | "Tab" => take(),
            // It closes the settings, and what was typed is not meant.
            "Escape" => typed.set_value(&typed.get_attribute("value").unwrap_or_default()),
            _ => {}
        })
}

impl Figure {
    /// Gives a component another name, and says so. False where it cannot have that one.
    fn rename(self, index: usize, name: &str) -> bool {
        let old = self.name(Thing::Component(index));
        let (before, name) = (title(&old), name.trim());
        if name == before {
            return true;
        }
        // Names are written small in stage files where that reads the same.
        let id = name.replace(' ', "-");
        let small = id.to_ascii_lowercase();
        let id = if title(&small) == name { small } else { id };
        let mut done = false;
        self.with(|running| {
            running.settle();
            done = running.handle.edit(|stage| stage.rename(index, &id).then_some(())).is_some();
            if done {
                // Where the reader put it on a narrow board, it stays.
                running.handle.places(|places| {
                    places.narrow.iter_mut().filter(|it| it.0 == old).for_each(|it| it.0.clone_from(&id));
                });
                running.lay_out();
            }
        });
        if done {
            self.view.said.set(format!("{before} is called {} now. Undo takes that back.", title(&id)));
        }
        done
    }
}
