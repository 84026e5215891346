/** How the page of a comparison looks: calm, by day and by night, on paper and on a telephone. */
export const style = `
:root {
  color-scheme: light dark;
  --back: light-dark(#fbfbfa, #16181b); --panel: light-dark(#ffffff, #1e2125);
  --text: light-dark(#1d2125, #e4e6e9); --soft: light-dark(#5d666f, #9aa4ae);
  --line: light-dark(#e2e4e7, #33383e); --accent: light-dark(#2458b3, #8ab4f8);
  --added: light-dark(#e6f4ea, #12311f); --added-strong: light-dark(#a8dbb8, #1f6b3c); --added-text: light-dark(#12602f, #7fd69c);
  --removed: light-dark(#fdecea, #3b1a1c); --removed-strong: light-dark(#f5b5ae, #8a2d33); --removed-text: light-dark(#9c1c22, #f3959b);
  --changed-text: light-dark(#7a4d00, #e8b75a);
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, monospace;
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
main, header > div { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem }
header { padding: 2rem 0 1rem }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; letter-spacing: -.01em }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; display: flex; gap: .6rem; align-items: baseline }
h2 .count { color: var(--soft); font-weight: 400; font-size: .9rem }
.sides { color: var(--soft); margin: 0; overflow-wrap: anywhere } .sides b { color: var(--text); font-weight: 600 }
.sums { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 1rem 0; list-style: none }
.sums li { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .35rem .75rem }
.sums b { font-variant-numeric: tabular-nums }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
.scroll { overflow-x: auto }
.components { width: 100%; background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; border-spacing: 0; border-collapse: separate }
.components th, .components td { padding: .35rem .75rem; text-align: right; font-weight: 400 }
.components tr + tr > * { border-top: 1px solid var(--line) }
.components thead th { color: var(--soft); font-size: .85rem }
.components th:first-child { text-align: left; font-weight: 600 }
.components .zero { color: color-mix(in srgb, var(--soft) 55%, transparent) }
.tools { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; padding: .75rem 0; background: var(--back); border-bottom: 1px solid var(--line); margin-top: 1.5rem }
.tools[hidden] { display: none }
.tools input { flex: 1 1 16rem; min-width: 0 }
input, button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .75rem }
button { cursor: pointer } button:hover { border-color: var(--soft) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.found { color: var(--soft); font-size: .9rem; min-width: 7rem; text-align: right }
.entry { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; margin: .4rem 0; overflow: clip }
.head { display: flex; gap: .75rem; align-items: baseline; padding: .45rem .75rem; list-style: none }
summary.head { cursor: pointer } summary.head::-webkit-details-marker { display: none }
summary.head::after { content: "+"; color: var(--soft); font-family: var(--mono); order: 3 } details[open] > summary.head::after { content: "\\2212" }
.kind { flex: 0 0 5.6rem; font-size: .8rem; font-weight: 600; white-space: nowrap }
.kind.added { color: var(--added-text) } .kind.removed { color: var(--removed-text) } .kind.changed, .kind.renamed { color: var(--changed-text) } .kind.mode, .kind.time { color: var(--soft) }
.path { flex: 1; font-family: var(--mono); font-size: .87rem; overflow-wrap: anywhere } .path .from { color: var(--soft) }
.detail { color: var(--soft); font-size: .85rem; text-align: right; white-space: nowrap }
.inside { border-top: 1px solid var(--line); font-family: var(--mono); font-size: .82rem; line-height: 1.55; overflow-x: auto; padding: .4rem 0 }
.inside > * { padding: 0 .75rem; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.place { color: var(--soft); background: var(--back) } .note { color: var(--soft); font-family: system-ui, sans-serif }
.line { display: block; padding-left: 2rem !important; text-indent: -1.25rem }
.line::before { content: attr(data-sign); display: inline-block; width: 1.25rem; text-indent: 0; color: var(--soft) }
.line.added { background: var(--added) } .line.removed { background: var(--removed) }
ins, del { text-decoration: none; border-radius: .2rem; padding: 0 .1rem } ins { background: var(--added-strong) } del { background: var(--removed-strong) }
.name { font-weight: 600 } .old { color: var(--removed-text) } .new { color: var(--added-text) } .who { color: var(--accent); font-weight: 600 } .when { color: var(--soft) }
.table { font-weight: 600; margin-top: .35rem !important }
footer { color: var(--soft); font-size: .85rem; padding: 2rem 0 3rem }
[hidden] { display: none !important }
@media (max-width: 40rem) { .head { flex-wrap: wrap; gap: .25rem .6rem } .kind { flex-basis: auto } .path { flex-basis: 100%; order: 2 } .detail { white-space: normal } }
@media print { .tools { display: none } .entry { break-inside: avoid } body { background: none } }
`;
