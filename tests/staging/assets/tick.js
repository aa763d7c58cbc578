// Forms marked data-fragment replace the list of items instead of loading the page anew.
"use strict";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const items = document.getElementById("items");
  if (!items || !form.hasAttribute("data-fragment")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      headers: { "tick-fragment": "1" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (!response.ok) throw new Error(await problemOf(response));
    items.innerHTML = await response.text();
    if (form.classList.contains("add")) form.reset();
    say("");
  } catch (error) {
    say(error.message);
  } finally {
    button.disabled = false;
  }
});

async function problemOf(response) {
  const type = response.headers.get("content-type") || "";
  if (!type.startsWith("application/problem+json")) return "Tick answered " + response.status;
  return (await response.json()).detail;
}

function say(text) {
  let note = document.getElementById("say");
  if (!note) {
    note = document.createElement("p");
    note.id = "say";
    note.setAttribute("role", "alert");
    document.querySelector("main").prepend(note);
  }
  note.textContent = text;
  note.hidden = !text;
}
