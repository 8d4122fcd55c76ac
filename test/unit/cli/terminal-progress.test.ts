import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { renderBar, renderLine, seconds } from '../../../cli/progress-text.ts';
import { createTerminalProgress } from '../../../cli/terminal-progress.ts';

const fetching = { title: 'fetching m', done: 49_000_000, total: 98_000_000, elapsedMs: 3_000 };

describe('a step in words', () => {
  test('has a bar, a share, amounts and the time', () => {
    assert.equal(
      renderBar(fetching, 100),
      `fetching m  ${'█'.repeat(12)}${'░'.repeat(12)} 50 %  49 MB of 98 MB  3.0 s`,
    );
    assert.equal(renderLine(fetching), 'fetching m: 50 %, 49 MB of 98 MB, 3.0 s');
  });

  test('says what it knows', () => {
    assert.equal(renderLine({ ...fetching, total: null }), 'fetching m: 49 MB, 3.0 s');
    assert.equal(renderLine({ ...fetching, done: null, total: null }), 'fetching m: 3.0 s');
    assert.equal(renderBar({ ...fetching, done: 12, total: null }, 80), 'fetching m  12  3.0 s');
  });

  test('is never more than whole, and fits the terminal', () => {
    assert.match(renderBar({ ...fetching, done: 200_000_000 }, 100), /100 %/);
    assert.equal(renderBar(fetching, 20).length, 20);
  });

  test('counts long times in minutes', () => {
    assert.deepEqual([400, 12_300, 185_000].map(seconds), ['0.4 s', '12 s', '3 min 5 s']);
  });
});

describe('progress', () => {
  function record(isTTY: boolean): {
    written: string[];
    progress: ReturnType<typeof createTerminalProgress>;
  } {
    const written: string[] = [];
    const output = { isTTY, columns: 0, write: (text: string) => written.push(text) };
    return { written, progress: createTerminalProgress(output) };
  }

  test('outside a terminal is a line every five seconds and one at the end', () => {
    mock.timers.enable({ apis: ['setInterval', 'Date'] });
    try {
      const { written, progress } = record(false);
      const step = progress.step('fetching m');
      step.update(49_000_000, 98_000_000);
      for (let second = 1; second <= 11; second += 1) {
        mock.timers.tick(1_000);
        if (second === 4) assert.deepEqual(written, []);
      }
      step.finish('98 MB in 11 s');
      progress.line('next');
      assert.deepEqual(written, [
        'fetching m: 50 %, 49 MB of 98 MB, 5.0 s\n',
        'fetching m: 50 %, 49 MB of 98 MB, 10 s\n',
        'fetching m: 98 MB in 11 s\n',
        'next\n',
      ]);
    } finally {
      mock.timers.reset();
    }
  });

  test('on a terminal stays below the lines that are written meanwhile', () => {
    const { written, progress } = record(true);
    const step = progress.step('starting');
    progress.line('hello');
    step.finish();
    const [first, second, third] = written;
    assert.equal(first, '\u001b[2Kstarting  0.0 s\n');
    assert.ok(second?.startsWith('\u001b[1A\r\u001b[Jhello\n\u001b[2Kstarting'));
    assert.equal(third, '\u001b[1A\r\u001b[Jstarting: done\n');
  });

  test('tells a failed step from a finished one, once', () => {
    const { written, progress } = record(false);
    const step = progress.step('starting');
    step.fail('no Java');
    step.finish();
    assert.deepEqual(written, ['failed: starting: no Java\n']);
  });
});
