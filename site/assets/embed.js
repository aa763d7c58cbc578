// One figure alone: takes it from its lesson's page, so that what is embedded is what the lesson shows. `app.js` beside it
// brings the element to life, now or as soon as it is loaded.
const main = document.querySelector('.embed');
const stages = [...document.querySelectorAll('#embed-stages a')].map((link) => link.textContent);
const query = new URLSearchParams(location.search);
const state = /^#(?:.*&)?s=([^&]*)/.exec(location.hash)?.[1];

// The line to copy, with the address that this page has.
const line = document.querySelector('#embed-line');
line.textContent = line.textContent.replace('embed/', new URL('.', location.href).href);

// What cannot be done, and what could; the list of all that is valid stays below it.
const refuse = (text) => {
  const says = document.querySelector('#embed-says');
  says.textContent = text;
  says.setAttribute('role', 'alert');
};

const valid = {
  stage: (text) => stages.includes(text) || `There is no stage “${text}”. The stages are below.`,
  fig: (text) => /^[A-Za-z0-9-]{1,40}$/.test(text) || `“${text}” is no name of a figure: letters, digits and “-”.`,
  seed: (text) => /^\d{1,15}$/.test(text) || `seed=${text} is no seed: a whole number such as seed=7.`,
  run: (text) => /^[01]$/.test(text) || `run=${text} says nothing: run=0 waits, run=1 runs.`,
};

const wrong = () => {
  if (!query.has('stage') && query.size > 0) return 'The address names no stage.';
  // A board of one's own needs no stage; with neither there is nothing to show, and nothing wrong.
  if (!query.has('stage')) return state ? undefined : '';
  for (const [name, check] of Object.entries(valid)) {
    const found = query.has(name) ? check(query.get(name)) : true;
    if (found !== true) return found;
  }
  return undefined;
};

const show = async (stage) => {
  const lesson = new URL(stage ? `../stages/${stage}/` : '../sandbox/', location.href);
  const answer = await fetch(lesson);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const figures = [...page.querySelectorAll('hockeystick-figure')];
  const wanted = query.get('fig');
  const found = wanted ? figures.find((figure) => figure.id === `fig-${wanted}`) : figures[0];
  if (!found) {
    const names = figures.map((figure) => figure.id.replace(/^fig-/, '')).join(', ');
    return refuse(`The stage ${stage} has no figure “${wanted}”. It has: ${names}.`);
  }
  const figure = document.importNode(found, true);
  if (query.has('seed')) figure.dataset.seed = query.get('seed');
  if (query.has('run')) figure.dataset.run = query.get('run');
  if (state) figure.dataset.state = state;

  const title = page.querySelector('h1')?.textContent ?? stage;
  document.title = `${title} · Hockeystick`;
  main.querySelector('h1').textContent = title;
  const link = document.createElement('a');
  link.className = 'embed-lesson';
  link.href = `${lesson.href}#${found.id}${state ? `.s=${state}` : ''}`;
  link.target = '_blank';
  link.rel = 'noopener';
  link.textContent = `${title} · Hockeystick`;
  main.querySelector('.embed-help').replaceWith(figure, link);
  return undefined;
};

const problem = wrong();
if (problem) refuse(problem);
if (problem === undefined) {
  show(query.get('stage')).catch((error) => refuse(`The figure could not be loaded (${error.message ?? error}). Open this frame again.`));
}
