import { watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { PoisonRecord } from '../../checker/evidence.ts';
import { until } from '../../support/until.ts';
import type { Fault, PoisonedDataset } from './plan.ts';
import type { Point } from './points.ts';
import type { SlotName } from './slots.ts';
import type { Slot, Stage } from './stage.ts';

/** Longest wait for a place that the traffic must pass: some do not come by in a round. */
const POINT_MS = 4_000;
const RECOVER_MS = 120_000;

export type Injected = {
  readonly fault: Fault;
  /** False where the place did not come by. */
  readonly fired: boolean;
};

export type PoisonPort = (dataset: PoisonedDataset) => Promise<PoisonRecord>;

/** Lets one fault happen and resolves when everything runs again. */
export async function inject(
  stage: Stage,
  fault: Fault,
  ports: { readonly poison: PoisonPort; readonly onPoison: (record: PoisonRecord) => void },
): Promise<Injected> {
  await pause(fault.afterMs);
  let fired = true;
  switch (fault.kind) {
    case 'kill':
      await kill(stage, fault.slot, fault.seen);
      break;
    case 'point':
      fired = await atPoint(stage, fault.slot, fault.point);
      break;
    case 'freeze':
      await freeze(stage.slot(fault.slot), fault.forMs);
      break;
    case 'stop':
      stage.slot(fault.slot).process?.child.kill('SIGTERM');
      break;
    case 'cut':
      stage.slot(fault.slot).door.cut();
      await pause(fault.forMs);
      stage.slot(fault.slot).door.mend();
      break;
    case 'delay':
      stage.slot(fault.slot).door.delay(fault.forMs);
      await pause(3_000);
      stage.slot(fault.slot).door.delay(0);
      break;
    case 'hold-produce':
      stage.slot(fault.slot).door.holdProduce(fault.forMs);
      await pause(fault.forMs);
      break;
    case 'broker-killed':
      await stage.killBroker();
      await pause(fault.forMs);
      await stage.restartBroker();
      break;
    case 'registry-down':
      stage.registry.cut();
      await pause(fault.forMs);
      stage.registry.mend();
      break;
    case 'poison':
      ports.onPoison(await ports.poison(fault.dataset));
      break;
  }
  return { fault, fired };
}

async function kill(stage: Stage, name: SlotName, seen: boolean): Promise<void> {
  const slot = stage.slot(name);
  await until(`${name} runs`, () => slot.process !== null, RECOVER_MS);
  slot.seen = seen;
  const { starts } = slot;
  slot.process?.child.kill('SIGKILL');
  await until(`${name} is back`, () => slot.starts > starts && slot.process !== null, RECOVER_MS);
  slot.seen = true;
}

/** A zombie: it comes back after its session is over and does not know it. */
async function freeze({ process }: Slot, millis: number): Promise<void> {
  process?.child.kill('SIGSTOP');
  await pause(millis);
  process?.child.kill('SIGCONT');
}

/** Kills the process when it comes by the place; false if it does not in time. */
async function atPoint(stage: Stage, name: SlotName, point: Point): Promise<boolean> {
  const slot = stage.slot(name);
  await until(`${name} runs`, () => slot.process !== null, RECOVER_MS);
  const { starts } = slot;
  let fired = false;
  const spring = (): void => {
    if (fired) return;
    fired = true;
    slot.process?.child.kill('SIGKILL');
  };
  let release: () => void = () => undefined;
  if (point.kind === 'database') release = await onWrite(join(stage.dataDir, point.folder), spring);
  else {
    slot.door.arm({ ...point.trap(stage.prefix), spring });
    release = () => slot.door.arm(null);
  }
  if (point.kind === 'takeover') {
    const other = point.slots.find((candidate) => candidate !== name);
    if (other !== undefined) await kill(stage, other, true);
  }
  await until('the place comes by', () => fired, POINT_MS).catch(() => undefined);
  release();
  if (fired) await until(`${name} is back`, () => slot.starts > starts && slot.process !== null, RECOVER_MS);
  return fired;
}

/** Calls back at the next write to a write-ahead log in the folder. */
async function onWrite(folder: string, spring: () => void): Promise<() => void> {
  await mkdir(folder, { recursive: true });
  const watcher = watch(folder, { recursive: true }, (_event, file) => {
    if (file?.endsWith('-wal') === true) spring();
  });
  return () => watcher.close();
}
