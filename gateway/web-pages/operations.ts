import { z } from 'zod';

const name = z.string().regex(/^[\w.-]{1,64}$/, 'a name of letters, digits, "_", "-" and "."');
const file = { 200: { description: 'The file.', media: 'text/javascript' } };

/** What browsers ask for before anybody has a key; part of the list of all operations, whose type checks it. */
export const webOperations = [
  {
    id: 'chatPage',
    method: 'GET',
    path: '/chat',
    summary: 'Chat in a browser.',
    tag: 'operations',
    secured: false,
    answers: { 200: { description: 'The page.', media: 'text/html' } },
  },
  {
    id: 'widget',
    method: 'GET',
    path: '/widget.js',
    summary: 'Load the chat element for pages of your own.',
    tag: 'operations',
    secured: false,
    answers: file,
  },
  {
    id: 'webFile',
    method: 'GET',
    path: '/assets/{version}/{folder}/{file}',
    summary: 'A part of the chat page; what one address answers never changes.',
    tag: 'operations',
    secured: false,
    params: z.strictObject({ version: name, folder: name, file: name }),
    answers: file,
  },
  {
    id: 'innerWebFile',
    method: 'GET',
    path: '/assets/{version}/{folder}/{inner}/{file}',
    summary: 'A part of the chat page, one folder further in.',
    tag: 'operations',
    secured: false,
    params: z.strictObject({ version: name, folder: name, inner: name, file: name }),
    answers: file,
  },
] as const;
