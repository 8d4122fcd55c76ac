/** Of the element alone: nothing of the page reaches it, and it reaches nothing of the page. Its colours may be set from outside. */
export const WIDGET_STYLE = `
:host {
  display: block;
  height: 28rem;
  color-scheme: light dark;
  --ground: var(--steno-ground, light-dark(#ffffff, #16181d));
  --text: var(--steno-text, light-dark(#191c22, #e8eaee));
  --accent: var(--steno-accent, light-dark(#1f56c4, #8fb4ff));
  --on-accent: var(--steno-on-accent, light-dark(#ffffff, #10131a));
  --asked: var(--steno-asked, light-dark(#e4ecfb, #24304a));
  --line: light-dark(#7b8492, #7d8695);
  --bad: light-dark(#a3231f, #ff9d96);
}
* { box-sizing: border-box; }
section {
  display: flex;
  flex-direction: column;
  height: 100%;
  border: 1px solid var(--line);
  border-radius: 8px;
  overflow: hidden;
  background: var(--ground);
  color: var(--text);
  font: 16px/1.5 system-ui, sans-serif;
}
.list { flex: 1; min-height: 0; padding: 12px; overflow-y: auto; }
.question, .answer { margin: 0 0 12px; overflow-wrap: anywhere; }
.question {
  width: fit-content;
  max-width: 85%;
  margin-left: auto;
  padding: 6px 12px;
  border-radius: 8px;
  background: var(--asked);
  white-space: pre-wrap;
}
.answer { min-height: 1.5em; }
.problem { color: var(--bad); }
.markdown > :first-child { margin-top: 0; }
.markdown > :last-child { margin-bottom: 0; }
a { color: var(--accent); }
.code-head { display: flex; justify-content: space-between; font-size: 13px; }
pre, .wide { overflow-x: auto; }
form { display: flex; gap: 8px; padding: 8px; border-top: 1px solid var(--line); }
textarea { flex: 1; min-width: 0; resize: none; }
textarea, button {
  padding: 6px 12px;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--ground);
  color: inherit;
  font: inherit;
}
form button { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
`;
