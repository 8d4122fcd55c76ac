import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { checkEvidence } from '../checker/check.ts';
import type { Evidence } from '../checker/evidence.ts';
import { plantedDefects } from '../checker/planted-defects.ts';
import { planRound } from '../campaigns/streams/plan.ts';
import { readAgain } from '../campaigns/streams/read-again.ts';
import { runRound } from '../campaigns/streams/round.ts';
import { openStage, type Stage } from '../campaigns/streams/stage.ts';

/** Some rounds of `npm run campaign`, and the proof that its checker finds what it is there for. */

const ROUNDS = Number(process.env['STENO_CAMPAIGN_ROUNDS'] ?? 5);
const SEED = Number(process.env['STENO_CAMPAIGN_SEED'] ?? 20_261);

describe(`a campaign of ${ROUNDS} rounds, seed ${SEED}`, () => {
  let stage: Stage;
  const sizes = new Map<string, number>();
  const runs: Evidence[] = [];

  before(async () => {
    stage = await openStage(() => undefined);
  });
  after(async () => {
    await stage.stop();
  });

  for (let round = 0; round < ROUNDS; round += 1) {
    it(`round ${round} breaks no promise`, async () => {
      const { evidence } = await runRound(stage, planRound(SEED, round), SEED, sizes);
      runs.push(evidence);
      assert.deepEqual(checkEvidence(evidence), []);
      assert.ok(evidence.messages.length > 0);
    });
  }

  it('Kafka’s own consumer reads the same log', async () => {
    const again = await readAgain(stage, runs);
    runs.unshift({ ...joined(runs), again });
    assert.deepEqual(checkEvidence(runs[0] ?? joined([])), []);
    assert.ok(again.length > 100);
  });

  for (const { name, promise, plant } of plantedDefects) {
    it(`${promise}: the checker finds that ${name}`, () => {
      const [whole] = runs;
      assert.ok(whole !== undefined);
      const found = new Set(checkEvidence(plant(whole)).map(({ rule }) => rule));
      assert.ok(found.has(promise), `found ${[...found].join(', ') || 'nothing'}`);
    });
  }
});

/** All rounds as one. */
function joined(runs: readonly Evidence[]): Evidence {
  const all = <T>(of: (run: Evidence) => readonly T[]): T[] => runs.flatMap(of);
  return {
    messages: all(({ messages }) => messages),
    log: {
      conversations: all(({ log }) => log.conversations),
      deltas: all(({ log }) => log.deltas),
      turns: all(({ log }) => log.turns),
      requests: all(({ log }) => log.requests),
    },
    again: [],
    rows: all(({ rows }) => rows),
    deadLetters: all(({ deadLetters }) => deadLetters),
    poison: all(({ poison }) => poison),
    poisonBefore: [],
    logLines: all(({ logLines }) => logLines),
    secrets: runs[0]?.secrets ?? [],
    began: runs[0]?.began ?? 0,
    ended: runs.at(-1)?.ended ?? 0,
  };
}
