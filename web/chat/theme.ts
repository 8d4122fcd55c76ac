const STORED = 'steno-chat-theme';
const THEMES = ['auto', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

/** Lets a button choose between light, dark, and what the system says. */
export function startTheme(control: HTMLButtonElement): void {
  function set(theme: Theme): void {
    document.documentElement.dataset['theme'] = theme;
    control.textContent = { auto: 'Auto', light: 'Light', dark: 'Dark' }[theme];
    control.setAttribute('aria-label', `Colours: ${theme}. Change.`);
    localStorage.setItem(STORED, theme);
  }
  const now = (): Theme => THEMES.find((theme) => theme === localStorage.getItem(STORED)) ?? 'auto';
  control.addEventListener('click', () => set(THEMES[(THEMES.indexOf(now()) + 1) % THEMES.length] ?? 'auto'));
  set(now());
}
