import type { Message, StenoClient } from '../../client/steno-client.js';
import { openAnswers, sentenceOf } from './answers.ts';
import type { Gateway } from './gateway.ts';
import { openTabs } from './tabs.ts';
import {
  BESIDE,
  merge,
  newestUnder,
  openTurn,
  pathTo,
  recordedTurn,
  type Turn,
  type Turns,
} from './turns.ts';

/** The conversation that is shown. */
export type Shown = {
  /** Null for one that begins with the next message. */
  readonly conversationId: string | null;
  readonly title: string | null;
  readonly turns: Turns;
  /** The turns on the branch that is looked at, oldest first. */
  readonly path: Turns;
};

/** What a person may do in the conversation that is shown. */
export interface Thread {
  readonly shown: () => Shown;
  /** Rejects with GatewayError. */
  open(conversationId: string): Promise<void>;
  begin(): void;
  /** Reads what changed elsewhere. */
  refresh(): Promise<void>;
  /** `beside`: a second model that answers the same, to be looked at side by side. */
  send(text: string, model: string, beside: string | null): Promise<void>;
  answerAnew(turn: Turn, model: string): Promise<void>;
  reword(turn: Turn, text: string, model: string): Promise<void>;
  /** Goes to the branch below a turn. */
  show(turn: Turn): void;
  /** Stops whatever is being written in this conversation. */
  stop(): void;
  isWriting(): boolean;
  judge(turn: Turn, thumb: 1 | -1 | 0, comment: string | null): Promise<void>;
  pin(turn: Turn, pinned: boolean): Promise<void>;
  rename(title: string): Promise<void>;
  archive(): Promise<void>;
}

type Events = {
  /** Something that is shown has changed. */
  readonly onChange: () => void;
  /** A conversation began, ended a turn or changed its name: a list of them is no longer right. */
  readonly onListed: () => void;
  readonly onProblem: (sentence: string) => void;
};

export function openThread(client: StenoClient, gateway: Gateway, events: Events): Thread {
  let conversationId: string | null = null;
  let title: string | null = null;
  let turns: Turns = [];
  let leaf: string | null = null;
  let made = 0;
  /** Counts how often another conversation was turned to. */
  let visit = 0;

  const answers = openAnswers(client, (key, learned) => {
    const before = turns.find((turn) => turn.key === key);
    if (before === undefined) return;
    set(before, learned);
    const turn = { ...before, ...learned };
    if (hasEnded(turn) && !hasEnded(before) && conversationId !== null) {
      tabs.tellEnded({ conversationId, turn });
      events.onListed();
    }
  });
  const tabs = openTabs({
    asked({ conversationId: id, turn }) {
      events.onListed();
      if (id !== conversationId || turns.some(({ messageId }) => messageId === turn.messageId)) return;
      const isNext = turn.parentId === (turns.find(({ key }) => key === leaf)?.messageId ?? null);
      add({ ...turn, key: freshKey() }, isNext);
      follow();
    },
    ended: () => events.onListed(),
  });

  function freshKey(): string {
    return `turn-${(made += 1)}`;
  }

  function add(turn: Turn, isShown = true): void {
    turns = [...turns, turn];
    if (isShown) leaf = turn.key;
    events.onChange();
  }

  /** Reads along with every answer that is being made. */
  function follow(): void {
    for (const { key, status, inferenceId } of turns)
      if (status === 'running' && inferenceId !== null) answers.follow(key, inferenceId);
  }

  /** Resolves to the message's id; to null if it was not taken, or another conversation is looked at by now. */
  async function ask(turn: Turn, message: Message, isShown = true): Promise<string | null> {
    add(turn, isShown);
    const during = visit;
    const named = conversationId === null ? {} : { conversationId };
    const accepted = await answers.ask(turn.key, { ...message, ...named });
    if (accepted === null || visit !== during) return null;
    conversationId = accepted.conversationId;
    title ??= turn.question.slice(0, 60);
    const now = turns.find(({ key }) => key === turn.key) ?? turn;
    tabs.tellAsked({ conversationId, turn: { ...now, answer: '', status: 'running' } });
    events.onChange();
    events.onListed();
    return accepted.messageId;
  }

  async function load(id: string): Promise<void> {
    const during = visit;
    const found = await gateway.read(id);
    if (visit !== during) return;
    title = found.conversation.title;
    const recorded = found.turns.map(recordedTurn);
    turns = merge([...turns, ...tabs.unfinished(id)], recorded);
    leaf ??= turns.at(-1)?.key ?? null;
    events.onChange();
    follow();
  }

  async function recording(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      events.onProblem(sentenceOf(error));
    }
  }

  function set({ key }: Turn, change: Partial<Turn>): void {
    turns = turns.map((one) => (one.key === key ? { ...one, ...change } : one));
    events.onChange();
  }

  function reset(id: string | null): void {
    visit += 1;
    conversationId = id;
    title = null;
    turns = [];
    leaf = null;
    events.onChange();
  }

  return {
    shown: () => ({ conversationId, title, turns, path: pathTo(turns, leaf) }),
    async open(id) {
      reset(id);
      await load(id);
    },
    begin: () => reset(null),
    async refresh() {
      if (conversationId !== null) await recording(load(conversationId));
    },
    async send(text, model, beside) {
      const parentId = pathTo(turns, leaf).at(-1)?.messageId ?? null;
      const turn = openTurn(freshKey(), text, { parentId, model });
      const messageId = await ask(turn, { text, model, ...(parentId === null ? {} : { parentId }) });
      if (messageId === null || beside === null) return;
      const other = openTurn(freshKey(), text, { parentId, model: beside, besideId: messageId });
      const metadata = { [BESIDE]: messageId };
      await ask(other, { kind: 'regenerate', targetId: messageId, model: beside, metadata }, false);
    },
    async answerAnew({ messageId, parentId, question }, model) {
      if (messageId === null) return;
      const turn = openTurn(freshKey(), question, { parentId, model });
      await ask(turn, { kind: 'regenerate', targetId: messageId, model });
    },
    async reword({ messageId, parentId }, text, model) {
      if (messageId === null) return;
      const turn = openTurn(freshKey(), text, { parentId, model });
      await ask(turn, { kind: 'edit', targetId: messageId, text, model });
    },
    show(turn) {
      leaf = newestUnder(turns, turn).key;
      events.onChange();
    },
    stop() {
      for (const { key } of turns) answers.stop(key);
    },
    isWriting: () => turns.some(({ key }) => answers.isRunning(key)),
    async judge(turn, thumb, comment) {
      if (turn.inferenceId === null) return;
      set(turn, { thumb });
      await recording(answers.judge(turn.inferenceId, { thumb, ...(comment === null ? {} : { comment }) }));
    },
    async pin(turn, pinned) {
      if (turn.messageId === null || conversationId === null) return;
      set(turn, { pinned });
      await recording(gateway.change(conversationId, { pins: [{ message_id: turn.messageId, pinned }] }));
    },
    async rename(name) {
      if (conversationId === null) return;
      title = name;
      events.onChange();
      await recording(gateway.change(conversationId, { title: name }));
      events.onListed();
    },
    async archive() {
      if (conversationId === null) return;
      await recording(gateway.change(conversationId, { archived: true }));
      reset(null);
      events.onListed();
    },
  };
}

function hasEnded({ status }: Turn): boolean {
  return status !== 'sending' && status !== 'running';
}
