import { histogram, quantile, strip } from './charts.ts';
import { code, count, duration, escape, mark, section, size, table } from './markup.ts';
import type { BreakerStatus, QueueStatus, RoleHealth, RoleStatus, Status, WorkerStatus } from './status.ts';

/** A worker says how it fares every ten seconds. */
const SILENT_SECONDS = 30;

const HEALTH: Readonly<Record<RoleHealth, readonly ['good' | 'busy' | 'bad' | 'quiet', string]>> = {
  up: ['good', 'up'],
  moving: ['busy', 'sharing partitions anew'],
  down: ['bad', 'down'],
  unseen: ['bad', 'never started'],
  unknown: ['quiet', 'unknown'],
};

/** Returns the page's content. Runs in the gateway for the first view and in the browser for every later one. */
export function renderStatus(status: Status): string {
  const { turns, kafka } = status;
  return [
    kafka.problem === null
      ? ''
      : `<p class="alarm" role="alert">Kafka does not answer (${escape(kafka.problem)}). Roles and lag are as last known.</p>`,
    headline(status),
    `<div class="pair">${firstTokens(status)}${throughput(turns)}</div>`,
    section(
      'Roles',
      table(
        [{ title: 'Role' }, { title: 'What' }, { title: 'Health' }, processes, lagColumn],
        [gatewayRow(status), ...status.roles.map(roleRow)],
        '',
      ),
      'A role is up while a process of it is in its consumer group. Other gateways have pages of their own.',
    ),
    section(
      'Workers',
      table(
        [{ title: 'Worker' }, { title: 'Last heard' }, slots, waiting, tokens, memory, { title: 'Model' }],
        status.workers.map(workerRow),
        'No worker has said how it fares yet.',
      ),
    ),
    `<div class="pair">${section(
      'Queues of this gateway',
      table([{ title: 'Queue' }, { title: 'Now', isNumber: true }, limit], status.queues.map(queueRow), ''),
    )}${section(
      'Breakers',
      table(
        [{ title: 'Worker' }, { title: 'Backend of' }, { title: 'State' }],
        status.breakers.map(breakerRow),
        'No worker asks a backend elsewhere.',
      ),
    )}</div>`,
    section(
      'Lag by topic',
      table(
        [{ title: 'Group' }, { title: 'Topic' }, { title: 'Partitions', isNumber: true }, lagColumn],
        status.lag.map(({ group, topic, partitions, records }) => [
          code(within(status.prefix, group)),
          code(within(status.prefix, topic)),
          count(partitions),
          count(records),
        ]),
        'No group has committed an offset yet.',
      ),
      `Records between the offset a group committed, mostly once a second, and the end of the log. All names begin with ${status.prefix}.`,
    ),
  ].join('');
}

const processes = { title: 'Processes', isNumber: true };
const lagColumn = { title: 'Lag', isNumber: true };
const slots = { title: 'Slots busy', isNumber: true };
const waiting = { title: 'Waiting', isNumber: true };
const tokens = { title: 'Tokens/s', isNumber: true };
const memory = { title: 'Memory', isNumber: true };
const limit = { title: 'Limit', isNumber: true };

function headline({ roles, gateway, kafka, turns, workers, model }: Status): string {
  const wrong = roles.filter(({ health }) => health === 'down' || health === 'unseen');
  const [kind, words] =
    gateway.state !== 'healthy'
      ? (['bad', `This gateway is ${gateway.state}`] as const)
      : kafka.problem !== null
        ? (['bad', 'Kafka does not answer'] as const)
        : wrong.length > 0
          ? (['bad', `Down: ${[...new Set(wrong.map(({ role }) => role))].join(', ')}`] as const)
          : (['good', 'Everything is up'] as const);
  const lastMinute = turns.accepted.slice(-60 / turns.intervalSeconds).reduce((sum, value) => sum + value, 0);
  const speaking = workers.filter(({ secondsSilent }) => secondsSilent < SILENT_SECONDS);
  const figures = [
    ['Model', escape(model)],
    ['Messages/s, last minute', rate(lastMinute / Math.min(60, Math.max(1, gateway.uptimeSeconds)))],
    ['First token, median', time(quantile(turns.firstTokens, 0.5))],
    ['Tokens/s', count(speaking.reduce((sum, worker) => sum + worker.tokensPerSecond, 0))],
    ['Lag', count(roles.reduce((sum, role) => sum + role.lag, 0))],
  ];
  const list = figures.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`);
  return `<p class="verdict ${kind}">${escape(words)}</p><dl class="figures">${list.join('')}</dl>`;
}

function firstTokens({ turns }: Status): string {
  const shares = [0.5, 0.95, 0.99].map(
    (share) => `p${share * 100} ${time(quantile(turns.firstTokens, share))}`,
  );
  const total = turns.firstTokens.reduce((sum, bucket) => sum + bucket.count, 0);
  return section(
    'Time to first token',
    total === 0 ? '<p class="empty">No answer has begun in this time.</p>' : histogram(turns.firstTokens),
    `${minutes(turns.seconds)} at this gateway${total === 0 ? '' : `: ${shares.join(', ')}`}`,
  );
}

function throughput(turns: Status['turns']): string {
  const perSecond = turns.accepted.map((value) => value / turns.intervalSeconds);
  const accepted = turns.accepted.reduce((sum, value) => sum + value, 0);
  return section(
    'Messages',
    strip('Messages accepted per second', perSecond, [`${turns.seconds / 60} min ago`, 'now']),
    `${minutes(turns.seconds)}: ${count(accepted)} accepted, ${count(turns.refused)} refused or in doubt, at most ${rate(Math.max(...perSecond))}/s`,
  );
}

function gatewayRow({ gateway }: Status): readonly string[] {
  const health = mark(
    gateway.state === 'healthy' ? 'good' : 'bad',
    gateway.state === 'healthy' ? 'up' : gateway.state,
  );
  return ['gateway', `this one, for ${duration(gateway.uptimeSeconds)}`, health, '1', '–'];
}

function roleRow({ role, name, health, processes: members, lag }: RoleStatus): readonly string[] {
  const [kind, word] = HEALTH[health];
  return [escape(role), code(name), mark(kind, word), count(members), count(lag)];
}

function workerRow(worker: WorkerStatus): readonly string[] {
  const isSilent = worker.secondsSilent >= SILENT_SECONDS;
  return [
    code(worker.id),
    mark(isSilent ? 'quiet' : 'good', `${duration(Math.max(1, worker.secondsSilent))} ago`),
    `${count(worker.active)} of ${count(worker.slots)}`,
    count(worker.queued),
    worker.tokensPerSecond.toFixed(0),
    size(worker.residentBytes),
    escape(worker.model),
  ];
}

function queueRow({ name, now, limit: most }: QueueStatus): readonly string[] {
  return [escape(name), count(now), count(most)];
}

function breakerRow({ worker, target, isOpen }: BreakerStatus): readonly string[] {
  return [code(worker), code(target), isOpen ? mark('bad', 'open') : mark('good', 'closed')];
}

/** A topic or group without the part that all have in common. */
function within(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length + 1) : name;
}

function time(seconds: number | null): string {
  return seconds === null ? '–' : duration(seconds);
}

function rate(perSecond: number): string {
  return perSecond >= 10 ? count(perSecond) : String(Number(perSecond.toFixed(1)));
}

function minutes(seconds: number): string {
  return `Last ${seconds / 60} minutes`;
}
