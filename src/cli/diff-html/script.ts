/** What the page can do where scripts run: filter, fold. Without them everything is there, unfiltered. */
export const script = `
const tools = document.querySelector('.tools');
const input = tools.querySelector('input');
const found = tools.querySelector('.found');
const entries = [...document.querySelectorAll('.entry')];
const sections = [...document.querySelectorAll('section')];
const texts = new Map();
const textOf = (entry) => {
  if (!texts.has(entry)) texts.set(entry, entry.textContent.toLowerCase());
  return texts.get(entry);
};
const filter = () => {
  const words = input.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
  let count = 0;
  for (const entry of entries) {
    entry.hidden = !words.every((word) => textOf(entry).includes(word));
    if (!entry.hidden) count++;
  }
  for (const section of sections) section.hidden = !section.querySelector('.entry:not([hidden])');
  found.textContent = words.length === 0 ? '' : count + ' of ' + entries.length;
};
const fold = (open) => {
  for (const entry of entries) if (entry.tagName === 'DETAILS' && !entry.hidden) entry.open = open;
};
input.addEventListener('input', filter);
tools.querySelector('[data-open]').addEventListener('click', () => fold(true));
tools.querySelector('[data-close]').addEventListener('click', () => fold(false));
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== input) { event.preventDefault(); input.focus(); }
  if (event.key === 'Escape') { input.value = ''; filter(); }
});
tools.hidden = false;
`;
