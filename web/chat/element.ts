type Attributes = Readonly<Record<string, string | boolean | ((event: Event) => void)>>;

/**
 * Makes an element. An attribute that is true is there, one that is false is not; a function listens to the event of
 * that name. Text is text: nothing is read as markup.
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string | null)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (typeof value === 'string') made.setAttribute(name, value);
    else if (value) made.setAttribute(name, '');
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Makes a button. `label` says what it does where its text does not. */
export function button(
  text: string,
  onClick: () => void,
  options: { readonly label?: string; readonly className?: string } = {},
): HTMLButtonElement {
  const { label, className } = options;
  return element(
    'button',
    {
      type: 'button',
      click: onClick,
      ...(label === undefined ? {} : { 'aria-label': label, title: label }),
      ...(className === undefined ? {} : { class: className }),
    },
    text,
  );
}

/** Returns the element of the page's own markup that a selector names. Throws where there is none: the page is broken. */
export function theElement<E extends HTMLElement>(selector: string, type: new () => E): E {
  const found = document.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${selector}`);
}
